#include "changes.h"

#include <stdlib.h>
#include <string.h>

#include "scoop/crypto.h"
#include "scoop/memory.h"

enum { BLOCK_BYTES = 256 * 1024, ID_CEILING = 1 << 30, NAMES_CEILING = 1 << 30 };

struct scoop_changes *scoop_changes_new(const char *temp_dir, const char *version,
                                        struct scoop_error *error) {
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
    if (changes->version == NULL)
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
    if (changes == NULL || atomic_fetch_sub(&changes->references, 1) != 1)
        return;
    for (int i = 0; i < SCOOP_DELTA_SIDES; i++) {
        scoop_spool_free(&changes->spools[i]);
        scoop_row_plan_free(&changes->plans[i]);
        scoop_free(changes->by_name[i]);
        scoop_buf_free(&changes->members[i]);
        scoop_free(changes->member_ends[i]);
    }
    scoop_scratch_free(&changes->scratch);
    scoop_free(changes->version);
    scoop_free(changes);
}

/* Insertion sort: columns are few. */
static void sort_by_name(const struct scoop_columns *columns, size_t *order) {
    for (size_t i = 0; i < columns->count; i++) {
        size_t at = i;
        for (; at > 0 && strcmp(columns->names[order[at - 1]], columns->names[i]) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

int scoop_changes_prepare(struct scoop_changes *changes, struct scoop_error *error) {
    for (int side = 0; side < SCOOP_DELTA_SIDES; side++) {
        const struct scoop_columns *names = &changes->plans[side].names;
        changes->by_name[side] = scoop_calloc(names->count + 1, sizeof *changes->by_name[side]);
        changes->member_ends[side] =
            scoop_calloc(names->count + 1, sizeof *changes->member_ends[side]);
        if (changes->by_name[side] == NULL || changes->member_ends[side] == NULL)
            return scoop_fail_memory(error);
        sort_by_name(names, changes->by_name[side]);
        if (scoop_changes_name_members(changes, (enum scoop_side)side, error) != 0)
            return -1;
    }
    return 0;
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
    scoop_buf_init(&reader->scratch, ID_CEILING);
    size_t old_columns = changes->plans[SCOOP_OLD].columns;
    size_t new_columns = changes->plans[SCOOP_NEW].columns;
    size_t most = old_columns > new_columns ? old_columns : new_columns;
    reader->change.values = scoop_calloc(most + 1, sizeof *reader->change.values);
    reader->change.before = scoop_calloc(most + 1, sizeof *reader->change.before);
    reader->change.changed = scoop_calloc(most + 1, sizeof *reader->change.changed);
    if (reader->change.values == NULL || reader->change.before == NULL ||
        reader->change.changed == NULL)
        scoop_fail_memory(error);
    else if ((reader->digest = scoop_digest_new(SCOOP_DIGEST_SHA256, error)) != NULL)
        return reader;
    scoop_changes_reader_free(reader);
    return NULL;
}

void scoop_changes_reader_free(struct scoop_changes_reader *reader) {
    if (reader == NULL)
        return;
    scoop_spool_reader_free(&reader->rows);
    scoop_free(reader->change.values);
    scoop_free(reader->change.before);
    scoop_free(reader->change.changed);
    scoop_buf_free(&reader->scratch);
    scoop_digest_free(reader->digest);
    scoop_changes_give(reader->changes);
    scoop_free(reader);
}

static void read_values(const struct scoop_row_bytes *row, size_t count,
                        struct scoop_value *values) {
    const unsigned char *at = row->data, *end = at + row->length;
    for (size_t i = 0; i < count; i++)
        at = scoop_row_next(at, end, &values[i]);
}

/* Canonical values are equal when their bytes are. */
static bool same(const struct scoop_value *a, const struct scoop_value *b) {
    return a->null == b->null && a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

static void take_apart(struct scoop_changes_reader *reader, const struct scoop_record *record) {
    struct scoop_change *change = &reader->change;
    const struct scoop_row_plan *plans = reader->changes->plans;
    change->kind = record->kind;
    change->side = record->kind == SCOOP_RECORD_OLD ? SCOOP_OLD : SCOOP_NEW;
    read_values(record->kind == SCOOP_RECORD_UPDATED ? &record->row_now : &record->row,
                plans[change->side].columns, change->values);
    if (record->kind != SCOOP_RECORD_UPDATED)
        return;
    read_values(&record->row, plans[SCOOP_OLD].columns, change->before);
    for (size_t i = 0; i < plans[SCOOP_NEW].compared; i++)
        change->changed[i] = !same(&change->values[i], &change->before[i]);
}

int scoop_changes_reader_next(struct scoop_changes_reader *reader, struct scoop_error *error) {
    struct scoop_record record;
    int status = scoop_spool_reader_next(&reader->rows, &record, error);
    if (status == 0 && reader->spool == 0) {
        scoop_spool_reader_free(&reader->rows);
        scoop_spool_reader_init(&reader->rows, &reader->changes->spools[++reader->spool]);
        status = scoop_spool_reader_next(&reader->rows, &record, error);
    }
    if (status <= 0)
        return status;
    take_apart(reader, &record);
    return scoop_change_identify(reader, error) == 0 ? 1 : -1;
}

const char *scoop_change_op(const struct scoop_change *change) {
    return change->kind == SCOOP_RECORD_UPDATED ? "UPDATE"
           : change->kind == SCOOP_RECORD_OLD   ? "DELETE"
                                                : "INSERT";
}
