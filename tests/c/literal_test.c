/* The literal stage: Python literals -> JSON lines. */
#include "stage_run.h"

#include <yajl/yajl_tree.h>

#include "vectors.h"

static struct scoop_stage *make(struct stage_run *run, const void *options) {
    struct scoop_record_options own = {.policy = {stage_run_reject, run}};
    if (options != NULL) {
        own = *(const struct scoop_record_options *)options;
        own.policy = (struct scoop_reject_policy){stage_run_reject, run};
    }
    return scoop_literal_new(&own, &run->counters, &run->error);
}

/* Expects this output and these rejects however the text is cut. */
static void expect_bytes(const struct scoop_record_options *options, const char *text,
                         size_t length, const char *out, const char *rejects) {
    for (size_t chunk = 0; chunk < 9; chunk++) {
        struct stage_run run;
        stage_run(&run, make, options, text, length, chunk);
        assert_int_equal(run.result, 0);
        assert_string_equal(stage_run_text(&run.out), out);
        assert_string_equal(stage_run_text(&run.rejects), rejects);
        stage_run_free(&run);
    }
}

static void expect(const char *text, const char *out) {
    expect_bytes(NULL, text, strlen(text), out, "");
}

/* Expects that the text is one bad record, with this in its reason, and the line after it good. */
static void expect_bad(const char *text, const char *reason) {
    for (size_t chunk = 0; chunk < 4; chunk++) {
        struct stage_run run;
        char lines[256];
        snprintf(lines, sizeof lines, "%s\n7\n", text);
        stage_run(&run, make, NULL, lines, strlen(lines), chunk);
        if (strstr(stage_run_text(&run.rejects), reason) == NULL)
            fail_msg("%s: %s", text, stage_run_text(&run.rejects));
        assert_int_equal(run.counters.records_rejected, 1);
        assert_string_equal(stage_run_text(&run.out), "7\n");
        stage_run_free(&run);
    }
}

/* Where pyliteral.json, which says what CPython 3.11 and its json do, is left on purpose; out is
 * NULL for a bad record. */
static const struct difference {
    const char *input;
    const char *out;
    const char *why;
} differences[] = {
    {"{'a': b'x'}", "{\"a\":\"x\"}", "bytes become text"},
    {"{'a': 1L}", "{\"a\":1}", "Python 2 wrote long integers so"},
    {"'\\N{SNOWMAN}'", NULL, "there is no table of names"},
    {"{'a': {1}}", "{\"a\":[1]}", "sets become arrays"},
    {"{'a'}", "[\"a\"]", "sets become arrays"},
    {"1e5", "1e5", "numbers keep their digits"},
};

static const struct difference *find_difference(const char *input) {
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++)
        if (strcmp(differences[i].input, input) == 0)
            return &differences[i];
    return NULL;
}

static const char *field(yajl_val object, const char *name) {
    const char *path[] = {name, NULL};
    yajl_val value = yajl_tree_get(object, path, yajl_t_string);
    return value == NULL ? NULL : YAJL_GET_STRING(value);
}

/* The same JSON value, whatever its spaces and escapes. */
static bool same_value(yajl_val a, yajl_val b) {
    if (a->type != b->type)
        return false;
    if (YAJL_IS_STRING(a))
        return strcmp(a->u.string, b->u.string) == 0;
    if (YAJL_IS_NUMBER(a))
        return strcmp(a->u.number.r, b->u.number.r) == 0;
    bool same = true;
    if (YAJL_IS_ARRAY(a)) {
        same = a->u.array.len == b->u.array.len;
        for (size_t i = 0; same && i < a->u.array.len; i++)
            same = same_value(a->u.array.values[i], b->u.array.values[i]);
    } else if (YAJL_IS_OBJECT(a)) {
        same = a->u.object.len == b->u.object.len;
        for (size_t i = 0; same && i < a->u.object.len; i++)
            same = strcmp(a->u.object.keys[i], b->u.object.keys[i]) == 0 &&
                   same_value(a->u.object.values[i], b->u.object.values[i]);
    }
    return same;
}

