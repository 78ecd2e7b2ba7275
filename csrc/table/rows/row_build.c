#include "table/rows/row_build.h"

#include <string.h>

#include "text/example.h"

enum { NAME_SIZE = 200 };

/* A key of several columns, so that its bytes order as the values do: each 0 becomes 0 255, each
 * value ends with 0 1. NULL, which is no value, is 0 0. */
static int end_part(struct scoop_buf *key, size_t from, bool null, struct scoop_error *error) {
    if (null)
        return scoop_buf_append(key, "\0\0", 2, error);
    unsigned char *zero;
    size_t at = from;
    while (at < key->length && (zero = memchr(key->data + at, 0, key->length - at)) != NULL) {
        at = (size_t)(zero - key->data) + 1;
        if (scoop_buf_reserve(key, 1, error) != 0)
            return -1;
        memmove(key->data + at + 1, key->data + at, key->length - at);
        key->data[at++] = 255;
        key->length++;
    }
    return scoop_buf_append(key, "\0\1", 2, error);
}

int scoop_row_fail_key(const struct scoop_row_plan *plan, size_t key,
                       struct scoop_record_place place, struct scoop_error *error) {
    char column[NAME_SIZE];
    const char *name = plan->names.names[plan->key_places[key]];
    scoop_example(column, sizeof column, name, strlen(name));
    return scoop_fail_record(error, place, "the key column \"%s\" is empty", column);
}

static bool stands_in(const struct scoop_buf *text, const unsigned char *data) {
    return data >= text->data && data < text->data + text->length;
}

int scoop_row_set_key(const struct scoop_row_plan *plan, struct scoop_batch *batch,
                      struct scoop_row *row, const struct scoop_value *values,
                      struct scoop_record_place place, struct scoop_error *error) {
    struct scoop_buf *extra = &batch->extra;
    const struct scoop_value *first = &values[plan->keys[0]];
    size_t empty = 0, first_empty = 0;
    for (size_t i = plan->key_count; i-- > 0;)
        if (values[plan->keys[i]].null || values[plan->keys[i]].length == 0) {
            empty++;
            first_empty = i;
        }
    if (empty > 0 && (!plan->empty_parts || empty == plan->key_count))
        return scoop_row_fail_key(plan, first_empty, place, error);
    if (plan->key_count == 1 && !first->doubled && stands_in(&batch->text, first->data)) {
        row->key_at = (uint32_t)(first->data - batch->text.data);
        row->key_length = (uint32_t)first->length;
        row->hash = scoop_key_hash_of(first->data, first->length);
        return 0;
    }
    row->key_in_extra = true;
    row->key_at = (uint32_t)extra->length;
    for (size_t i = 0; i < plan->key_count; i++) {
        const struct scoop_value *value = &values[plan->keys[i]];
        size_t from = extra->length;
        if (scoop_value_unescape(value, extra, error) != 0 ||
            (plan->key_count > 1 && end_part(extra, from, value->null, error) != 0))
            return -1;
    }
    row->key_length = (uint32_t)extra->length - row->key_at;
    row->hash = scoop_key_hash_of(extra->data + row->key_at, row->key_length);
    return 0;
}

/* The canonical row of all values. */
static int write_values(const struct scoop_row_plan *plan, const struct scoop_value *values,
                        struct scoop_buf *row, uint32_t *compared, struct scoop_error *error) {
    size_t from = row->length;
    for (size_t i = 0; i < plan->columns; i++) {
        if (i > 0 && scoop_buf_append(row, ",", 1, error) != 0)
            return -1;
        if (scoop_value_append(&values[plan->order[i]], row, error) != 0)
            return -1;
        if (i + 1 == plan->compared)
            *compared = (uint32_t)(row->length - from);
    }
    return 0;
}

int scoop_row_encode(const struct scoop_row_plan *plan, struct scoop_batch *batch,
                     struct scoop_row *row, const struct scoop_value *values,
                     struct scoop_error *error) {
    row->row_in_extra = true;
    row->at = (uint32_t)batch->extra.length;
    if (write_values(plan, values, &batch->extra, &row->compared, error) != 0)
        return -1;
    row->length = (uint32_t)batch->extra.length - row->at;
    return 0;
}

int scoop_row_write_cells(const struct scoop_row_plan *plan, const struct scoop_cell *cells,
                          size_t count, struct scoop_buf *row, uint32_t *compared,
                          struct scoop_error *error) {
    size_t from = row->length;
    size_t columns = !plan->open ? plan->columns : count > 0 ? cells[count - 1].column + 1 : 0;
    size_t both = plan->open ? columns : plan->compared;
    if (scoop_cells_append(&cells, &count, 0, both, row, error) != 0)
        return -1;
    *compared = (uint32_t)(row->length - from);
    return scoop_cells_append(&cells, &count, both, columns, row, error);
}

int scoop_row_hash_key(const struct scoop_row_plan *plan, const struct scoop_row_bytes *row,
                       struct scoop_buf *room, struct scoop_key_hash *hash,
                       struct scoop_error *error) {
    room->length = 0;
    for (size_t i = 0; i < plan->key_count; i++) {
        const struct scoop_value value =
            scoop_row_value(row->data, row->length, plan->key_places[i]);
        /* NULL is not the empty text. */
        size_t length = value.null ? SIZE_MAX : value.length;
        if (scoop_buf_append(room, &length, sizeof length, error) != 0 ||
            scoop_buf_append(room, value.data, value.length, error) != 0)
            return -1;
    }
    *hash = scoop_key_hash_of(room->data, room->length);
    return 0;
}
