/* An exchange whose body was paused: it goes on when it is resumed, and ends when what it then
 * brings is refused. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/http.h"

enum { BODY_BYTES = 8 * 1024, WAIT_MS = 50, MOST_RUNS = 100 };

static int listener, client;
static pthread_t server;
static char url[64];

/* Answers one request, and keeps the connection until the client leaves. */
static void *serve(void *unused) {
    static char body[BODY_BYTES], request[8192];
    char head[128];
    (void)unused;
    int fd = client = accept(listener, NULL, NULL);
    (void)!recv(fd, request, sizeof request, 0);
    int length = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                          2 * BODY_BYTES);
    (void)!send(fd, head, (size_t)length, MSG_NOSIGNAL);
    (void)!send(fd, body, sizeof body, MSG_NOSIGNAL);
    while (recv(fd, request, sizeof request, 0) > 0)
        ;
    close(fd);
    return NULL;
}

static int start_server(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    (void)state;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return -1;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    return pthread_create(&server, NULL, serve, NULL);
}

static int stop_server(void **state) {
    (void)state;
    shutdown(client, SHUT_RDWR);
    close(listener);
    return pthread_join(server, NULL);
}

struct reader {
    struct scoop_http_exchange *exchange; /* NULL: over */
    bool paused, refuses;
    size_t taken;
    struct scoop_error error;
};

static enum scoop_http_take take(void *user, const void *data, size_t length,
                                 struct scoop_error *error) {
    struct reader *reader = user;
    (void)data;
    if (!reader->paused && reader->taken == 0) {
        reader->paused = true;
        return SCOOP_HTTP_PAUSE;
    }
    if (reader->refuses) {
        scoop_fail(error, SCOOP_TOO_LARGE, "more than is wanted");
        return SCOOP_HTTP_STOP;
    }
    reader->taken += length;
    return SCOOP_HTTP_TAKEN;
}

static void done(void *user, struct scoop_http_exchange *exchange) {
    struct reader *reader = user;
    reader->error = *scoop_http_error(exchange);
    reader->exchange = NULL;
}

static struct scoop_engine *begin(struct reader *reader) {
    struct scoop_error error = {0};
    struct scoop_engine_options options = {0};
    struct scoop_engine *engine = scoop_engine_new(&options, &error);
    struct scoop_http_request request = {
        .method = "GET", .url = url, .on_data = take, .on_done = done, .user = reader};
    assert_non_null(engine);
    reader->exchange = scoop_http_start(engine, &request, &error);
    for (int i = 0; i < MOST_RUNS && !reader->paused; i++)
        assert_int_equal(scoop_engine_run(engine, WAIT_MS, &error), 0);
    assert_true(reader->paused);
    return engine;
}

static void what_is_resumed_flows_again(void **state) {
    struct reader reader = {0};
    struct scoop_error error = {0};
    struct scoop_engine *engine = begin(&reader);
    (void)state;
    scoop_http_resume(reader.exchange);
    for (int i = 0; i < MOST_RUNS && reader.taken < BODY_BYTES; i++)
        assert_int_equal(scoop_engine_run(engine, WAIT_MS, &error), 0);
    assert_int_equal(reader.taken, BODY_BYTES);
    scoop_engine_free(engine);
}

static void what_is_refused_when_it_is_resumed_ends_the_exchange(void **state) {
    struct reader reader = {.refuses = true};
    struct scoop_error error = {0};
    struct scoop_engine *engine = begin(&reader);
    (void)state;
    scoop_http_resume(reader.exchange);
    for (int i = 0; i < MOST_RUNS && reader.exchange != NULL; i++)
        assert_int_equal(scoop_engine_run(engine, WAIT_MS, &error), 0);
    assert_null(reader.exchange);
    assert_int_equal(reader.error.code, SCOOP_TOO_LARGE);
    scoop_engine_free(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_resumed_flows_again, start_server, stop_server),
        cmocka_unit_test_setup_teardown(what_is_refused_when_it_is_resumed_ends_the_exchange,
                                        start_server, stop_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
