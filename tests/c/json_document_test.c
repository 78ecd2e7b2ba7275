/* Arrays inside documents, and values one after another: what is rejected, alone or with the rest.
 */
#include "stage_run.h"

struct wanted {
    const char *path; /* NULL: values */
    struct scoop_record_options options;
};

static struct scoop_stage *make(struct stage_run *run, const void *user) {
    const struct wanted *wanted = user;
    struct scoop_record_options options = wanted->options;
    options.policy = (struct scoop_reject_policy){stage_run_reject, run};
    return wanted->path == NULL
               ? scoop_json_values_new(&options, &run->counters, &run->error)
               : scoop_json_array_new(wanted->path, &options, &run->counters, &run->error);
}

static void expect(const struct wanted *wanted, const char *text, const char *out,
                   const char *rejects) {
    for (size_t chunk = 0; chunk < 9; chunk++) {
        struct stage_run run;
        stage_run(&run, make, wanted, text, strlen(text), chunk);
        assert_int_equal(run.result, 0);
        assert_string_equal(stage_run_text(&run.out), out);
        assert_string_equal(stage_run_text(&run.rejects), rejects);
        stage_run_free(&run);
    }
}

static void fails(const char *path, const char *text, enum scoop_code code, const char *message) {
    const struct wanted wanted = {.path = path};
    for (size_t chunk = 0; chunk < 4; chunk++) {
        struct stage_run run;
        stage_run(&run, make, &wanted, text, strlen(text), chunk);
        assert_int_equal(run.result, -1);
        assert_int_equal(run.error.code, code);
        if (strstr(run.error.message, message) == NULL)
            fail_msg("%s: %s", text, run.error.message);
        stage_run_free(&run);
    }
}

static const struct wanted array = {.path = ""};
static const struct wanted nested = {.path = "a.b"};
static const struct wanted values = {.path = NULL};

static void elements_become_lines(void **state) {
    (void)state;
    expect(&array, "[{\"a\":1},\n{\"b\":[2,\n\"x\"]} , 3,\"s\",null]\n",
           "{\"a\":1}\n{\"b\":[2, \"x\"]}\n3\n\"s\"\nnull\n", "");
    expect(&array, "\xef\xbb\xbf [ ] ", "", "");
    expect(&nested,
           "{\"m\":{\"b\":[0]},\"a\":{\"x\":{\"b\":[0]},\"b\":[1,[2]],\"z\":\"a\"},\"t\":[3]}",
           "1\n[2]\n", "");
    expect(&nested, "{\"\\u0061\":{\"b\":[1]}}", "1\n", "");
    expect(&values, "{\"a\":1}{\"b\":2}[1]\"x\"3 4\ntrue",
           "{\"a\":1}\n{\"b\":2}\n[1]\n\"x\"\n3\n4\ntrue\n", "");
    expect(&values, " \n", "", "");
}

static void commas_may_part_values(void **state) {
    (void)state;
    expect(&values, "{\"a\":1},\n{\"b\":2} , [1],\"x\",3,4,",
           "{\"a\":1}\n{\"b\":2}\n[1]\n\"x\"\n3\n4\n", "");
    expect(&values, "1,,2", "1\n",
           "1@1+0 a comma or colon outside brackets (byte 3 of the text); the rest of the text is "
           "rejected with it|\n");
    expect(&values, ",1", "",
           "1@0+0 a comma or colon outside brackets (byte 1 of the text); the rest of the text is "
           "rejected with it|\n");
    expect(&values, "1,:2", "1\n",
           "1@1+0 a comma or colon outside brackets (byte 3 of the text); the rest of the text is "
           "rejected with it|\n");
}

static void a_well_formed_bad_record_is_rejected_alone(void **state) {
    const struct wanted small = {.path = "", .options = {.max_record_bytes = 5}};
    (void)state;
    expect(
        &array, "[1,\n{\"a\":1,\"A\":2},\"\\u0000\",4]", "1\n4\n",
        "2@4+13 the key \"A\" is equal but for case to \"a\" in the same object|{\"a\":1,\"A\":2}\n"
        "2@18+8 a string holds \\u0000, which no table stores|\"\\u0000\"\n");
    expect(&small, "[12345,123456,[1, 23, 45],\"abc\"]", "12345\n\"abc\"\n",
           "1@7+6 longer than max_record_bytes, 5|12345\n"
           "1@14+11 longer than max_record_bytes, 5|[1, 2\n");
}

