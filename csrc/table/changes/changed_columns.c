#include "table/changes/changed_columns.h"

#include <string.h>

#include "scoop/memory.h"

enum { STEP_ROWS = 4096 };

int scoop_changed_columns_begin(struct scoop_changed_columns *counting,
                                struct scoop_changes *changes, struct scoop_error *error) {
    size_t compared = changes->plans[SCOOP_NEW].compared;
    counting->changes = changes;
    scoop_spool_reader_init(&counting->rows, &changes->spools[0]);
    changes->changed_rows = scoop_calloc(compared + 1, sizeof *changes->changed_rows);
    return changes->changed_rows == NULL ? scoop_fail_memory(error) : 0;
}

static bool is_equal(const struct scoop_value *a, const struct scoop_value *b) {
    return a->null == b->null && a->length == b->length &&
           (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

static void count_row(struct scoop_changes *changes, const struct scoop_record *record) {
    const unsigned char *before = record->row.data, *now = record->row_now.data;
    const unsigned char *before_end = before + record->row.length;
    const unsigned char *now_end = now + record->row_now.length;
    for (size_t i = 0; i < changes->plans[SCOOP_NEW].compared; i++) {
        struct scoop_value old_value = {0}, new_value = {0};
        before = scoop_row_next(before, before_end, &old_value);
        now = scoop_row_next(now, now_end, &new_value);
        changes->changed_rows[i] += !is_equal(&old_value, &new_value);
    }
}

int scoop_changed_columns_step(struct scoop_changed_columns *counting, struct scoop_error *error) {
    struct scoop_record record;
    for (int i = 0; i < STEP_ROWS; i++) {
        int status = scoop_spool_reader_next(&counting->rows, &record, error);
        if (status <= 0)
            return status;
        count_row(counting->changes, &record);
    }
    return 1;
}

void scoop_changed_columns_free(struct scoop_changed_columns *counting) {
    if (counting->changes != NULL)
        scoop_spool_reader_free(&counting->rows);
    counting->changes = NULL;
}
