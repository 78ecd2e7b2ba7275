/* airscoop._native.Reader, as other types use it. */
#ifndef SCOOP_BINDING_READER_H
#define SCOOP_BINDING_READER_H

#include "binding/binding.h"
#include "scoop/engine.h"

/* Ends a _native.Reader, whose engine *engine becomes; NULL where it has none. 0, or -1 with an
 * exception set. */
int airscoop_reader_give_engine(struct airscoop_state *state, PyObject *object,
                                struct scoop_engine **engine);

#endif
