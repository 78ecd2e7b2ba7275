#include "binding/arrow_stream.h"

static const char stream_name[] = "arrow_array_stream";

static void release_stream(PyObject *capsule) {
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, stream_name);
    if (stream == NULL)
        return;
    if (stream->release != NULL)
        stream->release(stream);
    PyMem_Free(stream);
}

PyObject *airscoop_stream_capsule(struct ArrowArrayStream *stream) {
    PyObject *capsule = PyCapsule_New(stream, stream_name, release_stream);
    if (capsule == NULL) {
        stream->release(stream);
        PyMem_Free(stream);
    }
    return capsule;
}