static void check_case(yajl_val test, size_t *used) {
    const char *input = field(test, "input");
    const char *expected = field(test, "json");
    const struct difference *difference = find_difference(input);
    if (difference != NULL) {
        (*used)++;
        expected = difference->out;
    }
    for (size_t chunk = 0; chunk < 4; chunk++) {
        struct stage_run run;
        stage_run(&run, make, NULL, input, strlen(input), chunk);
        if (expected == NULL) {
            if (run.counters.records_rejected != 1 || run.counters.records_out != 0)
                fail_msg("%s is accepted", input);
        } else {
            yajl_val actual = yajl_tree_parse(stage_run_text(&run.out), NULL, 0);
            yajl_val wanted = yajl_tree_parse(expected, NULL, 0);
            if (actual == NULL || !same_value(actual, wanted))
                fail_msg("%s gives %s, not %s", input, stage_run_text(&run.out), expected);
            yajl_tree_free(actual);
            yajl_tree_free(wanted);
        }
        stage_run_free(&run);
    }
}

static void every_case_of_pyliteral_json(void **state) {
    (void)state;
    char path[VECTORS_PATH_SIZE];
    const char *root = getenv("AIRSCOOP_ROOT");
    size_t length;
    size_t used = 0;
    snprintf(path, sizeof path, "%s/tests/data/pyliteral.json", root != NULL ? root : ".");
    char *text = vectors_read(path, &length);
    assert_non_null(text);
    yajl_val tree = yajl_tree_parse(text, NULL, 0);
    const char *cases_path[] = {"cases", NULL};
    yajl_val cases = yajl_tree_get(tree, cases_path, yajl_t_array);
    assert_int_equal(cases->u.array.len, 41);
    for (size_t i = 0; i < cases->u.array.len; i++)
        check_case(cases->u.array.values[i], &used);
    assert_int_equal(used, sizeof differences / sizeof *differences);
    yajl_tree_free(tree);
    free(text);
}

static void a_metadata_line_becomes_compact_json(void **state) {
    (void)state;
    expect("{'asin': '0000031852', 'title': \"Girls' Tutu\", 'price': 3.17, 'related': "
           "{'also_bought': ['B00JHONN1S']}, 'salesRank': {'Toys & Games': 211836}, "
           "'categories': [['Sports & Outdoors', 'Dance']]}\n",
           "{\"asin\":\"0000031852\",\"title\":\"Girls' Tutu\",\"price\":3.17,\"related\":"
           "{\"also_bought\":[\"B00JHONN1S\"]},\"salesRank\":{\"Toys & Games\":211836},"
           "\"categories\":[[\"Sports & Outdoors\",\"Dance\"]]}\n");
}

static void containers_become_arrays_and_objects(void **state) {
    (void)state;
    expect("[]", "[]\n");
    expect("{}", "{}\n");
    expect("()", "[]\n");
    expect("set()", "[]\n");
    expect("(1,)", "[1]\n");
    expect("(1, 2,)", "[1,2]\n");
    expect("(1)", " 1\n"); /* the parenthesis becomes a space: nothing has to move */
    expect("{3, 1, 2,}", "[3,1,2]\n");
    expect("{'b': {'a': ()}, 'a': [True, False, None,],}",
           "{\"b\":{\"a\":[]},\"a\":[true,false,null]}\n");
    expect("[ 1 ,\t2\f]  # note", "[1,2]\n");
}

static void keys_become_text_as_json_dumps_writes_them(void **state) {
    (void)state;
    expect("{1: 0, -1_0: 0, 0x10: 0, True: 0, None: 0, u'u': 0, b'b': 0, (2): 0}",
           "{\"1\":0,\"-10\":0,\"16\":0,\"true\":0,\"null\":0,\"u\":0,\"b\":0, \"2\":0}\n");
    expect("{1.50: 0, 1e5: 0, 1e16: 0, 1e15: 0, .0001: 0, 0.00001: 0, -0.0: 0, 1.: 0}",
           "{\"1.5\":0,\"100000.0\":0,\"1e+16\":0,\"1000000000000000.0\":0,\"0.0001\":0,"
           "\"1e-05\":0,\"-0.0\":0,\"1.0\":0}\n");
    expect("{5.960464477539063e-08: 0, 9007199254740993.0: 0, 9.5e-7: 0}",
           "{\"5.960464477539063e-08\":0,\"9007199254740992.0\":0,\"9.5e-07\":0}\n");
    expect("{0.1000000000000000055511151231257827021181583404541015625: 0, 1.7976931348623157e308: "
           "0, 5e-324: 0, 123456.789e-3: 0}",
           "{\"0.1\":0,\"1.7976931348623157e+308\":0,\"5e-324\":0,\"123.456789\":0}\n");
    /* One, half a step of the doubles, and at the 900th digit a little more: it rounds up. */
    char text[1000];
    snprintf(text, sizeof text, "{1.00000000000000011102230246251565404236316680908203125%0*d: 0}",
             847, 1);
    expect(text, "{\"1.0000000000000002\":0}\n");
    expect_bad("{(1, 2): 3}", "tuple or other container as key");
    expect_bad("{1e400: 3}", "nan, inf or a float");
}

