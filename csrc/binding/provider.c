#include "provider.h"

static _Thread_local PyObject *failure;

PyObject *airscoop_take_failure(void) {
    PyObject *taken = failure;
    failure = NULL;
    return taken;
}

void airscoop_forget_failure(void) {
    Py_CLEAR(failure);
}

/* Keeps the exception that is set. The message names its class only: its text may hold secrets. */
static int fail(struct scoop_error *error) {
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    PyErr_NormalizeException(&kind, &value, &trace);
    if (trace != NULL)
        PyException_SetTraceback(value, trace);
    PyObject *name = PyType_GetName((PyTypeObject *)kind);
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8AndSize(name, NULL);
    scoop_fail(error, SCOOP_CREDENTIALS, "the credentials provider failed: %s",
               text == NULL ? "an exception" : text);
    PyErr_Clear();
    Py_XDECREF(name);
    Py_XDECREF(kind);
    Py_XDECREF(trace);
    airscoop_forget_failure();
    failure = value;
    return -1;
}

static int read_given(PyObject *tuple, struct scoop_credentials *given, int64_t *expires_at) {
    long long seconds;
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "credentials are a tuple");
        return -1;
    }
    if (!PyArg_ParseTuple(tuple, "sszL", &given->access_key_id, &given->secret_access_key,
                          &given->session_token, &seconds))
        return -1;
    *expires_at = seconds;
    return 0;
}

static int get(void *user, const struct scoop_credentials *held, struct scoop_credentials *given,
               int64_t *expires_at, struct scoop_error *error) {
    struct airscoop_provider *provider = user;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *tuple =
        PyObject_CallFunction(provider->callable, "zz", held->access_key_id, held->session_token);
    int status = tuple == NULL || read_given(tuple, given, expires_at) != 0 ? fail(error) : 0;
    Py_XDECREF(provider->given);
    provider->given = tuple;
    PyGILState_Release(gil);
    return status;
}

void airscoop_provider_set(struct airscoop_provider *provider, PyObject *callable,
                           struct scoop_credentials_provider *target) {
    Py_XDECREF(provider->callable);
    provider->callable = Py_NewRef(callable);
    *target = (struct scoop_credentials_provider){get, provider, callable};
}

void airscoop_providers_free(struct airscoop_providers *providers) {
    for (int i = 0; i < 2; i++) {
        Py_CLEAR(providers->ends[i].callable);
        Py_CLEAR(providers->ends[i].given);
    }
}
