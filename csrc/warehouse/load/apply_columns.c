#include "warehouse/load/apply_columns.h"

#include <string.h>

#include "base/error_facts.h"
#include "scoop/memory.h"
#include "text/escapes.h"
#include "text/json_string.h"
#include "text/name_case.h"
#include "text/text.h"
#include "warehouse/session/session.h"
#include "warehouse/sql/moment.h"

/* text, char(n), varchar */
static const uint32_t text_types[] = {25, 1042, 1043};
enum {
    OID_OF_JSON = 114,
    OID_OF_JSONB = 3802,
    OID_OF_SUPER = 4000, /* Redshift's */
    TEXT_CEILING = 1 << 30,
};

void scoop_apply_map_init(struct scoop_apply_map *map, struct scoop_apply_plan *plan,
                          const struct scoop_apply_options *options) {
    memset(map, 0, sizeof *map);
    map->plan = plan;
    map->options = options;
    map->json_texts = options->json_texts;
    scoop_buf_init(&map->text, TEXT_CEILING);
}

void scoop_apply_map_free(struct scoop_apply_map *map) {
    for (size_t i = 0; map->names != NULL && i < map->count; i++)
        scoop_free(map->names[i]);
    for (size_t i = 0; map->plan->columns != NULL && i < map->plan->column_count; i++)
        scoop_free(map->plan->columns[i].name);
    scoop_free(map->plan->columns);
    map->plan->columns = NULL;
    map->plan->column_count = 0;
    scoop_free(map->keys);
    scoop_free(map->names);
    scoop_free(map->columns);
    scoop_free(map->seen);
    scoop_buf_free(&map->text);
    scoop_apply_map_init(map, map->plan, map->options);
}

static const char *column_at(const void *from, size_t place) {
    return ((const struct scoop_apply_plan *)from)->columns[place].name;
}

static long find_column(const struct scoop_apply_plan *plan, const char *name) {
    return scoop_find_name(name, column_at, plan, plan->column_count);
}

static void list_columns(const struct scoop_apply_plan *plan, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < plan->column_count && used < size; i++)
        used += scoop_text_print(text + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                 plan->columns[i].name);
}

static int find_keys(struct scoop_apply_map *map, struct scoop_error *error) {
    const struct scoop_apply_options *options = map->options;
    char names[300];
    map->keys = scoop_calloc(options->key_count, sizeof *map->keys);
    if (map->keys == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < options->key_count; i++) {
        long column = find_column(map->plan, options->keys[i]);
        list_columns(map->plan, names, sizeof names);
        if (column < 0)
            return scoop_fail(error, SCOOP_USAGE,
                              "the key \"%.100s\" is no column of %.127s; its columns are %s",
                              options->keys[i], options->table, names);
        if (map->plan->columns[column].key)
            return scoop_fail(error, SCOOP_USAGE, "the key \"%.100s\" is given twice",
                              options->keys[i]);
        if (map->plan->columns[column].is_super)
            return scoop_fail(error, SCOOP_UNSUPPORTED,
                              "the key \"%.100s\" of %.127s is SUPER, by which no rows are joined",
                              options->keys[i], options->table);
        map->plan->columns[column].key = true;
        map->keys[i] = (size_t)column;
    }
    return 0;
}

static bool is_of_text(uint32_t type) {
    for (size_t i = 0; i < sizeof text_types / sizeof text_types[0]; i++)
        if (text_types[i] == type)
            return true;
    return false;
}

int scoop_apply_map_describe(struct scoop_apply_map *map, const struct scoop_rows *rows,
                             struct scoop_error *error) {
    struct scoop_apply_plan *plan = map->plan;
    size_t count = scoop_rows_columns(rows);
    plan->columns = scoop_calloc(count + 1, sizeof *plan->columns);
    if (plan->columns == NULL)
        return scoop_fail_memory(error);
    for (; plan->column_count < count; plan->column_count++) {
        size_t at = plan->column_count;
        struct scoop_apply_column *column = &plan->columns[at];
        column->name = scoop_strdup(scoop_rows_name(rows, at));
        if (column->name == NULL)
            return scoop_fail_memory(error);
        uint32_t type = scoop_rows_type(rows, at);
        column->moment = scoop_is_moment(type);
        column->is_text = is_of_text(type);
        column->is_super = type == OID_OF_SUPER;
        column->is_json = type == OID_OF_JSON || type == OID_OF_JSONB || column->is_super;
    }
    return find_keys(map, error);
}

