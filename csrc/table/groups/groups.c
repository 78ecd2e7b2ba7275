#include "table/groups/groups.h"

#include <stdlib.h>

#include "scoop/memory.h"
#include "text/example.h"

enum { BLOCK_BYTES = 256 * 1024, STEP_ROWS = 8192, KEY_CEILING = 1 << 30, NAME_SIZE = 120 };

void scoop_groups_init(struct scoop_groups *groups, const struct scoop_group_schema *schema,
                       size_t grouping, size_t top, struct scoop_group_pool *pool,
                       struct scoop_scratch *scratch, struct scoop_scratch *kept) {
    memset(groups, 0, sizeof *groups);
    groups->schema = schema;
    groups->grouping = &schema->groupings[grouping];
    groups->top = top;
    groups->scratch = scratch;
    scoop_group_table_init(&groups->table, schema, pool);
    scoop_group_runs_init(&groups->runs, schema, scratch);
    scoop_buf_init(&groups->key, KEY_CEILING);
    scoop_buf_init(&groups->other, KEY_CEILING);
    scoop_spool_init(&groups->result, kept, BLOCK_BYTES);
    scoop_spool_init(&groups->chosen, kept, BLOCK_BYTES);
}

static void end_merge(struct scoop_groups *groups) {
    if (groups->merges)
        scoop_group_merge_free(&groups->merge);
    groups->merges = false;
}

static void end_reading(struct scoop_groups *groups) {
    if (groups->reads)
        scoop_spool_reader_free(&groups->reader);
    groups->reads = false;
}

void scoop_groups_free(struct scoop_groups *groups) {
    end_merge(groups);
    end_reading(groups);
    scoop_group_table_clear(&groups->table);
    scoop_group_runs_free(&groups->runs);
    scoop_buf_free(&groups->key);
    scoop_buf_free(&groups->other);
    scoop_spool_free(&groups->result);
    scoop_spool_free(&groups->chosen);
    scoop_free(groups->ranks);
    groups->ranks = NULL;
}

int scoop_groups_count(struct scoop_groups *groups, const struct scoop_group_fields *fields,
                       bool must, struct scoop_error *error) {
    const struct scoop_schema_grouping *grouping = groups->grouping;
    const struct scoop_field_value *part = &fields->values[grouping->columns[0].field];
    const unsigned char *key = fields->parts.data + part->part;
    size_t length = part->length;
    if (grouping->count > 1) {
        groups->key.length = 0;
        for (size_t i = 0; i < grouping->count; i++) {
            part = &fields->values[grouping->columns[i].field];
            if (scoop_buf_append(&groups->key, fields->parts.data + part->part, part->length,
                                 error) != 0)
                return -1;
        }
        key = groups->key.data;
        length = groups->key.length;
    }
    unsigned char *group;
    int status = scoop_group_table_find(&groups->table, key, length, must, &group, error);
    if (status > 0)
        scoop_group_state_count(group, fields);
    return status;
}

int scoop_groups_spill(struct scoop_groups *groups, struct scoop_error *error) {
    return scoop_group_runs_spill(&groups->runs, &groups->table, error);
}

/* --- the result --- */

static int begin_merge(struct scoop_groups *groups, size_t count, struct scoop_error *error) {
    groups->merges = true;
    return scoop_group_merge_init(&groups->merge, &groups->runs, count, error);
}

/* All records are counted. */
static int begin(struct scoop_groups *groups, struct scoop_error *error) {
    groups->phase = SCOOP_GROUPS_WRITING;
    if (groups->runs.count == 0) {
        scoop_group_table_sort(&groups->table);
        return 1;
    }
    if (groups->table.count > 0 && scoop_groups_spill(groups, error) != 0)
        return -1;
    if (groups->runs.count <= SCOOP_MERGED_RUNS)
        return begin_merge(groups, groups->runs.count, error) == 0 ? 1 : -1;
    groups->phase = SCOOP_GROUPS_MERGING;
    return 1;
}

/* The first runs become one. */
static int merge_runs(struct scoop_groups *groups, struct scoop_error *error) {
    if (!groups->merges) {
        if (groups->runs.count <= SCOOP_MERGED_RUNS) {
            groups->phase = SCOOP_GROUPS_WRITING;
            return begin_merge(groups, groups->runs.count, error) == 0 ? 1 : -1;
        }
        if (scoop_group_runs_add(&groups->runs, error) == NULL ||
            begin_merge(groups, SCOOP_MERGED_RUNS, error) != 0)
            return -1;
    }
    struct scoop_spool *to = &groups->runs.spools[groups->runs.count - 1];
    const struct scoop_buf *group = &groups->merge.group;
    for (size_t i = 0; i < STEP_ROWS; i++) {
        int status = scoop_group_merge_next(&groups->merge, error);
        if (status < 0)
            return -1;
        if (status == 0) {
            end_merge(groups);
            scoop_group_runs_replace(&groups->runs, SCOOP_MERGED_RUNS);
            return scoop_spool_flush(to - SCOOP_MERGED_RUNS, error) == 0 ? 1 : -1;
        }
        if (scoop_spool_add_suffix(to, 0, group->data, (uint32_t)group->length, error) != 0)
            return -1;
    }
    return 1;
}

