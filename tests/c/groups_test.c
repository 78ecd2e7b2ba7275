/* Groups of records: the same in little memory and in much, and each allocation fails in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "table/groups/aggregated.h"

enum { MUCH = 1 << 26, TEXT_CEILING = 1 << 26 };

static const struct scoop_group_column by_name = {"name", SCOOP_VALUE_STRING, "name"};
static const struct scoop_group_column by_both[] = {{"n", SCOOP_VALUE_INT, "number"},
                                                    {"name", SCOOP_VALUE_STRING, "name"}};
static const struct scoop_group_column by_any = {"n", SCOOP_VALUE_JSON, "any"};
static const struct scoop_grouping groupings[] = {
    {"name", &by_name, 1}, {"both", by_both, 2}, {"any", &by_any, 1}};
static const struct scoop_measure measures[] = {
    {SCOOP_COUNT, {NULL, SCOOP_VALUE_BIGINT, "records"}},
    {SCOOP_SUM, {"n", SCOOP_VALUE_BIGINT, "sum"}},
    {SCOOP_MIN, {"n", SCOOP_VALUE_DOUBLE, "least"}},
    {SCOOP_MAX, {"n", SCOOP_VALUE_INT, "most"}},
};

static struct scoop_aggregate_options options_with(size_t top) {
    return (struct scoop_aggregate_options){
        .groupings = groupings,
        .grouping_count = top > 0 ? 2 : 3, /* a JSON value cannot say "(other)" */
        .measures = measures,
        .measure_count = 4,
        .top = top};
}

/* 1, 0: the record is bad, -1. */
static int count_line(struct scoop_aggregated *result, struct scoop_group_fields *fields,
                      const char *line, struct scoop_error *error) {
    int status =
        scoop_group_fields_read_json(fields, (const unsigned char *)line, strlen(line), error);
    for (size_t i = 0; status == 0 && i < result->count; i++) {
        status = scoop_groups_count(&result->groups[i], fields, false, error);
        if (status == 0 && (scoop_groups_spill(&result->groups[i], error) != 0 ||
                            scoop_groups_count(&result->groups[i], fields, true, error) < 0))
            return -1;
        status = status < 0 ? -1 : 0;
    }
    return status < 0 ? -1 : status == 0;
}

static int finish(struct scoop_aggregated *result, struct scoop_error *error) {
    for (size_t i = 0; i < result->count; i++) {
        int status;
        while ((status = scoop_groups_step(&result->groups[i], error)) > 0)
            ;
        if (status < 0)
            return -1;
    }
    return 0;
}

static int show(struct scoop_aggregated *result, struct scoop_buf *out, struct scoop_error *error) {
    int status = 0;
    for (size_t i = 0; i < result->count && status >= 0; i++) {
        struct scoop_groups_reader *reader = scoop_aggregated_reader(result, i, error);
        if (reader == NULL)
            return -1;
        while ((status = scoop_groups_read_json(reader, 100, out, error)) > 0)
            ;
        scoop_groups_reader_free(reader);
    }
    return status;
}

/* All rows of the stream, which is let go of. */
static int read_arrow(struct scoop_aggregated *result, size_t grouping, int64_t *rows,
                      struct scoop_error *error) {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    if (scoop_aggregated_arrow(result, grouping, &stream, error) != 0)
        return -1;
    int status = stream.get_schema(&stream, &schema);
    if (status == 0)
        schema.release(&schema);
    for (*rows = 0; status == 0;) {
        status = stream.get_next(&stream, &array);
        if (status != 0 || array.release == NULL)
            break;
        *rows += array.length;
        array.release(&array);
    }
    stream.release(&stream);
    if (status != 0)
        scoop_fail_memory(error);
    return status == 0 ? 0 : -1;
}

/* So many records, of so many names. 0 or -1. */
static int count_all(size_t pool, size_t top, unsigned records, unsigned names,
                     struct scoop_buf *out, struct scoop_error *error) {
    const struct scoop_aggregate_options options = options_with(top);
    struct scoop_aggregated *result = scoop_aggregated_new(&options, pool, error);
    struct scoop_group_fields fields = {0};
    int status = result == NULL ? -1 : scoop_group_fields_init(&fields, &result->schema, error);
    char line[200];
    for (unsigned i = 0; i < records && status == 0; i++) {
        snprintf(line, sizeof line, "{\"name\": \"a name, the %u\\u0061\", \"n\": %u.0}\n",
                 i * 7919 % names, i % 5);
        status = count_line(result, &fields, line, error) > 0 ? 0 : -1;
    }
    if (status == 0)
        status = finish(result, error);
    if (status == 0)
        status = show(result, out, error);
    int64_t rows;
    for (size_t i = 0; status == 0 && i < result->count; i++)
        status = read_arrow(result, i, &rows, error);
    scoop_group_fields_free(&fields);
    scoop_aggregated_give(result);
    return status;
}

static void groups_do_not_depend_on_the_memory(void **state) {
    static const size_t pools[] = {MUCH, 1000 * 1000, 200 * 1000, 1};
    (void)state;
    for (size_t top = 0; top < 100; top += 33) {
        struct scoop_buf expected, found;
        struct scoop_error error = {0};
        scoop_buf_init(&expected, TEXT_CEILING);
        assert_int_equal(count_all(MUCH, top, 1500, 300, &expected, &error), 0);
        for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
            scoop_buf_init(&found, TEXT_CEILING);
            assert_int_equal(count_all(pools[i], top, 1500, 300, &found, &error), 0);
            assert_int_equal(found.length, expected.length);
            assert_memory_equal(found.data, expected.data, expected.length);
            scoop_buf_free(&found);
        }
        scoop_buf_free(&expected);
    }
}

