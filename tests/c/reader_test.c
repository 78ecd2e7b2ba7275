/* Reading here and there in a file, an object and a web source, against a server in this process:
 * the bytes are the source's, also when each allocation fails once; another version is told. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "s3_server.h"
#include "scoop/memory.h"
#include "scoop/reader.h"

enum { BYTES = 2 * 1024 * 1024 + 77, MOST_ALLOCATIONS = 3000, ENOUGH_SUCCESSES = 3 };

static unsigned char pattern[BYTES], got[BYTES];
static char path[] = "/tmp/scoop-reader-XXXXXX";

static int begin(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (unsigned char)((i * 2654435761u) >> 24);
    int file = mkstemp(path);
    if (file < 0 || write(file, pattern, BYTES) != BYTES || close(file) != 0)
        return -1;
    source = pattern;
    source_length = claimed_length = BYTES;
    return start_server();
}

static int end(void **state) {
    (void)state;
    unlink(path);
    return stop_server();
}

static struct scoop_transfer_options from(const char *uri) {
    return (struct scoop_transfer_options){
        .source = {.uri = uri,
                   .s3 = {.endpoint_url = endpoint,
                          .credentials = {"id", "secret", NULL},
                          .payload_signing = SCOOP_PAYLOAD_SIGNING_NEVER}},
    };
}

static int read_all(struct scoop_reader *reader, uint64_t offset, size_t length, uint64_t wanted,
                    struct scoop_error *error) {
    const struct scoop_interrupt never = {0};
    for (size_t have = 0, count; have < length; have += count) {
        if (scoop_reader_read(reader, offset + have, got + have, length - have,
                              wanted > have ? wanted - have : 0, &count, &never, error) != 0)
            return -1;
        assert_in_range(count, 1, length - have);
    }
    assert_memory_equal(got, pattern + offset, length);
    return 0;
}

/* Forward, backward, in order, over a gap, away from the middle of a long range, and at the end. */
static int read_pieces(const char *uri, const char *identity, struct scoop_error *error) {
    static const struct {
        uint64_t offset;
        size_t length, wanted;
    } pieces[] = {
        {0, 1000, 0},
        {1000, 30000, 30000},
        {1500000, 200, 200},
        {1500000, 70000, 70000},
        {1580000, 5, 1000000},
        {1590000, 9, 0},
        {10, 3, 3},
        {700000, 100, 900000},
        {BYTES - 22, 22, 22},
        {BYTES - 300000, 300000, 300000},
    };
    const struct scoop_transfer_options options = from(uri);
    struct scoop_reader *reader = scoop_reader_new(&options, identity, error);
    int status = reader == NULL ? -1 : 0;
    for (size_t i = 0; status == 0 && i < sizeof pieces / sizeof *pieces; i++)
        status = read_all(reader, pieces[i].offset, pieces[i].length, pieces[i].wanted, error);
    if (status == 0 && identity == NULL) {
        struct scoop_reader_facts facts;
        scoop_reader_facts(reader, &facts);
        assert_int_equal(facts.size_bytes, BYTES);
        assert_true(facts.seekable);
        assert_false(facts.proven);
    }
    scoop_reader_free(reader);
    return status;
}

/* In another order than they are expected in, from the first byte and from a later one; one is left
 * in its middle, and one is never read. */
static int read_expected(const char *uri, const char *identity, struct scoop_error *error) {
    static const struct {
        uint64_t offset;
        size_t expected, read;
    } ranges[] = {{1900000, 90000, 90000},
                  {20000, 300000, 300000},
                  {900000, 300000, 100},
                  {400000, 300000, 300000},
                  {1300000, 300000, 300000}};
    enum { COUNT = sizeof ranges / sizeof *ranges, LATE = 7 };
    const struct scoop_transfer_options options = from(uri);
    struct scoop_reader *reader = scoop_reader_new(&options, identity, error);
    int status = reader == NULL ? -1 : read_all(reader, 0, 1000, 0, error);
    for (size_t i = 0; status == 0 && i < COUNT; i++)
        scoop_reader_expect(reader, ranges[COUNT - 1 - i].offset, ranges[COUNT - 1 - i].expected);
    for (size_t i = 0; status == 0 && i + 1 < COUNT; i++) {
        size_t skipped = i == 1 ? LATE : 0, length = ranges[i].read - skipped;
        status = read_all(reader, ranges[i].offset + skipped, length, length, error);
    }
    if (reader != NULL && status == 0)
        scoop_reader_expect_nothing(reader);
    if (status == 0)
        status = read_all(reader, BYTES - 300000, 300000, 300000, error);
    scoop_reader_free(reader);
    return status;
}

typedef int reading(const char *uri, const char *identity, struct scoop_error *error);

static void survives_reading(reading *read, const char *uri, const char *identity) {
    int successes = 0;
    for (long nth = 1; successes < ENOUGH_SUCCESSES; nth++) {
        struct scoop_error error = {0};
        assert_true(nth < MOST_ALLOCATIONS);
#ifdef SCOOP_TORTURE
        scoop_memory_fail_at(nth);
#endif
        int status = read(uri, identity, &error);
#ifdef SCOOP_TORTURE
        scoop_memory_fail_at(0);
#endif
        successes = status == 0 ? successes + 1 : 0;
        if (status != 0 && error.code != SCOOP_NO_MEMORY)
            fail_msg("allocation %ld: %s", nth, error.message);
    }
}

