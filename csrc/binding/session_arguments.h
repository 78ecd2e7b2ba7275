/* Texts that the calls of a session are given, as C reads them. */
#ifndef SCOOP_BINDING_SESSION_ARGUMENTS_H
#define SCOOP_BINDING_SESSION_ARGUMENTS_H

#include "binding/binding.h"

/* A text without NUL bytes; NULL with an exception set. */
const char *airscoop_sql_text(PyObject *object);

/* Texts of a Python sequence of str, as an array closed by NULL; None is NULL. Borrowed from
 * `items`, a tuple that keeps them alive. */
struct airscoop_texts {
    PyObject *items;
    const char **texts;
    size_t count;
};
/* 0, or -1 with an exception set; to be freed in both cases. */
int airscoop_texts_fill(struct airscoop_texts *texts, PyObject *sequence);
/* The same without None. */
int airscoop_names_fill(struct airscoop_texts *texts, PyObject *sequence);
void airscoop_texts_free(struct airscoop_texts *texts);

/* Names and values of a dict of str to str. */
struct airscoop_pairs {
    struct airscoop_texts names;
    struct airscoop_texts values;
};
/* 0, or -1 with an exception set; to be freed in both cases. */
int airscoop_pairs_fill(struct airscoop_pairs *pairs, PyObject *dict);
void airscoop_pairs_free(struct airscoop_pairs *pairs);

#endif
