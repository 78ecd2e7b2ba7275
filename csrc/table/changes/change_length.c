#include "table/changes/change_length.h"

#include <string.h>

#include "text/example.h"

enum {
    STEP_CHANGES = 4096,
    STEP_BYTES = 1024 * 1024,
    NULL_BYTES = sizeof "null" - 1,
    SHOWN_SIZE = 64,
    /* What json.c writes between names and values, with a newline. */
    FIXED_BYTES = sizeof "{\"op\":\"UPDATE\",\"key\":{,\"row\":{,\"id\":\"\"}\n" - 1 +
                  SCOOP_CHANGE_ID_SIZE - 1,
    CHANGED_BYTES = sizeof ",\"changed\":[" - 1,
    FORMAT_BYTES = sizeof ",\"format\":\"csv\"" - 1,
};

void scoop_change_length_begin(struct scoop_change_length *length,
                               const struct scoop_changes *changes, size_t most_bytes) {
    length->changes = changes;
    length->most_bytes = most_bytes;
    length->spool = 0;
    scoop_spool_reader_init(&length->rows, &changes->spools[0]);
}

void scoop_change_length_free(struct scoop_change_length *length) {
    if (length->changes != NULL)
        scoop_spool_reader_free(&length->rows);
    length->changes = NULL;
}

/* With a comma and a colon. */
static size_t name_bytes(const struct scoop_changes *changes, enum scoop_side side, size_t column) {
    const size_t *ends = changes->member_ends[side];
    return ends[column] - (column == 0 ? 0 : ends[column - 1]);
}

/* The row, and its key, each with a bracket for its last comma. */
static size_t row_bytes(const struct scoop_changes *changes, enum scoop_side side,
                        const struct scoop_row_bytes *row) {
    const struct scoop_row_plan *plan = &changes->plans[side];
    struct scoop_cell_reader reader = scoop_cells_read(row->data, row->length);
    struct scoop_cell cell;
    size_t bytes = changes->members[side].length + NULL_BYTES * plan->columns;
    while (scoop_cells_next(&reader, &cell))
        bytes += scoop_value_json_bytes(&cell.value, changes->json) - NULL_BYTES;
    for (size_t i = 0; i < plan->key_count; i++) {
        struct scoop_value value = scoop_row_value(row->data, row->length, plan->key_places[i]);
        bytes += name_bytes(changes, side, plan->key_places[i]) +
                 scoop_value_json_bytes(&value, changes->json);
    }
    return bytes;
}

/* The names of what changed. */
static size_t changed_bytes(const struct scoop_changes *changes,
                            const struct scoop_record *record) {
    struct scoop_row_pair pair = scoop_row_pair_read(&record->row, &record->row_now);
    size_t bytes = CHANGED_BYTES, column;
    while (scoop_row_pair_next(&pair, &column))
        bytes += name_bytes(changes, SCOOP_NEW, column) - 1;
    return bytes;
}

static size_t line_bytes(const struct scoop_changes *changes, const struct scoop_record *record) {
    bool update = record->kind == SCOOP_RECORD_UPDATED;
    enum scoop_side side = record->kind == SCOOP_RECORD_OLD ? SCOOP_OLD : SCOOP_NEW;
    return FIXED_BYTES + scoop_changes_stamp_bytes(changes) +
           (size_t)(changes->json ? 0 : FORMAT_BYTES) +
           row_bytes(changes, side, update ? &record->row_now : &record->row) +
           (update ? changed_bytes(changes, record) : 0);
}

static int fail(const struct scoop_change_length *length, const struct scoop_record *record,
                size_t bytes, struct scoop_error *error) {
    enum scoop_side side = record->kind == SCOOP_RECORD_OLD ? SCOOP_OLD : SCOOP_NEW;
    const struct scoop_row_plan *plan = &length->changes->plans[side];
    const struct scoop_row_bytes *row =
        record->kind == SCOOP_RECORD_UPDATED ? &record->row_now : &record->row;
    const char *name = plan->names.names[plan->key_places[0]];
    struct scoop_value key = scoop_row_value(row->data, row->length, plan->key_places[0]);
    char shown_name[SHOWN_SIZE], shown[SHOWN_SIZE];
    scoop_example(shown_name, sizeof shown_name, name, strlen(name));
    scoop_value_show(&key, length->changes->json, shown, sizeof shown);
    return scoop_fail(error, SCOOP_BAD_RECORD,
                      "the change of %s=%s has %zu bytes with the names of its %zu columns, more "
                      "than max_record_bytes, %zu, with which changes are read; give a higher one "
                      "here and to whoever reads them",
                      shown_name, shown, bytes, plan->columns, length->most_bytes);
}

int scoop_change_length_step(struct scoop_change_length *length, struct scoop_error *error) {
    struct scoop_record record;
    size_t bytes = 0;
    for (int i = 0; i < STEP_CHANGES && bytes < STEP_BYTES; i++) {
        int status = scoop_spool_reader_next(&length->rows, &record, error);
        if (status < 0)
            return -1;
        if (status == 0 && length->spool == 1)
            return 0;
        if (status == 0) {
            scoop_spool_reader_free(&length->rows);
            scoop_spool_reader_init(&length->rows, &length->changes->spools[++length->spool]);
            continue;
        }
        size_t line = line_bytes(length->changes, &record);
        if (line > length->most_bytes)
            return fail(length, &record, line, error);
        bytes += record.row.length + (size_t)record.row_now.length;
    }
    return 1;
}
