/* What is sent when: no change is lost, those of one key never overtake each other, whatever the
 * server refuses, and the mark never runs ahead of what is stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/kinesis/outbox.h"
#include "scoop/memory.h"
#include "text/json_reader.h"

enum { MOST_CHANGES = 4000, MOST_KEYS = 4000, MOST_UNDER_WAY = 64 };

static struct scoop_outbox_options options(void) {
    return (struct scoop_outbox_options){
        .stream = "changes",
        .memory_bytes = 24 << 20,
        .max_record_bytes = SCOOP_KINESIS_RECORD_BYTES,
        .max_in_flight = 8,
        .max_age_ms = 250,
        .retry_ms = 600 * 1000,
    };
}

static struct scoop_outbox *make(const struct scoop_outbox_options *wanted) {
    struct scoop_error error = {0};
    struct scoop_outbox *outbox = scoop_outbox_new(wanted, &error);
    assert_non_null(outbox);
    return outbox;
}

static int offer(struct scoop_outbox *outbox, unsigned key, unsigned number, uint64_t now) {
    char line[128];
    struct scoop_error error = {0};
    int length = snprintf(line, sizeof line, "{\"op\":\"INSERT\",\"key\":{\"PK\":%u},\"n\":%u}",
                          key, number);
    int taken = scoop_outbox_offer(outbox, line, (size_t)length, now, &error);
    assert_true(taken >= 0);
    return taken;
}

/* --- a server that keeps what it stores --- */

struct server {
    unsigned key_of[MOST_CHANGES], last_of[MOST_KEYS]; /* the newest change stored of each key */
    bool stored[MOST_CHANGES];
    unsigned stored_count;
    char answer[200 * SCOOP_KINESIS_MOST_RECORDS];
};

static unsigned number_in(const struct scoop_json_span *data) {
    /* Base64 of a change: its number stands at the end. */
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[256];
    size_t length = 0;
    for (size_t i = 0; i + 4 <= data->length; i += 4) {
        unsigned value = 0;
        for (size_t j = 0; j < 4; j++)
            value = value << 6 | (data->data[i + j] == '='
                                      ? 0
                                      : (unsigned)(strchr(digits, data->data[i + j]) - digits));
        text[length++] = (char)(value >> 16);
        text[length++] = (char)(value >> 8);
        text[length++] = (char)value;
    }
    text[length] = 0;
    return (unsigned)strtoul(strstr(text, "\"n\":") + 4, NULL, 10);
}

static void store(struct server *server, unsigned number) {
    unsigned key = server->key_of[number];
    /* The same change may come again, an older one of its key never. */
    assert_true(server->last_of[key] == 0 || server->last_of[key] - 1 <= number);
    for (unsigned before = 0; before < number && !server->stored[number]; before++)
        assert_true(server->key_of[before] != key || server->stored[before]);
    server->last_of[key] = number + 1;
    server->stored_count += !server->stored[number];
    server->stored[number] = true;
}

/* Stores each record with the chance, in percent; the answer says which. */
static size_t serve(struct server *server, const struct scoop_buf *body, unsigned chance) {
    struct scoop_json_reader reader = {body->data, body->data + body->length};
    struct scoop_json_span name, data;
    bool first_member = true, first = true, inner = true;
    size_t length = (size_t)sprintf(server->answer, "{\"Records\":[");
    unsigned count = 0, failed = 0;
    assert_true(scoop_json_begin(&reader, '{'));
    assert_int_equal(scoop_json_member(&reader, &first_member, &name), 1);
    assert_true(scoop_json_string(&reader, &data));
    assert_int_equal(scoop_json_member(&reader, &first_member, &name), 1);
    assert_true(scoop_json_begin(&reader, '['));
    while (scoop_json_element(&reader, &first) > 0) {
        inner = true;
        assert_true(scoop_json_begin(&reader, '{'));
        assert_int_equal(scoop_json_member(&reader, &inner, &name), 1);
        assert_true(scoop_json_string(&reader, &data));
        assert_int_equal(scoop_json_member(&reader, &inner, &name), 1);
        assert_true(scoop_json_skip(&reader, NULL));
        assert_int_equal(scoop_json_member(&reader, &inner, &name), 0);
        bool stores = (unsigned)rand() % 100 < chance;
        if (stores)
            store(server, number_in(&data));
        failed += !stores;
        length +=
            (size_t)sprintf(server->answer + length,
                            stores ? "%s{\"SequenceNumber\":\"1\",\"ShardId\":\"shardId-%u\"}"
                                   : "%s{\"ErrorCode\":\"ProvisionedThroughputExceededException\"}",
                            count > 0 ? "," : "", count % 3);
        count++;
    }
    assert_int_equal(scoop_json_member(&reader, &first_member, &name), 0);
    assert_true(scoop_json_at_end(&reader));
    assert_true(count > 0 && count <= SCOOP_KINESIS_MOST_RECORDS);
    return length + (size_t)sprintf(server->answer + length, "],\"FailedRecordCount\":%u}", failed);
}