static void survives(const char *uri, const char *identity) {
    survives_reading(read_pieces, uri, identity);
}

static void same_version(char identity[SCOOP_SOURCE_IDENTITY_SIZE], const char *etag) {
    snprintf(identity, SCOOP_SOURCE_IDENTITY_SIZE, "%s %d", etag, BYTES);
}

/* The transfer tells what a file's identity is. */
static void identify_file(char identity[SCOOP_SOURCE_IDENTITY_SIZE]) {
    struct scoop_transfer_options options = from(path);
    struct scoop_transfer_facts facts;
    struct scoop_buf memory;
    struct scoop_error error = {0};
    scoop_buf_init(&memory, BYTES);
    options.memory = &memory;
    struct scoop_transfer *transfer = scoop_transfer_new(&options, &error);
    while (scoop_transfer_run(transfer, 100, &error) == SCOOP_TRANSFER_RUNNING)
        ;
    scoop_transfer_facts(transfer, &facts);
    assert_true(facts.source_seekable);
    memcpy(identity, facts.source_identity, SCOOP_SOURCE_IDENTITY_SIZE);
    scoop_transfer_free(transfer);
    scoop_buf_free(&memory);
}

static void an_object_is_read_here_and_there(void **state) {
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
    (void)state;
    survives("s3://bucket/source", NULL);
    same_version(identity, "\"source\"");
    survives("s3://bucket/source", identity);
}

static void expected_ranges_are_read_as_others(void **state) {
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
    (void)state;
    survives_reading(read_expected, "s3://bucket/source", NULL);
    same_version(identity, "\"source\"");
    survives_reading(read_expected, "s3://bucket/source", identity);
}

static void what_is_expected_is_bounded_and_lies_in_a_known_object(void **state) {
    const struct scoop_transfer_options options = from("s3://bucket/source"), local = from(path);
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
    struct scoop_error error = {0};
    int begun = 0;
    (void)state;
    struct scoop_reader *reader = scoop_reader_new(&options, NULL, &error);
    assert_false(scoop_reader_expect(reader, 0, 10)); /* nobody knows how long it is */
    assert_int_equal(read_all(reader, 0, 10, 10, &error), 0);
    assert_false(scoop_reader_expect(reader, BYTES - 1, 2));
    assert_false(scoop_reader_expect(reader, BYTES, 1));
    assert_false(scoop_reader_expect(reader, UINT64_MAX, 2));
    assert_false(scoop_reader_expect(reader, 5, UINT64_MAX));
    assert_false(scoop_reader_expect(reader, 5, 0));
    for (uint64_t i = 0; i < 20; i++)
        begun += scoop_reader_expect(reader, i * 1000, 1000);
    assert_int_equal(begun, 8);
    scoop_reader_expect_nothing(reader);
    assert_true(scoop_reader_expect(reader, 0, BYTES));
    scoop_reader_free(reader);
    identify_file(identity);
    reader = scoop_reader_new(&local, identity, &error);
    assert_false(scoop_reader_expect(reader, 0, 10));
    scoop_reader_expect_nothing(reader);
    scoop_reader_free(reader);
}

/* The bytes of all may lie in memory: 16 MiB. */
static void expected_ranges_hold_no_more_than_their_share(void **state) {
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
    const struct scoop_transfer_options options = from("s3://bucket/source");
    struct scoop_error error = {0};
    const uint64_t each = 6 * 1024 * 1024;
    (void)state;
    snprintf(identity, sizeof identity, "\"source\" %llu", 100ULL * each);
    struct scoop_reader *reader = scoop_reader_new(&options, identity, &error);
    assert_true(scoop_reader_expect(reader, 0, each));
    assert_true(scoop_reader_expect(reader, each, each));
    assert_false(scoop_reader_expect(reader, 2 * each, each));
    assert_true(scoop_reader_expect(reader, 2 * each, each / 2));
    scoop_reader_free(reader);
}

static void what_goes_wrong_with_an_expected_range_is_told_to_its_read_alone(void **state) {
    const struct scoop_interrupt never = {0};
    const struct scoop_transfer_options options = from("s3://bucket/source");
    struct scoop_error error = {0};
    size_t count;
    (void)state;
    struct scoop_reader *reader = scoop_reader_new(&options, NULL, &error);
    assert_int_equal(read_all(reader, 0, 10, 10, &error), 0);
    breaks_at = 1000;
    atomic_store(&breaks, INT_MAX);
    assert_true(scoop_reader_expect(reader, 100000, 50000));
    assert_true(scoop_reader_expect(reader, 1500000, 900));
    assert_int_equal(scoop_reader_read(reader, 100000, got, 50000, 50000, &count, &never, &error),
                     -1);
    assert_int_equal(error.code, SCOOP_TRUNCATED);
    atomic_store(&breaks, 0);
    assert_int_equal(read_all(reader, 700000, 300000, 300000, &error), 0);
    assert_int_equal(read_all(reader, 100000, 50000, 50000, &error), 0);
    scoop_reader_free(reader);
}

