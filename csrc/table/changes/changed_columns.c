#include "table/changes/changed_columns.h"

#include "scoop/memory.h"

enum { STEP_ROWS = 4096, STEP_BYTES = 1024 * 1024 };

int scoop_changed_columns_begin(struct scoop_changed_columns *counting,
                                struct scoop_changes *changes, struct scoop_error *error) {
    size_t compared = changes->plans[SCOOP_NEW].compared;
    counting->changes = changes;
    scoop_spool_reader_init(&counting->rows, &changes->spools[0]);
    changes->changed_rows = scoop_calloc(compared + 1, sizeof *changes->changed_rows);
    return changes->changed_rows == NULL ? scoop_fail_memory(error) : 0;
}

static void count_row(struct scoop_changes *changes, const struct scoop_record *record) {
    struct scoop_row_pair pair = scoop_row_pair_read(&record->row, &record->row_now);
    size_t column;
    while (scoop_row_pair_next(&pair, &column))
        changes->changed_rows[column]++;
}

int scoop_changed_columns_step(struct scoop_changed_columns *counting, struct scoop_error *error) {
    struct scoop_record record;
    size_t bytes = 0;
    for (int i = 0; i < STEP_ROWS && bytes < STEP_BYTES; i++) {
        int status = scoop_spool_reader_next(&counting->rows, &record, error);
        if (status <= 0)
            return status;
        count_row(counting->changes, &record);
        bytes += record.row.length + (size_t)record.row_now.length;
    }
    return 1;
}

void scoop_changed_columns_free(struct scoop_changed_columns *counting) {
    if (counting->changes != NULL)
        scoop_spool_reader_free(&counting->rows);
    counting->changes = NULL;
}