static void numbers_keep_their_digits(void **state) {
    (void)state;
    expect("[0, 00, -0, +1, - 1, 1_000, 12345678901234567890123456789, 1L, 7l]",
           "[0,0,0,1,-1,1000,12345678901234567890123456789,1,7]\n");
    expect("[1., .5, -.5, 1.50, 1.e5, 1E+5, 1e05, 00.5, 09.5, 1_0.0_1e1_0, -0.0, 1e-400]",
           "[1.0,0.5,-0.5,1.50,1.0e5,1E+5,1e05,0.5,9.5,10.01e10,-0.0,1e-400]\n");
    expect("[0x1F, 0Xff, 0o17, 0b11, -0b1, 0x_ff, 0x1FL, 0xffffffffffffffff, -0x0]",
           "[31,255,15,3,-1,255,31,18446744073709551615,0]\n");
}

static void bad_numbers_are_named(void **state) {
    (void)state;
    expect_bad("017", "leading zero");
    expect_bad("0x10000000000000000", "beyond 64 bits");
    expect_bad("0b2", "malformed number");
    expect_bad("0x", "malformed number");
    expect_bad("1__0", "misplaced _");
    expect_bad("1_", "misplaced _");
    expect_bad("1_.5", "misplaced _");
    expect_bad("1.2.3", "malformed number");
    expect_bad("1e", "malformed number");
    expect_bad("1.5L", "malformed number");
    expect_bad("2j", "complex");
    expect_bad("2.5J", "complex");
    expect_bad("1+2j", "arithmetic or a complex");
    expect_bad("--1", "sign without a number");
    expect_bad("-True", "sign without a number");
}

static void nonfinite_numbers_are_bad_or_null(void **state) {
    (void)state;
    static const char *const texts[] = {"nan",
                                        "inf",
                                        "-inf",
                                        "-nan",
                                        "1e309",
                                        "-1e999",
                                        "1.7976931348623158079372897140530342e308"};
    const struct scoop_record_options options = {.nonfinite_null = true};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char list[80];
        expect_bad(texts[i], "beyond the doubles is not JSON");
        snprintf(list, sizeof list, "[%s, 1]\n", texts[i]);
        expect_bytes(&options, list, strlen(list), "[null,1]\n", "");
    }
    expect("[1.7976931348623157e308, 0e999]", "[1.7976931348623157e308,0e999]\n");
}

