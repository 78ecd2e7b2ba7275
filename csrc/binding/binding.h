/* What the files of the binding share. The only folder that includes Python.h. */
#ifndef SCOOP_BINDING_BINDING_H
#define SCOOP_BINDING_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "scoop/error.h"
#include "scoop/interrupt.h"

struct airscoop_state {
    PyObject *exceptions[SCOOP_CODE_COUNT]; /* indexed by enum scoop_code; [SCOOP_OK] is the base */
    PyObject *place_exceptions[SCOOP_CODE_COUNT]; /* of a file, object or address; NULL: as above */
    PyTypeObject *changes_type, *changes_reader_type, *reader_type;
    PyTypeObject *aggregated_type, *groups_reader_type;
};

/* The state of the module that defined `type`, a heap type of ours. Borrowed. */
struct airscoop_state *airscoop_state_of(PyTypeObject *type);

/* Sets the exception that belongs to *error, with its facts as attributes. Always returns NULL. */
void *airscoop_raise(struct airscoop_state *state, const struct scoop_error *error);

/* A str of a text that a server gave, which may be no UTF-8. NULL with an exception set. */
PyObject *airscoop_text(const char *text);
PyObject *airscoop_text_part(const char *text, size_t length);
/* The text of a str that a caller gave, borrowed; NULL with UsageError where it holds a NUL
 * character, behind which libscoop would see nothing. */
const char *airscoop_given_text(struct airscoop_state *state, const char *name, PyObject *value);
/* The same; None gives NULL. 0, or -1 with an exception set. */
int airscoop_given_text_or_none(struct airscoop_state *state, const char *name, PyObject *value,
                                const char **text);
/* True, False or None, for an attribute `committed`. */
PyObject *airscoop_committed_or_none(enum scoop_committed committed);
/* Gives the exception that is set, by a signal's handler or a callback, the attribute `committed`;
 * call it wherever such an exception wins over libscoop's error. */
void airscoop_note_commit(enum scoop_committed committed);
/* Gives the exception that is set, whatever it is, this attribute. */
void airscoop_note_count(const char *name, size_t count);

/* Creates the exception classes and adds them to the module. 0 or -1 with an exception set. */
int airscoop_add_exceptions(PyObject *module);

/* A zeroed object of a heap type, or NULL with an exception set; what its dealloc ends with; the
 * type added to the module, 0 or -1. */
void *airscoop_allocate(PyTypeObject *type);
void airscoop_release(PyObject *object);
int airscoop_add_type(PyObject *module, PyType_Spec *spec);

/* Each adds one heap type to the module. 0 or -1 with an exception set. */
int airscoop_add_transfer(PyObject *module);
int airscoop_add_reader(PyObject *module);
int airscoop_add_session(PyObject *module);
int airscoop_add_delta(PyObject *module);
int airscoop_add_changes(PyObject *module);
int airscoop_add_publish(PyObject *module);
int airscoop_add_aggregate(PyObject *module);
int airscoop_add_aggregated(PyObject *module);

/* A new _native.Changes; takes the reference over, also on failure. */
struct scoop_changes;
PyObject *airscoop_new_changes(struct airscoop_state *state, struct scoop_changes *changes);
/* A new _native.Aggregated; the same. */
struct scoop_aggregated;
PyObject *airscoop_new_aggregated(struct airscoop_state *state, struct scoop_aggregated *result);
/* What a _native.Changes holds, borrowed; NULL with TypeError for another object. */
struct scoop_changes *airscoop_changes_of(struct airscoop_state *state, PyObject *object);

/* Module functions; see _native.pyi. */
PyObject *airscoop_list_page(PyObject *module, PyObject *args);
PyObject *airscoop_head_object(PyObject *module, PyObject *args);
PyObject *airscoop_delete_object(PyObject *module, PyObject *args);
PyObject *airscoop_is_split_file(PyObject *module, PyObject *args);
PyObject *airscoop_same_bucket(PyObject *module, PyObject *args);
PyObject *airscoop_same_place(PyObject *module, PyObject *args);
PyObject *airscoop_web_object(PyObject *module, PyObject *args);
PyObject *airscoop_displayed(PyObject *module, PyObject *place);
PyObject *airscoop_default_memory_limit(PyObject *module, PyObject *unused);
PyObject *airscoop_checksum_add(PyObject *module, PyObject *args);
PyObject *airscoop_list_uploads(PyObject *module, PyObject *args);
PyObject *airscoop_list_parts(PyObject *module, PyObject *args);
PyObject *airscoop_abort_upload(PyObject *module, PyObject *args);
PyObject *airscoop_trace_to_descriptor(PyObject *module, PyObject *args);

#endif
