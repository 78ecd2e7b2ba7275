/* What a transfer does about gzip, by the two names and the options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "copy/compression.h"

static struct scoop_transfer_options raw(const char *source, const char *destination) {
    struct scoop_transfer_options options = {0};
    options.source.uri = source;
    options.destination.uri = destination;
    return options;
}

static void a_name_is_gzips_by_its_suffix_in_any_case(void **state) {
    static const char *const gzip[] = {
        "a.gz",
        "a.GZ",
        "a.json.Gz",
        "dir/a.tgz",
        "a.svgz",
        "s3://b/k.TGZ",
        ".gz",
        "https://h/a.json.gz",
        "http://h/a.gz#",
        "https://h/d/a.gz?x=/y.txt#z",
        "a b.gz",
        "s3://b/what?x.gz",
        "https://h/x%2Egz",
        "https://h/x.g%7a",
        "https://h/x.gz;v=1",
        "https://h/d;p=1/x%2eGZ;v=1;w=a.b",
        "s3://b/x;v=1.gz",
    };
    static const char *const other[] = {
        "",
        "-",
        "gz",
        "a",
        "a.gz.bak",
        "a.gzz",
        "a.gz/b",
        "dir.gz/a",
        "https://h",
        "https://h.gz",
        "https://h.gz/",
        "https://h/d?file=a.gz",
        "s3://b.gz",
        "s3://b.gz/a",
        "gz.a",
        "https://h/a.gz/",
        "a.",
        "a.gz.",
        "tgz",
        "a.tar",
        "https://h/x;v=1.gz",
        "https://h/x.gz%3Bv=1",
        "https://h/x.gz%2Fb",
        "https://h/x.gz%",
        "https://h/x.gz%2",
        "https://h/x%2xgz",
        "s3://b/x%2Egz",
        "x%2Egz",
        "s3://b/x.gz;v=1",
        "x.gz;v=1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof gzip / sizeof *gzip; i++)
        if (!scoop_name_is_gzip(gzip[i]))
            fail_msg("%s", gzip[i]);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (scoop_name_is_gzip(other[i]))
            fail_msg("%s", other[i]);
    assert_false(scoop_name_is_gzip(NULL));
}

struct row {
    const char *source, *destination;
    enum scoop_handling gzip, plain; /* of gzip data, and of other content */
};

static const struct row rows[] = {
    /* gzip, gzip */
    {"x.json.gz", "y.json.gz", SCOOP_KEPT, SCOOP_KEPT},
    {"x.tgz", "x.tgz", SCOOP_KEPT, SCOOP_KEPT},
    {"x.svgz", "y.gz", SCOOP_KEPT, SCOOP_KEPT},
    {"b.GZ", "s3://b/b.gz", SCOOP_KEPT, SCOOP_KEPT},
    /* gzip, other: the rest has the destination's suffix */
    {"x.json.gz", "y.json", SCOOP_INFLATED, SCOOP_KEPT},
    {"x.json.GZ", "y.JSON", SCOOP_INFLATED, SCOOP_KEPT},
    {"x.tar.gz", "y.tar", SCOOP_INFLATED, SCOOP_KEPT},
    {"x.tgz", "y.tar", SCOOP_INFLATED, SCOOP_KEPT},
    {"x.svgz", "y.svg", SCOOP_INFLATED, SCOOP_KEPT},
    {"x.gz", "x", SCOOP_INFLATED, SCOOP_KEPT},
    {"https://h/a/x%2Ejson%2Egz;v=1", "y.json", SCOOP_INFLATED, SCOOP_KEPT},
    {"https://h/a/x.json.gz?sig=1.csv", "s3://b/y.json", SCOOP_INFLATED, SCOOP_KEPT},
    /* … or not */
    {"x.json.gz", "y.csv", SCOOP_KEPT, SCOOP_KEPT},
    {"x.json.gz", "y", SCOOP_KEPT, SCOOP_KEPT},
    {"x.json.gz", "y.json.bak", SCOOP_KEPT, SCOOP_KEPT},
    {"x.tgz", "y.tgz.bak", SCOOP_KEPT, SCOOP_KEPT},
    {"x.gz", "y.json", SCOOP_KEPT, SCOOP_KEPT},
    {"x.json.gz", "-", SCOOP_KEPT, SCOOP_KEPT},
    {"x.gz", "-", SCOOP_KEPT, SCOOP_KEPT},
    /* no gzip, .gz */
    {"x.json", "y.json.gz", SCOOP_KEPT, SCOOP_PACKED},
    {"x.json", "y.GZ", SCOOP_KEPT, SCOOP_PACKED},
    {"x.json.bz2", "y.gz", SCOOP_KEPT, SCOOP_PACKED},
    /* no gzip, other */
    {"x.json", "y.csv", SCOOP_KEPT, SCOOP_KEPT},
    {"x.json", "y.tgz", SCOOP_KEPT, SCOOP_KEPT},
    {"x.json", "-", SCOOP_KEPT, SCOOP_KEPT},
    /* none */
    {NULL, "y.json.gz", SCOOP_KEPT, SCOOP_PACKED},
    {"-", "y.json.gz", SCOOP_KEPT, SCOOP_PACKED},
    {"https://h/export", "y.json.gz", SCOOP_KEPT, SCOOP_PACKED},
    {"https://h.gz", "y.json.gz", SCOOP_KEPT, SCOOP_PACKED},
    {"https://h/export?file=x.gz", "y.json", SCOOP_KEPT, SCOOP_KEPT},
    {NULL, "y.tgz", SCOOP_KEPT, SCOOP_KEPT},
    {"-", "-", SCOOP_KEPT, SCOOP_KEPT},
    {"-", "y", SCOOP_KEPT, SCOOP_KEPT},
    /* whoever reads wants the text */
    {"x.json.gz", NULL, SCOOP_INFLATED, SCOOP_KEPT},
    {"x", NULL, SCOOP_INFLATED, SCOOP_KEPT},
};

