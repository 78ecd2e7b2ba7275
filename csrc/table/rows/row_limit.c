#include "table/rows/row_limit.h"

#include <string.h>

#include "base/record_place.h"
#include "table/rows/row_text.h"
#include "text/escapes.h"
#include "text/json_string.h"

enum {
    OTHER_BYTES = 128, /* of a change: all but names and values */
    NULL_BYTES = sizeof "null" - 1,
    MOST_NAME_BYTES = 64 * 1024,
    NAMES_PART = 16, /* of most_bytes, if that is less */
};

/* In the row, in what changed, and in the key. */
static size_t all_name_bytes(const struct scoop_row_plan *plan, bool changed) {
    size_t bytes = (changed ? 2 : 1) * plan->names.json_bytes;
    for (size_t i = 0; i < plan->key_count; i++) {
        const char *name = plan->names.names[plan->key_places[i]];
        bytes += scoop_json_string_bytes((const unsigned char *)name, strlen(name), false) + 2;
    }
    return bytes;
}

/* What few names may have, whichever they will be. */
static size_t reserved_bytes(const struct scoop_row_limit *limit) {
    size_t part = limit->most_bytes / NAMES_PART;
    return part < MOST_NAME_BYTES ? part : MOST_NAME_BYTES;
}

bool scoop_row_limit_is_proof(const struct scoop_row_limit *limit) {
    return all_name_bytes(limit->plan, true) <= reserved_bytes(limit);
}

/* How often a change has the value: in the row, and in the key. */
static size_t count_in_change(const struct scoop_row_plan *plan, size_t column) {
    size_t count = 1;
    for (size_t i = 0; i < plan->key_count; i++)
        count += plan->key_places[i] == column;
    return count;
}

static size_t change_bytes(const struct scoop_row_limit *limit, const struct scoop_batch *batch,
                           const struct scoop_row *row, size_t names) {
    const struct scoop_row_plan *plan = limit->plan;
    struct scoop_cell_reader reader = scoop_cells_read(scoop_row_data(batch, row), row->length);
    struct scoop_cell cell;
    size_t bytes =
        OTHER_BYTES + limit->stamp_bytes + names + NULL_BYTES * (plan->columns + plan->key_count);
    while (scoop_cells_next(&reader, &cell))
        bytes += count_in_change(plan, cell.column) *
                 (scoop_value_json_bytes(&cell.value, limit->json) - NULL_BYTES);
    return bytes;
}

static int fail(const struct scoop_row_limit *limit, const struct scoop_batch *batch,
                const struct scoop_row *row, size_t bytes, struct scoop_error *error) {
    const struct scoop_record_place place = {batch->first_line + row->line, SCOOP_NO_OFFSET};
    return scoop_fail_record(error, place,
                             "a change of the row would have %zu bytes, more than "
                             "max_record_bytes, %zu, with which changes are read",
                             bytes, limit->most_bytes);
}

int scoop_row_limit_check(const struct scoop_row_limit *limit, const struct scoop_batch *batch,
                          struct scoop_error *error) {
    const struct scoop_row_plan *plan = limit->plan;
    size_t names =
        scoop_row_limit_is_proof(limit) ? reserved_bytes(limit) : all_name_bytes(plan, false);
    size_t fixed = OTHER_BYTES + limit->stamp_bytes + names + NULL_BYTES * plan->columns;
    for (size_t i = 0; i < batch->count; i++) {
        const struct scoop_row *row = &batch->rows[i];
        if (fixed + 2 * SCOOP_ESCAPE_MOST * (size_t)row->length <= limit->most_bytes)
            continue;
        size_t bytes = change_bytes(limit, batch, row, names);
        if (bytes > limit->most_bytes)
            return fail(limit, batch, row, bytes, error);
    }
    return 0;
}
