/* CSV to rows: any text, however it is cut, gives the same rows or the same error. */
#include "delta_run.h"

/* Every row as "LINE row|", or the error's text. */
static void scan(const char *text, size_t step, struct scoop_buf *out) {
    struct delta_side side = {0};
    struct scoop_row_plan plans[2] = {0};
    struct scoop_error error = {0}, ignored = {0};
    const char *key = "k";
    out->length = 0;
    int status = delta_read_header(&side, text, &error);
    const struct scoop_plan_options options = {
        .new_columns = &side.columns, .keys = &key, .key_count = 1, .old_name = "", .new_name = ""};
    if (status == 0)
        status = scoop_row_plans(&options, plans, &error);
    side.csv.plan = &plans[1];
    while (status == 0 && !side.batch.last) {
        status = delta_fill(&side, step, &error);
        for (size_t i = 0; status == 0 && i < side.batch.count; i++) {
            const struct scoop_row *row = &side.batch.rows[i];
            assert_int_equal(
                scoop_buf_printf(out, &ignored, "%llu ",
                                 (unsigned long long)side.batch.first_line + row->line),
                0);
            scoop_buf_append(out, scoop_row_data(&side.batch, row), row->length, &ignored);
            scoop_buf_append(out, "|", 1, &ignored);
        }
    }
    if (status != 0)
        scoop_buf_append_text(out, error.message, &ignored);
    scoop_csv_free(&side.csv);
    scoop_key_order_free(&side.key_order);
    scoop_batch_free(&side.batch);
    scoop_columns_free(&side.columns);
    scoop_row_plan_free(&plans[1]);
}

static void expect(const char *text, const char *expected) {
    struct scoop_buf out;
    struct scoop_error error;
    scoop_buf_init(&out, 1 << 20);
    for (size_t step = 1; step <= strlen(text) + 1; step++) {
        scan(text, step, &out);
        assert_string_equal(scoop_buf_text(&out, &error), expected);
    }
    scoop_buf_free(&out);
}

static void rows_become_canonical(void **state) {
    (void)state;
    expect("k,v\n1,a\n2,b\n", "2 1,a|3 2,b|");
    expect("k,v\r\n1,a\r\n2,b", "2 1,a|3 2,b|");
    expect("k,v\n\"1\",\"a\"\n", "2 1,a|");
    expect("k,v\n1,\n2,\"\"\n", "2 1,|3 2,\"\"|");
    expect("k,v\n1,\"a,b\"\n2,\"a\"\"b\"\n3,\"a\nb\"\n4,x",
           "2 1,\"a,b\"|3 2,\"a\"\"b\"|4 3,\"a\nb\"|6 4,x|");
    expect("k,v\n\n1,a\n\r\n\n2,b\n\n", "3 1,a|6 2,b|");
    expect("\"k\",\"v\"\"w\"\n1,a\n", "2 1,a|");
    expect("k,v\n", "");
    expect("k,v", "");
}

static void each_kind_of_line_end_ends_a_row(void **state) {
    static const char *const ends[] = {"\n", "\r", "\r\n"};
    char text[200];
    (void)state;
    for (size_t a = 0; a < 3; a++)
        for (size_t b = 0; b < 3; b++)
            for (size_t c = 0; c < 3; c++) {
                /* A quoted last value and one without quotes end alike. */
                snprintf(text, sizeof text, "k,v%s1,a%s2,\"b\"%s", ends[a], ends[b], ends[c]);
                expect(text, "2 1,a|3 2,b|");
                snprintf(text, sizeof text, "k,\"v\"%s\"1\",\"a\"%s2,%s3,c", ends[a], ends[b],
                         ends[c]);
                expect(text, "2 1,a|3 2,|4 3,c|");
            }
    expect("k\r1\r2\r", "2 1|3 2|");
    expect("k,v\r\r1,a\r\r\n2,b\r\r", "3 1,a|5 2,b|");
    expect("k,v\r1,\"a\rb\"\r2,\"a\r\nb\"\r\"3\",c\r", "2 1,a\rb|4 2,\"a\r\nb\"|6 3,c|");
    expect("k,v\r1\r", "line 2 (byte 4): the row has 1 values, the header names 2");
    expect("k\n1\r2\n\"3\"\r4\r\n", "2 1|3 2|4 3|5 4|");
}

