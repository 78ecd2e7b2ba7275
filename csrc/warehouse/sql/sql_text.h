/* The one place where names and values become SQL text. */
#ifndef SCOOP_WAREHOUSE_SQL_SQL_TEXT_H
#define SCOOP_WAREHOUSE_SQL_SQL_TEXT_H

#include <stdbool.h>

#include "scoop/buffer.h"
#include "scoop/error.h"

enum { SCOOP_NAME_BYTES = 127 }; /* Redshift's limit */

struct scoop_table_name {
    char database[SCOOP_NAME_BYTES + 1]; /* "": the connection's */
    char schema[SCOOP_NAME_BYTES + 1];
    char table[SCOOP_NAME_BYTES + 1];
};

/* Splits "schema.table" or "database.schema.table" at its dots. A part that holds a dot or a double
 * quote is written in double quotes, with double quotes doubled: "my.schema".t. Letters are not
 * folded. 0, or -1 with USAGE, also for a missing schema, a fourth part, an empty or a too long
 * part. Statements do not name the database: see scoop_session_holds. */
int scoop_sql_split(const char *text, struct scoop_table_name *name, struct scoop_error *error);

/* Appends the pieces of a statement until one fails; then all later ones do nothing. */
struct scoop_sql_writer {
    struct scoop_buf *sql; /* borrowed, as is the error */
    struct scoop_error *error;
    int status; /* 0, or -1 with *error */
};

void scoop_sql_text(struct scoop_sql_writer *writer, const char *text);
void scoop_sql_number(struct scoop_sql_writer *writer, size_t number);
/* The name in double quotes, with double quotes doubled; USAGE when it is empty. */
void scoop_sql_identifier(struct scoop_sql_writer *writer, const char *name);
/* "schema"."table". */
void scoop_sql_table(struct scoop_sql_writer *writer, const struct scoop_table_name *name);
/* The value in single quotes, with single quotes doubled. A backslash is refused (USAGE): servers
 * disagree on whether it escapes the next character. */
void scoop_sql_literal(struct scoop_sql_writer *writer, const char *value);
/* What is written, valid until the buffer changes; NULL when something failed. */
const char *scoop_sql_statement(struct scoop_sql_writer *writer);

/* The statement up to its first value, on one line and cut to fit, for messages: no literal, number
 * or comment of it. `size` is at least 8. */
void scoop_sql_display(const char *sql, char *text, size_t size);

/* Whether a text is one statement at most, with semicolons behind it or not. `escapes`: a backslash
 * escapes in '…', as on Redshift. */
bool scoop_sql_is_single(const char *sql, bool escapes);

/* Whether a comment begins here, and the end of it, or of all when it has none. */
bool scoop_sql_is_comment(const char *at);
const char *scoop_sql_skip_comment(const char *at);

#endif
