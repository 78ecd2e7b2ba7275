/* The clock that time limits are measured by. */
#ifndef SCOOP_CLOCK_H
#define SCOOP_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that never goes back nor jumps; when it began means nothing. Any thread.
 */
uint64_t scoop_now_ms(void);
/* The same of a clock that also goes on while the machine is suspended: CLOCK_BOOTTIME. */
uint64_t scoop_boottime_ms(void);

#endif
