#include "table/rows/row_limit.h"

#include <string.h>

#include "base/record_place.h"
#include "table/rows/row_text.h"
#include "text/escapes.h"

enum {
    OTHER_BYTES = 128, /* of a change: all but names and values */
    MOST_NAME_BYTES = 64 * 1024,
    NAMES_PART = 16, /* of most_bytes, if that is less */
};

static size_t escaped_bytes(const unsigned char *data, size_t length, bool doubled) {
    unsigned char room[SCOOP_ESCAPE_MOST];
    size_t bytes = 0;
    for (size_t i = 0; i < length; i++) {
        bool escaped = scoop_needs_escape(data[i]);
        bytes += escaped ? (size_t)(scoop_escape_write_short(room, data[i]) - room) : 1;
        if (doubled && data[i] == '"')
            i++;
    }
    return bytes;
}

/* Each is between quotes, with a comma or a colon behind it. */
static size_t name_bytes(const struct scoop_row_plan *plan, size_t column) {
    const char *name = plan->names.names[column];
    return escaped_bytes((const unsigned char *)name, strlen(name), false) + 4;
}

/* In the row, in what changed, and in the key. */
static size_t all_name_bytes(const struct scoop_row_plan *plan, bool changed) {
    size_t bytes = 0;
    for (size_t i = 0; i < plan->columns; i++)
        bytes += (changed ? 2 : 1) * name_bytes(plan, i);
    for (size_t i = 0; i < plan->key_count; i++)
        bytes += name_bytes(plan, plan->key_places[i]);
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

static size_t value_bytes(const struct scoop_row_limit *limit, const struct scoop_value *value) {
    if (value->null)
        return sizeof "null" - 1;
    bool marked = limit->json && value->length > 0 && value->data[0] == SCOOP_JSON_MARK;
    bool other = marked && !(value->length > 1 && value->data[1] == SCOOP_JSON_MARK);
    return other ? value->length : escaped_bytes(value->data, value->length, value->doubled) + 2;
}

static bool is_key(const struct scoop_row_plan *plan, size_t column) {
    for (size_t i = 0; i < plan->key_count; i++)
        if (plan->key_places[i] == column)
            return true;
    return false;
}

static size_t change_bytes(const struct scoop_row_limit *limit, const struct scoop_batch *batch,
                           const struct scoop_row *row, size_t names) {
    const unsigned char *at = scoop_row_data(batch, row), *end = at + row->length;
    size_t bytes = OTHER_BYTES + limit->stamp_bytes + names;
    for (size_t i = 0; i < limit->plan->columns; i++) {
        struct scoop_value value = {0};
        at = scoop_row_next(at, end, &value);
        bytes += (is_key(limit->plan, i) ? 2 : 1) * value_bytes(limit, &value);
    }
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
    size_t fixed = OTHER_BYTES + limit->stamp_bytes + names + 4 * plan->columns;
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
