/* Scripts of SQL: run, or read and shown. */
#include "scoop/script.h"

#include "binding/lists.h"
#include "binding/session.h"
#include "binding/session_arguments.h"
#include "scoop/memory.h"

struct script {
    struct airscoop_session *self;
    const char *file;
    struct airscoop_pairs pairs;
    struct scoop_script_variable *variables;
    size_t done, committed;
    struct scoop_script statements; /* of one that is only read */
};

static void script_free(struct script *script) {
    scoop_script_free(&script->statements);
    scoop_free(script->variables);
    airscoop_pairs_free(&script->pairs);
}

static int script_fill(struct script *script, PyObject *dict) {
    if (airscoop_pairs_fill(&script->pairs, dict) != 0)
        return -1;
    size_t count = script->pairs.names.count;
    script->variables = scoop_calloc(count + 1, sizeof *script->variables);
    if (script->variables == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        script->variables[i] = (struct scoop_script_variable){script->pairs.names.texts[i],
                                                              script->pairs.values.texts[i]};
    return 0;
}

static int do_run(void *user, struct scoop_error *error) {
    struct script *script = user;
    return scoop_script_run(script->self->session, script->file, script->variables,
                            script->pairs.names.count, &script->self->interrupt, &script->done,
                            &script->committed, error);
}

static int do_read(void *user, struct scoop_error *error) {
    struct script *script = user;
    return scoop_script_read(script->self->session, script->file, script->variables,
                             script->pairs.names.count, &script->self->interrupt,
                             &script->statements, error);
}

static PyObject *statement_of(const void *from, size_t at) {
    return PyUnicode_FromString(((const struct scoop_script *)from)->statements[at].sql);
}

PyObject *airscoop_session_run_script(PyObject *object, PyObject *arguments) {
    struct script script = {.self = (struct airscoop_session *)object};
    PyObject *dict = NULL, *result = NULL;
    if (!PyArg_ParseTuple(arguments, "sO!:run_script", &script.file, &PyDict_Type, &dict))
        return NULL;
    if (script_fill(&script, dict) == 0 &&
        airscoop_session_call(script.self, do_run, &script, SCOOP_COMMITTED_YES) == 0)
        result = PyLong_FromSize_t(script.done);
    script_free(&script);
    if (result == NULL)
        airscoop_note_count("statements_committed", script.committed);
    return result;
}

PyObject *airscoop_session_read_script(PyObject *object, PyObject *arguments) {
    struct script script = {.self = (struct airscoop_session *)object};
    PyObject *dict = NULL, *result = NULL;
    if (!PyArg_ParseTuple(arguments, "sO!:read_script", &script.file, &PyDict_Type, &dict))
        return NULL;
    if (script_fill(&script, dict) == 0 &&
        airscoop_session_call(script.self, do_read, &script, SCOOP_COMMITTED_NO) == 0)
        result = airscoop_list_of(script.statements.count, statement_of, &script.statements);
    script_free(&script);
    return result;
}
