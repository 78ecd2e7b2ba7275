/* Groups as JSON lines: the columns, then the measures. */
#include <stdio.h>
#include <stdlib.h>

#include "scoop/memory.h"
#include "table/groups/aggregated.h"
#include "text/escapes.h"
#include "text/json_string.h"

enum { TEXT_CEILING = 1 << 30, DOUBLE_SIZE = 32, LEAST_DIGITS = 15, MOST_DIGITS = 17 };

struct scoop_groups_reader {
    struct scoop_aggregated *result;
    struct scoop_groups_cursor cursor;
    struct scoop_buf text; /* of a value */
};

struct scoop_groups_reader *scoop_aggregated_reader(struct scoop_aggregated *result,
                                                    size_t grouping, struct scoop_error *error) {
    struct scoop_groups_reader *reader = scoop_calloc(1, sizeof *reader);
    if (reader == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    reader->result = scoop_aggregated_hold(result);
    scoop_buf_init(&reader->text, TEXT_CEILING);
    scoop_groups_cursor_init(&reader->cursor, &result->groups[grouping]);
    return reader;
}

void scoop_groups_reader_free(struct scoop_groups_reader *reader) {
    if (reader == NULL)
        return;
    scoop_groups_cursor_free(&reader->cursor);
    scoop_buf_free(&reader->text);
    scoop_aggregated_give(reader->result);
    scoop_free(reader);
}

static int put_string(struct scoop_buf *out, const void *text, size_t length,
                      struct scoop_error *error) {
    if (scoop_buf_reserve(out, SCOOP_ESCAPE_MOST * length + 2, error) != 0)
        return -1;
    unsigned char *end = scoop_json_string_write(out->data + out->length, text, length, false);
    out->length = (size_t)(end - out->data);
    return 0;
}

/* The shortest digits that are this double again. A locale's comma is a point. */
static int put_double(struct scoop_buf *out, double value, struct scoop_error *error) {
    char text[DOUBLE_SIZE];
    int digits = LEAST_DIGITS;
    do
        snprintf(text, sizeof text, "%.*g", digits, value);
    while (digits++ < MOST_DIGITS && strtod(text, NULL) != value);
    for (char *c = text; *c != 0; c++)
        if (*c == ',')
            *c = '.';
    return scoop_buf_append_text(out, text, error);
}

static int put_part(struct scoop_groups_reader *reader, enum scoop_value_type type,
                    const struct scoop_key_part *part, struct scoop_buf *out,
                    struct scoop_error *error) {
    if (part->null)
        return scoop_buf_append_text(out, "null", error);
    if (type == SCOOP_VALUE_DOUBLE)
        return put_double(out, part->number, error);
    if (type == SCOOP_VALUE_BOOLEAN)
        return scoop_buf_append_text(out, part->integer ? "true" : "false", error);
    if (type != SCOOP_VALUE_STRING && type != SCOOP_VALUE_JSON)
        return scoop_buf_printf(out, error, "%lld", (long long)part->integer);
    reader->text.length = 0;
    if (scoop_key_part_text(part, &reader->text, error) != 0)
        return -1;
    return put_string(out, reader->text.data, reader->text.length, error);
}

static int put_measure(const struct scoop_measured *measured, struct scoop_buf *out,
                       struct scoop_error *error) {
    if (measured->null)
        return scoop_buf_append_text(out, "null", error);
    if (measured->is_real)
        return put_double(out, measured->number, error);
    return scoop_buf_printf(out, error, "%lld", (long long)measured->integer);
}

static int put_name(struct scoop_buf *out, bool first, const char *name,
                    struct scoop_error *error) {
    if (scoop_buf_append_text(out, first ? "{" : ",", error) != 0 ||
        put_string(out, name, strlen(name), error) != 0)
        return -1;
    return scoop_buf_append_text(out, ":", error);
}

static int put_group(struct scoop_groups_reader *reader, struct scoop_buf *out,
                     struct scoop_error *error) {
    const struct scoop_groups *groups = reader->cursor.groups;
    const struct scoop_schema_grouping *grouping = groups->grouping;
    struct scoop_groups_values values = {.cursor = &reader->cursor};
    for (size_t i = 0; i < grouping->count; i++) {
        struct scoop_key_part part;
        scoop_groups_values_next(&values, &part);
        enum scoop_value_type type = grouping->columns[i].type;
        if (put_name(out, i == 0, grouping->columns[i].name, error) != 0 ||
            put_part(reader, type, &part, out, error) != 0)
            return -1;
    }
    for (size_t i = 0; i < groups->schema->measure_count; i++) {
        struct scoop_measured measured;
        scoop_group_measured(reader->cursor.group, groups->schema, i, &measured);
        if (put_name(out, false, groups->schema->measures[i].column.name, error) != 0 ||
            put_measure(&measured, out, error) != 0)
            return -1;
    }
    return scoop_buf_append_text(out, "}\n", error);
}

int scoop_groups_read_json(struct scoop_groups_reader *reader, size_t at_least,
                           struct scoop_buf *out, struct scoop_error *error) {
    size_t before = out->length;
    while (out->length - before < at_least) {
        int status = scoop_groups_cursor_next(&reader->cursor, error);
        if (status < 0)
            return -1;
        if (status == 0)
            break;
        if (put_group(reader, out, error) != 0)
            return -1;
    }
    return out->length > before;
}
