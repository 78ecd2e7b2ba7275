/* Each allocation of transfers over the network fails once, against an S3 in this process: the
 * destination is whole, or the error is told and nothing stands there. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/crc.h"
#include "net/http.h"
#include "s3_server.h"
#include "scoop/memory.h"
#include "scoop/resume.h"
#include "scoop/s3.h"
#include "scoop/transfer.h"

enum {
    SLICE_MS = 50,
    MOST_ALLOCATIONS = 3000,
    ENOUGH_SUCCESSES = 3,
    HANG_SECONDS = 300,
    SMALL_BYTES = 4096,
    LARGE_BYTES = 5 * 1024 * 1024 + 1000, /* a part, and a little */
    SLOW_BYTES = 3 * 1024 * 1024,
    SLOW_IN_PLACE_BYTES = 10 * 1024 * 1024,
    PART_BYTES = 5 * 1024 * 1024,
    PART_LIMIT_BYTES = 24 * 1024 * 1024,
    FAST_CLOCK = 20,
    BEFORE_IT_IS_TAKEN_UP = 41, /* allocations: the upload stays for the next try */
};

static unsigned char small[SMALL_BYTES], pattern[SLOW_IN_PLACE_BYTES];
static char large_path[] = "/tmp/scoop-torture-XXXXXX", target_path[sizeof large_path + 4];
static atomic_uint clock_speed = 1;

/* What decides how an object is read watches for 300 ms: a fast clock makes that short. */
uint64_t __real_scoop_now_ms(void);
uint64_t __wrap_scoop_now_ms(void);
uint64_t __wrap_scoop_now_ms(void) {
    return __real_scoop_now_ms() * atomic_load(&clock_speed);
}

static int begin(void **state) {
    (void)state;
    alarm(HANG_SECONDS);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (unsigned char)((i * 2654435761u) >> 24);
    int large = mkstemp(large_path);
    if (large < 0 || write(large, pattern, LARGE_BYTES) != LARGE_BYTES || close(large) != 0)
        return -1;
    snprintf(target_path, sizeof target_path, "%s.out", large_path);
    return start_server();
}

static int end(void **state) {
    (void)state;
    unlink(large_path);
    unlink(target_path);
    return stop_server();
}

/* --- the transfers --- */

static struct scoop_s3_options s3(void) {
    return (struct scoop_s3_options){
        .endpoint_url = endpoint,
        .credentials = {"id", "secret", NULL},
        .payload_signing = SCOOP_PAYLOAD_SIGNING_NEVER,
    };
}

static struct scoop_transfer_options to_s3(const char *from, const char *to) {
    return (struct scoop_transfer_options){
        .source = {.uri = from, .s3 = s3()},
        .destination = {.uri = to, .s3 = s3()},
        .format = SCOOP_FORMAT_JSONL,
        .web = {.retry_base_ms = 1},
    };
}

/* One way of the data through the engine. */
struct way {
    struct scoop_transfer_options options;
    const char *resumed_source; /* the identity of an upload's that is taken up; NULL: none is */
    uint32_t kept_parts;        /* of it */
    int breaks;                 /* of so many answers */
    int lost_uploads;           /* how often one may stay that the transfer did not come to know */
    void (*check)(void);        /* what stands there afterwards; NULL: an object in S3 */
};

/* An upload whose first part is there. */
static struct scoop_resume *earlier_try(const struct way *way, struct scoop_error *error) {
    char checksum[SCOOP_S3_CHECKSUM_SIZE], etag[40];
    uint64_t crc = scoop_crc32c(0, pattern, PART_BYTES);
    part_etag(1, etag);
    if (scoop_s3_checksum_text(SCOOP_S3_CHECKSUM_CRC32C, crc, checksum, error) != 0)
        return NULL;
    struct scoop_resume *resume = scoop_resume_new("u", way->resumed_source, error);
    if (resume == NULL)
        return NULL;
    if (scoop_resume_add(resume, 1, PART_BYTES, etag, checksum, error) == 0) {
        resume->kept_parts = way->kept_parts;
        resume->kept_bytes = (uint64_t)way->kept_parts * PART_BYTES;
        resume->kept_checksum = way->kept_parts > 0 ? crc : 0;
        return resume;
    }
    scoop_resume_free(resume);
    return NULL;
}

