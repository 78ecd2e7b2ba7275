/* What a row may be, and the one form of its values: the pure parts, also where memory ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/canonical.h"
#include "scoop/memory.h"
#include "table/rows/column_case.h"
#include "table/rows/csv.h"
#include "table/rows/json_value.h"
#include "text/canonical_number.h"

static const char nested[] =
    "{\"z\":[{\"b\":1,\"a\":{\"y\":2,\"x\":[]}},\"\\u00e9\\/\"], \"a\" : {} ,\"\\u0061a\":null}\n";

static int take(bool by_value, const char *text, char *out, struct scoop_error *error) {
    struct scoop_canonical canonical;
    struct scoop_value value;
    scoop_canonical_init(&canonical);
    unsigned char *room =
        scoop_malloc(scoop_canonical_room((const unsigned char *)text, strlen(text)));
    unsigned char *at = room;
    int status = -1;
    if (room == NULL)
        scoop_fail_memory(error);
    else if (scoop_json_take_canonical(&canonical, (const unsigned char *)text, by_value, &at,
                                       &value, error) != NULL)
        status = 0;
    if (status == 0)
        snprintf(out, 256, "%.*s", (int)value.length, (const char *)value.data);
    scoop_free(room);
    scoop_canonical_free(&canonical);
    return status;
}

static void nested_values_have_one_form(void **state) {
    struct scoop_error error = {0};
    char out[256];
    (void)state;
    assert_int_equal(take(false, nested, out, &error), 0);
    assert_string_equal(
        out, "\1{\"a\":{},\"aa\":null,\"z\":[{\"a\":{\"x\":[],\"y\":2},\"b\":1},\"é/\"]}");
    assert_int_equal(take(true, "[1.0,-0e9,12e-1,true]\n", out, &error), 0);
    assert_string_equal(out, "\1[1,0,1.2,true]");
}

/* The room that a line is given is enough for whatever numbers it has. */
static void a_number_grows_no_more_than_its_room(void **state) {
    static const char *const numbers[] = {"0",
                                          "1e9",
                                          "9e20",
                                          "1e20",
                                          "1e-6",
                                          "-1e20",
                                          "-1e5",
                                          "1E-5",
                                          "12e-7",
                                          "0.0e-999",
                                          "1e999",
                                          "1.5",
                                          "0.00000012",
                                          "1000000000000000000000",
                                          "-12e999999999999999",
                                          "12e-999999999999999"};
    unsigned char out[256];
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        size_t length = strlen(numbers[i]);
        unsigned char *end = scoop_canonical_number(out, (const unsigned char *)numbers[i], length);
        size_t growth = strpbrk(numbers[i], "eE") == NULL ? 0 : SCOOP_NUMBER_GROWTH;
        assert_true((size_t)(end - out) <= length + growth);
    }
}

static int rename_all(struct scoop_error *error) {
    static const char *const names[] = {"a", "A", "b", "A_2", "B", "a"};
    struct scoop_columns columns = {0};
    int status = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == 0; i++)
        status = scoop_columns_add(&columns, names[i], strlen(names[i]), error);
    if (status == 0)
        status = scoop_columns_rename(&columns, error);
    if (status == 0)
        status = scoop_columns_check_case(&columns, "x", error);
    if (status == 0) {
        assert_string_equal(columns.names[1], "A_3");
        assert_string_equal(columns.names[4], "B_2");
        assert_true(scoop_columns_find(&columns, "B_2", 3) == 4);
    }
    scoop_columns_free(&columns);
    return status;
}

static void names_are_numbered_past_those_that_are_there(void **state) {
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(rename_all(&error), 0);
}

