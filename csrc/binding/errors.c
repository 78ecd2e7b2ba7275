#include <errno.h>
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

static int set_record(PyObject *exception, const struct scoop_error_record *record) {
    PyObject *offset =
        record->has_offset ? PyLong_FromUnsignedLongLong(record->byte_offset) : Py_NewRef(Py_None);
    PyObject *line =
        record->line == 0 ? Py_NewRef(Py_None) : PyLong_FromUnsignedLongLong(record->line);
    if (set_attribute(exception, "byte_offset", offset) != 0 ||
        set_attribute(exception, "line", line) != 0 ||
        set_attribute(exception, "source", text_or_none(record->source)) != 0 ||
        set_attribute(exception, "reason", text_or_none(record->reason)) != 0)
        return -1;
    return set_attribute(exception, "snippet", text_or_none(record->snippet));
}

static PyObject *list_of_texts(const char *texts, size_t count) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; i < count && list != NULL; i++) {
        PyObject *text = airscoop_text(texts);
        if (text == NULL || PyList_Append(list, text) != 0)
            Py_CLEAR(list);
        Py_XDECREF(text);
        texts += strlen(texts) + 1;
    }
    return list;
}

static PyObject *value_of(const struct scoop_error *error, const struct scoop_error_fact *fact) {
    switch (fact->kind) {
    case SCOOP_FACT_IS_NUMBER:
        return PyLong_FromLongLong(fact->number);
    case SCOOP_FACT_IS_RATIO:
        return PyFloat_FromDouble(fact->ratio);
    case SCOOP_FACT_IS_TEXT:
        return text_or_none(error->fact_texts + fact->at);
    case SCOOP_FACT_IS_LIST:
        return list_of_texts(error->fact_texts + fact->at, fact->count);
    }
    Py_UNREACHABLE();
}

static const char *const fact_names[] = {
#define X(name, attribute) attribute,
    SCOOP_ERROR_FACTS(X)
#undef X
};

static int set_own_facts(PyObject *exception, const struct scoop_error *error) {
    for (size_t i = 0; i < error->fact_count; i++) {
        const struct scoop_error_fact *fact = &error->facts[i];
        if (set_attribute(exception, fact_names[fact->name], value_of(error, fact)) != 0)
            return -1;
    }
    return error->record.given ? set_record(exception, &error->record) : 0;
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
    if (set_attribute(exception, "request_id", text_or_none(error->request_id)) != 0)
        return -1;
    return set_own_facts(exception, error);
}

/* What a code is called where it is about a file, an object or an address. */
struct place_class {
    enum scoop_code code;
    const char *name; /* NULL: it is always about one, and keeps its name */
    PyObject **built_in;
    int os_errno; /* what the built-in one stands for */
    const char *sentence;
};

static const struct place_class place_classes[] = {
    {SCOOP_NOT_FOUND, "PlaceNotFound", &PyExc_FileNotFoundError, ENOENT,
     "The file, object or address does not exist."},
    {SCOOP_ACCESS_DENIED, "PlaceAccessDenied", &PyExc_PermissionError, EACCES,
     "Permission for the file, object or address was denied."},
    {SCOOP_EXISTS, NULL, &PyExc_FileExistsError, EEXIST, NULL},
};
enum { PLACE_CLASSES = sizeof place_classes / sizeof *place_classes };

/* The attributes of the built-in exception. Its text stays the message. */
static int set_place(PyObject *exception, const struct scoop_error *error) {
    char reason[128];
    int os_errno = error->os_errno;
    for (size_t i = 0; i < PLACE_CLASSES && os_errno == 0; i++)
        if (place_classes[i].code == error->code)
            os_errno = place_classes[i].os_errno;
    if (set_attribute(exception, "errno", PyLong_FromLong(os_errno)) != 0 ||
        set_attribute(exception, "strerror",
                      PyUnicode_FromString(strerror_r(os_errno, reason, sizeof reason))) != 0)
        return -1;
    PyObject *name =
        PyUnicode_DecodeUTF8(error->place, (Py_ssize_t)strlen(error->place), "surrogateescape");
    return set_attribute(exception, "filename", name);
}