static void after_a_fault_of_the_grammar_the_rest_is_one_reject(void **state) {
    const struct wanted small = {.path = "", .options = {.max_record_bytes = 5}};
    (void)state;
    expect(&array, "[1,{\"a\" 2},3,{]", "1\n",
           "1@3+7 parse error: object key and value must be separated by a colon (':'); the rest "
           "of the text is rejected with it|{\"a\" 2}\n");
    expect(
        &array, "[1,[2,\n\"\x01\"],3]", "1\n",
        "1@3+6 a string holds a raw control character (byte 9 of the text); the rest of the text "
        "is rejected with it|[2,\n\"\x01\n");
    expect(&array, "[1,,3]", "1\n",
           "1@2+0 parse error: unallowed token at this point in JSON text; the rest of the text is "
           "rejected with it|\n");
    expect(&array, "[1] 5", "1\n",
           "1@2+0 more than one document (byte 5 of the text); the rest of the text is rejected "
           "with it|\n");
    expect(&array, "[1,[2", "1\n",
           "1@3+2 the text ends inside a value; the rest of the text is rejected with it|[2\n");
    expect(&small, "[1,[2,3,4,5 6],7]", "1\n",
           "1@3+5 parse error: after array element, I expect ',' or ']'; the rest of the text is "
           "rejected with it|[2,3,\n");
    expect(&values, "1 012 3", "1\n",
           "1@2+1 an invalid number or word (byte 3 of the text); the rest of the text is rejected "
           "with it|0\n");
    expect(&values, "{}]{}", "{}\n",
           "1@2+0 a closing bracket without its opening one (byte 3 of the text); the rest of the "
           "text is rejected with it|\n");
}

static void a_document_without_the_array_is_refused(void **state) {
    (void)state;
    fails("a.b", "{\"a\":{}}", SCOOP_BAD_RECORD, "records a.b: the document has no such path");
    fails("a", "{\"a\":{}}", SCOOP_BAD_RECORD, "records a: the value there");
    fails("a.b", "{\"a\":[]}", SCOOP_BAD_RECORD, "not an object");
    fails("a", "{\"a\":[1],\"a\":[2]}", SCOOP_BAD_RECORD, "records a stands twice");
    fails("", "{\"a\":[]}", SCOOP_BAD_RECORD, "the document is not an array");
    fails("", " ", SCOOP_BAD_RECORD, "the text is empty");
    fails("a..b", "[]", SCOOP_USAGE, "not a path");
}

static void keys_are_renamed_when_asked(void **state) {
    const struct wanted rename = {
        .path = "", .options = {.key_case = SCOOP_KEY_CASE_RENAME, .replace_invalid = true}};
    (void)state;
    expect(&rename, "[{\"a\":\"\\u0000\",\n\"A\":1},{\"b\":1}]",
           "{\"a\":\"\\ufffd\", \"A_2\":1}\n{\"b\":1}\n", "");
}

static void nesting_is_bounded_at_1000(void **state) {
    (void)state;
    for (size_t depth = 1000; depth <= 1001; depth++) {
        char text[2100];
        struct stage_run run;
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        stage_run(&run, make, &values, text, 2 * depth, 0);
        assert_int_equal(run.counters.records_rejected, depth - 1000);
        stage_run_free(&run);
    }
}

static void every_allocation_may_fail(void **state) {
    const struct wanted rename = {
        .path = "a.b", .options = {.key_case = SCOOP_KEY_CASE_RENAME, .replace_invalid = true}};
    static const char text[] =
        "{\"x\":[[[[]]]],\"a\":{\"b\":[1,{\"k\":[\"\\u0000\"],\"K\":2},\"\\ud800\",{\"c\" 1}]}}";
    (void)state;
    stage_run_torture(make, &rename, text, sizeof text - 1);
    stage_run_torture(make, &values, "[1]{\"a\":2,\"A\":1}3 ]", 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_become_lines),
        cmocka_unit_test(commas_may_part_values),
        cmocka_unit_test(a_well_formed_bad_record_is_rejected_alone),
        cmocka_unit_test(after_a_fault_of_the_grammar_the_rest_is_one_reject),
        cmocka_unit_test(a_document_without_the_array_is_refused),
        cmocka_unit_test(keys_are_renamed_when_asked),
        cmocka_unit_test(nesting_is_bounded_at_1000),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("json_document", tests, NULL, NULL);
}