static int bad(const struct scoop_change_record *record, const char *what, const char *name,
               struct scoop_error *error) {
    return scoop_change_fail(error, record->place, ": %s \"%.200s\"", what, name);
}

static const char *member_at(const void *from, size_t place) {
    return ((const struct scoop_change_member *)from)[place].name;
}

/* Whether the row's column is one of those to leave out. */
static bool is_ignored(const struct scoop_apply_map *map, const struct scoop_change_record *record,
                       size_t column) {
    for (size_t i = 0; i < map->options->ignored_count; i++)
        if (scoop_find_name(map->options->ignored[i], member_at, record->row, record->row_count) ==
            (long)column)
            return true;
    return false;
}

static int learn_column(struct scoop_apply_map *map, const struct scoop_change_record *record,
                        size_t at, struct scoop_error *error) {
    struct scoop_apply_plan *plan = map->plan;
    const char *name = record->row[at].name;
    bool ignored = is_ignored(map, record, at);
    long column = ignored ? SCOOP_NO_NAME : find_column(plan, name);
    char names[300];
    list_columns(plan, names, sizeof names);
    if (column < 0 && !ignored) {
        scoop_fail(error, SCOOP_SCHEMA_CHANGED,
                   "the changes have a column \"%.100s\", which %.127s lacks (it has %s); "
                   "add it to the table, or leave it out with ignore_columns",
                   name, map->options->table, names);
        scoop_error_list(error, SCOOP_FACT_ADDED, &name, 1);
        return -1;
    }
    if (column >= 0 && plan->columns[column].given)
        return scoop_fail(error, SCOOP_SCHEMA_CHANGED,
                          "two columns of the changes, \"%.100s\" and another, are the column "
                          "\"%.100s\" of %.127s; leave one out with ignore_columns",
                          name, plan->columns[column].name, map->options->table);
    if (column >= 0)
        plan->columns[column].given = true;
    map->columns[map->count] = column;
    map->names[map->count] = scoop_strdup(name);
    if (map->names[map->count] == NULL)
        return scoop_fail_memory(error);
    map->count++;
    return 0;
}

/* From the first row of the file. */
static int learn_columns(struct scoop_apply_map *map, const struct scoop_change_record *record,
                         struct scoop_error *error) {
    map->names = scoop_calloc(record->row_count, sizeof *map->names);
    map->columns = scoop_calloc(record->row_count, sizeof *map->columns);
    map->seen = scoop_calloc(record->row_count, sizeof *map->seen);
    if (map->names == NULL || map->columns == NULL || map->seen == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < record->row_count; i++) {
        for (size_t other = 0; other < i; other++)
            if (strcmp(record->row[i].name, record->row[other].name) == 0)
                return bad(record, "its row has a column twice:", record->row[i].name, error);
        if (learn_column(map, record, i, error) != 0)
            return -1;
    }
    for (size_t i = 0; i < map->options->key_count; i++)
        if (!map->plan->columns[map->keys[i]].given)
            return bad(record, "its row lacks the key column", map->options->keys[i], error);
    return 0;
}

static long find_name(const struct scoop_apply_map *map, const char *name, size_t expected) {
    if (expected < map->count && strcmp(map->names[expected], name) == 0)
        return (long)expected;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->names[i], name) == 0)
            return (long)i;
    return -1;
}

/* "now" would be another moment on each run. */
static int check_moment(const struct scoop_apply_map *map, const struct scoop_change_record *record,
                        long column, const struct scoop_change_member *member,
                        struct scoop_error *error) {
    if (member->value == NULL || !map->plan->columns[column].moment ||
        scoop_moment_word(member->value) == NULL)
        return 0;
    return scoop_change_fail(
        error, record->place,
        ": '%.100s' of the column \"%.100s\" is a word that each run would read as a moment of its "
        "own; the export has to have the date or the time",
        member->value, map->plan->columns[column].name);
}

static bool has_json(const struct scoop_apply_plan *plan) {
    for (size_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].is_json)
            return true;
    return false;
}

/* Which rule holds for texts in columns of JSON: for all changes of a file the same. */
static int learn_json_texts(struct scoop_apply_map *map, const struct scoop_change_record *record,
                            struct scoop_error *error) {
    if (map->json_texts == SCOOP_JSON_TEXTS_AS_TOLD) {
        map->of_csv = record->of_csv;
        map->json_texts = record->of_csv ? SCOOP_JSON_TEXTS_PARSE : SCOOP_JSON_TEXTS_VALUE;
    }
    if (map->options->json_texts != SCOOP_JSON_TEXTS_AS_TOLD || map->of_csv == record->of_csv ||
        !has_json(map->plan))
        return 0;
    return scoop_change_fail(error, record->place,
                             ": it is of %s export and the changes before it are not, so that "
                             "nothing tells what texts mean in columns of JSON; say "
                             "json_texts=\"value\" or \"parse\"",
                             record->of_csv ? "a CSV" : "a JSON");
}

