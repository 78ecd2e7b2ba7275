/* The pull reader of JSON: of text that nobody has checked, and of lines that were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/json_reader.h"

static struct scoop_json_reader reader_of(const char *text) {
    return (struct scoop_json_reader){(const unsigned char *)text,
                                      (const unsigned char *)text + strlen(text)};
}

/* Whether the text is one value; it lies in memory that ends with it. */
static bool is_value(const char *text, size_t length) {
    unsigned char *copy = malloc(length + (length == 0));
    memcpy(copy, text, length);
    struct scoop_json_reader reader = {copy, copy + length};
    bool taken = scoop_json_skip(&reader, NULL) && scoop_json_at_end(&reader);
    free(copy);
    return taken;
}

static void values_of_each_kind_are_taken(void **state) {
    (void)state;
    static const char *const good[] = {"\"\"",
                                       "\"a\\\"b\\\\\\/\\b\\f\\n\\r\\t\\u00e4\"",
                                       "0",
                                       "-0",
                                       "12",
                                       "-1.5e+10",
                                       "1E-2",
                                       "0.0",
                                       "true",
                                       "false",
                                       "null",
                                       "[]",
                                       "{}",
                                       "[1,\"a\",[true,null]]",
                                       " [ ] ",
                                       "{\"a\":{\"b\":[]},\"a\":1}",
                                       "\t{ \"a\" : 1 , \"b\" :\r\n2 }"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!is_value(good[i], strlen(good[i])))
            fail_msg("%s was refused", good[i]);
}

static void what_is_no_value_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",          " ",           "\"",          "\"a",        "\"\\\"",   "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"",    "01",         "-",        "1.",
        ".5",        "1e",          "+1",          "truex",      "tru",      "nul",
        "[",         "[1",          "[1,]",        "[1 2]",      "[,1]",     "{",
        "{\"a\"}",   "{\"a\":}",    "{a:1}",       "{\"a\":1,}", "{\"a\":1", "{\"a\":1]",
        "[1}",       "1 2",         "\"a\" \"b\"", "'a'",        "NaN"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (is_value(bad[i], strlen(bad[i])))
            fail_msg("%s was taken", bad[i]);
}

/* Also for what memory may be looked at: the sanitizers watch. */
static void no_beginning_of_a_document_is_taken_for_it(void **state) {
    (void)state;
    static const char text[] = "{\"a\\u00e4\\n\": [1.5e+3, true, \"\\ud83d\\ude00\"], \"b\": null}";
    for (size_t length = 0; length < sizeof text - 1; length++)
        assert_false(is_value(text, length));
    assert_true(is_value(text, sizeof text - 1));
}

static void nesting_has_a_limit(void **state) {
    (void)state;
    char text[2 * (SCOOP_JSON_MOST_DEPTH + 1) + 1] = "";
    for (int i = 0; i < SCOOP_JSON_MOST_DEPTH; i++) {
        text[i] = '[';
        text[2 * SCOOP_JSON_MOST_DEPTH - 1 - i] = ']';
    }
    assert_true(is_value(text, 2 * SCOOP_JSON_MOST_DEPTH));
    memset(text, '[', SCOOP_JSON_MOST_DEPTH + 1);
    memset(text + SCOOP_JSON_MOST_DEPTH + 1, ']', SCOOP_JSON_MOST_DEPTH + 1);
    assert_false(is_value(text, 2 * SCOOP_JSON_MOST_DEPTH + 2));
}

static void members_and_elements_come_in_order(void **state) {
    (void)state;
    struct scoop_json_reader reader = reader_of(" {\"one\": [1, 22], \"two\":\"x\" } ");
    struct scoop_json_span name, value;
    bool first = true, first_element = true;
    uint64_t count;
    assert_false(scoop_json_begin(&reader, '['));
    assert_true(scoop_json_begin(&reader, '{'));
    assert_int_equal(scoop_json_member(&reader, &first, &name), 1);
    assert_true(scoop_json_is(&name, "one") && !scoop_json_is(&name, "on"));
    assert_true(scoop_json_begin(&reader, '['));
    assert_int_equal(scoop_json_element(&reader, &first_element), 1);
    assert_true(scoop_json_count(&reader, &count) && count == 1);
    assert_int_equal(scoop_json_element(&reader, &first_element), 1);
    assert_false(scoop_json_is_string(&reader));
    assert_true(scoop_json_skip(&reader, &value) && scoop_json_is(&value, "22"));
    assert_int_equal(scoop_json_element(&reader, &first_element), 0);
    assert_int_equal(scoop_json_member(&reader, &first, &name), 1);
    assert_true(scoop_json_is_string(&reader));
    assert_true(scoop_json_string(&reader, &value) && scoop_json_is(&value, "x"));
    assert_int_equal(scoop_json_member(&reader, &first, &name), 0);
    assert_true(scoop_json_at_end(&reader));
}