static enum scoop_transfer_state run_on(const struct way *way, struct scoop_resume *resume,
                                        struct scoop_error *error) {
    enum scoop_transfer_state state = SCOOP_TRANSFER_RUNNING;
    struct scoop_upload_mark mark;
    struct scoop_transfer *transfer = scoop_transfer_new(&way->options, error);
    if (transfer == NULL)
        return SCOOP_TRANSFER_FAILED;
    if (resume != NULL)
        scoop_transfer_take_up(transfer, resume);
    while (state != SCOOP_TRANSFER_DONE && state != SCOOP_TRANSFER_FAILED) {
        state = scoop_transfer_run(transfer, SLICE_MS, error);
        if (state == SCOOP_TRANSFER_HELD)
            scoop_transfer_release(transfer);
        if (resume != NULL && state == SCOOP_TRANSFER_RUNNING)
            scoop_transfer_mark(transfer, &mark, error);
    }
    scoop_transfer_free(transfer);
    return state;
}

static enum scoop_transfer_state run(const struct way *way, struct scoop_error *error) {
    struct scoop_resume *resume = NULL;
    if (way->resumed_source != NULL && (resume = earlier_try(way, error)) == NULL)
        return SCOOP_TRANSFER_FAILED;
    enum scoop_transfer_state state = run_on(way, resume, error);
    scoop_resume_free(resume);
    return state;
}

static void fail_at(long nth) {
#ifdef SCOOP_TORTURE
    scoop_memory_fail_at(nth);
#else
    (void)nth;
#endif
}

static void survives(const struct way *way) {
    int successes = 0, left = 0;
    for (long nth = 1; successes < ENOUGH_SUCCESSES; nth++) {
        struct scoop_error error = {0};
        assert_true(nth < MOST_ALLOCATIONS);
        unlink(target_path);
        atomic_store(&stored, 0);
        atomic_store(&uploads, way->resumed_source != NULL);
        parts_length = (uint64_t)PART_BYTES * (way->resumed_source != NULL);
        atomic_store(&breaks, way->breaks);
        fail_at(nth);
        enum scoop_transfer_state ended = run(way, &error);
        fail_at(0);
        left += atomic_load(&uploads);
        if (ended == SCOOP_TRANSFER_DONE) {
            if (way->check != NULL)
                way->check();
            else
                assert_true(atomic_load(&stored));
            successes++;
            continue;
        }
        if (error.code != SCOOP_NO_MEMORY)
            fail_msg("allocation %ld: %s", nth, error.message);
        assert_false(atomic_load(&stored));
        assert_int_equal(access(target_path, F_OK), -1);
        successes = 0;
    }
    if (left > way->lost_uploads)
        fail_msg("%d uploads were left", left);
}

static const char good[] = "{\"a\": 1}\n{\"b\": [2, \"c\"]}\n";
static const char one_bad[] = "{\"a\": 1}\n[bad\n{\"b\": 2}\n";
static const char literals[] = "{'a': 1}\n{'b': (2, 'c')}\n";

static void serve_plain(const char *text) {
    source = (const unsigned char *)text;
    source_length = claimed_length = strlen(text);
}

static void serve_gzip(const char *text) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)text;
    stream.avail_in = (unsigned)strlen(text);
    stream.next_out = small;
    stream.avail_out = sizeof small;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    source = small;
    source_length = sizeof small - stream.avail_out;
    deflateEnd(&stream);
}

static void lines_from_http_survive(void **state) {
    struct way way = {.options = to_s3(web_url, "s3://bucket/k")};
    (void)state;
    serve_plain(good);
    survives(&way);
}

static void gzip_passed_on_survives(void **state) {
    struct way way = {.options = to_s3("s3://bucket/source", "s3://bucket/k.gz")};
    (void)state;
    serve_gzip(good);
    survives(&way);
}

static void what_the_server_encoded_survives(void **state) {
    static const char *const names[] = {"s3://bucket/k", "s3://bucket/k.gz"};
    (void)state;
    serve_gzip(good);
    encodes = true;
    for (size_t i = 0; i < 2; i++) {
        struct way way = {.options = to_s3(web_url, names[i])};
        way.options.format = SCOOP_FORMAT_RAW;
        survives(&way);
    }
    encodes = false;
}

static void literals_compressed_survive(void **state) {
    struct way way = {.options = to_s3(web_url, "s3://bucket/k.gz")};
    (void)state;
    way.options.format = SCOOP_FORMAT_PYTHON_LITERAL;
    serve_gzip(literals);
    survives(&way);
}

