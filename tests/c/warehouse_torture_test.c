/* Every allocation of the warehouse's pure parts fails once: the call must say NO_MEMORY and leak
 * nothing. In builds without SCOOP_TORTURE nothing fails and each job just runs once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "scoop/partition.h"
#include "scoop/script.h"
#include "scoop/session.h"
#include "warehouse/load/apply_columns.h"
#include "warehouse/load/change_source.h"
#include "warehouse/load/insert_names.h"
#include "warehouse/partition/partition_internal.h"
#include "warehouse/sql/insert_sql.h"

enum { MOST_ALLOCATIONS = 500 };

static char changes_file[] = "/tmp/airscoop-changes-XXXXXX";

/* Runs the job with its nth allocation failing, for every n until it succeeds. */
static void torture(int (*job)(struct scoop_error *error)) {
    for (long nth = 1; nth <= MOST_ALLOCATIONS; nth++) {
        struct scoop_error error = {0};
#ifdef SCOOP_TORTURE
        scoop_memory_fail_at(nth);
#endif
        int result = job(&error);
#ifdef SCOOP_TORTURE
        scoop_memory_fail_at(0);
#endif
        if (result == 0)
            return;
        assert_int_equal(error.code, SCOOP_NO_MEMORY);
    }
    fail_msg("the job never succeeded");
}

static int split_script(struct scoop_error *error) {
    static const char text[] = "a '${v}'; b $$x$$; c";
    static const struct scoop_script_text whole = {"f", text, sizeof text - 1, false};
    static const struct scoop_script_variable variable = {"v", "it's"};
    struct scoop_script script;
    if (scoop_script_parse(&whole, &variable, 1, &script, error) != 0)
        return -1;
    scoop_script_free(&script);
    return 0;
}

static int read_partition(struct scoop_error *error) {
    char **values = NULL;
    if (scoop_partition_parse("[\"a\\n\", null, 3]", 3, &values, error) != 0)
        return -1;
    for (size_t i = 0; i < 3; i++)
        scoop_free(values[i]);
    scoop_free(values);
    return 0;
}

static int normalise_values(struct scoop_error *error) {
    static const char *const values[][2] = {
        {"date", "20270105"}, {"timestamp", "2027-01-05 07:00:00.5"},
        {"integer", "007"},   {"decimal(10,2)", "1.5"},
        {"double", "0.10"},   {"boolean", "t"},
        {"varchar(3)", "abc"}};
    int result = 0;
    for (size_t i = 0; result == 0 && i < sizeof values / sizeof values[0]; i++) {
        struct scoop_buf normal;
        scoop_buf_init(&normal, 1024);
        result = scoop_partition_normal(values[i][0], values[i][1], &normal, error);
        scoop_buf_free(&normal);
    }
    return result;
}

static int write_sql(struct scoop_error *error) {
    static const char *const columns[] = {"k", "at"};
    const struct scoop_insert_names names = {.source = "s.a",
                                             .target = "s.b",
                                             .columns = columns,
                                             .column_count = 2,
                                             .keys = columns,
                                             .key_count = 1};
    struct scoop_insert_plan plan;
    struct scoop_buf sql;
    scoop_buf_init(&sql, 65536);
    int result = scoop_insert_plan(&names, false, "f00", &plan, error);
    if (result == 0)
        result = scoop_insert_sql_create_matched(&plan, &sql, error);
    scoop_buf_free(&sql);
    return result;
}

static int spell_names(struct scoop_error *error) {
    static const char *const columns[] = {"k", "at"}, *const keys[] = {"K"};
    const struct scoop_insert_names names = {
        .columns = columns, .column_count = 2, .keys = keys, .key_count = 1};
    struct scoop_insert_spelling spelling = {0};
    int result = scoop_insert_spell(&spelling, &names, error);
    if (result == 0)
        assert_string_equal(spelling.names.keys[0], "k");
    scoop_insert_spelling_free(&spelling);
    return result;
}

