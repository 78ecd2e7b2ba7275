#include "binding/binding.h"
#include "binding/trace.h"

/* PyGILState_Ensure, by which threads of the engine ask credentials providers, knows the main
 * interpreter alone. */
static int check_interpreter(void) {
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) == 0)
        return 0;
    PyErr_SetString(PyExc_ImportError, "airscoop works in the main interpreter only: use processes "
                                       "instead of subinterpreters");
    return -1;
}

static int execute(PyObject *module) {
    if (check_interpreter() != 0)
        return -1;
    airscoop_start_trace();
    if (airscoop_add_exceptions(module) != 0 || airscoop_add_transfer(module) != 0)
        return -1;
    if (airscoop_add_changes(module) != 0 || airscoop_add_delta(module) != 0)
        return -1;
    if (airscoop_add_publish(module) != 0 || airscoop_add_reader(module) != 0)
        return -1;
    if (airscoop_add_aggregated(module) != 0 || airscoop_add_aggregate(module) != 0)
        return -1;
    return airscoop_add_session(module);
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    struct airscoop_state *state = PyModule_GetState(module);
    for (unsigned code = 0; code < SCOOP_CODE_COUNT; code++) {
        Py_VISIT(state->exceptions[code]);
        Py_VISIT(state->place_exceptions[code]);
    }
    Py_VISIT((PyObject *)state->changes_type);
    Py_VISIT((PyObject *)state->changes_reader_type);
    Py_VISIT((PyObject *)state->reader_type);
    Py_VISIT((PyObject *)state->aggregated_type);
    Py_VISIT((PyObject *)state->groups_reader_type);
    return 0;
}

static int clear(PyObject *module) {
    struct airscoop_state *state = PyModule_GetState(module);
    for (unsigned code = 0; code < SCOOP_CODE_COUNT; code++) {
        Py_CLEAR(state->exceptions[code]);
        Py_CLEAR(state->place_exceptions[code]);
    }
    Py_CLEAR(state->changes_type);
    Py_CLEAR(state->changes_reader_type);
    Py_CLEAR(state->reader_type);
    Py_CLEAR(state->aggregated_type);
    Py_CLEAR(state->groups_reader_type);
    return 0;
}

static void release(void *module) {
    clear(module);
}

static PyMethodDef functions[] = {
    {"list_page", airscoop_list_page, METH_VARARGS, "One page of a bucket's objects."},
    {"head_object", airscoop_head_object, METH_VARARGS, "Size, ETag and checksum of an object."},
    {"delete_object", airscoop_delete_object, METH_VARARGS, "Removes an object."},
    {"displayed", airscoop_displayed, METH_O, "A place without secrets, given as bytes."},
    {"same_bucket", airscoop_same_bucket, METH_VARARGS, "Whether two ways lead to one bucket."},
    {"same_place", airscoop_same_place, METH_VARARGS, "Whether two names are of one place."},
    {"web_object", airscoop_web_object, METH_VARARGS, "The s3:// name of a web address."},
    {"default_memory_limit", airscoop_default_memory_limit, METH_NOARGS,
     "Of a transfer, in bytes."},
    {"is_split_file", airscoop_is_split_file, METH_VARARGS, "Whether a split copy wrote a file."},
    {"checksum_add", airscoop_checksum_add, METH_VARARGS, "The checksum with more bytes."},
    {"list_uploads", airscoop_list_uploads, METH_VARARGS, "One page of open multipart uploads."},
    {"list_parts", airscoop_list_parts, METH_VARARGS, "One page of an upload's parts."},
    {"abort_upload", airscoop_abort_upload, METH_VARARGS, "Ends a multipart upload."},
    {"trace_to_descriptor", airscoop_trace_to_descriptor, METH_VARARGS, "Writes the trace there."},
    {NULL, NULL, 0, NULL},
};

/* Of Python 3.12's headers, which the limited API of 3.11 does not show. */
enum { MULTIPLE_INTERPRETERS = 3, KNOWN_SINCE = 0x030c0000 };
static void *const not_supported = NULL;

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
    {0, NULL}, /* room for the above */
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "airscoop._native",
    .m_doc = "The C engine of airscoop.",
    .m_size = sizeof(struct airscoop_state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

PyMODINIT_FUNC PyInit__native(void);
PyMODINIT_FUNC PyInit__native(void) {
    if (Py_Version >= KNOWN_SINCE)
        slots[1] = (PyModuleDef_Slot){MULTIPLE_INTERPRETERS, not_supported};
    return PyModuleDef_Init(&definition);
}
