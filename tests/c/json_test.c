/* The JSON check: what passes, what does not and why, and what is reported of it. */
#include "stage_run.h"

#include <dirent.h>

#include "vectors.h"

static struct scoop_stage *make(struct stage_run *run, const void *options) {
    struct scoop_record_options own = {.policy = {stage_run_reject, run}};
    if (options != NULL) {
        own = *(const struct scoop_record_options *)options;
        own.policy = (struct scoop_reject_policy){stage_run_reject, run};
    }
    return scoop_json_check_new(&own, &run->counters, &run->error);
}

/* Expects this output and these rejects (NULL: none) however the text is cut. */
static void expect_bytes(const struct scoop_record_options *options, const char *text,
                         size_t length, const char *out, const char *rejects) {
    for (size_t chunk = 0; chunk < 9; chunk++) {
        struct stage_run run;
        stage_run(&run, make, options, text, length, chunk);
        assert_int_equal(run.result, 0);
        assert_string_equal(stage_run_text(&run.out), out);
        assert_string_equal(stage_run_text(&run.rejects), rejects != NULL ? rejects : "");
        stage_run_free(&run);
    }
}

static void expect(const char *text, const char *out, const char *rejects) {
    expect_bytes(NULL, text, strlen(text), out, rejects);
}

/* A file's document is accepted when exactly one record comes out and none is rejected. */
static bool accepts(const char *text, size_t length, size_t chunk) {
    const struct scoop_record_options options = {.replace_invalid = true,
                                                 .key_case = SCOOP_KEY_CASE_KEEP};
    struct stage_run run;
    stage_run(&run, make, &options, text, length, chunk);
    assert_int_equal(run.result, 0);
    bool accepted = run.counters.records_rejected == 0 && run.counters.records_out == 1;
    stage_run_free(&run);
    return accepted;
}

static void check_document(const char *folder, const char *name) {
    static char path[2 * VECTORS_PATH_SIZE];
    size_t length = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *text = vectors_read(path, &length);
    assert_non_null(text);
    for (size_t chunk = 0; chunk < 4; chunk++) {
        bool accepted = accepts(text, length, chunk);
        if ((name[0] == 'y' && !accepted) || (name[0] == 'n' && accepted))
            fail_msg("%s is %s", name, accepted ? "accepted" : "rejected");
    }
    free(text);
}

static void the_json_test_suite_is_judged_right(void **state) {
    (void)state;
    char folder[VECTORS_PATH_SIZE];
    if (!vectors_find("jsontestsuite/test_parsing", folder)) {
        vectors_left_out("jsontestsuite/test_parsing", 318);
        return;
    }
    DIR *directory = opendir(folder);
    struct dirent *entry;
    int count = 0;
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.') {
            check_document(folder, entry->d_name);
            count++;
        }
    closedir(directory);
    assert_int_equal(count, 318);
}

static void good_lines_pass_unchanged(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\": 1}\n [ ] \r\n\"x\"\n-0.5e+3\ntrue\nnull\n"
        "12345678901234567890123\n{\"a\":1,\"b\":{\"a\":2}}\n\"\\ud83d\\ude00\"\n"
        "\"\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"\n";
    expect(text, text, NULL);
}

static void good_lines_of_a_chunk_are_passed_on_uncopied_in_one_write(void **state) {
    (void)state;
    static const unsigned char text[] = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";
    struct stage_run run = {.sink = {.type = &stage_run_sink}};
    scoop_buf_init(&run.out, 1000);
    struct scoop_stage *stage = make(&run, NULL);
    stage->next = &run.sink;
    assert_int_equal(scoop_stage_push(stage, text, sizeof text - 1, &run.error), 0);
    assert_int_equal(run.writes, 1);
    assert_ptr_equal(run.last_write, text);
    scoop_stage_free_chain(stage);
    stage_run_free(&run);
}

static void the_last_line_gets_its_newline(void **state) {
    (void)state;
    expect("1\n2", "1\n2\n", NULL);
    expect("", "", NULL);
}

static void blank_lines_are_dropped_and_counted(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 9; chunk++) {
        struct stage_run run;
        stage_run(&run, make, NULL, "\n1\n \t\r\n\n2\n  ", 12, chunk);
        assert_string_equal(stage_run_text(&run.out), "1\n2\n");
        assert_int_equal(run.counters.blank_lines, 4);
        assert_int_equal(run.counters.records_in, 2);
        stage_run_free(&run);
    }
}