static void rejects_survive(void **state) {
    struct way way = {.options = to_s3(web_url, "s3://bucket/k")};
    (void)state;
    way.options.max_rejected = 1;
    way.options.rejects_uri = "s3://bucket/_rejects/rejects.jsonl";
    serve_plain(one_bad);
    survives(&way);
}

static void an_upload_in_parts_survives(void **state) {
    struct way way = {.options = to_s3(large_path, "s3://bucket/k"), .lost_uploads = 4};
    (void)state;
    way.options.format = SCOOP_FORMAT_RAW;
    way.options.memory_limit_bytes = PART_LIMIT_BYTES;
    survives(&way);
}

static void serve_pattern(size_t length) {
    source = pattern;
    source_length = claimed_length = length;
}

static struct way raw(const char *from, const char *to) {
    struct way way = {.options = to_s3(from, to)};
    way.options.format = SCOOP_FORMAT_RAW;
    way.options.memory_limit_bytes = PART_LIMIT_BYTES;
    return way;
}

static void an_upload_from_a_temporary_file_survives(void **state) {
    struct way way = raw(web_url, "s3://bucket/k");
    (void)state;
    way.options.part_plan.first_bytes = PART_LIMIT_BYTES;
    serve_plain(good);
    survives(&way);
}

static void a_held_upload_survives(void **state) {
    struct way way = raw(large_path, "s3://bucket/k");
    (void)state;
    way.options.held = true;
    way.lost_uploads = 4;
    survives(&way);
}

static void an_object_that_the_server_copies_survives(void **state) {
    struct way way = raw("s3://bucket/source", "s3://bucket/k");
    (void)state;
    serve_plain(good);
    survives(&way);
}

static void parts_that_the_server_copies_survive(void **state) {
    struct way way = raw("s3://bucket/source", "s3://bucket/k");
    (void)state;
    way.lost_uploads = 4;
    serve_plain(good);
    claimed_length = UINT64_C(130) << 20;
    survives(&way);
}

static void an_object_whose_parts_the_server_refuses_survives(void **state) {
    struct way way = raw("s3://bucket/source", "s3://bucket/k");
    (void)state;
    way.lost_uploads = 4;
    serve_plain(good);
    claimed_length = UINT64_C(130) << 20;
    refuses_part_copies = true;
    survives(&way);
    refuses_part_copies = false;
}

static const char source_identity[] = "\"source\" 5243880";

static void an_upload_that_goes_on_survives(void **state) {
    struct way way = raw(web_url, "s3://bucket/k");
    (void)state;
    serve_pattern(LARGE_BYTES);
    way.resumed_source = source_identity;
    way.kept_parts = 1;
    way.lost_uploads = BEFORE_IT_IS_TAKEN_UP;
    survives(&way);
}

static void an_upload_whose_parts_are_compared_survives(void **state) {
    struct way way = raw(web_url, "s3://bucket/k");
    (void)state;
    serve_pattern(LARGE_BYTES);
    way.resumed_source = source_identity;
    way.lost_uploads = BEFORE_IT_IS_TAKEN_UP;
    survives(&way);
}

static void an_upload_of_another_source_survives(void **state) {
    struct way way = raw(web_url, "s3://bucket/k");
    (void)state;
    serve_plain(good);
    way.resumed_source = source_identity;
    way.lost_uploads = BEFORE_IT_IS_TAKEN_UP;
    survives(&way);
}

static void an_upload_that_a_restart_goes_on_with_survives(void **state) {
    struct way way = raw(web_url, "s3://bucket/k");
    (void)state;
    serve_pattern(LARGE_BYTES);
    way.breaks = 1;
    breaks_at = LARGE_BYTES - 500;
    way.lost_uploads = 4;
    proves_nothing = true;
    survives(&way);
    proves_nothing = false;
}

/* Credentials that are refused as expired, and then others. */
static int give_credentials(void *user, const struct scoop_credentials *held,
                            struct scoop_credentials *given, int64_t *expires_at,
                            struct scoop_error *error) {
    (void)user;
    (void)error;
    *given = (struct scoop_credentials){held->access_key_id == NULL ? "old" : "new", "s", "t"};
    *expires_at = 0;
    return 0;
}

static void renewed_credentials_survive(void **state) {
    struct way way = raw(web_url, "s3://bucket/k");
    struct scoop_s3_options *place = &way.options.destination.s3;
    (void)state;
    place->credentials = (struct scoop_credentials){NULL, NULL, NULL};
    place->provider.get = give_credentials;
    serve_plain(good);
    survives(&way);
}