static void a_count_is_whole_and_not_below_zero(void **state) {
    (void)state;
    static const char *const bad[] = {"-1", "1.0", "1e3", "\"1\"", "null", "1234567890123456789",
                                      ""};
    uint64_t count = 0;
    struct scoop_json_reader reader = reader_of("999999999999999999");
    assert_true(scoop_json_count(&reader, &count) && count == 999999999999999999);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        reader = reader_of(bad[i]);
        assert_false(scoop_json_count(&reader, &count));
    }
}

static void expect_decoded(const char *text, size_t size, const char *expected) {
    char out[64];
    struct scoop_json_reader reader = reader_of(text);
    struct scoop_json_span span;
    assert_true(scoop_json_string(&reader, &span));
    scoop_json_decode(&span, out, size);
    assert_string_equal(out, expected);
}

static void strings_are_decoded_and_cut_between_characters(void **state) {
    (void)state;
    expect_decoded("\"\"", 1, "");
    expect_decoded("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 64, "a\"\\/\b\f\n\r\t");
    expect_decoded("\"\\u00e4\\u20ac\\ud83d\\ude00\"", 64, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    expect_decoded("\"\\u0000\\ud83d\\ude00\\ud83d\"", 64, "?\xf0\x9f\x98\x80?");
    expect_decoded("\"\\ude00\\ud83d\\n\"", 64, "??\n");
    expect_decoded("\"\xc3\xa4\xe2\x82\xac\"", 6, "\xc3\xa4\xe2\x82\xac");
    expect_decoded("\"\xc3\xa4\xe2\x82\xac\"", 5, "\xc3\xa4");
    expect_decoded("\"a\\ud83d\\ude00\"", 5, "a");
    expect_decoded("\"\x80\x80\"", 64, "\x80\x80"); /* no UTF-8: as it is */
}

/* The values of an object's members between commas, its names between colons. */
static void flatten(const char *line, char *out) {
    const unsigned char *at = (const unsigned char *)line;
    unsigned char *end = (unsigned char *)out;
    size_t length;
    assert_true(scoop_json_checked_begin(&at));
    while (scoop_json_checked_member(&at, end, &length)) {
        end += length;
        *end++ = ':';
        at = *at == '"' ? scoop_json_checked_string(at, &end) : scoop_json_checked_other(at, &end);
        *end++ = ',';
    }
    *end = 0;
    assert_int_equal(*at, '}');
}

static void a_checked_line_is_read_member_by_member(void **state) {
    (void)state;
    char out[256];
    flatten("{}\n", out);
    assert_string_equal(out, "");
    flatten(" \t{ }\r\n", out);
    assert_string_equal(out, "");
    flatten("{\"a\":1}\n", out);
    assert_string_equal(out, "a:1,");
    flatten("{ \"a\\u00e4\" :\t-1.5e+3 , \"b\":null,\"\": \"x\\n\\ud83d\\ude00\\/\" }\n", out);
    assert_string_equal(out, "a\xc3\xa4:-1.5e+3,b:null,:x\n\xf0\x9f\x98\x80/,");
    flatten("{\"a\": [ 1, { \"b \\\" } ]\" : [ ] } ] , \"c\" : { \"d\" : true } }\n", out);
    assert_string_equal(out, "a:[1,{\"b \\\" } ]\":[]}],c:{\"d\":true},");
    const unsigned char *at = (const unsigned char *)" [1]\n";
    assert_false(scoop_json_checked_begin(&at));
}

/* What is checked may nest deeper than what is not. */
static void a_checked_value_nests_as_deep_as_it_likes(void **state) {
    (void)state;
    enum { DEPTH = 1000 };
    char line[2 * DEPTH + 16], out[2 * DEPTH + 16];
    size_t used = (size_t)snprintf(line, sizeof line, "{\"a\":");
    memset(line + used, '[', DEPTH);
    memset(line + used + DEPTH, ']', DEPTH);
    snprintf(line + used + 2 * DEPTH, 4, "}\n");
    flatten(line, out);
    assert_int_equal(strlen(out), 2 + 2 * DEPTH + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_each_kind_are_taken),
        cmocka_unit_test(what_is_no_value_is_refused),
        cmocka_unit_test(no_beginning_of_a_document_is_taken_for_it),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(members_and_elements_come_in_order),
        cmocka_unit_test(a_count_is_whole_and_not_below_zero),
        cmocka_unit_test(strings_are_decoded_and_cut_between_characters),
        cmocka_unit_test(a_checked_line_is_read_member_by_member),
        cmocka_unit_test(a_checked_value_nests_as_deep_as_it_likes),
    };
    return cmocka_run_group_tests_name("json_reader", tests, NULL, NULL);
}
