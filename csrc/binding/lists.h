/* Lists for Python, of what the engine gave. */
#ifndef SCOOP_BINDING_LISTS_H
#define SCOOP_BINDING_LISTS_H

#include "binding/binding.h"

/* A list of `count` objects, each made from `from`. NULL with an exception set. */
PyObject *airscoop_list_of(size_t count, PyObject *(*make)(const void *from, size_t at),
                           const void *from);

/* What a page of an answer holds is collected without the GIL, and made a list afterwards, for
 * which `from` is this. Zero-initialise. */
struct airscoop_items {
    void **each;
    size_t count, capacity;
};

/* A zeroed item of so many bytes. NULL with NO_MEMORY. */
void *airscoop_items_add(struct airscoop_items *items, size_t bytes, struct scoop_error *error);
void airscoop_items_free(struct airscoop_items *items);

#endif
