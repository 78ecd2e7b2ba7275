/* SQL scripts: split into statements, filled with variables, run one by one. */
#ifndef SCOOP_SCRIPT_H
#define SCOOP_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "scoop/session.h"

struct scoop_script_variable {
    const char *name; /* letters, digits and _, not a digit first */
    const char *value;
};

struct scoop_script_statement {
    char *sql;   /* without the semicolon, ${name} filled in */
    size_t line; /* of its first word, from 1 */
};

struct scoop_script {
    struct scoop_script_statement *statements;
    size_t count;
};

/* What is split; borrowed. */
struct scoop_script_text {
    const char *file; /* for messages */
    const char *text;
    size_t length;
    bool escapes; /* a backslash in '…' is an escape: Redshift, and PostgreSQL if so set */
};

/* Splits text at semicolons outside quotes ('…', E'…', "…", $tag$…$tag$) and comments (-- and
 * nested slash-star). ${name} stands within '…' or "…" only, and its value gets that quote doubled,
 * so that it can never leave the quotes; elsewhere it is an error, except in comments, where it is
 * left alone. Unknown and unused variables are errors. Messages begin with "file:line: ".
 * Statements that hold nothing but comments are left out. Pure. 0 with *script to be freed, or -1
 * (USAGE, NO_MEMORY). */
int scoop_script_parse(const struct scoop_script_text *text,
                       const struct scoop_script_variable *variables, size_t variable_count,
                       struct scoop_script *script, struct scoop_error *error);
void scoop_script_free(struct scoop_script *script);

/* Reads a file of at most 16 MiB and splits it as the server, to which it connects, reads it; runs
 * nothing. 0 with *script to be freed, or -1 with the file's name in the message. */
int scoop_script_read(struct scoop_session *session, const char *file,
                      const struct scoop_script_variable *variables, size_t variable_count,
                      const struct scoop_interrupt *interrupt, struct scoop_script *script,
                      struct scoop_error *error);

/* Reads such a file, and runs each statement on its
 * own; the first error ends it. A transaction that the script itself begins must end in it: what it
 * leaves open, also by an error, is rolled back, and is USAGE. *done: statements run, *committed:
 * those that are surely committed, also where it fails. 0, or -1 with "file:line: " in the message,
 * which ends in their number; `committed` is YES where every statement was carried out, NO where
 * none is committed, else UNKNOWN. */
int scoop_script_run(struct scoop_session *session, const char *file,
                     const struct scoop_script_variable *variables, size_t variable_count,
                     const struct scoop_interrupt *interrupt, size_t *done, size_t *committed,
                     struct scoop_error *error);

#endif
