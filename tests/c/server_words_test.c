/* What is taken of a server's words, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/mask.h"
#include "text/server_words.h"

/* The body lies at the end of its memory, so that a read beyond it is seen. */
static void expect(const char *body, size_t length, const char *expected) {
    char words[SCOOP_SERVER_WORDS_SIZE], *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, body, length);
    scoop_server_words_find(copy, length, words, sizeof words);
    assert_string_equal(words, expected);
    free(copy);
}

static void the_message_is_found_wherever_it_stands(void **state) {
    static const char *const table[][2] = {
        {"{\"message\": \"token expired\"}", "token expired"},
        {" {\"code\": 7, \"error\": {\"status\": \"X\", \"message\": \"no such report\"}}",
         "no such report"},
        {"{\"error\": \"invalid_token\", \"error_description\": \"The token is old\"}",
         "The token is old"},
        {"{\"error\": \"invalid_token\"}", "invalid_token"},
        {"{\"errors\": [{\"detail\": \"bad day\"}, {\"detail\": \"other\"}]}", "bad day"},
        {"[{\"message\": \"in a list\"}]", "in a list"},
        {"{\"type\": \"about:blank\", \"title\": \"Not Found\", \"detail\": \"no day 32\"}",
         "no day 32"},
        {"{\"Message\": \"a\\u001b[31m\\n b\\u00e9\"}", "a [31m b\xc3\xa9"},
        {"{\"message\": \"cut\", \"trace\": [1, 2", "cut"},
        {"{\"other\": 1}", "{\"other\": 1}"},
        {"\"a string\"", "a string"},
        {"\xef\xbb\xbf{\"message\": \"m\"}", "m"},
        {"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request &lt;has&gt; "
         "expired</Message><StringToSign>secret</StringToSign></Error>",
         "Request <has> expired"},
        {"<html><head><title>\n 502 Bad\n Gateway </title></head><body>x</body></html>",
         "502 Bad Gateway"},
        {"<html><body><p>Please <b>wait</b></p></body>", "Please wait"},
        {"<Error><Message>cut he", "cut he"},
        {"<", ""},
        {"<title", ""},
        {" plain\r\n words\x01\x7f. ", "plain words ."},
        {"caf\xe9 \xe2\x80\xaeturned\xc2\x9b", "caf? turned"},
        {"", ""},
        {"  ", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect(table[i][0], strlen(table[i][0]), table[i][1]);
    expect("\x89PNG\0\0", 6, "");
}

static void a_deep_document_ends(void **state) {
    char body[2000];
    (void)state;
    memset(body, '[', sizeof body);
    char words[SCOOP_SERVER_WORDS_SIZE];
    scoop_server_words_find(body, sizeof body, words, sizeof words);
    for (size_t i = 0; i + 11 < sizeof body; i += 11)
        memcpy(body + i, "{\"error\":{ ", 11);
    scoop_server_words_find(body, sizeof body, words, sizeof words);
}

static void expect_masked(const char *said, const char *secret, const char *expected) {
    static struct scoop_mask mask;
    char words[SCOOP_MASK_SIZE];
    strcpy(words, said);
    scoop_mask_begin(&mask, words, sizeof words);
    scoop_mask_secret(&mask, secret, strlen(secret));
    scoop_mask_end(&mask);
    assert_string_equal(words, expected);
}

static void secrets_are_masked(void **state) {
    static const char *const table[][3] = {
        {"s3cr3t and xs3cr3ts3cr3ty", "s3cr3t", "*** and x***y"},
        {"a word, abc, abcd", "abc", "a word, ***, abcd"}, /* short: where it is a word */
        {"abc", "abc", "***"},
        {"cut: 0123456789ab, 0123456789a", "0123456789abcdef", "cut: ***, 0123456789a"},
        {"the end: 456789abcdef.", "0123456789abcdef", "the end: ***."},
        {"both ab%2fcd%3D and ab/cd=", "ab/cd=", "both *** and ***"},
        {"a \\/b\\\"cd", "/b\"cd", "a ***"},
        {"%73%65cret0", "secret0", "***"},
        {"\xc3\xa9t\xc3\xa9", "\xa9t\xc3", "***"}, /* whole characters */
        {"nothing", "", "nothing"},
        {"", "secret", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect_masked(table[i][0], table[i][1], table[i][2]);
}

static void masks_keep_to_the_room(void **state) {
    static struct scoop_mask mask;
    char words[8] = "a a a a";
    (void)state;
    scoop_mask_begin(&mask, words, sizeof words);
    scoop_mask_secret(&mask, "a", 1);
    scoop_mask_end(&mask);
    assert_string_equal(words, "*** ***");
}

/* The product of both lengths would be 10^10 bytes: longer than any test may take. */
static void a_long_secret_takes_no_longer_than_its_bytes(void **state) {
    static struct scoop_mask mask;
    char words[SCOOP_MASK_SIZE];
    enum { LONG = 5 * 1000 * 1000 };
    char *secret = malloc(LONG);
    (void)state;
    assert_non_null(secret);
    memset(secret, 'a', LONG);
    memset(words, 'a', sizeof words - 1);
    words[sizeof words - 1] = 0;
    scoop_mask_begin(&mask, words, sizeof words);
    scoop_mask_secret(&mask, secret, LONG);
    scoop_mask_end(&mask);
    free(secret);
    assert_string_equal(words, "***");
}

static void queries_are_masked(void **state) {
    char words[200];
    (void)state;
    strcpy(words, "see https://h/a?sig=1&x=2, \"http://h/b?c\" and http://h/d?efgh");
    scoop_server_words_mask_queries(words);
    assert_string_equal(words, "see https://h/a?*** \"http://h/b?c\" and http://h/d?***");
}

static void three_hundred_characters_are_kept(void **state) {
    char words[SCOOP_SERVER_WORDS_SIZE];
    (void)state;
    for (size_t i = 0; i < 1200; i += 2)
        memcpy(words + i, "\xc3\xa9", 2);
    words[1200] = 0;
    scoop_server_words_cut(words);
    assert_int_equal(strlen(words), 600);
    strcpy(words, "short");
    scoop_server_words_cut(words);
    assert_string_equal(words, "short");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_is_found_wherever_it_stands),
        cmocka_unit_test(a_deep_document_ends),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(masks_keep_to_the_room),
        cmocka_unit_test(a_long_secret_takes_no_longer_than_its_bytes),
        cmocka_unit_test(queries_are_masked),
        cmocka_unit_test(three_hundred_characters_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