static int fail_sum(const struct scoop_groups *groups, size_t measure, struct scoop_error *error) {
    char shown[NAME_SIZE];
    const char *name = groups->schema->measures[measure].column.name;
    scoop_example(shown, sizeof shown, name, strlen(name));
    return scoop_fail(
        error, SCOOP_TOO_LARGE,
        "grouping %.100s: the sum \"%s\" of a group is beyond %s; sum it as a double, "
        "or count less at a time",
        groups->grouping->name, shown,
        groups->schema->measures[measure].column.type == SCOOP_VALUE_DOUBLE ? "all doubles"
                                                                            : "64 bits");
}

/* Looks at a group of the result before it is kept. */
static int check_measures(const struct scoop_groups *groups, const unsigned char *group,
                          struct scoop_error *error) {
    struct scoop_measured measured;
    for (size_t i = 0; i < groups->schema->measure_count; i++)
        if (!scoop_group_measured(group, groups->schema, i, &measured))
            return fail_sum(groups, i, error);
    return 0;
}

static int keep(struct scoop_groups *groups, const unsigned char *group, size_t bytes,
                struct scoop_error *error) {
    groups->groups++;
    groups->records += scoop_group_records(group);
    if (check_measures(groups, group, error) != 0)
        return -1;
    return scoop_spool_add_suffix(&groups->result, 0, group, (uint32_t)bytes, error);
}

static int write_table(struct scoop_groups *groups, struct scoop_error *error) {
    const struct scoop_group_table *table = &groups->table;
    for (size_t i = 0; i < STEP_ROWS && groups->next_row < table->count; i++) {
        const unsigned char *group = table->slots[groups->next_row++].group;
        if (keep(groups, group, scoop_group_bytes(group), error) != 0)
            return -1;
    }
    return groups->next_row < table->count;
}

static int write_merged(struct scoop_groups *groups, struct scoop_error *error) {
    int status = 1;
    for (size_t i = 0; i < STEP_ROWS && status > 0; i++) {
        status = scoop_group_merge_next(&groups->merge, error);
        if (status > 0 &&
            keep(groups, groups->merge.group.data, groups->merge.group.length, error) != 0)
            return -1;
    }
    return status;
}

static void begin_reading(struct scoop_groups *groups) {
    end_reading(groups);
    scoop_spool_reader_init(&groups->reader, &groups->result);
    groups->reads = true;
    groups->row = 0;
}

static int end_writing(struct scoop_groups *groups, struct scoop_error *error) {
    end_merge(groups);
    scoop_group_table_clear(&groups->table);
    scoop_group_runs_free(&groups->runs);
    groups->phase = SCOOP_GROUPS_DONE;
    if (groups->top == 0 || groups->groups <= groups->top)
        return 0;
    groups->ranks = scoop_calloc(groups->top, sizeof *groups->ranks);
    if (groups->ranks == NULL)
        return scoop_fail_memory(error);
    begin_reading(groups);
    groups->phase = SCOOP_GROUPS_RANKING;
    return 1;
}

static int write_result(struct scoop_groups *groups, struct scoop_error *error) {
    int status = groups->merges ? write_merged(groups, error) : write_table(groups, error);
    return status != 0 ? status : end_writing(groups, error);
}

/* --- the first `top` --- */

/* The greater measure first; NULL last; of equal ones the group that comes first. */
static bool ranks_below(const struct scoop_ranked *one, const struct scoop_ranked *other) {
    if (one->by.null != other->by.null)
        return one->by.null;
    if (!one->by.null && one->by.is_real && one->by.number != other->by.number)
        return one->by.number < other->by.number;
    if (!one->by.null && !one->by.is_real && one->by.integer != other->by.integer)
        return one->by.integer < other->by.integer;
    return one->row > other->row;
}

static void swap_ranks(struct scoop_ranked *ranks, size_t a, size_t b) {
    struct scoop_ranked kept = ranks[a];
    ranks[a] = ranks[b];
    ranks[b] = kept;
}

static void sink_rank(struct scoop_ranked *ranks, size_t count, size_t at) {
    for (;;) {
        size_t least = at, left = 2 * at + 1;
        if (left < count && ranks_below(&ranks[left], &ranks[least]))
            least = left;
        if (left + 1 < count && ranks_below(&ranks[left + 1], &ranks[least]))
            least = left + 1;
        if (least == at)
            return;
        swap_ranks(ranks, at, least);
        at = least;
    }
}

static void rise(struct scoop_ranked *ranks, size_t at) {
    for (; at > 0 && ranks_below(&ranks[at], &ranks[(at - 1) / 2]); at = (at - 1) / 2)
        swap_ranks(ranks, at, (at - 1) / 2);
}