static void a_mark_at_the_very_start_is_stripped(void **state) {
    (void)state;
    expect("\xef\xbb\xbf{}\n[", "{}\n", "2@6+1 the text ends inside a value|[\n");
    expect("\xef\xbb\xbf", "", NULL);
    expect("\xef\xbb", "",
           "1@0+2 an unexpected character outside a string (byte 1 of the record)|\xef\xbb\n");
    expect("{}\n\xef\xbb\xbf{}\n", "{}\n",
           "2@3+5 an unexpected character outside a string (byte 1 of the record)|"
           "\xef\xbb\xbf{}\n");
    struct stage_run run;
    stage_run(&run, make, NULL, "\xef\xbb\xbf{}", 5, 1);
    assert_true(run.counters.bom_stripped);
    stage_run_free(&run);
}

static void a_value_over_several_lines_becomes_one_line(void **state) {
    (void)state;
    expect("0\n{\n \"a\":\n\n1}\n2\n", "0\n{  \"a\":  1}\n2\n", NULL);
    expect("[\"a long string on the second line\",\n\"another one\"\r\n]",
           "[\"a long string on the "
           "second line\", \"another one\"\r ]\n",
           NULL);
}

static void a_reject_names_line_offset_length_and_reason(void **state) {
    (void)state;
    expect("{\"a\":1}\n\n{\"a\":}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":2}\n",
           "3@9+6 parse error: unallowed token at this point in JSON text|{\"a\":}\n");
    expect("1 2\n3\n", "3\n", "1@0+3 more than one value on a line (byte 3 of the record)|1 2\n");
}

/* Each of these is a bad record of its own; the record after it is good. */
static void each_kind_of_fault_has_its_reason(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"{}{}", "more than one value"},
        {"1\"a\"", "more than one value"},
        {"truefalse", "invalid number or word"},
        {"012", "invalid number or word"},
        {"1.", "invalid number or word"},
        {"-", "invalid number or word"},
        {"1e", "invalid number or word"},
        {"tru", "invalid number or word"},
        {"[012]", "error"},
        {"[1,]", "unallowed token"},
        {"{\"a\":1,}", "invalid object key"},
        {"{'a':1}", "double quotes"},
        {"[1}", "error"},
        {"]", "without its opening"},
        {"1,", "comma or colon outside"},
        {"[NaN]", "NaN and Infinity"},
        {"-Infinity", "invalid number or word"},
        {"[-Infinity]", "NaN and Infinity"},
        {"\"a", "not closed"},
        {"\"a\tb\"", "raw control character"},
        {"[1,\x0b"
         "2]",
         "raw control character"},
        {"[1,\x0c"
         "2]",
         "raw control character"},
        {"\"\x7f\x01\"", "raw control character"},
        {"\"\\x\"", "invalid escape"},
        {"\"\\u12g4\"", "incomplete \\u"},
        {"\"\\u0000\"", "\\u0000"},
        {"\"\\ud800\"", "surrogate"},
        {"\"\\udc00\"", "surrogate"},
        {"\"\\ud800\\ud800\"", "surrogate"},
        {"\"\xff\"", "UTF-8"},
        {"\"\xc0\xaf\"", "UTF-8"},
        {"\"\xc1\xbf\"", "UTF-8"},
        {"\"\xe0\x9f\xbf\"", "UTF-8"},
        {"\"\xed\xa0\x80\"", "UTF-8"},
        {"\"\xf0\x8f\xbf\xbf\"", "UTF-8"},
        {"\"\xf4\x90\x80\x80\"", "UTF-8"},
        {"\"\xe2\x82\"", "UTF-8"},
        {"[1 /* c */]", "unexpected character"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t chunk = 0; chunk < 4; chunk++) {
            struct stage_run run;
            char text[64];
            snprintf(text, sizeof text, "%s\n7", cases[i].text);
            stage_run(&run, make, NULL, text, strlen(text), chunk);
            if (strstr(stage_run_text(&run.rejects), cases[i].reason) == NULL)
                fail_msg("%s: %s", cases[i].text, stage_run_text(&run.rejects));
            assert_string_equal(stage_run_text(&run.out), "7\n");
            assert_int_equal(run.counters.records_rejected, 1);
            stage_run_free(&run);
        }
}

