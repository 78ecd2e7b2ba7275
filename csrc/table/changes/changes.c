#include "table/changes/changes.h"

#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"
#include "table/changes/line.h"
#include "text/scan.h"

enum { BLOCK_BYTES = 256 * 1024, TEXT_CEILING = 1 << 30, NAMES_CEILING = 1 << 30 };

struct scoop_changes *scoop_changes_new(const char *temp_dir, const char *version,
                                        const char *stamp, struct scoop_error *error) {
    struct scoop_changes *changes = scoop_calloc(1, sizeof *changes);
    if (changes == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    atomic_init(&changes->references, 1);
    for (int i = 0; i < 2; i++)
        scoop_spool_init(&changes->spools[i], &changes->scratch, BLOCK_BYTES);
    for (int i = 0; i < SCOOP_DELTA_SIDES; i++)
        scoop_buf_init(&changes->members[i], NAMES_CEILING);
    changes->version = scoop_strdup(version == NULL ? "" : version);
    changes->stamp = scoop_strdup(stamp == NULL ? "" : stamp);
    if (changes->version == NULL || changes->stamp == NULL)
        scoop_fail_memory(error);
    else if (scoop_scratch_init(&changes->scratch, temp_dir, error) == 0)
        return changes;
    scoop_changes_give(changes);
    return NULL;
}

struct scoop_changes *scoop_changes_hold(struct scoop_changes *changes) {
    atomic_fetch_add(&changes->references, 1);
    return changes;
}

void scoop_changes_give(struct scoop_changes *changes) {
    if (changes == NULL || !SCOOP_INVARIANT(atomic_load(&changes->references) > 0, NULL) ||
        atomic_fetch_sub(&changes->references, 1) != 1)
        return;
    for (int i = 0; i < SCOOP_DELTA_SIDES; i++) {
        scoop_spool_free(&changes->spools[i]);
        scoop_row_plan_free(&changes->plans[i]);
        scoop_columns_free(&changes->alone[i]);
        scoop_free(changes->by_name[i]);
        scoop_buf_free(&changes->members[i]);
        scoop_free(changes->member_ends[i]);
    }
    scoop_scratch_free(&changes->scratch);
    scoop_free(changes->version);
    scoop_free(changes->stamp);
    scoop_free(changes->changed_rows);
    scoop_free(changes);
}

struct named_place {
    const char *name;
    size_t place;
};

static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct named_place *)a)->name, ((const struct named_place *)b)->name);
}

static int sort_by_name(const struct scoop_columns *columns, size_t *order,
                        struct scoop_error *error) {
    struct named_place *sorted = scoop_calloc(columns->count + 1, sizeof *sorted);
    if (sorted == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < columns->count; i++)
        sorted[i] = (struct named_place){columns->names[i], i};
    qsort(sorted, columns->count, sizeof *sorted, compare_names);
    for (size_t i = 0; i < columns->count; i++)
        order[i] = sorted[i].place;
    scoop_free(sorted);
    return 0;
}

int scoop_changes_prepare(struct scoop_changes *changes, struct scoop_error *error) {
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++) {
        const struct scoop_columns *names = &changes->plans[side].names;
        changes->by_name[side] = scoop_calloc(names->count + 1, sizeof *changes->by_name[side]);
        changes->member_ends[side] =
            scoop_calloc(names->count + 1, sizeof *changes->member_ends[side]);
        if (changes->by_name[side] == NULL || changes->member_ends[side] == NULL)
            return scoop_fail_memory(error);
        if (sort_by_name(names, changes->by_name[side], error) != 0 ||
            scoop_changes_name_members(changes, (enum scoop_side)side, error) != 0)
            return -1;
    }
    return 0;
}

size_t scoop_changes_columns(const struct scoop_changes *changes) {
    return changes->changed_rows == NULL ? 0 : changes->plans[SCOOP_NEW].compared;
}

