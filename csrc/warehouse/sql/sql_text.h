/* The one place where names and values become SQL text. */
#ifndef SCOOP_WAREHOUSE_SQL_SQL_TEXT_H
#define SCOOP_WAREHOUSE_SQL_SQL_TEXT_H

#include <stdbool.h>

#include "scoop/buffer.h"
#include "scoop/error.h"

enum { SCOOP_NAME_BYTES = 127 }; /* Redshift's limit */

struct scoop_table_name {
    char schema[SCOOP_NAME_BYTES + 1];
    char table[SCOOP_NAME_BYTES + 1];
};

/* Splits "schema.table" at its one dot. A part that holds a dot or a double quote is written in
 * double quotes, with double quotes doubled: "my.schema".t. Letters are not folded. 0, or -1 with
 * USAGE, also for a missing schema, a third part, an empty or a too long part. */
int scoop_sql_split(const char *text, struct scoop_table_name *name, struct scoop_error *error);

/* Appends the name in double quotes, with double quotes doubled. 0, or -1 (USAGE when empty). */
int scoop_sql_identifier(struct scoop_buf *sql, const char *name, struct scoop_error *error);
/* Appends "schema"."table". 0 or -1. */
int scoop_sql_table(struct scoop_buf *sql, const struct scoop_table_name *name,
                    struct scoop_error *error);
/* Appends the value in single quotes, with single quotes doubled. A backslash is refused: servers
 * disagree on whether it escapes the next character. 0, or -1 (USAGE). */
int scoop_sql_literal(struct scoop_buf *sql, const char *value, struct scoop_error *error);

/* The statement up to its first value, on one line and cut to fit, for messages: no literal, number
 * or comment of it. `size` is at least 8. */
void scoop_sql_display(const char *sql, char *text, size_t size);

/* Whether a comment begins here, and the end of it, or of all when it has none. */
bool scoop_sql_is_comment(const char *at);
const char *scoop_sql_skip_comment(const char *at);

#endif