static void a_nul_byte_is_a_fault(void **state) {
    (void)state;
    struct stage_run run;
    stage_run(&run, make, NULL, "\"a\0b\"\n\0\n1\n", 10, 0);
    assert_string_equal(stage_run_text(&run.out), "1\n");
    assert_int_equal(run.counters.records_rejected, 2);
    stage_run_free(&run);
}

static void after_a_bad_record_the_next_line_begins_a_new_one(void **state) {
    (void)state;
    /* The first line lacks its brace: the fault shows only in the second. */
    expect("{\"a\":1\n{\"a\":2}\n{\"a\":3}\n", "{\"a\":3}\n",
           "1@0+14 parse error: after key and value, inside map, I expect ',' or '}'|"
           "{\"a\":1\n{\"a\":2}\n");
    expect("{\"a\":\"x\n1\n", "1\n",
           "1@0+7 a string is not closed at the end of its line (byte 8 of the record)|"
           "{\"a\":\"x\n");
    expect("[1,\n2", "", "1@0+5 the text ends inside a value|[1,\n2\n");
}

static void unstorable_escapes_are_replaced_when_asked(void **state) {
    (void)state;
    const struct scoop_record_options options = {.replace_invalid = true};
    static const char text[] = "[\"\\u0000\", \"\\\\u0000\", \"\\ud83d\\ude00\\ud83dx\\uDC00\"]\n"
                               "{\"\\u0000\":\n1}\n\"\\ud800\\u0041\"\n3\n";
    expect_bytes(&options, text, strlen(text),
                 "[\"\\ufffd\", \"\\\\u0000\", \"\\ud83d\\ude00\\ufffdx\\ufffd\"]\n"
                 "{\"\\ufffd\": 1}\n\"\\ufffd\\u0041\"\n3\n",
                 NULL);
}

static void nesting_is_bounded_at_1000(void **state) {
    (void)state;
    for (size_t depth = 1000; depth <= 1001; depth++) {
        char text[2100];
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\n';
        struct stage_run run;
        stage_run(&run, make, NULL, text, 2 * depth + 1, 0);
        assert_int_equal(run.counters.records_rejected, depth - 1000);
        stage_run_free(&run);
    }
}

static void a_record_beyond_the_limit_is_bad_and_skipped(void **state) {
    (void)state;
    const struct scoop_record_options options = {.max_record_bytes = 5};
    expect_bytes(&options, "12345\n123456\n7\n", 15, "12345\n7\n",
                 "2@6+6 longer than max_record_bytes, 5|12345\n");
    expect_bytes(&options, "[1,\n\n2]\n7\n[ 1]", 14, "7\n[ 1]\n",
                 "1@0+7 longer than max_record_bytes, 5|[1,\n\n2\n");
    expect_bytes(&options, "1234567", 7, "", "1@0+7 longer than max_record_bytes, 5|12345\n");
    expect_bytes(&options, "[\n1234567890\n]\n8", 16, "8\n",
                 "1@0+12 longer than max_record_bytes, 5|[\n1234\n"
                 "3@13+1 a closing bracket without its opening one (byte 1 of the record)|]\n");
}

static void a_reject_shows_at_most_4096_bytes(void **state) {
    (void)state;
    char text[6000];
    memset(text, 'x', sizeof text);
    struct stage_run run;
    stage_run(&run, make, NULL, text, sizeof text, 1000);
    const char *shown = strchr(stage_run_text(&run.rejects), '|');
    assert_non_null(strstr(stage_run_text(&run.rejects), "1@0+6000 "));
    assert_int_equal(strlen(shown + 1), 4096 + 1);
    stage_run_free(&run);
}

static void rejects_and_good_records_keep_their_order_in_a_run(void **state) {
    (void)state;
    expect("1\n[1,]\n2\n3\n{]\n\n4\n[\n[,\n5\n", "1\n2\n3\n4\n5\n",
           "2@2+4 parse error: unallowed token at this point in JSON text|[1,]\n"
           "5@11+2 parse error: invalid object key (must be a string)|{]\n"
           "8@17+4 parse error: unallowed token at this point in JSON text|[\n[,\n");
}

static int refuse(void *user, const struct scoop_reject *reject, struct scoop_error *error) {
    (void)user;
    return scoop_fail(error, SCOOP_TOO_MANY_REJECTED, "line %llu",
                      (unsigned long long)reject->line);
}

