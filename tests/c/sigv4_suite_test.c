/* SigV4 against the public suites, where they are at hand. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "aws/auth/sigv4.h"
#include "base/crypto.h"
#include "vectors.h"

enum { SUITE_CASES = 38, S3_CASES = 6, MAX_PAIRS = 32 };

static const char *text_of(struct scoop_buf *buf) {
    struct scoop_error error = {0};
    const char *text = scoop_buf_text(buf, &error);
    assert_non_null(text);
    return text;
}

struct suite_case {
    char folder[VECTORS_PATH_SIZE + 256];
    char *request_text;
    yajl_val context;
    struct scoop_buf decoded[2 * MAX_PAIRS]; /* names and values of the query */
    struct scoop_pair query[MAX_PAIRS];
    struct scoop_pair headers[MAX_PAIRS];
    char payload_hash[SCOOP_SHA256_HEX_SIZE];
    struct scoop_signing_request request;
    struct scoop_credentials credentials;
};

static char *read_case_file(const struct suite_case *test, const char *name, size_t *length) {
    char path[VECTORS_PATH_SIZE + 320];
    snprintf(path, sizeof path, "%s/%s", test->folder, name);
    char *text = vectors_read(path, length);
    if (text == NULL)
        fail_msg("%s cannot be read", path);
    return text;
}

static const char *json_text(yajl_val json, const char *first, const char *second) {
    const char *path[] = {first, second, NULL};
    return YAJL_GET_STRING(yajl_tree_get(json, path, yajl_t_string));
}

static bool json_true(yajl_val json, const char *name) {
    const char *path[] = {name, NULL};
    return YAJL_IS_TRUE(yajl_tree_get(json, path, yajl_t_any));
}

static const char *decode(struct scoop_buf *buf, const char *text) {
    struct scoop_error error = {0};
    scoop_buf_init(buf, 4096);
    assert_int_equal(scoop_uri_decode(buf, text, strlen(text), false, &error), 0);
    return text_of(buf);
}

static void parse_query(struct suite_case *test, char *query) {
    size_t count = 0;
    char *rest = NULL;
    for (char *pair = strtok_r(query, "&", &rest); pair; pair = strtok_r(NULL, "&", &rest)) {
        char *equals = strchr(pair, '=');
        if (equals != NULL)
            *equals = 0;
        assert_true(count < MAX_PAIRS);
        test->query[count].name = decode(&test->decoded[2 * count], pair);
        test->query[count].value =
            decode(&test->decoded[2 * count + 1], equals != NULL ? equals + 1 : "");
        count++;
    }
    test->request.query = test->query;
    test->request.query_count = count;
}

/* Header lines up to the empty line; a line that starts with a space goes on with the one before.
 */
static char *parse_headers(struct suite_case *test, char *text) {
    size_t count = 0;
    while (*text != 0 && *text != '\n') {
        char *end = text + strcspn(text, "\n");
        while (end[0] == '\n' && end[1] == ' ')
            end += 1 + strcspn(end + 1, "\n");
        char *colon = strchr(text, ':');
        assert_true(colon != NULL && colon < end && count < MAX_PAIRS);
        *colon = 0;
        test->headers[count++] = (struct scoop_pair){text, colon + 1};
        text = *end != 0 ? end + 1 : end;
        *end = 0;
    }
    test->request.headers = test->headers;
    test->request.header_count = count;
    return *text == '\n' ? text + 1 : text;
}

static void parse_request(struct suite_case *test) {
    struct scoop_error error = {0};
    size_t length = 0;
    char *line = test->request_text = read_case_file(test, "request.txt", &length);
    char *headers = strchr(line, '\n') + 1;
    headers[-1] = 0;
    *strstr(line, " HTTP/1.1") = 0;
    char *path = strchr(line, ' ') + 1;
    path[-1] = 0;
    char *query = strchr(path, '?');
    if (query != NULL)
        *query++ = 0;
    test->request.method = line;
    test->request.path = path;
    if (query != NULL)
        parse_query(test, query);
    const char *body = parse_headers(test, headers);
    assert_int_equal(scoop_sha256_hex(body, strlen(body), test->payload_hash, &error), 0);
    test->request.payload_hash = test->payload_hash;
}

static void load_case(struct suite_case *test, const char *suite, const char *name) {
    char complaint[256];
    size_t length = 0;
    memset(test, 0, sizeof *test);
    snprintf(test->folder, sizeof test->folder, "%s/%s", suite, name);
    char *text = read_case_file(test, "context.json", &length);
    test->context = yajl_tree_parse(text, complaint, sizeof complaint);
    free(text);
    assert_non_null(test->context);
    parse_request(test);
    assert_string_equal(json_text(test->context, "timestamp", NULL), "2015-08-30T12:36:00Z");
    test->request.timestamp = 1440938160;
    test->request.region = json_text(test->context, "region", NULL);
    test->request.service = json_text(test->context, "service", NULL);
    test->request.normalize_path = json_true(test->context, "normalize");
    test->request.encode_path = true; /* the suite's paths are raw */
    test->request.send_payload_hash = json_true(test->context, "sign_body");
    test->request.omit_session_token = json_true(test->context, "omit_session_token");
    test->credentials = (struct scoop_credentials){
        .access_key_id = json_text(test->context, "credentials", "access_key_id"),
        .secret_access_key = json_text(test->context, "credentials", "secret_access_key"),
        .session_token = json_text(test->context, "credentials", "token"),
    };
}

