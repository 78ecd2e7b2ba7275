/* What a copy takes along of its source's headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/s3/kept_headers.h"

static struct scoop_kept_headers kept;

static int begin(void **state) {
    (void)state;
    memset(&kept, 0, sizeof kept);
    return 0;
}

static int end(void **state) {
    (void)state;
    scoop_kept_headers_free(&kept);
    return 0;
}

static void note(const char *name, const char *value) {
    assert_int_equal(scoop_kept_headers_note(&kept, name, strlen(name), value, strlen(value)), 0);
}

static const char *value_of(const char *name) {
    for (size_t i = 0; i < kept.count; i++)
        if (strcmp(kept.pairs[i].name, name) == 0)
            return kept.pairs[i].value;
    return "missing";
}

static void note_all(void) {
    note("Content-Type", "text/csv");
    note("content-encoding", "gzip");
    note("Cache-Control", "private");
    note("Content-Disposition", "attachment; filename=\"x.csv\"");
    note("x-amz-meta-a", "1");
    note("ETag", "\"e\"");
    note("x-amz-storage-class", "GLACIER");
    note("x-amz-server-side-encryption", "AES256");
    note("x-amz-tagging-count", "2");
}

static void what_belongs_to_the_object_is_kept_and_no_more(void **state) {
    (void)state;
    note_all();
    assert_int_equal(kept.count, 4);
    assert_string_equal(kept.content_type, "text/csv");
    assert_string_equal(value_of("content-encoding"), "gzip");
    assert_string_equal(value_of("x-amz-meta-a"), "1");
    assert_true(kept.tagged && kept.noted && !kept.incomplete);
    assert_string_equal(kept.lost, "");
}

static void what_is_given_takes_the_place_of_the_sources(void **state) {
    (void)state;
    struct scoop_object_headers given = {0};
    struct scoop_error error = {0};
    const struct scoop_object_options options = {
        .metadata = "b=2", .tags = "t=1", .cache_control = "no-cache"};
    assert_int_equal(scoop_object_headers_build(&options, &given, &error), 0);
    kept.given = &given;
    kept.content_type_given = true;
    note_all();
    assert_int_equal(kept.count, 2);
    assert_null(kept.content_type);
    assert_false(scoop_kept_headers_want_tags(&kept));
    assert_int_equal(scoop_kept_headers_add_tags(&kept, "a=1", 3, &error), 0);
    assert_int_equal(kept.count, 2);
    scoop_object_headers_free(&given);
}

static void headers_that_come_twice_are_one(void **state) {
    (void)state;
    note("x-amz-meta-a", "1");
    note("X-Amz-Meta-A", "1");
    note("x-amz-meta-b", "1");
    note("x-amz-meta-b", "2");
    assert_int_equal(kept.count, 2);
    assert_string_equal(value_of("x-amz-meta-a"), "1");
    assert_string_equal(value_of("x-amz-meta-b"), "1, 2");
}

static const struct {
    enum scoop_kept_change change;
    bool to_gzip;
    const char *type, *encoding, *name;      /* of the source */
    const char *type_after, *encoding_after; /* "": none */
    bool keeps_name;
} changes[] = {
    {SCOOP_KEPT_UNCHANGED, true, "application/gzip", "gzip", "x.gz", "application/gzip", "gzip",
     true},
    {SCOOP_KEPT_INFLATED, false, "text/csv", "gzip", "x.csv", "text/csv", "", true},
    {SCOOP_KEPT_INFLATED, false, "text/csv", "br, x-gzip", "x", "text/csv", "br", true},
    {SCOOP_KEPT_INFLATED, false, "text/csv", "br", "x.csv.GZ", "text/csv", "br", false},
    {SCOOP_KEPT_INFLATED, false, "Application/X-Gzip; a=b", "aws-chunked", "x", "", "", true},
    {SCOOP_KEPT_INFLATED, false, "application/gzipped-not", "aws-chunked,gzip", "x",
     "application/gzipped-not", "", true},
    {SCOOP_KEPT_PACKED, true, "text/csv", "br", "x.csv", "", "", true},
    {SCOOP_KEPT_RECORDS, true, "application/json", "gzip", "x.json.gz", "", "", true},
    {SCOOP_KEPT_RECORDS, false, "application/json", "gzip", "x.json.gz", "", "", false},
};

