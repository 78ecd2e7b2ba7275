#include <string.h>

#include "binding/binding.h"

/* Bytes that are no UTF-8 are written out as \xNN: what differs stays different, as ETags must. */
PyObject *airscoop_text_part(const char *text, size_t length) {
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "backslashreplace");
}

PyObject *airscoop_text(const char *text) {
    return airscoop_text_part(text, strlen(text));
}

const char *airscoop_given_text(struct airscoop_state *state, const char *name, PyObject *value) {
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(value, &length);
    struct scoop_error error = {0};
    if (text == NULL || strlen(text) == (size_t)length)
        return text;
    scoop_fail(&error, SCOOP_USAGE, "%s holds a NUL character", name);
    airscoop_raise(state, &error);
    return NULL;
}

int airscoop_given_text_or_none(struct airscoop_state *state, const char *name, PyObject *value,
                                const char **text) {
    *text = value == Py_None ? NULL : airscoop_given_text(state, name, value);
    return value == Py_None || *text != NULL ? 0 : -1;
}