static void expect(size_t grouping, const char *const *lines, size_t top, const char *rows) {
    const struct scoop_aggregate_options options = options_with(top);
    struct scoop_error error = {0};
    struct scoop_buf out;
    struct scoop_group_fields fields;
    struct scoop_aggregated *result = scoop_aggregated_new(&options, MUCH, &error);
    scoop_buf_init(&out, TEXT_CEILING);
    assert_non_null(result);
    assert_int_equal(scoop_group_fields_init(&fields, &result->schema, &error), 0);
    for (; *lines != NULL; lines++)
        assert_int_equal(count_line(result, &fields, *lines, &error), 1);
    assert_int_equal(finish(result, &error), 0);
    struct scoop_groups_reader *reader = scoop_aggregated_reader(result, grouping, &error);
    while (scoop_groups_read_json(reader, 1, &out, &error) > 0)
        ;
    assert_string_equal(scoop_buf_text(&out, &error), rows);
    scoop_groups_reader_free(reader);
    scoop_group_fields_free(&fields);
    scoop_aggregated_give(result);
    scoop_buf_free(&out);
}

static void rows_come_in_the_order_of_their_columns(void **state) {
    static const char *const lines[] = {"{\"name\":\"b\",\"n\":2}\n",
                                        "{\"n\":-1,\"name\":\"\"}\n",
                                        "{\"name\":\"a\\u0000b\",\"n\":10}\n",
                                        "{\"name\":\"a\",\"n\":null}\n",
                                        "{\"n\":2.0,\"name\":\"b\"}\n",
                                        "{}\n",
                                        NULL};
    (void)state;
    expect(
        1, lines, 0,
        "{\"number\":null,\"name\":null,\"records\":1,\"sum\":null,\"least\":null,\"most\":null}\n"
        "{\"number\":null,\"name\":\"a\",\"records\":1,\"sum\":null,\"least\":null,\"most\":null}\n"
        "{\"number\":-1,\"name\":\"\",\"records\":1,\"sum\":-1,\"least\":-1,\"most\":-1}\n"
        "{\"number\":2,\"name\":\"b\",\"records\":2,\"sum\":4,\"least\":2,\"most\":2}\n"
        "{\"number\":10,\"name\":\"a\\u0000b\",\"records\":1,\"sum\":10,\"least\":10,\"most\":10}"
        "\n");
    expect(0, lines, 2,
           "{\"name\":null,\"records\":1,\"sum\":null,\"least\":null,\"most\":null}\n"
           "{\"name\":\"b\",\"records\":2,\"sum\":4,\"least\":2,\"most\":2}\n"
           "{\"name\":\"(other)\",\"records\":3,\"sum\":9,\"least\":-1,\"most\":10}\n");
}

static void equal_values_are_one_group(void **state) {
    static const char *const lines[] = {"{\"n\":{\"b\":1.0,\"a\":[1e0]}}\n",
                                        "{\"n\" : { \"a\" : [ 1 ], \"b\" : 1 } }\n",
                                        "{\"n\":100}\n", "{\"n\":1e2}\n", NULL};
    (void)state;
    expect(2, lines, 0,
           "{\"any\":\"100\",\"records\":2,\"sum\":200,\"least\":100,\"most\":100}\n"
           "{\"any\":\"{\\\"a\\\":[1],\\\"b\\\":1}\",\"records\":2,\"sum\":null,\"least\":null,"
           "\"most\":null}\n");
}

static void a_sum_beyond_its_type_is_an_error(void **state) {
    const struct scoop_aggregate_options options = options_with(0);
    struct scoop_error error = {0};
    struct scoop_group_fields fields;
    struct scoop_aggregated *result = scoop_aggregated_new(&options, MUCH, &error);
    (void)state;
    assert_non_null(result);
    assert_int_equal(scoop_group_fields_init(&fields, &result->schema, &error), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(count_line(result, &fields, "{\"n\":9223372036854775807}\n", &error), 1);
    assert_int_equal(finish(result, &error), -1);
    assert_int_equal(error.code, SCOOP_TOO_LARGE);
    scoop_group_fields_free(&fields);
    scoop_aggregated_give(result);
}

static void each_allocation_fails_once(void **state) {
    (void)state;
#ifdef SCOOP_TORTURE
    static const size_t pools[] = {MUCH, 1};
    for (size_t i = 0; i < 2; i++)
        for (long nth = 1;; nth++) {
            struct scoop_error error = {0};
            struct scoop_buf out;
            scoop_buf_init(&out, TEXT_CEILING);
            scoop_memory_fail_at(nth);
            int status = count_all(pools[i], 3, 12, 9, &out, &error);
            scoop_memory_fail_at(0);
            scoop_buf_free(&out);
            if (status == 0 && nth > 10)
                break;
            assert_int_equal(error.code, SCOOP_NO_MEMORY);
        }
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_do_not_depend_on_the_memory),
        cmocka_unit_test(rows_come_in_the_order_of_their_columns),
        cmocka_unit_test(equal_values_are_one_group),
        cmocka_unit_test(a_sum_beyond_its_type_is_an_error),
        cmocka_unit_test(each_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