static struct scoop_stage *make_refusing(struct stage_run *run, const void *options) {
    const struct scoop_record_options own = {.policy = {refuse, NULL}};
    (void)options;
    return scoop_json_check_new(&own, &run->counters, &run->error);
}

static void the_policy_ends_the_run(void **state) {
    (void)state;
    struct stage_run run;
    stage_run(&run, make_refusing, NULL, "1\n]\n2\n", 6, 0);
    assert_int_equal(run.result, -1);
    assert_int_equal(run.error.code, SCOOP_TOO_MANY_REJECTED);
    assert_string_equal(run.error.message, "line 2");
    assert_string_equal(stage_run_text(&run.out), "1\n");
    stage_run_free(&run);
}

static struct scoop_stage *make_without_policy(struct stage_run *run, const void *options) {
    (void)options;
    return scoop_json_check_new(NULL, &run->counters, &run->error);
}

static void without_a_policy_a_bad_record_is_an_error(void **state) {
    (void)state;
    struct stage_run run;
    stage_run(&run, make_without_policy, NULL, "1\n1 1\n", 6, 0);
    assert_int_equal(run.error.code, SCOOP_BAD_RECORD);
    assert_string_equal(run.error.message, "line 2 (byte 2): more than one value on a line (byte 3 "
                                           "of the record); the record begins \"1 1\"");
    stage_run_free(&run);
}

static void keys_equal_but_for_case_are_rejected_at_any_depth(void **state) {
    (void)state;
    expect(
        "{\"Name\":1,\"b\":2,\"name\":3}\n7\n", "7\n",
        "1@0+25 the key \"name\" is equal but for case to \"Name\" in the same object (byte 18 of "
        "the record)|{\"Name\":1,\"b\":2,\"name\":3}\n");
    expect("[{\"a\":{\"b\":1}},{\"a\":{\"c\":1,\"c\":2}}]\n", "",
           "1@0+35 the key \"c\" stands twice in its object (byte 29 of the record)|"
           "[{\"a\":{\"b\":1}},{\"a\":{\"c\":1,\"c\":2}}]\n");
    expect("{\"a\":1,\n\"b\":2,\n\"A\"\n:3}\n", "",
           "1@0+22 the key \"A\" is equal but for case to \"a\" in the same object (byte 17 of the "
           "record)|{\"a\":1,\n\"b\":2,\n\"A\"\n:3}\n");
}

static void keys_are_compared_by_their_decoded_text(void **state) {
    (void)state;
    static const char *const clashing[] = {
        "{\"caf\\u00e9\":1,\"CAF\xc3\xa9\":2}\n",
        "{\"\\u0041\":1,\"a\":2}\n",
        "{\"\\ud83d\\ude00x\":1,\"\xf0\x9f\x98\x80X\":2}\n",
        "{\"a\\/b\":1,\"a/b\":2}\n",
        "{\"a longer key, of 24 by\":1,\"A longer key, of 24 BY\":2}\n",
        "{\"\":1,\"\":2}\n",
    };
    for (size_t i = 0; i < sizeof clashing / sizeof *clashing; i++) {
        struct stage_run run;
        stage_run(&run, make, NULL, clashing[i], strlen(clashing[i]), 0);
        if (run.counters.records_rejected != 1)
            fail_msg("%s passes", clashing[i]);
        stage_run_free(&run);
    }
    /* Only A to Z have a case here; `[` and `{`, `@` and the backquote differ in its bit alone. */
    static const char passing[] =
        "{\"\xc3\x89\":1,\"\xc3\xa9\":2,\"[\":3,\"{\":4,\"@\":5,\"`\":6}\n"
        "{\"a\":[{\"a\":1},{\"a\":1}],\"b\":\"a\"}\n";
    expect(passing, passing, NULL);
}

static void keys_equal_but_for_case_are_numbered_when_asked(void **state) {
    (void)state;
    const struct scoop_record_options options = {.key_case = SCOOP_KEY_CASE_RENAME};
    static const char text[] = "{\"Name\":1,\"name\":{\"a\":1,\"A\":[2]},\"NAME\":3,\"name_2\":4}\n"
                               "{\"a\":1}\n{\"x\":\n0,\"x\":1,\"\\u0058\":2}\n";
    expect_bytes(&options, text, strlen(text),
                 "{\"Name\":1,\"name_3\":{\"a\":1,\"A_2\":[2]},\"NAME_4\":3,\"name_2\":4}\n"
                 "{\"a\":1}\n{\"x\": 0,\"x_2\":1,\"\\u0058_3\":2}\n",
                 NULL);
    struct stage_run run;
    stage_run(&run, make, &options, text, strlen(text), 0);
    assert_int_equal(run.counters.records_changed, 2);
    stage_run_free(&run);
}