/* What the outbox believes is never more than what the server has. */
static void check_mark(const struct scoop_outbox *outbox, const struct server *server) {
    struct scoop_outbox_facts facts;
    scoop_outbox_facts(outbox, &facts);
    for (uint64_t i = 0; i < facts.acknowledged; i++)
        assert_true(server->stored[i]);
}

/* An answer, to any of the requests under way: well, in part, lost, or a refusal. */
static void answer_one(struct scoop_outbox *outbox, struct server *server,
                       struct scoop_parcel **under_way, size_t *count, uint64_t now) {
    struct scoop_error error = {0}, lost = {0};
    size_t chosen = (size_t)rand() % *count;
    struct scoop_parcel *parcel = under_way[chosen];
    under_way[chosen] = under_way[--*count];
    int fate = rand() % 10;
    scoop_fail(&lost, SCOOP_CONNECTION, "lost");
    size_t length = fate < 9 ? serve(server, scoop_parcel_body(parcel), fate < 4 ? 100 : 60) : 0;
    int status =
        fate < 7 ? scoop_outbox_answered(outbox, parcel, server->answer, length, now, 0.5, &error)
                 : scoop_outbox_failed(outbox, parcel, &lost, fate == 9, now, 0.5, &error);
    assert_int_equal(status, 0);
}

static void run_random(unsigned seed, unsigned changes, unsigned keys) {
    struct scoop_outbox_options wanted = options();
    struct server *server = scoop_calloc(1, sizeof *server);
    struct scoop_parcel *under_way[MOST_UNDER_WAY];
    struct scoop_outbox_facts facts;
    size_t count = 0;
    unsigned offered = 0;
    uint64_t now = 1000;
    srand(seed);
    wanted.max_in_flight = 1 + (unsigned)rand() % 8;
    wanted.retry_ms = UINT64_MAX;
    struct scoop_outbox *outbox = make(&wanted);
    for (unsigned i = 0; i < changes; i++)
        server->key_of[i] = (unsigned)rand() % keys;
    while (offered < changes || !scoop_outbox_is_empty(outbox)) {
        struct scoop_parcel *parcel;
        for (int i = rand() % 900; i > 0 && offered < changes; i--) {
            if (offer(outbox, server->key_of[offered], offered, now) == 0)
                break;
            offered++;
        }
        if (offered == changes)
            scoop_outbox_end(outbox);
        while ((parcel = scoop_outbox_next(outbox, now)) != NULL)
            under_way[count++] = parcel;
        assert_true(count <= wanted.max_in_flight);
        if (count > 0 && rand() % 4 > 0)
            answer_one(outbox, server, under_way, &count, now);
        check_mark(outbox, server);
        now += scoop_outbox_wait_ms(outbox, now, 50);
    }
    scoop_outbox_facts(outbox, &facts);
    assert_int_equal(facts.sent, changes);
    assert_int_equal(facts.acknowledged, changes);
    assert_int_equal(server->stored_count, changes);
    scoop_outbox_free(outbox);
    scoop_free(server);
}

static void changes_of_one_key_keep_their_order_whatever_fails(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 40; seed++)
        run_random(seed, 600, 1 + seed * seed);
    run_random(99, MOST_CHANGES, MOST_KEYS);
}

