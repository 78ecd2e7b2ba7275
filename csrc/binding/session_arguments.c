#include "binding/session_arguments.h"

#include <string.h>

#include "scoop/memory.h"

void airscoop_texts_free(struct airscoop_texts *texts) {
    Py_CLEAR(texts->items);
    scoop_free(texts->texts);
    texts->texts = NULL;
}

const char *airscoop_sql_text(PyObject *object) {
    Py_ssize_t length = 0;
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "a str is needed here, not %R", (PyObject *)Py_TYPE(object));
        return NULL;
    }
    const char *text = PyUnicode_AsUTF8AndSize(object, &length);
    if (text != NULL && strlen(text) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "a text holds a NUL character, which SQL cannot express");
        return NULL;
    }
    return text;
}

int airscoop_texts_fill(struct airscoop_texts *texts, PyObject *sequence) {
    memset(texts, 0, sizeof *texts);
    texts->items = PySequence_Tuple(sequence);
    if (texts->items == NULL)
        return -1;
    Py_ssize_t count = PyTuple_Size(texts->items);
    if (count < 0)
        return -1;
    texts->count = (size_t)count;
    texts->texts = scoop_calloc(texts->count + 1, sizeof *texts->texts);
    if (texts->texts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GetItem(texts->items, i);
        if (item == Py_None)
            continue;
        texts->texts[i] = airscoop_sql_text(item);
        if (texts->texts[i] == NULL)
            return -1;
    }
    return 0;
}

int airscoop_names_fill(struct airscoop_texts *texts, PyObject *sequence) {
    if (airscoop_texts_fill(texts, sequence) != 0)
        return -1;
    for (size_t i = 0; i < texts->count; i++)
        if (texts->texts[i] == NULL) {
            PyErr_SetString(PyExc_TypeError, "names and values must be str, not None");
            return -1;
        }
    return 0;
}

void airscoop_pairs_free(struct airscoop_pairs *pairs) {
    airscoop_texts_free(&pairs->names);
    airscoop_texts_free(&pairs->values);
}

int airscoop_pairs_fill(struct airscoop_pairs *pairs, PyObject *dict) {
    memset(pairs, 0, sizeof *pairs);
    PyObject *keys = PyDict_Keys(dict), *values = PyDict_Values(dict);
    int result = keys == NULL || values == NULL ? -1 : 0;
    if (result == 0)
        result = airscoop_names_fill(&pairs->names, keys);
    if (result == 0)
        result = airscoop_names_fill(&pairs->values, values);
    Py_XDECREF(keys);
    Py_XDECREF(values);
    return result;
}
