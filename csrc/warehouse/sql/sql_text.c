#include "warehouse/sql/sql_text.h"

#include <stdbool.h>
#include <string.h>

static void append(struct scoop_sql_writer *writer, const char *text, size_t length) {
    if (writer->status == 0)
        writer->status = scoop_buf_append(writer->sql, text, length, writer->error);
}

static void append_quoted(struct scoop_sql_writer *writer, char quote, const char *text) {
    const char twice[] = {quote, quote, 0}, *only = twice + 1;
    append(writer, only, 1);
    for (;;) {
        size_t length = strcspn(text, only);
        append(writer, text, length);
        text += length;
        if (*text++ == 0)
            break;
        append(writer, twice, 2);
    }
    append(writer, only, 1);
}

void scoop_sql_text(struct scoop_sql_writer *writer, const char *text) {
    append(writer, text, strlen(text));
}

void scoop_sql_number(struct scoop_sql_writer *writer, size_t number) {
    if (writer->status == 0)
        writer->status = scoop_buf_printf(writer->sql, writer->error, "%zu", number);
}

void scoop_sql_identifier(struct scoop_sql_writer *writer, const char *name) {
    if (writer->status == 0 && name[0] == 0)
        writer->status = scoop_fail(writer->error, SCOOP_USAGE, "a table or column name is empty");
    append_quoted(writer, '"', name);
}

void scoop_sql_table(struct scoop_sql_writer *writer, const struct scoop_table_name *name) {
    scoop_sql_identifier(writer, name->schema);
    scoop_sql_text(writer, ".");
    scoop_sql_identifier(writer, name->table);
}

void scoop_sql_literal(struct scoop_sql_writer *writer, const char *value) {
    if (writer->status == 0 && strchr(value, '\\') != NULL)
        writer->status =
            scoop_fail(writer->error, SCOOP_USAGE,
                       "the value '%.200s' holds a backslash, which servers read differently; "
                       "use a value without one",
                       value);
    append_quoted(writer, '\'', value);
}

const char *scoop_sql_statement(struct scoop_sql_writer *writer) {
    return writer->status == 0 ? scoop_buf_text(writer->sql, writer->error) : NULL;
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
    memset(name, 0, sizeof *name);
    bool split =
        take_part(&at, name->schema) == 0 && *at++ == '.' && take_part(&at, name->table) == 0;
    if (split && *at == '.') {
        at++;
        memcpy(name->database, name->schema, sizeof name->database);
        memcpy(name->schema, name->table, sizeof name->schema);
        split = take_part(&at, name->table) == 0;
    }
    if (split && *at == 0)
        return 0;
    return scoop_fail(error, SCOOP_USAGE,
                      "'%.300s' is not a table's name: write schema.table, or "
                      "database.schema.table, each at most %d bytes, a part with dots in double "
                      "quotes",
                      text, SCOOP_NAME_BYTES);
}
