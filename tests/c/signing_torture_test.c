/* Every allocation of the pure S3 parts fails once: the call must say NO_MEMORY and leak nothing.
 * In builds without SCOOP_TORTURE nothing fails and each job just runs once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef SCOOP_TORTURE
#include <sanitizer/lsan_interface.h>
#endif

#include <cmocka.h>

#include "aws/auth/sigv4.h"
#include "aws/s3/message.h"

enum { DONE = 0, OUT_OF_MEMORY = 3, WRONG_ERROR = 4, LEAKED = 5, MOST_ALLOCATIONS = 2000 };

static int verdict_of(int result, const struct scoop_error *error) {
    if (result == 0)
        return DONE;
    return error->code == SCOOP_NO_MEMORY ? OUT_OF_MEMORY : WRONG_ERROR;
}

static const struct scoop_pair query[] = {{"partNumber", "1"}, {"uploadId", "a/b"}};
static const struct scoop_pair headers[] = {{"host", "h"}, {"x-amz-meta-a", " b  c "}};
static const struct scoop_credentials keys = {"id", "secret", "token"};
static const struct scoop_signing_request request = {
    .method = "PUT",
    .path = "/a/../b",
    .query = query,
    .query_count = 2,
    .headers = headers,
    .header_count = 2,
    .region = "us-east-1",
    .service = "s3",
    .send_payload_hash = true,
    .normalize_path = true,
    .encode_path = true,
};

static int signing(void) {
    struct scoop_error error = {0};
    struct scoop_signed out = {0};
    int result = scoop_sign_headers(&request, &keys, &out, &error);
    scoop_signed_free(&out);
    return verdict_of(result, &error);
}

static int ignore_upload(void *user, const struct scoop_s3_listed_upload *upload,
                         struct scoop_error *error) {
    (void)user, (void)upload, (void)error;
    return 0;
}

static int uploads_page(void) {
    static const char body[] =
        "<ListMultipartUploadsResult><EncodingType>url</EncodingType><NextKeyMarker>a%20b"
        "</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker><Upload><Key>k%20</Key>"
        "<UploadId>u</UploadId></Upload></ListMultipartUploadsResult>";
    struct scoop_error error = {0};
    struct scoop_s3_page page = {.truncated = false};
    int result = scoop_s3_parse_uploads(body, sizeof body - 1, ignore_upload, NULL, &page, &error);
    scoop_s3_page_free(&page);
    return verdict_of(result, &error);
}

static int upload_id(void) {
    static const char body[] = "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                               "</InitiateMultipartUploadResult>";
    struct scoop_error error = {0};
    struct scoop_buf id;
    scoop_buf_init(&id, 1024);
    int result = scoop_s3_parse_upload_id(body, sizeof body - 1, &id, &error);
    scoop_buf_free(&id);
    return verdict_of(result, &error);
}

static int completion_body(void) {
    static const struct scoop_s3_part part = {1, "\"e\"", NULL};
    struct scoop_error error = {0};
    struct scoop_buf body;
    scoop_buf_init(&body, 4096);
    int result = scoop_s3_build_completion(&part, 1, NULL, &body, &error);
    scoop_buf_free(&body);
    return verdict_of(result, &error);
}

static int leaks(void) {
#ifdef SCOOP_TORTURE
    return __lsan_do_recoverable_leak_check();
#else
    return 0;
#endif
}

/* Runs job in a child whose n-th allocation fails; returns the child's exit status. */
static int run_failing_at(int (*job)(void), unsigned n) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char number[12];
        snprintf(number, sizeof number, "%u", n);
        setenv("SCOOP_FAIL_ALLOC_AT", number, 1);
        int status = job();
        _exit(leaks() ? LEAKED : status);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void fail_each_allocation(int (*job)(void)) {
    unsigned n = 1;
    int status;
    while ((status = run_failing_at(job, n)) == OUT_OF_MEMORY && n < MOST_ALLOCATIONS)
        n++;
    if (status != DONE)
        fail_msg("with allocation %u failing the job ended with %d", n, status);
#ifdef SCOOP_TORTURE
    assert_true(n > 1);
#endif
}

static void signing_survives(void **state) {
    (void)state;
    fail_each_allocation(signing);
}

static void reading_a_page_survives(void **state) {
    (void)state;
    fail_each_allocation(uploads_page);
}

static void reading_an_upload_id_survives(void **state) {
    (void)state;
    fail_each_allocation(upload_id);
}

static void building_a_completion_survives(void **state) {
    (void)state;
    fail_each_allocation(completion_body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signing_survives),
        cmocka_unit_test(reading_a_page_survives),
        cmocka_unit_test(reading_an_upload_id_survives),
        cmocka_unit_test(building_a_completion_survives),
    };
    return cmocka_run_group_tests_name("signing_torture", tests, NULL, NULL);
}
