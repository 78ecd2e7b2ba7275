#include "binding/lists.h"

#include "scoop/memory.h"

enum { FIRST_ITEMS = 64 };

PyObject *airscoop_list_of(size_t count, PyObject *(*make)(const void *from, size_t at),
                           const void *from) {
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *entry = make(from, i);
        if (entry == NULL || PyList_SetItem(list, (Py_ssize_t)i, entry) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static int grow(struct airscoop_items *items) {
    size_t capacity = items->capacity == 0 ? FIRST_ITEMS : 2 * items->capacity;
    void **grown = scoop_realloc(items->each, capacity * sizeof *grown);
    if (grown == NULL)
        return -1;
    items->each = grown;
    items->capacity = capacity;
    return 0;
}

void *airscoop_items_add(struct airscoop_items *items, size_t bytes, struct scoop_error *error) {
    bool room = items->count < items->capacity || grow(items) == 0;
    void *item = room ? scoop_calloc(1, bytes) : NULL;
    if (item == NULL)
        scoop_fail_memory(error);
    else
        items->each[items->count++] = item;
    return item;
}

void airscoop_items_free(struct airscoop_items *items) {
    for (size_t i = 0; i < items->count; i++)
        scoop_free(items->each[i]);
    scoop_free(items->each);
    *items = (struct airscoop_items){0};
}