static void what_a_change_makes_untrue_is_dropped(void **state) {
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char name[80];
        begin(state);
        snprintf(name, sizeof name, "attachment; filename=\"%s\"", changes[i].name);
        note("Content-Type", changes[i].type);
        note("Content-Encoding", changes[i].encoding);
        note("Content-Disposition", name);
        note("Expires", "0");
        scoop_kept_headers_adapt(&kept, changes[i].change, changes[i].to_gzip);
        assert_string_equal(kept.content_type ? kept.content_type : "", changes[i].type_after);
        assert_string_equal(value_of("Content-Encoding"), changes[i].encoding_after[0] != 0
                                                              ? changes[i].encoding_after
                                                              : "missing");
        assert_string_equal(value_of("Content-Disposition"),
                            changes[i].keeps_name ? name : "missing");
        assert_int_equal(kept.lost[0] == 0, changes[i].keeps_name);
        assert_string_equal(value_of("Expires"), "0");
        end(state);
    }
}

static void what_nothing_is_taken_of_is_said_in_a_line(void **state) {
    (void)state;
    note_all();
    note("x-amz-meta-b", "2");
    scoop_kept_headers_lose_all(&kept, "why");
    assert_string_equal(kept.lost, "tags, Content-Type, content-encoding, Cache-Control, "
                                   "Content-Disposition, metadata: why");
    assert_int_equal(kept.count, 0);
    assert_null(kept.content_type);
}

static void a_default_type_is_no_loss(void **state) {
    (void)state;
    note("Content-Type", "binary/octet-stream");
    scoop_kept_headers_lose_all(&kept, "why");
    assert_string_equal(kept.lost, "");
}

static void what_cannot_be_sent_is_said(void **state) {
    (void)state;
    char name[40];
    for (int i = 0; i < SCOOP_KEPT_MOST + 2; i++) {
        snprintf(name, sizeof name, "x-amz-meta-%d", i);
        note(name, "v");
    }
    note("x-amz-meta-bad", "a\x01z");
    note("x-amz-missing-meta", "3");
    assert_int_equal(kept.count, SCOOP_KEPT_MOST);
    assert_true(kept.incomplete);
    assert_non_null(strstr(kept.lost, "x-amz-meta-64: there are too many to be sent\n"));
    assert_non_null(strstr(kept.lost, "x-amz-meta-bad: it cannot be sent"));
    assert_non_null(strstr(kept.lost, "metadata: the server keeps entries"));
    struct scoop_error error = {0};
    assert_int_equal(scoop_kept_headers_add_tags(&kept, "a=1", 3, &error), 0);
    assert_true(scoop_kept_headers_lose_metadata(&kept, "why"));
    assert_int_equal(kept.count, 1);
    assert_true(scoop_kept_headers_lose_tags(&kept, "why"));
    assert_false(scoop_kept_headers_lose_tags(&kept, "why"));
    assert_int_equal(kept.count, 0);
}

static void a_refusal_to_tell_tags_is_said_where_there_may_be_some(void **state) {
    (void)state;
    scoop_kept_headers_tags_refused(&kept, 501);
    assert_string_equal(kept.lost, "");
    scoop_kept_headers_tags_refused(&kept, 403);
    assert_string_equal(kept.lost, "tags: they cannot be read (s3:GetObjectTagging, HTTP 403)");
    scoop_kept_headers_begin(&kept);
    note("x-amz-tagging-count", "1");
    scoop_kept_headers_tags_refused(&kept, 501);
    assert_non_null(strstr(kept.lost, "HTTP 501"));
}

static void another_answer_begins_anew(void **state) {
    (void)state;
    note_all();
    note("x-amz-missing-meta", "3");
    scoop_kept_headers_begin(&kept);
    assert_int_equal(kept.count, 0);
    assert_null(kept.content_type);
    assert_false(kept.noted || kept.tagged || kept.incomplete);
    assert_string_equal(kept.lost, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_belongs_to_the_object_is_kept_and_no_more, begin, end),
        cmocka_unit_test_setup_teardown(what_is_given_takes_the_place_of_the_sources, begin, end),
        cmocka_unit_test_setup_teardown(headers_that_come_twice_are_one, begin, end),
        cmocka_unit_test(what_a_change_makes_untrue_is_dropped),
        cmocka_unit_test_setup_teardown(what_nothing_is_taken_of_is_said_in_a_line, begin, end),
        cmocka_unit_test_setup_teardown(a_default_type_is_no_loss, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_sent_is_said, begin, end),
        cmocka_unit_test_setup_teardown(a_refusal_to_tell_tags_is_said_where_there_may_be_some,
                                        begin, end),
        cmocka_unit_test_setup_teardown(another_answer_begins_anew, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