static int by_row(const void *a, const void *b) {
    const struct scoop_ranked *one = a, *other = b;
    return (one->row > other->row) - (one->row < other->row);
}

static void rank_group(struct scoop_groups *groups, const unsigned char *group) {
    struct scoop_ranked ranked = {.row = groups->row++};
    scoop_group_measured(group, groups->schema, 0, &ranked.by);
    if (groups->rank_count < groups->top) {
        groups->ranks[groups->rank_count] = ranked;
        rise(groups->ranks, groups->rank_count++);
    } else if (ranks_below(&groups->ranks[0], &ranked)) {
        groups->ranks[0] = ranked;
        sink_rank(groups->ranks, groups->rank_count, 0);
    }
}

static int rank(struct scoop_groups *groups, struct scoop_error *error) {
    struct scoop_record record;
    for (size_t i = 0; i < STEP_ROWS; i++) {
        int status = scoop_spool_reader_next(&groups->reader, &record, error);
        if (status < 0)
            return -1;
        if (status > 0) {
            rank_group(groups, record.row.data);
            continue;
        }
        qsort(groups->ranks, groups->rank_count, sizeof *groups->ranks, by_row);
        begin_reading(groups);
        groups->phase = SCOOP_GROUPS_CHOOSING;
        return 1;
    }
    return 1;
}

/* One more group of the rest. */
static int add_other(struct scoop_groups *groups, const unsigned char *group,
                     struct scoop_error *error) {
    size_t bytes = scoop_group_state_bytes(groups->schema);
    groups->other_groups++;
    groups->other_records += scoop_group_records(group);
    if (groups->other.length == 0)
        return scoop_buf_append(&groups->other, group, bytes, error);
    scoop_group_state_merge(groups->other.data, group, groups->schema);
    return 0;
}

static int end_choosing(struct scoop_groups *groups, struct scoop_error *error) {
    const struct scoop_buf *other = &groups->other;
    end_reading(groups);
    if (check_measures(groups, other->data, error) != 0 ||
        scoop_spool_add_suffix(&groups->chosen, 1, other->data, (uint32_t)other->length, error) !=
            0)
        return -1;
    struct scoop_spool all = groups->result;
    groups->result = groups->chosen;
    groups->chosen = all;
    scoop_spool_free(&groups->chosen);
    groups->groups = groups->rank_count + 1;
    groups->phase = SCOOP_GROUPS_DONE;
    return 0;
}

static int choose(struct scoop_groups *groups, struct scoop_error *error) {
    struct scoop_record record;
    for (size_t i = 0; i < STEP_ROWS; i++) {
        int status = scoop_spool_reader_next(&groups->reader, &record, error);
        if (status <= 0)
            return status < 0 ? -1 : end_choosing(groups, error);
        bool first = groups->next_rank < groups->rank_count &&
                     groups->ranks[groups->next_rank].row == groups->row;
        groups->row++;
        groups->next_rank += first;
        status = first ? scoop_spool_add_suffix(&groups->chosen, 0, record.row.data,
                                                record.row.length, error)
                       : add_other(groups, record.row.data, error);
        if (status != 0)
            return -1;
    }
    return 1;
}

int scoop_groups_step(struct scoop_groups *groups, struct scoop_error *error) {
    switch (groups->phase) {
    case SCOOP_GROUPS_COUNTING:
        return begin(groups, error);
    case SCOOP_GROUPS_MERGING:
        return merge_runs(groups, error);
    case SCOOP_GROUPS_WRITING:
        return write_result(groups, error);
    case SCOOP_GROUPS_RANKING:
        return rank(groups, error);
    case SCOOP_GROUPS_CHOOSING:
        return choose(groups, error);
    case SCOOP_GROUPS_DONE:
        break;
    }
    return 0;
}

/* --- its reader --- */

void scoop_groups_cursor_init(struct scoop_groups_cursor *cursor,
                              const struct scoop_groups *groups) {
    memset(cursor, 0, sizeof *cursor);
    cursor->groups = groups;
    scoop_spool_reader_init(&cursor->reader, &groups->result);
}

void scoop_groups_cursor_free(struct scoop_groups_cursor *cursor) {
    scoop_spool_reader_free(&cursor->reader);
}

int scoop_groups_cursor_next(struct scoop_groups_cursor *cursor, struct scoop_error *error) {
    struct scoop_record record;
    int status = scoop_spool_reader_next(&cursor->reader, &record, error);
    if (status > 0) {
        cursor->group = record.row.data;
        cursor->other = record.row.compared == 1;
    }
    return status;
}

size_t scoop_groups_other_column(const struct scoop_groups *groups) {
    size_t column = 0;
    while (column + 1 < groups->grouping->count &&
           groups->grouping->columns[column].type != SCOOP_VALUE_STRING)
        column++;
    return column;
}