static struct way unsigned_download(const char *to) {
    struct way way = raw("s3://bucket/source", to);
    way.options.source.s3.credentials = (struct scoop_credentials){NULL, NULL, NULL};
    return way;
}

static void target_is_the_source(void) {
    unsigned char *got = malloc(SLOW_IN_PLACE_BYTES);
    FILE *file = fopen(target_path, "rb");
    assert_non_null(got);
    assert_non_null(file);
    assert_int_equal(fread(got, 1, SLOW_IN_PLACE_BYTES, file), source_length);
    assert_memory_equal(got, source, source_length);
    fclose(file);
    free(got);
}

static void nothing_to_look_at(void) {
}

static void survives_in_ranges(const struct way *way, size_t length) {
    serve_pattern(length);
    drips = true;
    atomic_store(&clock_speed, FAST_CLOCK);
    survives(way);
    atomic_store(&clock_speed, 1);
    drips = false;
}

static void ranges_in_order_survive(void **state) {
    struct way way = unsigned_download(NULL);
    (void)state;
    way.check = nothing_to_look_at;
    survives_in_ranges(&way, SLOW_BYTES);
}

static void ranges_in_place_survive(void **state) {
    struct way way = unsigned_download(target_path);
    (void)state;
    way.check = target_is_the_source;
    survives_in_ranges(&way, SLOW_IN_PLACE_BYTES);
}

static int count_object(void *user, const struct scoop_s3_object *object,
                        struct scoop_error *error) {
    (void)object;
    (void)error;
    ++*(int *)user;
    return 0;
}

static int list_and_head(struct scoop_error *error) {
    struct scoop_engine_options none = {0};
    struct scoop_s3_options place = s3();
    struct scoop_s3_page page = {0};
    struct scoop_s3_object_facts facts = {0};
    int objects = 0, status = -1;
    struct scoop_engine *engine = scoop_engine_new(&none, error);
    if (engine == NULL)
        return -1;
    struct scoop_s3_client *client = scoop_s3_client_new(engine, &place, error);
    if (client != NULL)
        status = scoop_s3_list_page(client, "bucket", "k", NULL, count_object, &objects, &page,
                                    NULL, error);
    if (status == 0)
        status = scoop_s3_head(client, "bucket", "k", &facts, NULL, error);
    if (status == 0)
        assert_int_equal(objects, 1);
    scoop_s3_page_free(&page);
    scoop_s3_client_free(client);
    scoop_engine_free(engine);
    return status;
}

static void listing_and_head_survive(void **state) {
    int successes = 0;
    (void)state;
    store("\"etag\"", 3);
    for (long nth = 1; successes < ENOUGH_SUCCESSES; nth++) {
        struct scoop_error error = {0};
        assert_true(nth < MOST_ALLOCATIONS);
        fail_at(nth);
        int status = list_and_head(&error);
        fail_at(0);
        successes = status == 0 ? successes + 1 : 0;
        if (status != 0 && error.code != SCOOP_NO_MEMORY)
            fail_msg("allocation %ld: %s", nth, error.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_from_http_survive),
        cmocka_unit_test(gzip_passed_on_survives),
        cmocka_unit_test(what_the_server_encoded_survives),
        cmocka_unit_test(literals_compressed_survive),
        cmocka_unit_test(rejects_survive),
        cmocka_unit_test(an_upload_in_parts_survives),
        cmocka_unit_test(an_upload_from_a_temporary_file_survives),
        cmocka_unit_test(a_held_upload_survives),
        cmocka_unit_test(an_object_that_the_server_copies_survives),
        cmocka_unit_test(parts_that_the_server_copies_survive),
        cmocka_unit_test(an_object_whose_parts_the_server_refuses_survives),
        cmocka_unit_test(an_upload_that_goes_on_survives),
        cmocka_unit_test(an_upload_whose_parts_are_compared_survives),
        cmocka_unit_test(an_upload_of_another_source_survives),
        cmocka_unit_test(an_upload_that_a_restart_goes_on_with_survives),
        cmocka_unit_test(renewed_credentials_survive),
        cmocka_unit_test(ranges_in_order_survive),
        cmocka_unit_test(ranges_in_place_survive),
        cmocka_unit_test(listing_and_head_survive),
    };
    return cmocka_run_group_tests_name("network_torture", tests, begin, end);
}