/* Many keys, all of them sorted; many that are equal. */
static void objects_of_many_keys_are_checked(void **state) {
    enum { KEYS = 20000 };
    struct scoop_buf text;
    struct scoop_error error = {0};
    struct stage_run run;
    (void)state;
    scoop_buf_init(&text, (size_t)1 << 20);
    assert_int_equal(scoop_buf_append_text(&text, "{\"k7\":0", &error), 0);
    for (int i = 8; i < KEYS; i++)
        assert_int_equal(scoop_buf_printf(&text, &error, ",\"k%d\":0", i), 0);
    size_t good = text.length;
    assert_int_equal(scoop_buf_append_text(&text, "}\n", &error), 0);
    stage_run(&run, make, NULL, text.data, text.length, 0);
    assert_int_equal(run.counters.records_out, 1);
    stage_run_free(&run);
    text.length = good;
    assert_int_equal(scoop_buf_append_text(&text, ",\"K9999\":1}\n", &error), 0);
    stage_run(&run, make, NULL, text.data, text.length, 0);
    assert_int_equal(run.counters.records_rejected, 1);
    stage_run_free(&run);
    const struct scoop_record_options rename = {.key_case = SCOOP_KEY_CASE_RENAME};
    text.length = 0;
    assert_int_equal(scoop_buf_append_text(&text, "{\"a\":0", &error), 0);
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(scoop_buf_append_text(&text, ",\"A\":0", &error), 0);
    assert_int_equal(scoop_buf_append_text(&text, "}\n", &error), 0);
    stage_run(&run, make, &rename, text.data, text.length, 0);
    assert_non_null(strstr(stage_run_text(&run.rejects), "more than 1000 keys"));
    stage_run_free(&run);
    scoop_buf_free(&text);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    const struct scoop_record_options options = {.replace_invalid = true,
                                                 .key_case = SCOOP_KEY_CASE_RENAME};
    static const char text[] = "{\"a\":[1],\"A\":1}\n[1,]\n{\"a\":\n\"a string that is copied\",\n"
                               "\"\\u0000\":[[[[[[]]]]]]}\n\"\\ud800\"\nx\n[\n";
    stage_run_torture(make, &options, text, sizeof text - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_test_suite_is_judged_right),
        cmocka_unit_test(good_lines_pass_unchanged),
        cmocka_unit_test(good_lines_of_a_chunk_are_passed_on_uncopied_in_one_write),
        cmocka_unit_test(the_last_line_gets_its_newline),
        cmocka_unit_test(blank_lines_are_dropped_and_counted),
        cmocka_unit_test(a_mark_at_the_very_start_is_stripped),
        cmocka_unit_test(a_value_over_several_lines_becomes_one_line),
        cmocka_unit_test(a_reject_names_line_offset_length_and_reason),
        cmocka_unit_test(each_kind_of_fault_has_its_reason),
        cmocka_unit_test(a_nul_byte_is_a_fault),
        cmocka_unit_test(after_a_bad_record_the_next_line_begins_a_new_one),
        cmocka_unit_test(unstorable_escapes_are_replaced_when_asked),
        cmocka_unit_test(nesting_is_bounded_at_1000),
        cmocka_unit_test(a_record_beyond_the_limit_is_bad_and_skipped),
        cmocka_unit_test(a_reject_shows_at_most_4096_bytes),
        cmocka_unit_test(rejects_and_good_records_keep_their_order_in_a_run),
        cmocka_unit_test(the_policy_ends_the_run),
        cmocka_unit_test(without_a_policy_a_bad_record_is_an_error),
        cmocka_unit_test(keys_equal_but_for_case_are_rejected_at_any_depth),
        cmocka_unit_test(keys_are_compared_by_their_decoded_text),
        cmocka_unit_test(keys_equal_but_for_case_are_numbered_when_asked),
        cmocka_unit_test(objects_of_many_keys_are_checked),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("json_check", tests, NULL, NULL);
}
