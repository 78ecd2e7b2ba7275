/* A whole publishing in this process, against a Kinesis with fixed answers: on two threads, and
 * with each allocation failing once. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "scoop/publish.h"

enum {
    CHANGES = 3000,
    FEW = 40,
    MOST_BODY = 1 << 20,
    SLICE_MS = 50,
    MOST_ALLOCATIONS = 3000,
    HANG_SECONDS = 240,
};

static int listener;
static pthread_t server;
static char endpoint[64], many_path[] = "/tmp/scoop-publish-XXXXXX",
                          few_path[] = "/tmp/scoop-publish-XXXXXX";
static atomic_uint records_stored, put_calls;
static atomic_bool refuses; /* every second record of every other call */

/* --- the server --- */

static unsigned count_of(const char *body) {
    unsigned count = 0;
    for (const char *at = body; (at = strstr(at, "\"PartitionKey\"")) != NULL; at++)
        count++;
    return count;
}

static size_t answer_put(const char *body, char *answer) {
    unsigned count = count_of(body), failed = 0;
    bool refusing = atomic_load(&refuses) && atomic_fetch_add(&put_calls, 1) % 2 == 0;
    size_t length = (size_t)sprintf(answer, "{\"Records\":[");
    for (unsigned i = 0; i < count; i++) {
        bool stored = !refusing || i % 2 == 0;
        failed += !stored;
        length += (size_t)sprintf(answer + length, "%s%s", i > 0 ? "," : "",
                                  stored ? "{\"SequenceNumber\":\"1\",\"ShardId\":\"s\"}"
                                         : "{\"ErrorCode\":\"InternalFailure\"}");
    }
    atomic_fetch_add(&records_stored, count - failed);
    return length + (size_t)sprintf(answer + length, "],\"FailedRecordCount\":%u}", failed);
}

/* Reads one request: its body begins at the result. NULL: the connection has ended. */
static const char *read_request(int fd, char *text) {
    size_t length = 0, body_length = 0;
    for (;;) {
        ssize_t got = recv(fd, text + length, MOST_BODY - length - 1, 0);
        if (got <= 0)
            return NULL;
        length += (size_t)got;
        text[length] = 0;
        const char *end = strstr(text, "\r\n\r\n");
        const char *header = strcasestr(text, "content-length:");
        if (end == NULL || header == NULL)
            continue;
        body_length = strtoul(header + 15, NULL, 10);
        if (length - (size_t)(end + 4 - text) >= body_length)
            return end + 4;
    }
}

static void *serve_one(void *user) {
    int fd = *(int *)user;
    free(user);
    char *text = malloc(MOST_BODY), *answer = malloc(MOST_BODY), head[128];
    const char *body;
    while (text != NULL && answer != NULL && (body = read_request(fd, text)) != NULL) {
        size_t length =
            strstr(text, ".PutRecords") != NULL
                ? answer_put(body, answer)
                : (size_t)sprintf(answer,
                                  "{\"StreamDescriptionSummary\":{\"StreamStatus\":\"ACTIVE\"}}");
        int size =
            snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", length);
        if (send(fd, head, (size_t)size, MSG_NOSIGNAL) != size ||
            send(fd, answer, length, MSG_NOSIGNAL) != (ssize_t)length)
            break;
    }
    close(fd);
    free(text);
    free(answer);
    return NULL;
}

static void *serve(void *user) {
    (void)user;
    for (;;) {
        int *fd = malloc(sizeof *fd);
        pthread_t thread;
        if (fd == NULL || (*fd = accept(listener, NULL, NULL)) < 0) {
            free(fd);
            return NULL;
        }
        if (pthread_create(&thread, NULL, serve_one, fd) == 0)
            pthread_detach(thread);
    }
}

static int write_changes(char *path, unsigned count) {
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    for (unsigned i = 0; file != NULL && i < count; i++)
        fprintf(file, "{\"op\":\"INSERT\",\"key\":{\"PK\":%u},\"id\":\"%u\"}\n", i, i);
    return file == NULL ? -1 : fclose(file);
}

static int begin(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    (void)state;
    alarm(HANG_SECONDS);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return -1;
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", ntohs(address.sin_port));
    return write_changes(many_path, CHANGES) != 0 || write_changes(few_path, FEW) != 0
               ? -1
               : pthread_create(&server, NULL, serve, NULL);
}

static int end(void **state) {
    (void)state;
    shutdown(listener, SHUT_RDWR);
    close(listener);
    pthread_join(server, NULL);
    unlink(many_path);
    unlink(few_path);
    return 0;
}

