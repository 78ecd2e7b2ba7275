#include "warehouse/sql/sql_text.h"

#include <stdbool.h>
#include <string.h>

static int append_quoted(struct scoop_buf *sql, char quote, const char *text,
                         struct scoop_error *error) {
    if (scoop_buf_append(sql, &quote, 1, error) != 0)
        return -1;
    for (const char *at = text; *at != 0;) {
        size_t length = strcspn(at, (char[]){quote, 0});
        if (scoop_buf_append(sql, at, length, error) != 0)
            return -1;
        at += length;
        if (*at == 0)
            break;
        if (scoop_buf_append(sql, (char[]){quote, quote}, 2, error) != 0)
            return -1;
        at++;
    }
    return scoop_buf_append(sql, &quote, 1, error);
}

int scoop_sql_identifier(struct scoop_buf *sql, const char *name, struct scoop_error *error) {
    if (name[0] == 0)
        return scoop_fail(error, SCOOP_USAGE, "a table or column name is empty");
    return append_quoted(sql, '"', name, error);
}

int scoop_sql_table(struct scoop_buf *sql, const struct scoop_table_name *name,
                    struct scoop_error *error) {
    if (scoop_sql_identifier(sql, name->schema, error) != 0)
        return -1;
    if (scoop_buf_append(sql, ".", 1, error) != 0)
        return -1;
    return scoop_sql_identifier(sql, name->table, error);
}

int scoop_sql_literal(struct scoop_buf *sql, const char *value, struct scoop_error *error) {
    if (strchr(value, '\\') != NULL)
        return scoop_fail(error, SCOOP_USAGE,
                          "the value '%.200s' holds a backslash, which servers read differently; "
                          "use a value without one",
                          value);
    return append_quoted(sql, '\'', value, error);
}

/* Reads one part of a dotted name at *at, moving *at behind it. */
static int take_part(const char **at, char part[SCOOP_NAME_BYTES + 1]) {
    const char *from = *at;
    size_t length = 0;
    bool quoted = *from == '"', closed = !quoted;
    if (quoted)
        from++;
    while (*from != 0 && (quoted || (*from != '.' && *from != '"'))) {
        if (quoted && *from == '"' && *++from != '"') {
            closed = true;
            break;
        }
        if (length == SCOOP_NAME_BYTES)
            return -1;
        part[length++] = *from++;
    }
    part[length] = 0;
    *at = from;
    return closed && length > 0 ? 0 : -1;
}

int scoop_sql_split(const char *text, struct scoop_table_name *name, struct scoop_error *error) {
    const char *at = text;
    if (take_part(&at, name->schema) != 0 || *at++ != '.' || take_part(&at, name->table) != 0 ||
        *at != 0)
        return scoop_fail(
            error, SCOOP_USAGE,
            "'%.300s' is not a table's name: write schema.table, each at most %d bytes,"
            " a part with dots in double quotes",
            text, SCOOP_NAME_BYTES);
    return 0;
}
