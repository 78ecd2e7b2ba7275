#include "table/groups/group_schema.h"

#include <string.h>

#include "scoop/memory.h"

static int copy_text(char **to, const char *text, struct scoop_error *error) {
    *to = scoop_strdup(text);
    return *to == NULL ? scoop_fail_memory(error) : 0;
}

/* The number of a field of that name and type, which is added if it is not there. */
static int find_field(struct scoop_group_schema *schema, const struct scoop_group_column *column,
                      size_t *found, struct scoop_error *error) {
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct scoop_field *field = &schema->fields[i];
        if (field->type == column->type && strcmp(field->name, column->field) == 0) {
            *found = i;
            return 0;
        }
    }
    struct scoop_field *field = &schema->fields[schema->field_count];
    if (copy_text(&field->name, column->field, error) != 0)
        return -1;
    field->length = strlen(column->field);
    field->type = column->type;
    *found = schema->field_count++;
    return 0;
}

static int copy_column(struct scoop_group_schema *schema, struct scoop_schema_column *to,
                       const struct scoop_group_column *column, struct scoop_error *error) {
    to->type = column->type;
    to->field = SIZE_MAX;
    if (copy_text(&to->name, column->name, error) != 0)
        return -1;
    return column->field == NULL ? 0 : find_field(schema, column, &to->field, error);
}

static bool is_number(enum scoop_value_type type) {
    return type == SCOOP_VALUE_INT || type == SCOOP_VALUE_BIGINT || type == SCOOP_VALUE_DOUBLE;
}

static int copy_measure(struct scoop_group_schema *schema, const struct scoop_measure *measure,
                        struct scoop_error *error) {
    struct scoop_schema_measure *to = &schema->measures[schema->measure_count];
    bool counts = measure->kind == SCOOP_COUNT;
    if (!counts && (measure->column.field == NULL || !is_number(measure->column.type)))
        return scoop_fail(error, SCOOP_USAGE,
                          "the measure \"%s\" needs a field that is an int, a bigint or a double",
                          measure->column.name);
    schema->measure_count++;
    to->kind = measure->kind;
    return copy_column(schema, &to->column, &measure->column, error);
}

/* With a rest beyond `top`, a group needs a text that says so. */
static int check_top(const struct scoop_grouping *grouping, struct scoop_error *error) {
    for (size_t i = 0; i < grouping->count; i++)
        if (grouping->columns[i].type == SCOOP_VALUE_STRING)
            return 0;
    return scoop_fail(
        error, SCOOP_USAGE,
        "the grouping \"%s\" has no column of texts, where top would write \"(other)\"",
        grouping->name);
}

static int copy_grouping(struct scoop_group_schema *schema, const struct scoop_grouping *grouping,
                         struct scoop_error *error) {
    struct scoop_schema_grouping *to = &schema->groupings[schema->grouping_count];
    if (grouping->count == 0 || grouping->count > SCOOP_MOST_GROUP_COLUMNS)
        return scoop_fail(error, SCOOP_USAGE,
                          "the grouping \"%s\" has %zu columns; it can have from 1 to %d",
                          grouping->name, grouping->count, SCOOP_MOST_GROUP_COLUMNS);
    to->columns = scoop_calloc(grouping->count, sizeof *to->columns);
    if (to->columns == NULL)
        return scoop_fail_memory(error);
    schema->grouping_count++;
    if (copy_text(&to->name, grouping->name, error) != 0)
        return -1;
    for (size_t i = 0; i < grouping->count; i++) {
        to->count++;
        if (copy_column(schema, &to->columns[i], &grouping->columns[i], error) != 0)
            return -1;
    }
    return 0;
}

/* No two columns of a result have one name. */
static int check_names(const struct scoop_schema_grouping *grouping,
                       const struct scoop_group_schema *schema, struct scoop_error *error) {
    size_t count = grouping->count + schema->measure_count;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct scoop_schema_column *columns = grouping->columns;
            const char *one = i < grouping->count
                                  ? columns[i].name
                                  : schema->measures[i - grouping->count].column.name;
            const char *other = j < grouping->count
                                    ? columns[j].name
                                    : schema->measures[j - grouping->count].column.name;
            if (strcmp(one, other) == 0)
                return scoop_fail(error, SCOOP_USAGE,
                                  "the grouping \"%s\" would have two columns \"%s\"",
                                  grouping->name, one);
        }
    return 0;
}

static int check_counts(const struct scoop_aggregate_options *options, struct scoop_error *error) {
    if (options->grouping_count == 0 || options->grouping_count > SCOOP_MOST_GROUPINGS)
        return scoop_fail(error, SCOOP_USAGE, "there are %zu groupings; there can be from 1 to %d",
                          options->grouping_count, SCOOP_MOST_GROUPINGS);
    if (options->measure_count == 0 || options->measure_count > SCOOP_MOST_MEASURES)
        return scoop_fail(error, SCOOP_USAGE, "there are %zu measures; there can be from 1 to %d",
                          options->measure_count, SCOOP_MOST_MEASURES);
    for (size_t i = 0; i < options->grouping_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(options->groupings[i].name, options->groupings[j].name) == 0)
                return scoop_fail(error, SCOOP_USAGE, "two groupings have the name \"%s\"",
                                  options->groupings[i].name);
    return 0;
}

int scoop_group_schema_init(struct scoop_group_schema *schema,
                            const struct scoop_aggregate_options *options,
                            struct scoop_error *error) {
    if (check_counts(options, error) != 0)
        return -1;
    size_t most = options->measure_count;
    for (size_t i = 0; i < options->grouping_count; i++)
        most += options->groupings[i].count;
    schema->fields = scoop_calloc(most, sizeof *schema->fields);
    schema->groupings = scoop_calloc(options->grouping_count, sizeof *schema->groupings);
    schema->measures = scoop_calloc(options->measure_count, sizeof *schema->measures);
    if (schema->fields == NULL || schema->groupings == NULL || schema->measures == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < options->measure_count; i++)
        if (copy_measure(schema, &options->measures[i], error) != 0)
            return -1;
    for (size_t i = 0; i < options->grouping_count; i++)
        if (copy_grouping(schema, &options->groupings[i], error) != 0 ||
            check_names(&schema->groupings[i], schema, error) != 0 ||
            (options->top > 0 && check_top(&options->groupings[i], error) != 0))
            return -1;
    return 0;
}

void scoop_group_schema_free(struct scoop_group_schema *schema) {
    for (size_t i = 0; i < schema->field_count; i++)
        scoop_free(schema->fields[i].name);
    for (size_t i = 0; i < schema->measure_count; i++)
        scoop_free(schema->measures[i].column.name);
    for (size_t i = 0; i < schema->grouping_count; i++) {
        for (size_t j = 0; j < schema->groupings[i].count; j++)
            scoop_free(schema->groupings[i].columns[j].name);
        scoop_free(schema->groupings[i].columns);
        scoop_free(schema->groupings[i].name);
    }
    scoop_free(schema->fields);
    scoop_free(schema->groupings);
    scoop_free(schema->measures);
    memset(schema, 0, sizeof *schema);
}