/* A member's value as its column takes it: *member is changed to that, and valid until the next
 * call. */
static int convert(struct scoop_apply_map *map, long column, struct scoop_change_member *member,
                   struct scoop_error *error) {
    if (member->value == NULL || !member->is_text || !map->plan->columns[column].is_json ||
        map->json_texts != SCOOP_JSON_TEXTS_VALUE)
        return 0;
    map->text.length = 0;
    if (scoop_buf_reserve(&map->text, SCOOP_ESCAPE_MOST * member->value_length + 3, error) != 0)
        return -1;
    unsigned char *end = scoop_json_string_write(
        map->text.data, (const unsigned char *)member->value, member->value_length, false);
    member->value = (const char *)map->text.data;
    member->value_length = (size_t)(end - map->text.data);
    *end = 0;
    return 0;
}

static int take_row(struct scoop_apply_map *map, const struct scoop_change_record *record,
                    struct scoop_apply_chunk *chunk, struct scoop_error *error) {
    for (size_t i = 0; i < record->row_count; i++) {
        struct scoop_change_member member = record->row[i];
        long at = find_name(map, member.name, i);
        if (at < 0)
            return bad(record, "its row has a column that the first row has not:", member.name,
                       error);
        if (map->seen[at] == record->place.number)
            return bad(record, "its row has a column twice:", member.name, error);
        map->seen[at] = record->place.number;
        if (map->columns[at] < 0 || member.value == NULL)
            continue;
        if (check_moment(map, record, map->columns[at], &member, error) != 0 ||
            convert(map, map->columns[at], &member, error) != 0 ||
            scoop_apply_chunk_set(chunk, (size_t)map->columns[at], member.value,
                                  member.value_length, error) != 0)
            return -1;
    }
    for (size_t i = 0; record->row_count < map->count && i < map->count; i++)
        if (map->seen[i] != record->place.number)
            return bad(record, "its row lacks a column of the first row:", map->names[i], error);
    return 0;
}

static int take_key(struct scoop_apply_map *map, const struct scoop_change_record *record,
                    struct scoop_apply_chunk *chunk, struct scoop_error *error) {
    const struct scoop_apply_options *options = map->options;
    for (size_t i = 0; i < options->key_count; i++) {
        long at = scoop_find_name(options->keys[i], member_at, record->key, record->key_count);
        if (at == SCOOP_NO_NAME)
            return bad(record, "its key is another one; it lacks", options->keys[i], error);
        struct scoop_change_member member = record->key[at];
        if (member.value == NULL)
            return bad(record, "its key is null:", member.name, error);
        if (check_moment(map, record, (long)map->keys[i], &member, error) != 0 ||
            convert(map, (long)map->keys[i], &member, error) != 0)
            return -1;
        const char *there = scoop_apply_chunk_value(chunk, chunk->rows - 1, map->keys[i]);
        if (record->op != SCOOP_CHANGE_DELETE &&
            (there == NULL || strcmp(there, member.value) != 0))
            return bad(record, "key and row differ in", member.name, error);
        if (record->op == SCOOP_CHANGE_DELETE &&
            scoop_apply_chunk_set(chunk, map->keys[i], member.value, member.value_length, error) !=
                0)
            return -1;
    }
    if (record->key_count == options->key_count)
        return 0;
    return bad(record, "its key has more columns than", options->keys[0], error);
}

int scoop_apply_map_take(struct scoop_apply_map *map, const struct scoop_change_record *record,
                         struct scoop_apply_chunk *chunk, struct scoop_error *error) {
    bool has_row = record->op != SCOOP_CHANGE_DELETE;
    if (learn_json_texts(map, record, error) != 0)
        return -1;
    if (has_row && map->count == 0 && learn_columns(map, record, error) != 0)
        return -1;
    if (scoop_apply_chunk_add(chunk, record->place, scoop_change_op_name(record->op)[0], error) !=
        0)
        return -1;
    if (has_row && take_row(map, record, chunk, error) != 0)
        return -1;
    return take_key(map, record, chunk, error);
}