static void strings_are_read_as_python_reads_them(void **state) {
    (void)state;
    expect("'it\\'s \"so\"'", "\"it's \\\"so\\\"\"\n");
    expect("\"it's\"", "\"it's\"\n");
    expect("'\\a\\b\\f\\n\\r\\t\\v\\\\\\q\\x41\\101\\7\\u00e9\\U0001F600'",
           "\"\\u0007\\b\\f\\n\\r\\t\\u000b\\\\\\\\qAA\\u0007\xc3\xa9\xf0\x9f\x98\x80\"\n");
    expect("r'\\n\\'' R\"\\\\\" ur'\\u0041\\n'", "\"\\\\n\\\\'\\\\\\\\A\\\\n\"\n");
    expect("'a' \"b\" u'''c'''", "\"abc\"\n");
    expect("['a'\n'b' # c\n'c',\n'']", "[\"abc\",\"\"]\n");
    expect("'tab\there \x7f'", "\"tab\\there \x7f\"\n");
    expect("'\\xe9\xc3\xa9'", "\"\xc3\xa9\xc3\xa9\"\n");
    expect("'''a'b''c\"'''", "\"a'b''c\\\"\"\n");
    expect("'\\ud83d\\ude00' '\\ud83d' '\\ude00'", "\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"\n");
}

static void bytes_are_utf8_or_latin1(void **state) {
    (void)state;
    expect("b'caf\\xc3\\xa9' B'\\x21'", "\"caf\xc3\xa9!\"\n");
    expect("b'caf\\xe9 \"\\n'", "\"caf\xc3\xa9 \\\"\\n\"\n");
    expect("rb'\\xe9' bR'\\u'", "\"\\\\xe9\\\\u\"\n");
    expect("b'\\u00e9'", "\"\\\\u00e9\"\n");
    expect_bad("b'\xc3\xa9'", "beyond ASCII");
    expect_bad("b'a' 'b'", "bytes and text are joined");
    expect_bad("b'\\x00'", "NUL");
}

static void bad_strings_are_named(void **state) {
    (void)state;
    expect_bad("'a", "not closed");
    expect_bad("'\\x4'", "malformed \\x");
    expect_bad("'\\u12'", "malformed \\x");
    expect_bad("'\\U00110000'", "malformed \\x");
    expect_bad("'\\N{SNOWMAN}'", "\\N{...}");
    expect_bad("'\xff'", "UTF-8");
    expect_bad("'\xed\xa0\x80'", "UTF-8");
    expect_bad("f'a'", "unknown prefix");
    expect_bad("'\\0'", "NUL");
    expect_bad("'\\ud83d'", "surrogate");
    expect_bad("'\\ud83dx\\ude00'", "surrogate");
    expect_bytes(NULL, "'a\0'\n1\n", 7, "1\n", "1@0+4 a raw NUL byte (byte 3 of the record)|'a");
}

static void unstorable_characters_are_replaced_when_asked(void **state) {
    (void)state;
    const struct scoop_record_options options = {.replace_invalid = true};
    static const char text[] = "['\\0', '\\ud83dx', '\\ude00', '\\ud83d', b'\\x00']";
    expect_bytes(&options, text, strlen(text),
                 "[\"\xef\xbf\xbd\",\"\xef\xbf\xbdx\",\"\xef\xbf\xbd\",\"\xef\xbf\xbd\","
                 "\"\xef\xbf\xbd\"]\n",
                 "");
}

static void what_is_no_literal_is_named(void **state) {
    (void)state;
    expect_bad("OrderedDict([('a', 1)])", "OrderedDict(...)");
    expect_bad("{'d': datetime.datetime(2020, 1, 1)}", "datetime(...)");
    expect_bad("Decimal('1.1')", "a call or a name");
    expect_bad("set([1])", "a call or a name");
    expect_bad("...", "Ellipsis");
    expect_bad("<object at 0x7f>", "repr");
    expect_bad("{'a': null}", "JSON's true, false or null");
    expect_bad("x", "a name is no literal");
    expect_bad("1 2", "more than one value");
    expect_bad("1, 2", "more than one value");
    expect_bad("[1 2]", "comma or closing bracket is missing");
    expect_bad("[1}", "the wrong one");
    expect_bad("[,]", "unexpected character");
    expect_bad("{'a': 1, 'b'}", "a colon is missing");
    expect_bad("{'a' 1}", "comma or closing bracket");
    expect_bad("{1, 2: 3}", "comma or closing bracket");
    expect_bad("]", "unexpected character");
    expect_bad("{'a':}", "unexpected character");
}

static void a_record_may_go_over_several_lines(void **state) {
    (void)state;
    expect("0\n{'a':\n\n [1, # one\n2]}\n3\n", "0\n{\"a\":[1,2]}\n3\n");
    expect("'''x\ny\r\nz'''\n1\n", "\"x\\ny\\nz\"\n1\n");
    expect("'a\\\nb'\n'c\\\r\nd'\n", "\"ab\"\n\"cd\"\n");
    expect("1 \\\n\n2\n", "1\n2\n");
    expect("[\n1\n]\n[\n2\n]\n[\n3\n]\n4\n5", "[1]\n[2]\n[3]\n4\n5\n");
}

static void blank_and_comment_lines_are_counted(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 9; chunk++) {
        struct stage_run run;
        stage_run(&run, make, NULL, "\xef\xbb\xbf\n# c\n1\r\n \t\n2", 15, chunk);
        assert_string_equal(stage_run_text(&run.out), "1\n2\n");
        assert_int_equal(run.counters.blank_lines, 3);
        assert_true(run.counters.bom_stripped);
        stage_run_free(&run);
    }
}

