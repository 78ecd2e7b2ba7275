#include <string.h>

#include "binding.h"

/* Bytes that are no UTF-8 are written out as \xNN: what differs stays different, as ETags must. */
PyObject *airscoop_text_part(const char *text, size_t length) {
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "backslashreplace");
}

PyObject *airscoop_text(const char *text) {
    return airscoop_text_part(text, strlen(text));
}
