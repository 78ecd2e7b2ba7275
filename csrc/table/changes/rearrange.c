#include "table/changes/rearrange.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scoop/memory.h"
#include "table/rows/row_build.h"

enum { STEP_CHANGES = 4096, STEP_BYTES = 1024 * 1024, ROW_CEILING = 1 << 30 };

#define NOWHERE SIZE_MAX

struct scoop_rearrange {
    struct scoop_changes *changes;
    size_t *places[SCOOP_DELTA_SIDES]; /* of the columns of the rows as they are */
    struct scoop_cell *cells;
    int spool; /* the one that is read */
    struct scoop_spool_reader from;
    struct scoop_spool to; /* takes its place */
    struct scoop_buf rows[SCOOP_DELTA_SIDES];
    uint64_t same;
};

static void begin_spool(struct scoop_rearrange *rearrange, int spool) {
    struct scoop_spool *from = &rearrange->changes->spools[spool];
    rearrange->spool = spool;
    scoop_spool_reader_init(&rearrange->from, from);
    scoop_spool_init(&rearrange->to, from->scratch, from->block_bytes);
}

/* Where the side's rows will have each column; NOWHERE: it is left out. */
static int find_places(struct scoop_rearrange *rearrange, int side, size_t columns,
                       struct scoop_error *error) {
    const struct scoop_row_plan *plan = &rearrange->changes->plans[side];
    size_t *places = rearrange->places[side] = scoop_calloc(columns + 1, sizeof *places);
    if (places == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < columns; i++)
        places[i] = NOWHERE;
    for (size_t i = 0; i < plan->columns; i++)
        places[plan->order[i]] = i;
    return 0;
}

struct scoop_rearrange *scoop_rearrange_new(struct scoop_changes *changes, size_t columns,
                                            struct scoop_error *error) {
    struct scoop_rearrange *rearrange = scoop_calloc(1, sizeof *rearrange);
    if (rearrange == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    rearrange->changes = changes;
    int status = 0;
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++) {
        scoop_buf_init(&rearrange->rows[side], ROW_CEILING);
        if (status == 0)
            status = find_places(rearrange, side, columns, error);
    }
    begin_spool(rearrange, 0);
    rearrange->cells = scoop_calloc(columns + 1, sizeof *rearrange->cells);
    if (status == 0 && rearrange->cells == NULL)
        status = scoop_fail_memory(error);
    if (status == 0)
        return rearrange;
    scoop_rearrange_free(rearrange);
    return NULL;
}

static int by_place(const void *a, const void *b) {
    const struct scoop_cell *one = a, *other = b;
    return one->column < other->column ? -1 : one->column > other->column;
}

static int write_row(struct scoop_rearrange *rearrange, enum scoop_side side,
                     struct scoop_row_bytes *row, struct scoop_error *error) {
    struct scoop_cell_reader reader = scoop_cells_read(row->data, row->length);
    struct scoop_buf *written = &rearrange->rows[side];
    struct scoop_cell *cells = rearrange->cells;
    size_t count = 0;
    while (scoop_cells_next(&reader, &cells[count])) {
        cells[count].column = rearrange->places[side][cells[count].column];
        count += cells[count].column != NOWHERE;
    }
    qsort(cells, count, sizeof *cells, by_place);
    written->length = 0;
    if (scoop_row_write_cells(&rearrange->changes->plans[side], cells, count, written,
                              &row->compared, error) != 0)
        return -1;
    row->data = written->data;
    row->length = (uint32_t)written->length;
    return 0;
}

static bool is_same(const struct scoop_record *update) {
    const struct scoop_row_bytes *before = &update->row, *now = &update->row_now;
    return before->compared == now->compared && memcmp(before->data, now->data, now->compared) == 0;
}

static int take(struct scoop_rearrange *rearrange, struct scoop_record *record,
                struct scoop_error *error) {
    bool update = record->kind == SCOOP_RECORD_UPDATED;
    enum scoop_side side = record->kind == SCOOP_RECORD_NEW ? SCOOP_NEW : SCOOP_OLD;
    if (write_row(rearrange, side, &record->row, error) != 0 ||
        (update && write_row(rearrange, SCOOP_NEW, &record->row_now, error) != 0))
        return -1;
    if (update && is_same(record)) {
        rearrange->same++;
        return 0;
    }
    return scoop_spool_add(&rearrange->to, record, error);
}

static void end_spool(struct scoop_rearrange *rearrange) {
    struct scoop_spool *spool = &rearrange->changes->spools[rearrange->spool];
    scoop_spool_reader_free(&rearrange->from);
    scoop_spool_free(spool);
    *spool = rearrange->to;
    memset(&rearrange->to, 0, sizeof rearrange->to);
    if (++rearrange->spool < 2)
        begin_spool(rearrange, rearrange->spool);
}

int scoop_rearrange_step(struct scoop_rearrange *rearrange, uint64_t *same,
                         struct scoop_error *error) {
    struct scoop_record record;
    size_t bytes = 0;
    for (int i = 0; i < STEP_CHANGES && bytes < STEP_BYTES; i++) {
        int status = scoop_spool_reader_next(&rearrange->from, &record, error);
        if (status < 0 || (status > 0 && take(rearrange, &record, error) != 0))
            return -1;
        if (status > 0) {
            bytes += record.row.length + (size_t)record.row_now.length;
            continue;
        }
        end_spool(rearrange);
        if (rearrange->spool < 2)
            return 0;
        *same = rearrange->same;
        return 1;
    }
    return 0;
}

void scoop_rearrange_free(struct scoop_rearrange *rearrange) {
    if (rearrange == NULL)
        return;
    scoop_spool_reader_free(&rearrange->from);
    scoop_spool_free(&rearrange->to);
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++) {
        scoop_buf_free(&rearrange->rows[side]);
        scoop_free(rearrange->places[side]);
    }
    scoop_free(rearrange->cells);
    scoop_free(rearrange);
}
