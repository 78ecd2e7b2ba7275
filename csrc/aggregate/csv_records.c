#include "aggregate/csv_records.h"

#include <string.h>

#include "base/record_place.h"
#include "scoop/memory.h"
#include "text/example.h"

enum { CEILING = 1 << 30, NAME_SIZE = 120 };

void scoop_csv_records_init(struct scoop_csv_records *records) {
    memset(records, 0, sizeof *records);
    scoop_buf_init(&records->value, CEILING);
}

void scoop_csv_records_free(struct scoop_csv_records *records) {
    scoop_buf_free(&records->value);
    scoop_free(records->columns);
    scoop_csv_records_init(records);
}

size_t scoop_csv_record_length(const unsigned char *text, size_t length) {
    bool quoted = false;
    size_t at = 0;
    for (; at < length && (quoted || text[at] != '\n'); at++)
        if (text[at] == '"')
            quoted = !quoted;
    return at < length ? at + 1 : length;
}

/* The value at *at, which goes behind the comma or newline; nothing at all is NULL. 0 or -1. */
static int take_value(struct scoop_csv_records *records, const unsigned char **at,
                      const unsigned char *end, bool *null, struct scoop_error *error) {
    struct scoop_buf *value = &records->value;
    const unsigned char *from = *at, *to = from;
    value->length = 0;
    *null = from < end && *from != '"' && (*from == ',' || *from == '\n');
    if (from < end && *from == '"') {
        for (from++;; from = to + 1) {
            to = memchr(from, '"', (size_t)(end - from));
            bool doubled = to + 1 < end && to[1] == '"';
            if (scoop_buf_append(value, from, (size_t)(to - from) + doubled, error) != 0)
                return -1;
            to++;
            if (!doubled)
                break;
        }
    } else {
        while (to < end && *to != ',' && *to != '\n')
            to++;
        if (scoop_buf_append(value, from, (size_t)(to - from), error) != 0)
            return -1;
    }
    *at = to < end ? to + 1 : end;
    return 0;
}

static int fail_twice(const struct scoop_field *field, struct scoop_error *error) {
    char shown[NAME_SIZE];
    scoop_example(shown, sizeof shown, field->name, field->length);
    return scoop_fail_record(error, (struct scoop_record_place){1, SCOOP_NO_OFFSET},
                             "the header names the column \"%s\" twice", shown);
}

int scoop_csv_records_begin(struct scoop_csv_records *records,
                            const struct scoop_group_schema *schema, const unsigned char *text,
                            size_t length, struct scoop_error *error) {
    const unsigned char *at = text, *end = text + length;
    bool null;
    records->headed = true;
    scoop_free(records->columns);
    records->columns = scoop_calloc(schema->field_count + 1, sizeof *records->columns);
    if (records->columns == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < schema->field_count; i++)
        records->columns[i] = SIZE_MAX;
    for (size_t column = 0; at < end; column++) {
        if (take_value(records, &at, end, &null, error) != 0)
            return -1;
        for (size_t i = 0; i < schema->field_count; i++) {
            const struct scoop_field *field = &schema->fields[i];
            if (field->length != records->value.length ||
                memcmp(field->name, records->value.data, field->length) != 0)
                continue;
            if (records->columns[i] != SIZE_MAX)
                return fail_twice(field, error);
            records->columns[i] = column;
        }
    }
    return 0;
}

int scoop_csv_records_read(struct scoop_csv_records *records, struct scoop_group_fields *fields,
                           const unsigned char *text, size_t length, struct scoop_error *error) {
    const unsigned char *at = text, *end = text + length;
    const struct scoop_buf *value = &records->value;
    bool null;
    scoop_group_fields_begin(fields);
    for (size_t column = 0; at < end; column++) {
        if (take_value(records, &at, end, &null, error) != 0)
            return -1;
        for (size_t i = 0; !null && i < fields->schema->field_count; i++)
            if (records->columns[i] == column &&
                scoop_group_fields_take_text(fields, i, value->data, value->length, error) != 0)
                return -1;
    }
    return scoop_group_fields_end(fields, error);
}
