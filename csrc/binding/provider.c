#include "binding/provider.h"

/* Keeps the exception that is set. The message names its class only: its text may hold secrets. */
static int fail(struct airscoop_runner *runner, struct scoop_error *error) {
    PyObject *kind = PyErr_Occurred(); /* borrowed */
    Py_INCREF(kind);
    airscoop_runner_keep_failure(runner);
    PyObject *name = PyType_GetName((PyTypeObject *)kind);
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8AndSize(name, NULL);
    scoop_fail(error, SCOOP_CREDENTIALS, "the credentials provider failed: %s",
               text == NULL ? "an exception" : text);
    PyErr_Clear();
    Py_XDECREF(name);
    Py_DECREF(kind);
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
    int status = 0;
    if (tuple == NULL || read_given(tuple, given, expires_at) != 0)
        status = fail(provider->runner, error);
    Py_XDECREF(provider->given);
    provider->given = tuple;
    PyGILState_Release(gil);
    if (!airscoop_runner_is_ours(provider->runner))
        airscoop_runner_leave_child(provider->runner);
    return status;
}

void airscoop_provider_set(struct airscoop_provider *provider, struct airscoop_runner *runner,
                           PyObject *callable, struct scoop_credentials_provider *target) {
    Py_XDECREF(provider->callable);
    provider->callable = Py_NewRef(callable);
    provider->runner = runner;
    *target = (struct scoop_credentials_provider){get, provider, callable};
}

void airscoop_providers_free(struct airscoop_providers *providers) {
    for (int i = 0; i < 2; i++) {
        Py_CLEAR(providers->ends[i].callable);
        Py_CLEAR(providers->ends[i].given);
    }
}

int airscoop_providers_traverse(struct airscoop_providers *providers, visitproc visit, void *arg) {
    for (int i = 0; i < 2; i++) {
        Py_VISIT(providers->ends[i].callable);
        Py_VISIT(providers->ends[i].given);
    }
    return 0;
}
