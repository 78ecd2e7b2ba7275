#include <string.h>

#include "binding/binding.h"
#include "scoop/error.h"
#include "scoop/memory.h"
#include "scoop/url_display.h"

enum { ESCAPED_BYTES = 4, SHOWN_SLACK = 8 }; /* \\xNN in place of a byte; the "…" and a NUL */

/* Bytes that are no UTF-8 are written out as \xNN: what differs stays different, as ETags must. */
PyObject *airscoop_text_part(const char *text, size_t length) {
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "backslashreplace");
}

PyObject *airscoop_text(const char *text) {
    return airscoop_text_part(text, strlen(text));
}

const char *airscoop_given_text(struct airscoop_state *state, const char *name, PyObject *value) {
    Py_ssize_t length;
    const char *text = NULL;
    char *bytes;
    struct scoop_error error = {0};
    if (!PyBytes_Check(value) && !PyUnicode_Check(value)) {
        scoop_fail(&error, SCOOP_USAGE, "%s is no text", name);
        airscoop_raise(state, &error);
        return NULL;
    }
    if (!PyBytes_Check(value)) /* a local name is bytes */
        text = PyUnicode_AsUTF8AndSize(value, &length);
    else if (PyBytes_AsStringAndSize(value, &bytes, &length) == 0)
        text = bytes;
    if (text != NULL && strlen(text) == (size_t)length)
        return text;
    if (text == NULL && !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return NULL;
    PyErr_Clear();
    scoop_fail(&error, SCOOP_USAGE, text == NULL ? "%s: not UTF-8" : "%s holds a NUL character",
               name);
    airscoop_raise(state, &error);
    return NULL;
}

int airscoop_given_text_or_none(struct airscoop_state *state, const char *name, PyObject *value,
                                const char **text) {
    *text = value == Py_None ? NULL : airscoop_given_text(state, name, value);
    return value == Py_None || *text != NULL ? 0 : -1;
}

PyObject *airscoop_displayed(PyObject *module, PyObject *place) {
    char *bytes, *shown;
    Py_ssize_t length;
    struct scoop_error error = {0};
    if (PyBytes_AsStringAndSize(place, &bytes, &length) != 0)
        return NULL;
    size_t size = ESCAPED_BYTES * (size_t)length + SHOWN_SLACK;
    if ((shown = scoop_malloc(size)) == NULL) {
        scoop_fail_memory(&error);
        return airscoop_raise(PyModule_GetState(module), &error);
    }
    scoop_url_display(bytes, shown, size);
    PyObject *text = airscoop_text(shown);
    scoop_free(shown);
    return text;
}