void *airscoop_raise(struct airscoop_state *state, const struct scoop_error *error) {
    unsigned code = (unsigned)error->code < SCOOP_CODE_COUNT ? error->code : SCOOP_INTERNAL;
    bool at_place = error->place[0] != 0 && state->place_exceptions[code] != NULL;
    PyObject *class = at_place ? state->place_exceptions[code] : state->exceptions[code];
    const char *text = error->message[0] ? error->message : scoop_code_sentence(error->code);
    PyObject *message = airscoop_text(text);
    if (message == NULL)
        return NULL;
    PyObject *exception = PyObject_CallFunctionObjArgs(class, message, NULL);
    Py_DECREF(message);
    if (exception == NULL)
        return NULL;
    if (set_facts(exception, error) == 0 && (!at_place || set_place(exception, error) == 0))
        PyErr_SetObject(class, exception);
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

void airscoop_note_count(const char *name, size_t count) {
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    PyErr_NormalizeException(&kind, &value, &trace);
    if (value != NULL && set_attribute(value, name, PyLong_FromSize_t(count)) != 0)
        PyErr_Clear(); /* it takes no attributes */
    PyErr_Restore(kind, value, trace);
}

/* None for each fact that only some errors have. 0 or -1. */
static int add_nothing(PyObject *attributes) {
    static const char *const names[] = {
        "http_status", "os_errno", "sqlstate", "request_id", "statements_committed",
        "published",   "start_at", "source",   "line",       "byte_offset",
        "reason",      "snippet"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (PyDict_SetItemString(attributes, names[i], Py_None) != 0)
            return -1;
    for (size_t i = 0; i < sizeof fact_names / sizeof *fact_names; i++)
        if (PyDict_SetItemString(attributes, fact_names[i], Py_None) != 0)
            return -1;
    return 0;
}

/* Class-level values, so that an exception made in Python has the same attributes. */
static PyObject *default_attributes(enum scoop_code code, bool retryable) {
    PyObject *attributes = Py_BuildValue("{s:s,s:O,s:O,s:O}", "code", scoop_code_name(code),
                                         "retryable", retryable ? Py_True : Py_False, "committed",
                                         Py_False, "source_missing", Py_False);
    if (attributes != NULL && add_nothing(attributes) != 0)
        Py_CLEAR(attributes);
    return attributes;
}

/* The arguments alone would lose what a built-in exception keeps outside its __dict__. */
static PyObject *reduce(PyObject *self, PyObject *unused) {
    static const char *const kept[] = {"errno", "strerror", "filename"};
    (void)unused;
    PyObject *arguments = PyObject_GetAttrString(self, "args");
    PyObject *dict = PyObject_GetAttrString(self, "__dict__");
    PyObject *facts = dict == NULL ? NULL : PyDict_Copy(dict);
    int status = arguments == NULL || facts == NULL ? -1 : 0;
    for (size_t i = 0; i < sizeof kept / sizeof *kept && status == 0; i++) {
        PyObject *value = PyObject_GetAttrString(self, kept[i]);
        status = value == NULL ? -1 : PyDict_SetItemString(facts, kept[i], value);
        Py_XDECREF(value);
    }
    PyObject *reduced = status == 0 ? PyTuple_Pack(3, Py_TYPE(self), arguments, facts) : NULL;
    Py_XDECREF(arguments);
    Py_XDECREF(dict);
    Py_XDECREF(facts);
    return reduced;
}

static PyMethodDef reduce_method = {"__reduce__", reduce, METH_NOARGS, NULL};

/* The message alone, as of every error of ours: the built-in one would add errno and name. */
static int set_text(PyObject *attributes) {
    PyObject *text = PyObject_GetAttrString(PyExc_BaseException, "__str__");
    int status = text == NULL ? -1 : PyDict_SetItemString(attributes, "__str__", text);
    Py_XDECREF(text);
    return status;
}

/* Takes `attributes` over; built_in NULL: below `base` alone. */
static PyObject *new_class(const char *name, const char *sentence, PyObject *base,
                           PyObject *built_in, PyObject *attributes) {
    char path[96];
    snprintf(path, sizeof path, "airscoop.errors.%s", name);
    PyObject *class = NULL;
    PyObject *bases = built_in == NULL ? PyTuple_Pack(1, base) : PyTuple_Pack(2, base, built_in);
    if (bases != NULL && attributes != NULL && (built_in == NULL || set_text(attributes) == 0))
        class = PyErr_NewExceptionWithDoc(path, sentence, bases, attributes);
    Py_XDECREF(bases);
    Py_XDECREF(attributes);
    if (class != NULL && built_in != NULL &&
        set_attribute(class, "__reduce__",
                      PyDescr_NewMethod((PyTypeObject *)class, &reduce_method)) != 0)
        Py_CLEAR(class);
    return class;
}

static int add_bases(PyObject *module, PyObject *above) {
    static const struct {
        const char *name, *sentence;
    } bases[] = {
#define X(name, sentence) {name, sentence},
        SCOOP_ERROR_BASES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        PyObject *class = new_class(bases[i].name, bases[i].sentence, above, NULL, PyDict_New());
        int status = class == NULL ? -1 : PyModule_AddObjectRef(module, bases[i].name, class);
        Py_XDECREF(class);
        if (status != 0)
            return -1;
    }
    return 0;
}

/* The class of a code, below its base, which stands in the module before it. */
static PyObject *class_of_code(PyObject *module, enum scoop_code code, bool retryable) {
    PyObject *built_in = NULL;
    for (size_t i = 0; i < PLACE_CLASSES; i++)
        if (place_classes[i].code == code && place_classes[i].name == NULL)
            built_in = *place_classes[i].built_in;
    PyObject *base = code == SCOOP_OK ? Py_NewRef(PyExc_Exception)
                                      : PyObject_GetAttrString(module, scoop_code_base(code));
    if (base == NULL)
        return NULL;
    PyObject *class = new_class(scoop_code_exception(code), scoop_code_sentence(code), base,
                                built_in, default_attributes(code, retryable));
    Py_DECREF(base);
    return class;
}

static int add_place_exceptions(PyObject *module, struct airscoop_state *state) {
    for (size_t i = 0; i < PLACE_CLASSES; i++) {
        const struct place_class *place = &place_classes[i];
        PyObject *above = state->exceptions[place->code];
        PyObject *class = place->name == NULL ? Py_NewRef(above)
                                              : new_class(place->name, place->sentence, above,
                                                          *place->built_in, PyDict_New());
        state->place_exceptions[place->code] = class;
        if (class == NULL ||
            (place->name != NULL && PyModule_AddObjectRef(module, place->name, class) != 0))
            return -1;
    }
    return 0;
}

int airscoop_add_exceptions(PyObject *module) {
    static const bool retryable[SCOOP_CODE_COUNT] = {
#define X(name, exception, base, again, sentence) again,
        SCOOP_ERRORS(X)
#undef X
    };
    struct airscoop_state *state = PyModule_GetState(module);
    for (unsigned code = 0; code < SCOOP_CODE_COUNT; code++) {
        PyObject *class = class_of_code(module, code, retryable[code]);
        state->exceptions[code] = class;
        if (class == NULL || PyModule_AddObjectRef(module, scoop_code_exception(code), class) != 0)
            return -1;
        if (code == SCOOP_OK && add_bases(module, class) != 0)
            return -1;
    }
    return add_place_exceptions(module, state);
}
