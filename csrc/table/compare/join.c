#include "table/compare/join.h"

#include <string.h>

static bool is_same(const struct scoop_row_bytes *before, const struct scoop_row_bytes *now) {
    return before->compared == now->compared && memcmp(before->data, now->data, now->compared) == 0;
}

int scoop_emit_both(struct scoop_change_sort *changes, struct scoop_delta_counts *counts,
                    uint64_t number, const struct scoop_row_bytes *before,
                    const struct scoop_row_bytes *now, struct scoop_error *error) {
    if (is_same(before, now)) {
        counts->unchanged++;
        return 0;
    }
    struct scoop_record record = {
        .kind = SCOOP_RECORD_UPDATED, .number = number, .row = *before, .row_now = *now};
    counts->updated++;
    return scoop_change_sort_add(&changes[SCOOP_OF_BOTH], &record, error);
}

int scoop_emit_one(struct scoop_change_sort *changes, struct scoop_delta_counts *counts,
                   const struct scoop_numbered_row *row, struct scoop_error *error) {
    struct scoop_record record = {.kind =
                                      row->side == SCOOP_OLD ? SCOOP_RECORD_OLD : SCOOP_RECORD_NEW,
                                  .number = row->number,
                                  .row = row->bytes}; /* no hash: nobody asks a change for it */
    if (row->side == SCOOP_OLD)
        counts->deleted++;
    else
        counts->inserted++;
    return scoop_change_sort_add(&changes[SCOOP_OF_ONE], &record, error);
}