static void all_changes_of_one_key_go_one_by_one(void **state) {
    (void)state;
    run_random(1, 50, 1);
}

/* --- when a request goes --- */

static void a_request_has_at_most_500_records(void **state) {
    (void)state;
    struct scoop_outbox_options wanted = options();
    struct scoop_outbox *outbox = make(&wanted);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(offer(outbox, i, i, 0), 1);
    assert_null(scoop_outbox_next(outbox, 0));
    assert_int_equal(offer(outbox, 500, 500, 0), 0);
    assert_non_null(scoop_outbox_next(outbox, 0));
    assert_int_equal(offer(outbox, 500, 500, 0), 1);
    scoop_outbox_free(outbox);
}

static void a_request_has_at_most_4_5_mib_of_data(void **state) {
    (void)state;
    struct scoop_outbox_options wanted = options();
    struct scoop_outbox *outbox = make(&wanted);
    struct scoop_error error = {0};
    static char line[1000 * 1000];
    memset(line, ' ', sizeof line);
    for (unsigned i = 0; i < 4; i++) {
        memcpy(line, "{\"key\":1}", 9);
        line[7] = (char)('1' + i);
        assert_int_equal(scoop_outbox_offer(outbox, line, sizeof line, 0, &error), 1);
    }
    line[7] = '5';
    assert_int_equal(scoop_outbox_offer(outbox, line, sizeof line, 0, &error), 0);
    struct scoop_parcel *parcel = scoop_outbox_next(outbox, 0);
    assert_non_null(parcel);
    assert_true(scoop_parcel_body(parcel)->length < SCOOP_KINESIS_MOST_REQUEST_BYTES);
    scoop_outbox_free(outbox);
}

static void an_old_change_does_not_wait_for_its_request_to_fill(void **state) {
    (void)state;
    struct scoop_outbox_options wanted = options();
    struct scoop_outbox *outbox = make(&wanted);
    assert_int_equal(offer(outbox, 1, 1, 1000), 1);
    assert_int_equal(offer(outbox, 2, 2, 1200), 1);
    assert_int_equal(scoop_outbox_wait_ms(outbox, 1200, 1000), 50);
    assert_null(scoop_outbox_next(outbox, 1249));
    assert_non_null(scoop_outbox_next(outbox, 1250));
    scoop_outbox_free(outbox);
}

static void memory_is_kept_to(void **state) {
    (void)state;
    struct scoop_outbox_options wanted = options();
    struct scoop_error error = {0};
    struct scoop_parcel *under_way[2];
    static char line[900 * 1000];
    unsigned taken = 0;
    wanted.memory_bytes = 6 << 20;
    struct scoop_outbox *outbox = make(&wanted);
    memset(line, ' ', sizeof line);
    for (size_t sent = 0; sent < 2;) {
        char key[16];
        snprintf(key, sizeof key, "{\"key\":%u}", 10 + taken);
        memcpy(line, key, strlen(key));
        if (scoop_outbox_offer(outbox, line, sizeof line, 0, &error) == 1) {
            taken++;
            continue;
        }
        under_way[sent] = scoop_outbox_next(outbox, 0);
        if (under_way[sent] == NULL)
            break;
        sent++;
    }
    assert_true(taken > 0 && taken <= 5);
    scoop_outbox_free(outbox);
}

/* --- retries --- */

static const char stored[] = "{\"Records\":[{\"SequenceNumber\":\"1\",\"ShardId\":\"s\"}]}";
static const char throttled[] =
    "{\"FailedRecordCount\":1,\"Records\":[{\"ErrorCode\":\"ProvisionedThroughputExceeded"
    "Exception\",\"ErrorMessage\":\"slow down\"}]}";

enum { SENT_AT_MS = 250 };

static struct scoop_parcel *send_one(struct scoop_outbox *outbox, unsigned key) {
    assert_int_equal(offer(outbox, key, key, 0), 1);
    return scoop_outbox_next(outbox, SENT_AT_MS);
}