static void a_bad_record_ends_at_the_first_newline_after_its_fault(void **state) {
    (void)state;
    static const char lacks_brace[] = "1\n{'a': 1\n{'b': 2}\n{'c': 3}\n";
    expect_bytes(NULL, lacks_brace, sizeof lacks_brace - 1, "1\n{\"c\":3}\n",
                 "2@2+16 a comma or closing bracket is missing, or the wrong one (byte 9 of the "
                 "record)|{'a': 1\n{'b': 2}\n");
    static const char ends_inside[] = "1\n[1,\n2,\n";
    expect_bytes(NULL, ends_inside, sizeof ends_inside - 1, "1\n",
                 "2@2+6 the text ends inside a value|[1,\n2,\n");
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
    const struct scoop_record_options options = {.max_record_bytes = 8};
    expect_bytes(&options, "12345678\n123456789\n7\n", 21, "12345678\n7\n",
                 "2@9+9 longer than max_record_bytes, 8|12345678\n");
    expect_bytes(&options, "[1,\n2,\n3,\n4]\n7\n", 15, "7\n",
                 "1@0+9 longer than max_record_bytes, 8|[1,\n2,\n3,\n"
                 "4@10+2 more than one value on a line (byte 2 of the record)|4]\n");
    expect_bytes(&options, "[1,\n2,\n3]\n7\n", 12, "7\n",
                 "1@0+9 longer than max_record_bytes, 8|[1,\n2,\n3]\n");
    expect_bytes(&options, "[1,\n234567890\n7\n", 16, "7\n",
                 "1@0+13 longer than max_record_bytes, 8|[1,\n23456789\n");
    expect_bytes(&options, "'\\x01\\x2'\n'\\x01'\n7", 18, "\"\\u0001\"\n7\n",
                 "1@0+9 longer than max_record_bytes, 8|'\\x01\\x2\n");
    /* As JSON it would have nine bytes. */
    expect_bytes(&options,
                 "'\x01"
                 "1'\n7\n",
                 7, "7\n",
                 "1@0+4 longer than max_record_bytes as JSON (byte 5 of the record)|'\x01"
                 "1'\n");
}

static void keys_are_compared_as_the_json_has_them(void **state) {
    const struct scoop_record_options keep = {.key_case = SCOOP_KEY_CASE_KEEP};
    const struct scoop_record_options rename = {.key_case = SCOOP_KEY_CASE_RENAME};
    static const char text[] = "{'a': 1, 'A': {1: 2, '1': (3,)}}\n{(True): 1, 'TRUE': 2}\n";
    (void)state;
    expect_bad("{'a': 1, 'b': {'x': 1, 'X': 2}}", "equal but for case");
    expect_bad("{1: 2, '1': 3}", "stands twice");
    expect_bad("{'\\xe9': 1, ('\xc3\xa9'): 3}", "stands twice");
    expect_bytes(&keep, text, strlen(text),
                 "{\"a\":1,\"A\":{\"1\":2,\"1\":[3]}}\n{ \"true\":1,\"TRUE\":2}\n", "");
    expect_bytes(&rename, text, strlen(text),
                 "{\"a\":1,\"A_2\":{\"1\":2,\"1_2\":[3]}}\n{ \"true\":1,\"TRUE_2\":2}\n", "");
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    const struct scoop_record_options options = {.replace_invalid = true};
    static const char text[] = "{'a': [1, b'\\xe9']}\n[1\n{'a': '''x\n\ny''',\n1.5: None}\n"
                               "\"long enough to make the buffer grow beyond its first capacity, "
                               "which is two hundred and fifty-six bytes: so we write on and on "
                               "until we are sure that it has been reached, and then some more "
                               "words follow, as they must, before the end of the line comes\"\n"
                               "x\n[\n";
    stage_run_torture(make, &options, text, sizeof text - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_of_pyliteral_json),
        cmocka_unit_test(a_metadata_line_becomes_compact_json),
        cmocka_unit_test(containers_become_arrays_and_objects),
        cmocka_unit_test(keys_become_text_as_json_dumps_writes_them),
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(bad_numbers_are_named),
        cmocka_unit_test(nonfinite_numbers_are_bad_or_null),
        cmocka_unit_test(strings_are_read_as_python_reads_them),
        cmocka_unit_test(bytes_are_utf8_or_latin1),
        cmocka_unit_test(bad_strings_are_named),
        cmocka_unit_test(unstorable_characters_are_replaced_when_asked),
        cmocka_unit_test(what_is_no_literal_is_named),
        cmocka_unit_test(a_record_may_go_over_several_lines),
        cmocka_unit_test(blank_and_comment_lines_are_counted),
        cmocka_unit_test(a_bad_record_ends_at_the_first_newline_after_its_fault),
        cmocka_unit_test(nesting_is_bounded_at_1000),
        cmocka_unit_test(a_record_beyond_the_limit_is_bad_and_skipped),
        cmocka_unit_test(keys_are_compared_as_the_json_has_them),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("literal", tests, NULL, NULL);
}