const char *scoop_changes_column(const struct scoop_changes *changes, size_t column,
                                 uint64_t *updated_rows) {
    *updated_rows = changes->changed_rows[column];
    return changes->plans[SCOOP_NEW].names.names[column];
}

int scoop_changes_note_schema(struct scoop_changes *changes,
                              const struct scoop_plan_options *options, struct scoop_error *error) {
    const struct scoop_columns *old = options->old_columns, *new = options->new_columns;
    if (old == NULL)
        return 0;
    return scoop_columns_missing(old, new, &changes->alone[SCOOP_OLD], error) == 0
               ? scoop_columns_missing(new, old, &changes->alone[SCOOP_NEW], error)
               : -1;
}

size_t scoop_changes_alone(const struct scoop_changes *changes, int side) {
    return changes->alone[side].count;
}

const char *scoop_changes_alone_name(const struct scoop_changes *changes, int side, size_t column) {
    return changes->alone[side].names[column];
}

static size_t spool_blocks(const struct scoop_spool *spool) {
    return spool->count + (spool->tail.length > 0);
}

size_t scoop_changes_blocks(const struct scoop_changes *changes) {
    return spool_blocks(&changes->spools[0]) + spool_blocks(&changes->spools[1]);
}

struct scoop_changes_reader *scoop_changes_reader_new(struct scoop_changes *changes,
                                                      struct scoop_error *error) {
    struct scoop_changes_reader *reader = scoop_calloc(1, sizeof *reader);
    if (reader == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    reader->changes = scoop_changes_hold(changes);
    scoop_spool_reader_init(&reader->rows, &changes->spools[0]);
    reader->end_block = scoop_changes_blocks(changes);
    scoop_buf_init(&reader->text, TEXT_CEILING);
    scoop_buf_init(&reader->identified, TEXT_CEILING);
    size_t old_columns = changes->plans[SCOOP_OLD].columns;
    size_t new_columns = changes->plans[SCOOP_NEW].columns;
    size_t most = old_columns > new_columns ? old_columns : new_columns;
    struct scoop_change *change = &reader->change;
    change->row.values = scoop_calloc(most + 1, sizeof *change->row.values);
    change->before.values = scoop_calloc(most + 1, sizeof *change->before.values);
    change->changed = scoop_calloc(most + 1, sizeof *change->changed);
    if (change->row.values != NULL && change->before.values != NULL && change->changed != NULL)
        return reader;
    scoop_fail_memory(error);
    scoop_changes_reader_free(reader);
    return NULL;
}

void scoop_changes_reader_free(struct scoop_changes_reader *reader) {
    if (reader == NULL)
        return;
    scoop_spool_reader_free(&reader->rows);
    scoop_free(reader->change.row.values);
    scoop_free(reader->change.before.values);
    scoop_free(reader->change.changed);
    scoop_buf_free(&reader->text);
    scoop_buf_free(&reader->identified);
    scoop_changes_give(reader->changes);
    scoop_free(reader);
}

/* Takes a plain row apart; false: it is not plain. */
static bool read_plain(const unsigned char *data, size_t length, size_t count,
                       struct scoop_value *values) {
    size_t from = 0, column = 0;
    for (size_t at = 0; at < length; at += SCOOP_SCAN_BYTES) {
        uint64_t special, commas = scoop_scan_row(data + at, &special), row = ~(uint64_t)0;
        if (length - at < SCOOP_SCAN_BYTES)
            row = ((uint64_t)1 << (length - at)) - 1;
        if ((special & row) != 0)
            return false;
        for (commas &= row; commas != 0 && column + 1 < count; commas &= commas - 1) {
            size_t end = at + (size_t)__builtin_ctzll(commas);
            values[column++] = (struct scoop_value){
                .data = data + from, .length = end - from, .null = end == from};
            from = end + 1;
        }
    }
    values[column++] =
        (struct scoop_value){.data = data + from, .length = length - from, .null = length == from};
    for (; column < count; column++)
        values[column] = (struct scoop_value){.data = data + length, .null = true};
    return true;
}

static void put_nulls(struct scoop_value *values, size_t from, size_t to,
                      const unsigned char *end) {
    for (; from < to; from++)
        values[from] = (struct scoop_value){.data = end, .null = true};
}

static void read_row(const unsigned char *data, size_t length, size_t count,
                     struct scoop_change_row *row) {
    struct scoop_cell_reader reader = scoop_cells_read(data, length);
    struct scoop_cell cell;
    size_t column = 0;
    row->length = length;
    row->plain = read_plain(data, length, count, row->values);
    if (row->plain)
        return;
    while (column < count && scoop_cells_next(&reader, &cell) && cell.column < count) {
        put_nulls(row->values, column, cell.column, data + length);
        row->values[cell.column] = cell.value;
        column = cell.column + 1;
    }
    put_nulls(row->values, column, count, data + length);
}

/* Canonical values are equal when their bytes are. */
static bool same(const struct scoop_value *a, const struct scoop_value *b) {
    return a->null == b->null && a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

static int take_apart(struct scoop_changes_reader *reader, const struct scoop_record *record,
                      struct scoop_error *error) {
    struct scoop_change *change = &reader->change;
    const struct scoop_row_plan *plans = reader->changes->plans;
    bool update = record->kind == SCOOP_RECORD_UPDATED;
    size_t length = record->row.length + (update ? (size_t)record->row_now.length : 0);
    reader->text.length = 0;
    if (scoop_buf_reserve(&reader->text, length + SCOOP_SCAN_BYTES, error) != 0)
        return -1;
    unsigned char *row = reader->text.data;
    memcpy(row, record->row.data, length); /* the row now is behind the row before */
    memset(row + length, 0, SCOOP_SCAN_BYTES);
    change->kind = record->kind;
    change->side = record->kind == SCOOP_RECORD_OLD ? SCOOP_OLD : SCOOP_NEW;
    if (!update) {
        read_row(row, length, plans[change->side].columns, &change->row);
        return 0;
    }
    read_row(row, record->row.length, plans[SCOOP_OLD].columns, &change->before);
    read_row(row + record->row.length, record->row_now.length, plans[SCOOP_NEW].columns,
             &change->row);
    for (size_t i = 0; i < plans[SCOOP_NEW].compared; i++)
        change->changed[i] = !same(&change->row.values[i], &change->before.values[i]);
    return 0;
}

void scoop_changes_reader_take(struct scoop_changes_reader *reader, size_t block) {
    reader->next_block = block;
    reader->end_block = block + 1;
}

static void begin_block(struct scoop_changes_reader *reader) {
    const struct scoop_spool *spools = reader->changes->spools;
    size_t block = reader->next_block++, first = spool_blocks(&spools[0]);
    reader->rows.spool = block < first ? &spools[0] : &spools[1];
    reader->rows.next_block = block < first ? block : block - first;
}

int scoop_changes_reader_next(struct scoop_changes_reader *reader, struct scoop_error *error) {
    struct scoop_record record;
    if (reader->rows.at == reader->rows.end) {
        if (reader->next_block == reader->end_block)
            return 0;
        begin_block(reader);
    }
    int status = scoop_spool_reader_next(&reader->rows, &record, error);
    if (status <= 0)
        return status;
    if (take_apart(reader, &record, error) != 0 || scoop_change_identify(reader, error) != 0)
        return -1;
    return 1;
}

const char *scoop_change_op(const struct scoop_change *change) {
    return scoop_change_op_name(change->kind == SCOOP_RECORD_UPDATED ? SCOOP_CHANGE_UPDATE
                                : change->kind == SCOOP_RECORD_OLD   ? SCOOP_CHANGE_DELETE
                                                                     : SCOOP_CHANGE_INSERT);
}