static void throttling_is_met_with_longer_and_longer_delays(void **state) {
    (void)state;
    struct scoop_outbox_options wanted = options();
    struct scoop_outbox *outbox = make(&wanted);
    struct scoop_error error = {0};
    struct scoop_outbox_facts facts;
    struct scoop_parcel *parcel = send_one(outbox, 1);
    uint64_t now = 1000, last = 0;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(
            scoop_outbox_answered(outbox, parcel, throttled, strlen(throttled), now, 0.99, &error),
            0);
        uint64_t wait = scoop_outbox_wait_ms(outbox, now, 100000);
        assert_true(wait > last + last / 2);
        last = wait;
        assert_null(scoop_outbox_next(outbox, now + wait - 1));
        now += wait;
        assert_ptr_equal(scoop_outbox_next(outbox, now), parcel);
    }
    scoop_outbox_facts(outbox, &facts);
    assert_int_equal(facts.throttled, 5);
    assert_int_equal(facts.retried, 5);
    assert_int_equal(facts.window, 1);
    scoop_outbox_free(outbox);
}

/* Has the request refused, sent again after a wait, and so on, until it is given up: how often. */
static unsigned refusals(struct scoop_outbox *outbox, struct scoop_parcel *parcel, uint64_t *now,
                         uint64_t wait_ms, unsigned most) {
    struct scoop_error error = {0};
    for (unsigned i = 1; i <= most; i++) {
        if (scoop_outbox_answered(outbox, parcel, throttled, strlen(throttled), *now, 0.999,
                                  &error) != 0) {
            assert_int_equal(error.code, SCOOP_THROTTLED);
            assert_true(error.retryable);
            return i;
        }
        *now += wait_ms;
        assert_ptr_equal(scoop_outbox_next(outbox, *now), parcel);
    }
    return 0;
}

static void it_gives_up_after_a_time_without_progress_however_often_it_tried(void **state) {
    (void)state;
    static const uint64_t waits_ms[] = {20 * 1000, 30 * 1000, 60 * 1000};
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        struct scoop_outbox_options wanted = options();
        struct scoop_outbox *outbox = make(&wanted);
        struct scoop_parcel *parcel = send_one(outbox, 1);
        uint64_t now = SENT_AT_MS;
        assert_int_equal(refusals(outbox, parcel, &now, waits_ms[i], 1000),
                         wanted.retry_ms / waits_ms[i] + 1);
        scoop_outbox_free(outbox);
    }
}

static void the_time_for_which_a_process_was_stopped_is_not_spent(void **state) {
    (void)state;
    struct scoop_outbox_options wanted = options();
    struct scoop_outbox *outbox = make(&wanted);
    struct scoop_parcel *parcel = send_one(outbox, 1);
    uint64_t now = SENT_AT_MS;
    assert_int_equal(refusals(outbox, parcel, &now, 1000 * wanted.retry_ms, 5), 0);
    scoop_outbox_free(outbox);
}

static void progress_of_another_request_counts(void **state) {
    (void)state;
    struct scoop_outbox_options wanted = options();
    struct scoop_outbox *outbox = make(&wanted);
    struct scoop_error error = {0};
    struct scoop_parcel *parcel = send_one(outbox, 1), *other = send_one(outbox, 2);
    uint64_t now = SENT_AT_MS;
    assert_int_equal(refusals(outbox, parcel, &now, 30 * 1000, 19), 0);
    assert_int_equal(scoop_outbox_answered(outbox, other, stored, strlen(stored), now, 0.5, &error),
                     0);
    assert_int_equal(refusals(outbox, parcel, &now, 30 * 1000, 19), 0);
    scoop_outbox_free(outbox);
}

static void an_answer_that_says_nothing_is_a_failed_call(void **state) {
    (void)state;
    struct scoop_outbox_options wanted = options();
    wanted.retry_ms = 0;
    struct scoop_outbox *outbox = make(&wanted);
    struct scoop_error error = {0};
    struct scoop_parcel *parcel = send_one(outbox, 1);
    assert_int_equal(scoop_outbox_answered(outbox, parcel, "{}", 2, 0, 0.5, &error), -1);
    assert_int_equal(error.code, SCOOP_PROTOCOL);
    scoop_outbox_free(outbox);
}

/* --- bad changes --- */