static void free_case(struct suite_case *test) {
    for (size_t i = 0; i < 2 * MAX_PAIRS; i++)
        scoop_buf_free(&test->decoded[i]);
    yajl_tree_free(test->context);
    free(test->request_text);
}

static void expect_file(const struct suite_case *test, const char *name, const char *actual) {
    size_t length = 0;
    char *expected = read_case_file(test, name, &length);
    while (length > 0 && expected[length - 1] == '\n')
        expected[--length] = 0;
    if (strcmp(expected, actual) != 0)
        fail_msg("%s/%s: expected\n%s\nbut got\n%s", test->folder, name, expected, actual);
    free(expected);
}

static void run_suite_case(const char *suite, const char *name) {
    struct scoop_error error = {0};
    struct suite_case test;
    struct scoop_signed out = {0};
    load_case(&test, suite, name);
    assert_int_equal(scoop_sign_headers(&test.request, &test.credentials, &out, &error), 0);
    expect_file(&test, "header-canonical-request.txt", text_of(&out.canonical_request));
    expect_file(&test, "header-string-to-sign.txt", text_of(&out.string_to_sign));
    expect_file(&test, "header-signature.txt", out.signature);
    scoop_signed_free(&out);
    free_case(&test);
}

static void public_suite(void **state) {
    (void)state;
    char suite[VECTORS_PATH_SIZE];
    unsigned count = 0;
    if (!vectors_find("sigv4/v4", suite)) {
        vectors_left_out("the SigV4 suite (sigv4/v4)", SUITE_CASES);
        return;
    }
    DIR *folder = opendir(suite);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        if (entry->d_name[0] != '.') {
            run_suite_case(suite, entry->d_name);
            count++;
        }
    closedir(folder);
    assert_int_equal(count, SUITE_CASES);
}

static void expect_canonical(const struct scoop_signing_request *request, const char *expected) {
    struct scoop_error error = {0};
    struct scoop_buf canonical, names;
    scoop_buf_init(&canonical, 4096);
    scoop_buf_init(&names, 4096);
    assert_int_equal(scoop_canonical_request(request, &canonical, &names, &error), 0);
    assert_string_equal(text_of(&canonical), expected);
    scoop_buf_free(&canonical);
    scoop_buf_free(&names);
}

/* One published S3 example; its canonical query is empty or one plain pair a name. Of the presigned
 * URL, which we never make, only the canonical request can be compared. */
static void run_s3_example(yajl_val example, const struct scoop_credentials *credentials) {
    const char *headers_path[] = {"headers", NULL};
    struct scoop_error error = {0};
    struct suite_case test = {0};
    struct scoop_signed out = {0};
    yajl_val headers = yajl_tree_get(example, headers_path, yajl_t_object);
    char *query = strdup(json_text(example, "canonical_query", NULL));
    bool presigned = strstr(query, "X-Amz-Algorithm") != NULL;
    for (size_t i = 0; i < YAJL_GET_OBJECT(headers)->len; i++)
        test.headers[i] = (struct scoop_pair){YAJL_GET_OBJECT(headers)->keys[i],
                                              YAJL_GET_STRING(YAJL_GET_OBJECT(headers)->values[i])};
    test.request = (struct scoop_signing_request){
        .method = json_text(example, "method", NULL),
        .path = json_text(example, "canonical_path", NULL),
        .headers = test.headers,
        .header_count = YAJL_GET_OBJECT(headers)->len,
        .payload_hash = json_text(example, "payload_hash", NULL),
        .region = "us-east-1",
        .service = "s3",
        .timestamp = 1369353600, /* 2013-05-24T00:00:00Z */
        .send_payload_hash = true,
    };
    parse_query(&test, query);
    if (presigned) {
        expect_canonical(&test.request, json_text(example, "canonical_request", NULL));
    } else {
        assert_int_equal(scoop_sign_headers(&test.request, credentials, &out, &error), 0);
        assert_string_equal(text_of(&out.canonical_request),
                            json_text(example, "canonical_request", NULL));
        assert_string_equal(text_of(&out.string_to_sign),
                            json_text(example, "string_to_sign", NULL));
        assert_string_equal(out.signature, json_text(example, "expected_signature", NULL));
        scoop_signed_free(&out);
    }
    free_case(&test);
    free(query);
}

static void published_s3_examples(void **state) {
    (void)state;
    const char *requests_path[] = {"requests", NULL};
    char path[VECTORS_PATH_SIZE], complaint[256];
    size_t length = 0;
    if (!vectors_find("sigv4-s3/s3-examples.json", path)) {
        vectors_left_out("sigv4-s3/s3-examples.json", S3_CASES);
        return;
    }
    char *text = vectors_read(path, &length);
    assert_non_null(text);
    yajl_val examples = yajl_tree_parse(text, complaint, sizeof complaint);
    free(text);
    assert_non_null(examples);
    struct scoop_credentials credentials = {
        .access_key_id = json_text(examples, "access_key_id", NULL),
        .secret_access_key = json_text(examples, "secret_access_key", NULL),
    };
    yajl_val requests = yajl_tree_get(examples, requests_path, yajl_t_array);
    assert_int_equal(YAJL_GET_ARRAY(requests)->len, S3_CASES);
    for (size_t i = 0; i < S3_CASES; i++)
        run_s3_example(YAJL_GET_ARRAY(requests)->values[i], &credentials);
    yajl_tree_free(examples);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_suite),
        cmocka_unit_test(published_s3_examples),
    };
    return cmocka_run_group_tests_name("sigv4_suite", tests, NULL, NULL);
}