static void raw_bytes_go_by_the_two_names(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scoop_transfer_options options = raw(rows[i].source, rows[i].destination);
        if (scoop_compression_decide(&options, true) != rows[i].gzip ||
            scoop_compression_decide(&options, false) != rows[i].plain)
            fail_msg("%s to %s", rows[i].source, rows[i].destination);
        assert_int_equal(scoop_compression_packs(&options), rows[i].plain == SCOOP_PACKED);
    }
}

static void what_is_said_outright_does_not_depend_on_names(void **state) {
    static const struct {
        enum scoop_compression compression;
        enum scoop_handling gzip, plain;
    } said[] = {
        {SCOOP_COMPRESSION_KEEP, SCOOP_KEPT, SCOOP_KEPT},
        {SCOOP_COMPRESSION_GZIP, SCOOP_KEPT, SCOOP_PACKED},
        {SCOOP_COMPRESSION_NONE, SCOOP_INFLATED, SCOOP_KEPT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < sizeof said / sizeof *said; j++) {
            struct scoop_transfer_options options = raw(rows[i].source, rows[i].destination);
            options.compression = said[j].compression;
            assert_int_equal(scoop_compression_decide(&options, true), said[j].gzip);
            assert_int_equal(scoop_compression_decide(&options, false), said[j].plain);
        }
}

static void records_are_read_as_text_and_packed_by_the_destinations_name(void **state) {
    (void)state;
    struct scoop_transfer_options options = raw("x", "y.json.GZ");
    options.format = SCOOP_FORMAT_JSONL;
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_PACKED);
    assert_int_equal(scoop_compression_decide(&options, false), SCOOP_PACKED);
    options.destination.uri = "y.tgz";
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_INFLATED);
    assert_int_equal(scoop_compression_decide(&options, false), SCOOP_KEPT);
    options.destination.uri = "-";
    options.source.uri = "x.json.gz";
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_INFLATED);
}

static void a_level_that_is_asked_for_packs_gzip_data_again(void **state) {
    (void)state;
    struct scoop_transfer_options options = raw("x.gz", "y.gz");
    options.compression_level = 9;
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_PACKED);
    assert_true(scoop_compression_packs(&options));
    options.destination.uri = "y.json";
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_KEPT);
    assert_false(scoop_compression_packs(&options));
}

static void the_text_of_a_split_output_is_inflated_where_its_files_are_packed(void **state) {
    (void)state;
    struct scoop_transfer_options options = raw("x.json.gz", NULL);
    options.text_for = "y.json.gz";
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_KEPT); /* USAGE */
    assert_false(scoop_compression_packs(&options));
    options.compression = SCOOP_COMPRESSION_GZIP;
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_INFLATED);
    assert_int_equal(scoop_compression_decide(&options, false), SCOOP_KEPT);
    options.compression = SCOOP_COMPRESSION_AUTO;
    options.format = SCOOP_FORMAT_JSONL;
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_INFLATED);
    options.format = SCOOP_FORMAT_RAW;
    options.text_for = "y.json";
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_INFLATED);
    options.text_for = "y.json.gz";
    options.source.uri = "x.json";
    assert_int_equal(scoop_compression_decide(&options, false), SCOOP_KEPT);
    assert_int_equal(scoop_compression_decide(&options, true), SCOOP_KEPT); /* USAGE */
}

