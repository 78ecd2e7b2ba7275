/* The trace, as Python code sees it. All of it is called with the GIL. */
#ifndef SCOOP_BINDING_TRACE_H
#define SCOOP_BINDING_TRACE_H

#include "binding/binding.h"

/* When the module is made: follows AIRSCOOP_TRACE, once in a process. */
void airscoop_start_trace(void);
/* Before a call of the engine: follows the logger. 0, or -1 with an exception set. */
int airscoop_trace_begin(void);
/* During a call, and at its end, on its thread: gives the lines so far to logging. 0, or -1 with an
 * exception set, which may come from a signal. Not where any code may be interrupted: logging may
 * wait for a lock that this thread holds. */
int airscoop_trace_tell(void);

#endif