static int scan(struct scoop_csv *csv, struct scoop_batch *batch, const struct scoop_row_plan *plan,
                const char *text, size_t length, struct scoop_error *error) {
    size_t used = 0;
    scoop_csv_init(csv);
    scoop_batch_init(batch);
    csv->plan = plan;
    csv->replace_invalid = true;
    if (scoop_buf_append(&batch->text, text, length, error) != 0 ||
        scoop_buf_reserve(&batch->text, SCOOP_CSV_PADDING, error) != 0)
        return -1;
    memset(batch->text.data + batch->text.length, 0, SCOOP_CSV_PADDING);
    return scoop_csv_scan(csv, batch, true, &used, error);
}

/* A row with a NUL in each of its two values, plain and quoted. */
static int scan_nul(struct scoop_error *error) {
    static const char text[] = "a\0,b\0\n\"c\0\",\"\"\"\0\"\n";
    size_t order[] = {0, 1}, keys[] = {0};
    const struct scoop_row_plan plan = {.fields = 2,
                                        .columns = 2,
                                        .order = order,
                                        .compared = 2,
                                        .keys = keys,
                                        .key_count = 1,
                                        .as_it_is = true,
                                        .key_places = keys};
    struct scoop_csv csv;
    struct scoop_batch batch;
    int status = scan(&csv, &batch, &plan, text, sizeof text - 1, error);
    if (status == 0) {
        assert_int_equal(batch.count, 2);
        assert_memory_equal(scoop_row_data(&batch, &batch.rows[0]), "a\xef\xbf\xbd,b\xef\xbf\xbd",
                            batch.rows[0].length);
        assert_memory_equal(scoop_row_key(&batch, &batch.rows[1]), "c\xef\xbf\xbd",
                            batch.rows[1].key_length);
    }
    scoop_batch_free(&batch);
    scoop_csv_free(&csv);
    return status;
}

static void nul_is_replaced_wherever_it_stands(void **state) {
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(scan_nul(&error), 0);
}

/* Of three columns the export lacks the second one. */
static int scan_lacking(struct scoop_error *error) {
    static const char text[] = "a,\"b\"\nc,d\n";
    size_t order[] = {0, 2, 1}, keys[] = {0};
    const struct scoop_row_plan plan = {.fields = 2,
                                        .columns = 3,
                                        .order = order,
                                        .compared = 3,
                                        .keys = keys,
                                        .key_count = 1,
                                        .key_places = keys};
    struct scoop_csv csv;
    struct scoop_batch batch;
    int status = scan(&csv, &batch, &plan, text, sizeof text - 1, error);
    for (size_t i = 0; status == 0 && i < 2; i++) {
        const char *expected = i == 0 ? "a,,b" : "c,,d";
        assert_int_equal(batch.rows[i].length, 4);
        assert_int_equal(batch.rows[i].compared, 4);
        assert_memory_equal(scoop_row_data(&batch, &batch.rows[i]), expected, 4);
    }
    scoop_batch_free(&batch);
    scoop_csv_free(&csv);
    return status;
}

static void a_column_that_the_export_lacks_is_null(void **state) {
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(scan_lacking(&error), 0);
}

static int all(struct scoop_error *error) {
    char out[256];
    return take(false, nested, out, error) != 0 || rename_all(error) != 0 || scan_nul(error) != 0 ||
                   scan_lacking(error) != 0
               ? -1
               : 0;
}

static void no_memory_is_an_error_at_every_allocation(void **state) {
    (void)state;
#ifdef SCOOP_TORTURE
    for (long nth = 1;; nth++) {
        struct scoop_error error = {0};
        scoop_memory_fail_at(nth);
        int status = all(&error);
        scoop_memory_fail_at(0);
        if (status == 0)
            break;
        assert_int_equal(error.code, SCOOP_NO_MEMORY);
    }
#else
    struct scoop_error error = {0};
    assert_int_equal(all(&error), 0);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_values_have_one_form),
        cmocka_unit_test(a_number_grows_no_more_than_its_room),
        cmocka_unit_test(names_are_numbered_past_those_that_are_there),
        cmocka_unit_test(nul_is_replaced_wherever_it_stands),
        cmocka_unit_test(a_column_that_the_export_lacks_is_null),
        cmocka_unit_test(no_memory_is_an_error_at_every_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