/* --- the publishing --- */

static struct scoop_publish *make(const char *path, uint64_t start_at, struct scoop_error *error) {
    const struct scoop_transfer_options changes = {.source = {.uri = path}};
    const struct scoop_publish_options options = {
        .changes = &changes,
        .kinesis = {.endpoint_url = endpoint, .credentials = {"id", "secret", NULL}},
        .stream = "changes",
        .start_at = start_at,
    };
    return scoop_publish_new(&options, error);
}

static enum scoop_publish_state run(struct scoop_publish *publish, struct scoop_error *error) {
    enum scoop_publish_state state;
    do
        state = scoop_publish_run(publish, SLICE_MS, error);
    while (state == SCOOP_PUBLISH_RUNNING);
    return state;
}

static void check_all_stored(uint64_t start_at, bool refusing) {
    struct scoop_error error = {0};
    struct scoop_publish_facts facts;
    atomic_store(&records_stored, 0);
    atomic_store(&put_calls, 0);
    atomic_store(&refuses, refusing);
    struct scoop_publish *publish = make(many_path, start_at, &error);
    assert_non_null(publish);
    enum scoop_publish_state state = run(publish, &error);
    scoop_publish_facts(publish, &facts);
    scoop_publish_free(publish);
    assert_string_equal(error.message, "");
    assert_int_equal(state, SCOOP_PUBLISH_DONE);
    assert_int_equal(facts.changes, CHANGES);
    assert_int_equal(facts.acknowledged, CHANGES);
    assert_int_equal(facts.sent, CHANGES - start_at);
    assert_int_equal(atomic_load(&records_stored), CHANGES - start_at);
    assert_int_equal(facts.retried > 0, refusing);
}

static void all_changes_are_stored(void **state) {
    (void)state;
    check_all_stored(0, false);
    check_all_stored(1234, false);
}

static void what_is_refused_is_sent_again(void **state) {
    (void)state;
    check_all_stored(0, true);
}

static void *cancel_soon(void *user) {
    usleep(2000);
    scoop_publish_cancel(user);
    return NULL;
}

static void another_thread_may_cancel(void **state) {
    (void)state;
    atomic_store(&refuses, true);
    for (int i = 0; i < 5; i++) {
        struct scoop_error error = {0};
        pthread_t thread;
        struct scoop_publish *publish = make(many_path, 0, &error);
        assert_non_null(publish);
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, publish), 0);
        if (run(publish, &error) == SCOOP_PUBLISH_FAILED)
            assert_int_equal(error.code, SCOOP_CANCELLED);
        pthread_join(thread, NULL);
        scoop_publish_free(publish);
    }
}

static void a_publishing_that_never_ran_is_freed(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_publish *publish = make(many_path, 0, &error);
    assert_int_equal(scoop_publish_run(publish, 1, &error), SCOOP_PUBLISH_RUNNING);
    scoop_publish_free(publish);
    scoop_publish_free(NULL);
}

#ifdef SCOOP_TORTURE
/* 0: done, with all of them stored; -1: no memory. */
static int run_short_of_memory(void) {
    struct scoop_error error = {0};
    atomic_store(&records_stored, 0);
    struct scoop_publish *publish = make(few_path, 0, &error);
    int status = publish != NULL && run(publish, &error) == SCOOP_PUBLISH_DONE ? 0 : -1;
    scoop_publish_free(publish);
    if (status == 0)
        assert_true(atomic_load(&records_stored) >= FEW);
    else
        assert_int_equal(error.code, SCOOP_NO_MEMORY);
    return status;
}

/* libcurl's own memory is not counted; some failures only send a request again. */
static void each_allocation_may_fail(void **state) {
    (void)state;
    int successes = 0;
    long failing = 1;
    atomic_store(&refuses, false);
    for (; failing < MOST_ALLOCATIONS && successes < 5; failing++) {
        scoop_memory_fail_at(failing);
        successes = run_short_of_memory() == 0 ? successes + 1 : 0;
        scoop_memory_fail_at(0);
    }
    assert_true(failing > 50 && failing < MOST_ALLOCATIONS);
}
#else
static void each_allocation_may_fail(void **state) {
    (void)state; /* in the sanitized build */
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_changes_are_stored),
        cmocka_unit_test(what_is_refused_is_sent_again),
        cmocka_unit_test(another_thread_may_cancel),
        cmocka_unit_test(a_publishing_that_never_ran_is_freed),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
