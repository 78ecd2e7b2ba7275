#include "table/groups/aggregated.h"

#include "scoop/memory.h"

static void release(struct scoop_aggregated *result) {
    for (size_t i = 0; i < result->count; i++)
        scoop_groups_free(&result->groups[i]);
    scoop_free(result->groups);
    scoop_group_schema_free(&result->schema);
    scoop_scratch_free(&result->scratch);
    scoop_scratch_free(&result->kept);
    scoop_free(result);
}

static int set_up(struct scoop_aggregated *result, const struct scoop_aggregate_options *options,
                  struct scoop_error *error) {
    if (scoop_group_schema_init(&result->schema, options, error) != 0 ||
        scoop_scratch_init(&result->scratch, options->temp_dir, error) != 0 ||
        scoop_scratch_init(&result->kept, options->temp_dir, error) != 0)
        return -1;
    result->groups = scoop_calloc(options->grouping_count, sizeof *result->groups);
    if (result->groups == NULL)
        return scoop_fail_memory(error);
    for (; result->count < options->grouping_count; result->count++)
        scoop_groups_init(&result->groups[result->count], &result->schema, result->count,
                          options->top, &result->pool, &result->scratch, &result->kept);
    return 0;
}

struct scoop_aggregated *scoop_aggregated_new(const struct scoop_aggregate_options *options,
                                              size_t pool_bytes, struct scoop_error *error) {
    struct scoop_aggregated *result = scoop_calloc(1, sizeof *result);
    if (result == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    atomic_init(&result->references, 1);
    result->scratch.fd = result->kept.fd = -1;
    int status = set_up(result, options, error);
    /* Files that lie in memory take their part of it. */
    bool in_memory = status == 0 && result->scratch.in_memory;
    result->pool.limit_bytes = in_memory ? pool_bytes / 2 : pool_bytes;
    result->room.most_bytes = pool_bytes / 2;
    scoop_scratch_bound(&result->scratch, &result->room);
    scoop_scratch_bound(&result->kept, &result->room);
    if (status == 0)
        return result;
    release(result);
    return NULL;
}

struct scoop_aggregated *scoop_aggregated_hold(struct scoop_aggregated *result) {
    atomic_fetch_add(&result->references, 1);
    return result;
}

void scoop_aggregated_give(struct scoop_aggregated *result) {
    if (result != NULL && atomic_fetch_sub(&result->references, 1) == 1)
        release(result);
}

size_t scoop_aggregated_count(const struct scoop_aggregated *result) {
    return result->count;
}

void scoop_aggregated_facts(const struct scoop_aggregated *result, size_t grouping,
                            struct scoop_grouping_facts *facts) {
    const struct scoop_groups *groups = &result->groups[grouping];
    *facts = (struct scoop_grouping_facts){.name = groups->grouping->name,
                                           .groups = groups->groups,
                                           .records = groups->records,
                                           .other_groups = groups->other_groups,
                                           .other_records = groups->other_records};
}

void scoop_groups_values_next(struct scoop_groups_values *values, struct scoop_key_part *part) {
    const struct scoop_groups *groups = values->cursor->groups;
    size_t column = values->column++;
    if (!values->cursor->other) {
        if (column == 0)
            values->at = scoop_groups_cursor_key(values->cursor);
        values->at = scoop_group_key_take(values->at, groups->grouping->columns[column].type, part);
        return;
    }
    memset(part, 0, sizeof *part);
    part->null = column != scoop_groups_other_column(groups);
    part->text = (const unsigned char *)SCOOP_GROUPS_OTHER;
    part->length = sizeof SCOOP_GROUPS_OTHER - 1;
}