static int make_session(struct scoop_error *error) {
    const struct scoop_session_options options = {.conninfo = "host=h password='p q' dbname=d",
                                                  .label = "airscoop:x"};
    struct scoop_session *session = scoop_session_new(&options, error);
    scoop_session_free(session);
    return session == NULL ? -1 : 0;
}

/* Sets a column's name as a server's answer would. */
static int name_columns(struct scoop_apply_map *map, struct scoop_error *error) {
    static const char *const names[] = {"id", "note"};
    map->plan->columns = scoop_calloc(2, sizeof *map->plan->columns);
    map->keys = scoop_calloc(1, sizeof *map->keys);
    if (map->plan->columns == NULL || map->keys == NULL)
        return scoop_fail_memory(error);
    for (; map->plan->column_count < 2; map->plan->column_count++) {
        struct scoop_apply_column *column = &map->plan->columns[map->plan->column_count];
        column->name = scoop_strdup(names[map->plan->column_count]);
        if (column->name == NULL)
            return scoop_fail_memory(error);
        column->key = map->plan->column_count == 0;
    }
    return 0;
}

static int take_changes(struct scoop_change_source *source, struct scoop_apply_map *map,
                        struct scoop_apply_chunk *chunk, struct scoop_error *error) {
    struct scoop_change_record record;
    enum scoop_change_read found;
    while ((found = scoop_change_source_next(source, &record, error)) != SCOOP_CHANGE_READ_END)
        if (found == SCOOP_CHANGE_READ_FAILED ||
            (found == SCOOP_CHANGE_READ_ONE &&
             scoop_apply_map_take(map, &record, chunk, error) != 0))
            return -1;
    return 0;
}

/* A file of changes, from the disk into a chunk. */
static int stage_changes(struct scoop_error *error) {
    static const char *const keys[] = {"id"};
    struct scoop_transfer_options transfer = {.source.uri = changes_file};
    struct scoop_apply_options options = {.table = "s.t", .keys = keys, .key_count = 1};
    struct scoop_apply_plan plan = {0};
    struct scoop_apply_map map;
    struct scoop_apply_chunk chunk;
    scoop_apply_map_init(&map, &plan, &options);
    scoop_apply_chunk_init(&chunk, &plan);
    struct scoop_change_source *source = scoop_change_source_new(&transfer, error);
    int result = source == NULL ? -1 : name_columns(&map, error);
    if (result == 0)
        result = take_changes(source, &map, &chunk, error);
    if (result == 0)
        assert_int_equal(chunk.rows, 300);
    scoop_change_source_free(source);
    scoop_apply_chunk_free(&chunk);
    scoop_apply_map_free(&map);
    return result;
}

static void write_changes(void) {
    int descriptor = mkstemp(changes_file);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    for (int i = 0; i < 300; i++)
        fprintf(file,
                "{\"op\":\"%s\",\"key\":{\"id\":\"%d\"},\"row\":{\"id\":\"%d\",\"note\":null}}\n",
                i % 2 ? "INSERT" : "DELETE", i, i);
    fclose(file);
}

static void changes_survive_a_failing_allocation(void **state) {
    (void)state;
    write_changes();
    torture(stage_changes);
    unlink(changes_file);
}

static void a_script_survives_a_failing_allocation(void **state) {
    (void)state;
    torture(split_script);
}

static void partition_values_survive_a_failing_allocation(void **state) {
    (void)state;
    torture(read_partition);
    torture(normalise_values);
}

static void statements_survive_a_failing_allocation(void **state) {
    (void)state;
    torture(write_sql);
    torture(spell_names);
}

static void a_session_survives_a_failing_allocation(void **state) {
    (void)state;
    torture(make_session);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_survives_a_failing_allocation),
        cmocka_unit_test(partition_values_survive_a_failing_allocation),
        cmocka_unit_test(statements_survive_a_failing_allocation),
        cmocka_unit_test(changes_survive_a_failing_allocation),
        cmocka_unit_test(a_session_survives_a_failing_allocation),
    };
    return cmocka_run_group_tests_name("warehouse_torture", tests, NULL, NULL);
}
