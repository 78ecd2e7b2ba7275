/* What the files of the binding share. The only folder that includes Python.h. */
#ifndef AIRSCOOP_BINDING_H
#define AIRSCOOP_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "scoop/error.h"
#include "scoop/interrupt.h"

struct airscoop_state {
    PyObject *exceptions[SCOOP_CODE_COUNT]; /* indexed by enum scoop_code; [SCOOP_OK] is the base */
    PyTypeObject *changes_type, *changes_reader_type;
};

extern struct PyModuleDef airscoop_module_definition;

/* The state of the module that defined `type`, a heap type of ours. Borrowed. */
struct airscoop_state *airscoop_state_of(PyTypeObject *type);

/* Sets the exception that belongs to *error, with its facts as attributes. Always returns NULL. */
void *airscoop_raise(struct airscoop_state *state, const struct scoop_error *error);

/* Creates the exception classes and adds them to the module. 0 or -1 with an exception set. */
int airscoop_add_exceptions(PyObject *module);

/* Each adds one heap type to the module. 0 or -1 with an exception set. */
int airscoop_add_transfer(PyObject *module);
int airscoop_add_session(PyObject *module);
int airscoop_add_delta(PyObject *module);
int airscoop_add_changes(PyObject *module);
int airscoop_add_publish(PyObject *module);

/* A new _native.Changes; takes the reference over, also on failure. */
struct scoop_changes;
PyObject *airscoop_new_changes(struct airscoop_state *state, struct scoop_changes *changes);
/* What a _native.Changes holds, borrowed; NULL with TypeError for another object. */
struct scoop_changes *airscoop_changes_of(struct airscoop_state *state, PyObject *object);

/* Module functions; see _native.pyi. */
PyObject *airscoop_list_page(PyObject *module, PyObject *args);
PyObject *airscoop_head_object(PyObject *module, PyObject *args);
PyObject *airscoop_delete_object(PyObject *module, PyObject *args);
PyObject *airscoop_is_split_file(PyObject *module, PyObject *args);
PyObject *airscoop_same_bucket(PyObject *module, PyObject *args);
PyObject *airscoop_default_memory_limit(PyObject *module, PyObject *unused);
PyObject *airscoop_checksum_add(PyObject *module, PyObject *args);
PyObject *airscoop_list_uploads(PyObject *module, PyObject *args);
PyObject *airscoop_list_parts(PyObject *module, PyObject *args);
PyObject *airscoop_abort_upload(PyObject *module, PyObject *args);

/* A wait without the GIL that looks at signals: pass &waiting.interrupt to libscoop between begin
 * and end. `progress` is called with no arguments about once a second, or NULL (borrowed). After
 * end, a non-zero `raised` says that a Python exception is set, which must win over libscoop's. */
struct airscoop_waiting {
    struct scoop_interrupt interrupt;
    PyThreadState *thread;
    PyObject *progress;
    long long last_progress_ms;
    int raised;
};
void airscoop_waiting_begin(struct airscoop_waiting *waiting, PyObject *progress);
void airscoop_waiting_end(struct airscoop_waiting *waiting);

#endif
