/* Secrets do not stay in memory that is given back: the linker puts what looks at each block before
 * it is freed in the place of those who free. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <libpq-fe.h>

#include "aws/auth/held_credentials.h"
#include "aws/kinesis/client.h"
#include "aws/s3/client.h"
#include "scoop/session.h"
#include "scoop/transfer.h"

#define SECRET "s3cr3t-0f-th3-t3sts"

static unsigned seen; /* blocks with the secret in them */

static void look(const void *block, size_t size) {
    seen += block != NULL && memmem(block, size, SECRET, strlen(SECRET)) != NULL;
}

void __real_scoop_free(void *block);
void __wrap_scoop_free(void *block);
void __wrap_scoop_free(void *block) {
    look(block, block == NULL ? 0 : malloc_usable_size(block));
    __real_scoop_free(block);
}

void *__real_scoop_realloc(void *block, size_t size);
void *__wrap_scoop_realloc(void *block, size_t size);
void *__wrap_scoop_realloc(void *block, size_t size) {
    look(block, block == NULL ? 0 : malloc_usable_size(block));
    return __real_scoop_realloc(block, size);
}

void __real_curl_slist_free_all(struct curl_slist *list);
void __wrap_curl_slist_free_all(struct curl_slist *list);
void __wrap_curl_slist_free_all(struct curl_slist *list) {
    for (struct curl_slist *line = list; line != NULL; line = line->next)
        look(line->data, strlen(line->data));
    __real_curl_slist_free_all(list);
}

void __real_PQconninfoFree(PQconninfoOption *settings);
void __wrap_PQconninfoFree(PQconninfoOption *settings);
void __wrap_PQconninfoFree(PQconninfoOption *settings) {
    for (PQconninfoOption *one = settings; one != NULL && one->keyword != NULL; one++)
        if (one->val != NULL)
            look(one->val, strlen(one->val));
    __real_PQconninfoFree(settings);
}

static int begin(void **state) {
    (void)state;
    seen = 0;
    return 0;
}

static const struct scoop_credentials with_secret_key = {"id", SECRET, NULL};
static const struct scoop_credentials with_token = {"id", "secret", SECRET};

static void those_who_look_see_a_secret(void **state) {
    (void)state;
    char *copy = malloc(sizeof SECRET);
    assert_non_null(copy);
    memcpy(copy, SECRET, sizeof SECRET);
    __wrap_scoop_free(copy);
    assert_int_equal(seen, 1);
}

static void never_called(void *user, struct scoop_http_exchange *exchange,
                         const struct scoop_error *error) {
    (void)user;
    (void)exchange;
    (void)error;
    fail();
}

static void ask(const struct scoop_credentials *credentials, const char *key) {
    const struct scoop_engine_options none = {0};
    const struct scoop_s3_options options = {.endpoint_url = "http://127.0.0.1:9",
                                             .credentials = *credentials};
    struct scoop_error error = {0};
    struct scoop_engine *engine = scoop_engine_new(&none, &error);
    struct scoop_s3_client *client = scoop_s3_client_new(engine, &options, &error);
    struct scoop_s3_request request = {
        .method = "GET", .bucket = "bucket", .key = key, .on_done = never_called};
    for (int i = 0; i < 60; i++)
        scoop_s3_add_header(&request, "x-amz-meta-z-behind-the-token", "value");
    struct scoop_s3_call *call = scoop_s3_start(client, &request, &error);
    assert_non_null(call);
    scoop_s3_cancel(call);
    scoop_s3_client_free(client);
    scoop_engine_free(engine);
    assert_int_equal(seen, 0);
}

static void a_request_leaves_no_secret(void **state) {
    (void)state;
    char key[1000];
    memset(key, '%', sizeof key - 1);
    key[sizeof key - 1] = 0;
    ask(&with_secret_key, "key");
    ask(&with_token, "key");
    ask(&with_token, key);
}

static void new_credentials_take_the_place_of_wiped_ones(void **state) {
    (void)state;
    const struct scoop_credentials_provider none = {0};
    struct scoop_held_credentials held = {0};
    struct scoop_error error = {0};
    assert_int_equal(scoop_held_credentials_init(&held, &with_token, &none, &error), 0);
    scoop_held_credentials_free(&held);
    assert_int_equal(scoop_held_credentials_init(&held, &with_secret_key, &none, &error), 0);
    scoop_held_credentials_free(&held);
    assert_int_equal(seen, 0);
}

static void transfer(const char *source, const struct scoop_credentials *credentials) {
    const struct scoop_s3_options s3 = {.endpoint_url = "http://127.0.0.1:9",
                                        .credentials = *credentials};
    bool web = strncmp(source, "http", 4) == 0;
    const struct scoop_transfer_options options = {
        .source = {.uri = source, .s3 = s3},
        .destination = {.uri = "s3://bucket/key", .s3 = s3},
        .web = {.headers = web ? "Authorization: Bearer " SECRET "\nCookie: a=" SECRET "\n" : NULL,
                .body = web ? "token=" SECRET : NULL},
    };
    struct scoop_error error = {0};
    struct scoop_transfer *made = scoop_transfer_new(&options, &error);
    assert_non_null(made);
    scoop_transfer_run(made, 1, &error);
    scoop_transfer_free(made);
    assert_int_equal(seen, 0);
}

static void the_options_of_a_transfer_leave_no_secret(void **state) {
    (void)state;
    transfer("s3://bucket/source", &with_secret_key);
    transfer("s3://bucket/source", &with_token);
    transfer("http://user:" SECRET "@127.0.0.1:9/f?X-Amz-Signature=" SECRET,
             &(struct scoop_credentials){"id", "secret", NULL});
}

static void a_session_leaves_no_password(void **state) {
    (void)state;
    static const char *const keywords[] = {"host", "port", "password", NULL};
    static const char *const values[] = {"127.0.0.1", "9", SECRET, NULL};
    const struct scoop_session_options by_text = {
        .conninfo = "host=127.0.0.1 port=9 password=" SECRET, .dialect = SCOOP_POSTGRES};
    const struct scoop_session_options by_pairs = {
        .keywords = keywords, .values = values, .dialect = SCOOP_POSTGRES};
    const struct scoop_session_options *both[] = {&by_text, &by_pairs};
    for (size_t i = 0; i < 2; i++) {
        struct scoop_error error = {0};
        struct scoop_session *session = scoop_session_new(both[i], &error);
        assert_non_null(session);
        assert_int_equal(scoop_session_connect(session, NULL, &error), -1);
        assert_null(strstr(error.message, SECRET));
        scoop_session_free(session);
        assert_int_equal(seen, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(those_who_look_see_a_secret, begin),
        cmocka_unit_test_setup(a_request_leaves_no_secret, begin),
        cmocka_unit_test_setup(new_credentials_take_the_place_of_wiped_ones, begin),
        cmocka_unit_test_setup(the_options_of_a_transfer_leave_no_secret, begin),
        cmocka_unit_test_setup(a_session_leaves_no_password, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
