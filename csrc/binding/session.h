/* The inside of airscoop._native.Session, shared by the files of its calls. */
#ifndef SCOOP_BINDING_SESSION_H
#define SCOOP_BINDING_SESSION_H

#include <stdbool.h>

#include "binding/binding.h"
#include "binding/runner.h"
#include "scoop/session.h"

struct airscoop_session {
    PyObject_HEAD struct scoop_session *session; /* NULL once closed */
    PyObject *on_wait;                           /* called with what a call waits for */
    struct scoop_interrupt interrupt;            /* tells it, and looks at signals */
    PyObject *query_failure;                     /* what ended the rows of an Arrow stream */
    bool told;                                   /* what the call under way waits for */
    struct airscoop_runner runner;
    enum scoop_committed made; /* by the call under way, when it succeeds */
};

/* One call that waits, the arguments in `user`; `made`: what there is once it succeeds. 0, or -1
 * with an exception set. */
int airscoop_session_call(struct airscoop_session *self,
                          int (*work)(void *user, struct scoop_error *error), void *user,
                          enum scoop_committed made);

/* --- session_catalog.c --- */

PyObject *airscoop_session_partitions(PyObject *object, PyObject *arguments);
PyObject *airscoop_session_add_partitions(PyObject *object, PyObject *arguments);

/* --- session_query.c --- */

PyObject *airscoop_session_query_open(PyObject *object, PyObject *arguments);
PyObject *airscoop_session_query_next(PyObject *object, PyObject *arguments);
PyObject *airscoop_session_query_arrow(PyObject *object, PyObject *arguments);
PyObject *airscoop_session_query_failure(PyObject *object, PyObject *nothing);
PyObject *airscoop_session_query_close(PyObject *object, PyObject *arguments);

/* --- session_load.c --- */

PyObject *airscoop_session_insert_distinct(PyObject *object, PyObject *arguments,
                                           PyObject *keywords);
PyObject *airscoop_session_apply(PyObject *object, PyObject *arguments, PyObject *keywords);
PyObject *airscoop_session_init(PyObject *object, PyObject *arguments);

/* --- session_script.c --- */

PyObject *airscoop_session_run_script(PyObject *object, PyObject *arguments);
PyObject *airscoop_session_read_script(PyObject *object, PyObject *arguments);

#endif
