/* airscoop._native.checksum_add: S3's checksums of what is not in S3. */
#include <string.h>

#include "binding/binding.h"
#include "scoop/s3_checksum.h"

PyObject *airscoop_checksum_add(PyObject *module, PyObject *args) {
    const char *algorithm;
    unsigned long long value;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "sKy*:checksum_add", &algorithm, &value, &view))
        return NULL;
    static const enum scoop_s3_checksum kinds[] = {SCOOP_S3_CHECKSUM_CRC32C,
                                                   SCOOP_S3_CHECKSUM_CRC64NVME};
    enum scoop_s3_checksum kind = SCOOP_S3_CHECKSUM_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(scoop_s3_checksum_names(kinds[i])->algorithm, algorithm) == 0)
            kind = kinds[i];
    PyThreadState *thread = PyEval_SaveThread();
    uint64_t sum = scoop_s3_checksum_add(kind, value, view.buf, (size_t)view.len);
    PyEval_RestoreThread(thread);
    PyBuffer_Release(&view);
    if (kind != SCOOP_S3_CHECKSUM_NONE)
        return PyLong_FromUnsignedLongLong(sum);
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_USAGE, "there is no checksum %s", algorithm);
    return airscoop_raise(PyModule_GetState(module), &error);
}
