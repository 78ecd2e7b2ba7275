/* Arrow C streams as capsules, as their PyCapsule interface fixes them. */
#ifndef SCOOP_BINDING_ARROW_STREAM_H
#define SCOOP_BINDING_ARROW_STREAM_H

#include "binding/binding.h"
#include "scoop/arrow.h"

/* Takes over a stream from PyMem_Calloc, also on failure: NULL with an exception set. */
PyObject *airscoop_stream_capsule(struct ArrowArrayStream *stream);

#endif