static void blank_lines_before_the_header_are_none(void **state) {
    (void)state;
    expect("\nk,v\n1,a\n", "3 1,a|");
    expect("\r\n\r\n\"k\",v\r\n1,a\r\n", "4 1,a|");
    expect("\r\rk,v\r1\r", "line 4 (byte 6): the row has 1 values, the header names 2");
    expect("\n\r\n", "line 1 (byte 0): there is no header row");
}

static void blocks_of_64_bytes_end_anywhere(void **state) {
    char text[400], expected[400];
    (void)state;
    for (int pad = 1; pad < 140; pad++) {
        const char *end = pad % 3 == 0 ? "\n" : pad % 3 == 1 ? "\r" : "\r\n";
        snprintf(text, sizeof text, "k,v%s1,%0*d%s2,\"%0*d,\"%s3,c%s", end, pad, 7, end, 140 - pad,
                 8, end, end);
        snprintf(expected, sizeof expected, "2 1,%0*d|3 2,\"%0*d,\"|4 3,c|", pad, 7, 140 - pad, 8);
        struct scoop_buf out;
        struct scoop_error error;
        scoop_buf_init(&out, 1 << 20);
        for (size_t step = 60; step < 70; step++) {
            scan(text, step, &out);
            assert_string_equal(scoop_buf_text(&out, &error), expected);
        }
        scoop_buf_free(&out);
    }
}

static void expect_names(const char *text, const char *expected) {
    struct delta_side side = {0};
    struct scoop_error error = {0};
    struct scoop_buf names;
    scoop_buf_init(&names, 1 << 10);
    assert_int_equal(delta_read_header(&side, text, &error), 0);
    for (size_t i = 0; i < side.columns.count; i++)
        scoop_buf_printf(&names, &error, "%s|", side.columns.names[i]);
    assert_string_equal(scoop_buf_text(&names, &error), expected);
    scoop_buf_free(&names);
    scoop_csv_free(&side.csv);
    scoop_key_order_free(&side.key_order);
    scoop_batch_free(&side.batch);
    scoop_columns_free(&side.columns);
}

static void names_that_are_empty_or_repeated_get_numbers(void **state) {
    (void)state;
    expect_names(",k,\n", "column_1|k|column_3|");
    expect_names("k,k,\"k\"\n", "k|k_2|k_3|");
    expect_names("k,k,k_2,k_2\n", "k|k_3|k_2|k_2_2|");
    expect_names(",column_1,k\n", "column_1_2|column_1|k|");
    expect_names("k,K\n", "k|K|");
}

static void faults_are_told_with_their_place(void **state) {
    (void)state;
    expect("k,v\n1\n", "line 2 (byte 4): the row has 1 values, the header names 2");
    expect("k,v\n1,\"a\"b\n", "line 2 (byte 9): text follows the closing quote of a value");
    expect("k,v\n1,\"a\n\n", "line 2 (byte 6): a quoted value is not closed");
    expect("k,v\n,a\n", "line 2 (byte 4): the key column \"k\" is empty");
    expect("k,v\n\"\",a\n", "line 2 (byte 4): the key column \"k\" is empty");
    expect("k;v\n", "the key \"k\" is no column of ; its columns are k;v: is the delimiter ';'?");
    expect("v\tk\n",
           "the key \"k\" is no column of ; its columns are v\\tk: is the delimiter a tab?");
    expect("kk;v\n", "the key \"k\" is no column of ; its columns are kk;v");
    expect("v\n", "the key \"k\" is no column of ; its columns are v");
    expect("", "line 1 (byte 0): there is no header row");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_canonical),
        cmocka_unit_test(each_kind_of_line_end_ends_a_row),
        cmocka_unit_test(blank_lines_before_the_header_are_none),
        cmocka_unit_test(blocks_of_64_bytes_end_anywhere),
        cmocka_unit_test(names_that_are_empty_or_repeated_get_numbers),
        cmocka_unit_test(faults_are_told_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
