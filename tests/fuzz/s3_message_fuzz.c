/* Bodies of S3's answers: a body is read as nothing but a whole document, and texts end where they
 * say they do. */
#include "aws/error_codes.h"
#include "aws/s3/message.h"
#include "aws/s3/xml.h"
#include "fuzz_run.h"

static int on_start(void *user, const char *path, struct scoop_error *error) {
    (void)user;
    (void)error;
    MUST(path[0] == '/' && strlen(path) <= SCOOP_XML_MAX_PATH_BYTES);
    return 0;
}

static int on_end(void *user, const char *path, const char *text, size_t length,
                  struct scoop_error *error) {
    (void)user;
    (void)error;
    MUST(path[0] == '/' && strlen(path) <= SCOOP_XML_MAX_PATH_BYTES);
    MUST(length <= SCOOP_XML_MAX_TEXT_BYTES && strlen(text) == length);
    return 0;
}

static int on_object(void *user, const struct scoop_s3_object *object, struct scoop_error *error) {
    (void)user;
    (void)error;
    MUST(object->key[object->key_length] == 0);
    MUST(strlen(object->etag) + strlen(object->last_modified) <= 2 * SCOOP_XML_MAX_TEXT_BYTES);
    return 0;
}

static int on_part(void *user, const struct scoop_s3_listed_part *part, struct scoop_error *error) {
    (void)user;
    (void)error;
    MUST(part->number >= 1 && part->number <= SCOOP_S3_MAX_PARTS);
    MUST(strlen(part->etag) <= SCOOP_XML_MAX_TEXT_BYTES);
    return 0;
}

static int on_upload(void *user, const struct scoop_s3_listed_upload *upload,
                     struct scoop_error *error) {
    (void)user;
    (void)error;
    MUST(upload->key[upload->key_length] == 0);
    MUST(strlen(upload->upload_id) + strlen(upload->initiated) <= 2 * SCOOP_XML_MAX_TEXT_BYTES);
    return 0;
}

static void is_filled(int result, const struct scoop_error *error) {
    MUST((result == 0) == (error->code == SCOOP_OK));
}

static void read_pages(const uint8_t *data, size_t size, bool whole) {
    struct scoop_error objects = {0}, parts = {0}, uploads = {0};
    struct scoop_s3_page page = {.truncated = false};
    int result = scoop_s3_parse_objects(data, size, on_object, NULL, &page, &objects);
    is_filled(result, &objects);
    MUST(result != 0 || whole);
    MUST(result != 0 || !page.truncated || page.token.length > 0);
    result = scoop_s3_parse_parts(data, size, on_part, NULL, &page, &parts);
    is_filled(result, &parts);
    MUST(result != 0 || whole);
    result = scoop_s3_parse_uploads(data, size, on_upload, NULL, &page, &uploads);
    is_filled(result, &uploads);
    MUST(result != 0 || whole);
    scoop_s3_page_free(&page);
}

static void read_answers(const uint8_t *data, size_t size, bool whole) {
    struct scoop_error error = {0};
    struct scoop_s3_error refusal;
    struct scoop_buf upload_id;
    char etag[SCOOP_ETAG_SIZE];
    MUST(!scoop_s3_parse_error(data, size, &refusal) || whole);
    scoop_aws_classify(SCOOP_AWS_S3, 200, refusal.code);
    MUST(scoop_s3_parse_completion(data, size, etag, &refusal) == SCOOP_S3_UNREADABLE || whole);
    scoop_buf_init(&upload_id, 4096);
    int result = scoop_s3_parse_upload_id(data, size, &upload_id, &error);
    is_filled(result, &error);
    MUST(result != 0 || (whole && upload_id.length > 0));
    scoop_buf_free(&upload_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct scoop_xml_handler handler = {on_start, on_end, NULL};
    struct scoop_error error = {0};
    int result = scoop_xml_read(data, size, &handler, &error);
    is_filled(result, &error);
    read_pages(data, size, result == 0);
    read_answers(data, size, result == 0);
    return 0;
}
