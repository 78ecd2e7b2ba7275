#include "table/rows/header_names.h"

#include <string.h>

#include "scoop/memory.h"

enum { NAMES_CEILING = 1 << 30 };

struct header {
    struct scoop_columns given; /* each name that stands there, once */
    size_t *numbers;            /* of those: the last one that was put behind it; 0: not seen yet */
    struct scoop_columns *columns;
    struct scoop_buf name, made;
};

static bool has(const struct scoop_columns *columns, const struct scoop_buf *name) {
    return scoop_columns_find(columns, name->data, name->length) >= 0;
}

static int read_name(struct header *header, const struct scoop_value *value,
                     struct scoop_error *error) {
    header->name.length = 0;
    return scoop_value_unescape(value, &header->name, error);
}

static int collect(struct header *header, const struct scoop_value *values, size_t fields,
                   struct scoop_error *error) {
    for (size_t i = 0; i < fields; i++)
        if (read_name(header, &values[i], error) != 0 ||
            (!has(&header->given, &header->name) &&
             scoop_columns_add(&header->given, header->name.data, header->name.length, error) != 0))
            return -1;
    header->numbers = scoop_calloc(header->given.count + 1, sizeof *header->numbers);
    return header->numbers == NULL ? scoop_fail_memory(error) : 0;
}

/* header->made becomes header->name with the next number that makes it nobody else's. */
static int number_name(struct header *header, size_t *number, struct scoop_error *error) {
    do {
        header->made.length = 0;
        if (scoop_buf_append(&header->made, header->name.data, header->name.length, error) != 0 ||
            (++*number > 1 && scoop_buf_printf(&header->made, error, "_%zu", *number) != 0))
            return -1;
    } while (has(&header->given, &header->made) || has(header->columns, &header->made));
    return scoop_columns_add(header->columns, header->made.data, header->made.length, error);
}

static int add_name(struct header *header, const struct scoop_value *value, size_t column,
                    struct scoop_error *error) {
    size_t first = 0;
    if (read_name(header, value, error) != 0)
        return -1;
    if (header->name.length == 0)
        return scoop_buf_printf(&header->name, error, "column_%zu", column + 1) == 0
                   ? number_name(header, &first, error)
                   : -1;
    long at = scoop_columns_find(&header->given, header->name.data, header->name.length);
    size_t *number = &header->numbers[at < 0 ? 0 : at];
    if (*number > 0)
        return number_name(header, number, error);
    *number = 1;
    return scoop_columns_add(header->columns, header->name.data, header->name.length, error);
}

int scoop_header_names(const struct scoop_value *values, size_t fields,
                       struct scoop_columns *columns, struct scoop_error *error) {
    struct header header = {.columns = columns};
    scoop_buf_init(&header.name, NAMES_CEILING);
    scoop_buf_init(&header.made, NAMES_CEILING);
    int status = collect(&header, values, fields, error);
    for (size_t i = 0; i < fields && status == 0; i++)
        status = add_name(&header, &values[i], i, error);
    scoop_columns_free(&header.given);
    scoop_free(header.numbers);
    scoop_buf_free(&header.name);
    scoop_buf_free(&header.made);
    return status;
}