static void a_web_source_is_read_here_and_there(void **state) {
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
    (void)state;
    same_version(identity, "\"source\"");
    survives(web_url, identity);
}

static void a_file_is_read_here_and_there(void **state) {
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
    (void)state;
    identify_file(identity);
    survives(path, identity);
}

static void a_descriptor_is_read_here_and_there(void **state) {
    int file = open(path, O_RDONLY);
    (void)state;
    assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
    close(file);
    survives("-", "not used");
    assert_int_equal(lseek(STDIN_FILENO, 0, SEEK_CUR), 0);
}

static void another_version_is_told(void **state) {
    const char *const uris[] = {"s3://bucket/source", web_url, path};
    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        struct scoop_error error = {0};
        char identity[SCOOP_SOURCE_IDENTITY_SIZE];
        same_version(identity, "\"other\"");
        assert_int_equal(read_pieces(uris[i], identity, &error), -1);
        assert_int_equal(error.code, SCOOP_SOURCE_CHANGED);
    }
}

static void a_file_that_changes_between_two_reads_is_told(void **state) {
    const struct scoop_interrupt never = {0};
    char identity[SCOOP_SOURCE_IDENTITY_SIZE];
    struct scoop_error error = {0};
    size_t count;
    (void)state;
    identify_file(identity);
    const struct scoop_transfer_options options = from(path);
    struct scoop_reader *reader = scoop_reader_new(&options, identity, &error);
    assert_non_null(reader);
    assert_int_equal(scoop_reader_read(reader, 5, got, 10, 10, &count, &never, &error), 0);
    assert_int_equal(truncate(path, BYTES - 1), 0);
    assert_int_equal(scoop_reader_read(reader, 5, got, 10, 10, &count, &never, &error), -1);
    assert_int_equal(error.code, SCOOP_SOURCE_CHANGED);
    scoop_reader_free(reader);
}

static int stop(void *user) {
    ++*(int *)user;
    return -1;
}

static void an_interrupt_ends_a_read(void **state) {
    int asked = 0;
    const struct scoop_interrupt now = {stop, &asked};
    const struct scoop_transfer_options options = from("s3://bucket/source");
    struct scoop_error error = {0};
    size_t count;
    (void)state;
    struct scoop_reader *reader = scoop_reader_new(&options, NULL, &error);
    assert_int_equal(scoop_reader_read(reader, 0, got, 10, 10, &count, &now, &error), -1);
    assert_int_equal(error.code, SCOOP_CANCELLED);
    assert_int_equal(asked, 1);
    assert_int_equal(read_all(reader, 0, 10, 10, &error), 0);
    scoop_reader_free(reader);
}

/* Nobody has checked what came of a range that broke. */
static void what_a_broken_range_brought_is_not_given(void **state) {
    const struct scoop_interrupt never = {0};
    const struct scoop_transfer_options options = from("s3://bucket/source");
    struct scoop_error error = {0};
    size_t count;
    (void)state;
    struct scoop_reader *reader = scoop_reader_new(&options, NULL, &error);
    assert_int_equal(read_all(reader, 0, 10, 10, &error), 0);
    breaks_at = 1000;
    atomic_store(&breaks, INT_MAX);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(scoop_reader_read(reader, 1500000, got, 900, 900, &count, &never, &error),
                         -1);
        assert_int_equal(error.code, SCOOP_TRUNCATED);
    }
    atomic_store(&breaks, 0);
    assert_int_equal(read_all(reader, 1500000, 900, 900, &error), 0);
    scoop_reader_free(reader);
}

static void what_cannot_be_read_so_is_wrong_usage(void **state) {
    const struct {
        const char *uri, *identity;
    } wrong[] = {
        {NULL, NULL}, {path, NULL}, {web_url, NULL}, {web_url, "odd"}, {"s3://bucket", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct scoop_transfer_options options = from(wrong[i].uri);
        struct scoop_error error = {0};
        assert_null(scoop_reader_new(&options, wrong[i].identity, &error));
        assert_int_equal(error.code, SCOOP_USAGE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_read_here_and_there),
        cmocka_unit_test(expected_ranges_are_read_as_others),
        cmocka_unit_test(what_is_expected_is_bounded_and_lies_in_a_known_object),
        cmocka_unit_test(expected_ranges_hold_no_more_than_their_share),
        cmocka_unit_test(what_goes_wrong_with_an_expected_range_is_told_to_its_read_alone),
        cmocka_unit_test(a_web_source_is_read_here_and_there),
        cmocka_unit_test(a_file_is_read_here_and_there),
        cmocka_unit_test(a_descriptor_is_read_here_and_there),
        cmocka_unit_test(another_version_is_told),
        cmocka_unit_test(an_interrupt_ends_a_read),
        cmocka_unit_test(what_a_broken_range_brought_is_not_given),
        cmocka_unit_test(what_cannot_be_read_so_is_wrong_usage),
        cmocka_unit_test(a_file_that_changes_between_two_reads_is_told),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