static void a_gzip_name_wants_gzip_content_unless_plain_is_allowed(void **state) {
    (void)state;
    struct scoop_transfer_options options = raw("x.tgz", "y");
    assert_true(scoop_compression_wants_gzip(&options));
    options.destination.uri = NULL; /* whoever reads it, too */
    assert_true(scoop_compression_wants_gzip(&options));
    options.compression = SCOOP_COMPRESSION_KEEP; /* reading bytes as they are */
    assert_false(scoop_compression_wants_gzip(&options));
    options.destination.uri = "y"; /* and copying them */
    assert_false(scoop_compression_wants_gzip(&options));
    options.compression = SCOOP_COMPRESSION_AUTO;
    assert_true(scoop_compression_wants_gzip(&options));
    options.allow_plain = true;
    assert_false(scoop_compression_wants_gzip(&options));
    options = raw("x", "y.gz");
    assert_false(scoop_compression_wants_gzip(&options));
}

static void kept_data_is_proven_where_a_name_says_gzip_or_nothing_else_tells_its_end(void **state) {
    (void)state;
    struct scoop_transfer_options options = raw("x", "y");
    assert_false(scoop_compression_proves(&options, true));
    assert_true(scoop_compression_proves(&options, false));
    options = raw("x", "y.tgz");
    assert_false(scoop_compression_proves(&options, true));
    options = raw("x", "y.gz");
    assert_true(scoop_compression_proves(&options, true));
    options = raw("x.tgz", "y");
    assert_true(scoop_compression_proves(&options, true));
    options.compression = SCOOP_COMPRESSION_KEEP;
    assert_false(scoop_compression_proves(&options, true));
    assert_false(scoop_compression_proves(&options, false));
}

static void an_address_may_be_long(void **state) {
    char uri[5000];
    (void)state;
    memset(uri, 'x', sizeof uri);
    memcpy(uri, "https://h/", 10);
    memcpy(uri + sizeof uri - 10, "%2Egz;v=1", 10);
    assert_true(scoop_name_is_gzip(uri));
    memset(uri + 10, '%', sizeof uri - 30);
    assert_true(scoop_name_is_gzip(uri));
}

static void contradictions_are_wrong_usage(void **state) {
    struct scoop_error error = {0};
    (void)state;
    struct scoop_transfer_options options = raw("x.gz", "y.gz");
    assert_int_equal(scoop_compression_check(&options, &error), 0);
    options.compression_level = 3;
    assert_int_equal(scoop_compression_check(&options, &error), 0);
    options.compression = SCOOP_COMPRESSION_KEEP;
    assert_int_equal(scoop_compression_check(&options, &error), -1);
    options.compression = SCOOP_COMPRESSION_NONE;
    assert_int_equal(scoop_compression_check(&options, &error), -1);
    options.compression_level = 0;
    assert_int_equal(scoop_compression_check(&options, &error), 0);
    options.compression = SCOOP_COMPRESSION_KEEP;
    options.format = SCOOP_FORMAT_JSONL;
    assert_int_equal(scoop_compression_check(&options, &error), -1);
    assert_int_equal(error.code, SCOOP_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_gzips_by_its_suffix_in_any_case),
        cmocka_unit_test(raw_bytes_go_by_the_two_names),
        cmocka_unit_test(what_is_said_outright_does_not_depend_on_names),
        cmocka_unit_test(records_are_read_as_text_and_packed_by_the_destinations_name),
        cmocka_unit_test(a_level_that_is_asked_for_packs_gzip_data_again),
        cmocka_unit_test(the_text_of_a_split_output_is_inflated_where_its_files_are_packed),
        cmocka_unit_test(a_gzip_name_wants_gzip_content_unless_plain_is_allowed),
        cmocka_unit_test(kept_data_is_proven_where_a_name_says_gzip_or_nothing_else_tells_its_end),
        cmocka_unit_test(an_address_may_be_long),
        cmocka_unit_test(contradictions_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
