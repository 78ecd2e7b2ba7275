#include <stdio.h>
#include <string.h>

#include "binding/binding.h"

struct airscoop_state *airscoop_state_of(PyTypeObject *type) {
    return PyType_GetModuleState(type);
}

/* Steals `value`; 0 or -1 with an exception set. */
static int set_attribute(PyObject *object, const char *name, PyObject *value) {
    if (value == NULL)
        return -1;
    int result = PyObject_SetAttrString(object, name, value);
    Py_DECREF(value);
    return result;
}

static PyObject *number_or_none(int value) {
    if (value == 0)
        Py_RETURN_NONE;
    return PyLong_FromLong(value);
}

static PyObject *text_or_none(const char *text) {
    if (text[0] == 0)
        Py_RETURN_NONE;
    return airscoop_text(text);
}

PyObject *airscoop_committed_or_none(enum scoop_committed committed) {
    if (committed == SCOOP_COMMITTED_UNKNOWN)
        Py_RETURN_NONE;
    return PyBool_FromLong(committed == SCOOP_COMMITTED_YES);
}

static int set_facts(PyObject *exception, const struct scoop_error *error) {
    if (set_attribute(exception, "code", PyUnicode_FromString(scoop_code_name(error->code))) != 0)
        return -1;
    if (set_attribute(exception, "retryable", PyBool_FromLong(error->retryable)) != 0)
        return -1;
    if (set_attribute(exception, "committed", airscoop_committed_or_none(error->committed)) != 0)
        return -1;
    if (set_attribute(exception, "source_missing", PyBool_FromLong(error->source_missing)) != 0)
        return -1;
    if (set_attribute(exception, "http_status", number_or_none(error->http_status)) != 0)
        return -1;
    if (set_attribute(exception, "os_errno", number_or_none(error->os_errno)) != 0)
        return -1;
    if (set_attribute(exception, "sqlstate", text_or_none(error->sqlstate)) != 0)
        return -1;
    return set_attribute(exception, "request_id", text_or_none(error->request_id));
}

void *airscoop_raise(struct airscoop_state *state, const struct scoop_error *error) {
    unsigned code = (unsigned)error->code < SCOOP_CODE_COUNT ? error->code : SCOOP_INTERNAL;
    const char *text = error->message[0] ? error->message : scoop_code_sentence(error->code);
    PyObject *message = airscoop_text(text);
    if (message == NULL)
        return NULL;
    PyObject *exception = PyObject_CallFunctionObjArgs(state->exceptions[code], message, NULL);
    Py_DECREF(message);
    if (exception == NULL)
        return NULL;
    if (set_facts(exception, error) == 0)
        PyErr_SetObject(state->exceptions[code], exception);
    Py_DECREF(exception);
    return NULL;
}

static const char *commit_note(enum scoop_committed committed) {
    return committed == SCOOP_COMMITTED_YES
               ? "airscoop: it was interrupted when it was committed already"
               : "airscoop: it was interrupted in the commit, or between several; whether all of "
                 "it is committed is not known";
}

void airscoop_note_commit(enum scoop_committed committed) {
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    PyErr_NormalizeException(&kind, &value, &trace);
    if (value != NULL &&
        set_attribute(value, "committed", airscoop_committed_or_none(committed)) == 0 &&
        committed != SCOOP_COMMITTED_NO)
        Py_XDECREF(PyObject_CallMethod(value, "add_note", "s", commit_note(committed)));
    PyErr_Clear(); /* an exception that takes no attributes stays as it is */
    PyErr_Restore(kind, value, trace);
}

/* Class-level values, so that an exception made in Python has the same attributes. */
static PyObject *default_attributes(enum scoop_code code, bool retryable) {
    return Py_BuildValue("{s:s,s:O,s:O,s:O,s:O,s:O,s:O,s:O}", "code", scoop_code_name(code),
                         "retryable", retryable ? Py_True : Py_False, "committed", Py_False,
                         "source_missing", Py_False, "http_status", Py_None, "os_errno", Py_None,
                         "sqlstate", Py_None, "request_id", Py_None);
}

static PyObject *new_class(enum scoop_code code, bool retryable, PyObject *base) {
    char name[96];
    snprintf(name, sizeof name, "airscoop.errors.%s", scoop_code_exception(code));
    PyObject *attributes = default_attributes(code, retryable);
    if (attributes == NULL)
        return NULL;
    PyObject *class = PyErr_NewExceptionWithDoc(name, scoop_code_sentence(code), base, attributes);
    Py_DECREF(attributes);
    return class;
}

int airscoop_add_exceptions(PyObject *module) {
    static const bool retryable[SCOOP_CODE_COUNT] = {
#define X(name, exception, again, sentence) again,
        SCOOP_ERRORS(X)
#undef X
    };
    struct airscoop_state *state = PyModule_GetState(module);
    for (unsigned code = 0; code < SCOOP_CODE_COUNT; code++) {
        PyObject *base = code == SCOOP_OK ? PyExc_Exception : state->exceptions[SCOOP_OK];
        state->exceptions[code] = new_class(code, retryable[code], base);
        if (state->exceptions[code] == NULL)
            return -1;
        if (PyModule_AddObjectRef(module, scoop_code_exception(code), state->exceptions[code]) != 0)
            return -1;
    }
    return 0;
}