static void a_record_that_is_too_large_is_named(void **state) {
    (void)state;
    struct scoop_outbox_options wanted = options();
    wanted.max_record_bytes = 90;
    wanted.first_number = 6;
    struct scoop_outbox *outbox = make(&wanted);
    struct scoop_error error = {0};
    static const char line[] = "{\"key\":1,\"row\":\"0123456789012345678901234567890123456789"
                               "0123456789012345678901234567890123456789\"}";
    assert_int_equal(scoop_outbox_offer(outbox, "{\"key\":2}", 9, 0, &error), 1);
    assert_int_equal(scoop_outbox_offer(outbox, line, sizeof line - 1, 0, &error), -1);
    assert_int_equal(error.code, SCOOP_TOO_LARGE);
    assert_non_null(strstr(error.message, "change 8: "));
    scoop_outbox_free(outbox);
}

static void a_line_without_a_key_is_no_change(void **state) {
    (void)state;
    static const char *const lines[] = {"{}", "[]", "1", "{\"keys\":1}", "{\"row\":{\"key\":1}}"};
    struct scoop_outbox_options wanted = options();
    struct scoop_outbox *outbox = make(&wanted);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct scoop_error error = {0};
        assert_int_equal(scoop_outbox_offer(outbox, lines[i], strlen(lines[i]), 0, &error), -1);
        assert_int_equal(error.code, SCOOP_BAD_RECORD);
    }
    scoop_outbox_free(outbox);
}

/* --- without memory --- */

#ifdef SCOOP_TORTURE
/* Some hundred changes; the answers name many shards. */
static int run_short_of_memory(void) {
    struct scoop_outbox_options wanted = options();
    struct scoop_error error = {0};
    static char answer[100 * SCOOP_KINESIS_MOST_RECORDS];
    int status = -1;
    struct scoop_outbox *outbox = scoop_outbox_new(&wanted, &error);
    unsigned taken = 0;
    for (; outbox != NULL && taken < 100; taken++) {
        char line[64];
        int length = snprintf(line, sizeof line, "{\"key\":%u}", taken);
        if (scoop_outbox_offer(outbox, line, (size_t)length, 0, &error) != 1)
            break;
    }
    if (taken == 100) {
        size_t length = (size_t)sprintf(answer, "{\"Records\":[");
        for (unsigned i = 0; i < taken; i++)
            length +=
                (size_t)sprintf(answer + length, "%s{\"SequenceNumber\":\"1\",\"ShardId\":\"s%u\"}",
                                i > 0 ? "," : "", i);
        length += (size_t)sprintf(answer + length, "]}");
        struct scoop_parcel *parcel = scoop_outbox_next(outbox, 1000);
        status = scoop_outbox_answered(outbox, parcel, answer, length, 1000, 0.5, &error);
    }
    if (status != 0)
        assert_int_equal(error.code, SCOOP_NO_MEMORY);
    scoop_outbox_free(outbox);
    return status;
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    long failing = 1;
    for (; failing < 1000; failing++) {
        scoop_memory_fail_at(failing);
        int status = run_short_of_memory();
        scoop_memory_fail_at(0);
        if (status == 0)
            break;
    }
    assert_true(failing > 5 && failing < 1000);
}
#else
static void each_allocation_may_fail(void **state) {
    (void)state; /* in the sanitized build */
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_of_one_key_keep_their_order_whatever_fails),
        cmocka_unit_test(all_changes_of_one_key_go_one_by_one),
        cmocka_unit_test(a_request_has_at_most_500_records),
        cmocka_unit_test(a_request_has_at_most_4_5_mib_of_data),
        cmocka_unit_test(an_old_change_does_not_wait_for_its_request_to_fill),
        cmocka_unit_test(memory_is_kept_to),
        cmocka_unit_test(throttling_is_met_with_longer_and_longer_delays),
        cmocka_unit_test(it_gives_up_after_a_time_without_progress_however_often_it_tried),
        cmocka_unit_test(the_time_for_which_a_process_was_stopped_is_not_spent),
        cmocka_unit_test(progress_of_another_request_counts),
        cmocka_unit_test(an_answer_that_says_nothing_is_a_failed_call),
        cmocka_unit_test(a_record_that_is_too_large_is_named),
        cmocka_unit_test(a_line_without_a_key_is_no_change),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
