#include "aws/s3/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/s3/xml.h"
#include "base/crypto.h"
#include "scoop/memory.h"
#include "text/hex.h"
#include "text/text.h"
#include "text/utf8.h"

/* The part of path below its root element's name, or NULL when the root is another. */
static const char *below(const char *path, const char *root) {
    size_t length = strlen(root);
    if (*path != '/' || strncmp(path + 1, root, length) != 0)
        return NULL;
    path += 1 + length;
    return *path == '/' || *path == 0 ? path : NULL;
}

static void copy_cut(char *out, size_t size, const char *text, size_t length) {
    scoop_text_print(out, size, "%.*s", (int)length, text);
}

struct error_reader {
    struct scoop_s3_error *out;
    bool is_error;
};

static int on_error_end(void *user, const char *path, const char *text, size_t length,
                        struct scoop_error *error) {
    struct error_reader *reader = user;
    struct scoop_s3_error *out = reader->out;
    (void)error;
    const char *inside = below(path, "Error");
    if (inside == NULL && (inside = below(path, "ErrorResponse")) != NULL &&
        strncmp(inside, "/Error", 6) == 0)
        inside += 6;
    if (inside == NULL)
        return 0;
    reader->is_error = true;
    const struct {
        const char *name;
        char *out;
        size_t size;
    } texts[] = {
        {"/Code", out->code, sizeof out->code},
        {"/Message", out->message, sizeof out->message},
        {"/Region", out->region, sizeof out->region},
        {"/Endpoint", out->endpoint, sizeof out->endpoint},
        {"/RequestTime", out->request_time, sizeof out->request_time},
        {"/ServerTime", out->server_time, sizeof out->server_time},
        {"/StorageClass", out->storage_class, sizeof out->storage_class},
        {"/RequestId", out->request_id, sizeof out->request_id},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(inside, texts[i].name) == 0)
            copy_cut(texts[i].out, texts[i].size, text, length);
    return 0;
}

static bool read_error(const void *body, size_t length, struct scoop_s3_error *out,
                       struct scoop_error *error) {
    struct error_reader reader = {.out = out};
    struct scoop_xml_handler handler = {.on_end = on_error_end, .user = &reader};
    memset(out, 0, sizeof *out);
    return scoop_xml_read(body, length, &handler, error) == 0 && reader.is_error;
}

enum { MOST_REFERENCE = 12 }; /* bytes of "&#x10FFFF;", and some zeros */

static bool is_character(unsigned long code) {
    return code == '\t' || code == '\n' || code == '\r' || (code >= ' ' && code < 0xd800) ||
           (code >= 0xe000 && code < 0xfffe) || (code >= 0x10000 && code < 0x110000);
}

/* How many bytes are one character, or its reference; false in *allowed: no XML may hold it. */
static size_t take_character(const char *at, size_t length, bool *allowed) {
    unsigned char first = (unsigned char)*at;
    char *end;
    *allowed = is_character(first);
    if (first >= 0x80)
        return scoop_utf8_take(at, length, allowed);
    if (length < 4 || first != '&' || at[1] != '#' ||
        memchr(at, ';', length < MOST_REFERENCE ? length : MOST_REFERENCE) == NULL)
        return 1;
    bool hex = at[2] == 'x';
    unsigned long code = strtoul(at + 2 + hex, &end, hex ? 16 : 10);
    if (*end != ';')
        return 1;
    *allowed = is_character(code);
    return (size_t)(end + 1 - at);
}

/* Servers repeat in their messages what was asked for, with characters that XML has not. */
static char *without_forbidden(const char *body, size_t length) {
    char *clean = scoop_malloc(length);
    if (clean == NULL)
        return NULL;
    memcpy(clean, body, length);
    for (size_t i = 0, taken; i < length; i += taken) {
        bool allowed;
        taken = take_character(body + i, length - i, &allowed);
        if (!allowed)
            memset(clean + i, ' ', taken);
    }
    return clean;
}

bool scoop_s3_parse_error(const void *body, size_t length, struct scoop_s3_error *out) {
    struct scoop_error error = {0};
    if (read_error(body, length, out, &error))
        return true;
    if (error.code == SCOOP_PROTOCOL && length > 0) {
        char *clean = without_forbidden(body, length);
        bool is_error = clean != NULL && read_error(clean, length, out, &error);
        if (clean == NULL)
            scoop_fail_memory(&error);
        scoop_free(clean);
        if (is_error)
            return true;
    }
    memset(out, 0, sizeof *out);
    out->no_memory = error.code == SCOOP_NO_MEMORY;
    return false;
}

static int on_upload_id_end(void *user, const char *path, const char *text, size_t length,
                            struct scoop_error *error) {
    if (strcmp(path, "/InitiateMultipartUploadResult/UploadId") != 0)
        return 0;
    return scoop_buf_append(user, text, length, error);
}

int scoop_s3_parse_upload_id(const void *body, size_t length, struct scoop_buf *upload_id,
                             struct scoop_error *error) {
    size_t before = upload_id->length;
    struct scoop_xml_handler handler = {.on_end = on_upload_id_end, .user = upload_id};
    int result = scoop_xml_read(body, length, &handler, error);
    if (result == 0 && upload_id->length == before)
        result = scoop_fail(error, SCOOP_PROTOCOL,
                            "the answer to the start of an upload has no UploadId");
    if (result != 0)
        upload_id->length = before;
    return result;
}

struct completion_reader {
    char *etag;
    bool is_result;
};

static int on_completion_end(void *user, const char *path, const char *text, size_t length,
                             struct scoop_error *error) {
    struct completion_reader *reader = user;
    const char *inside = below(path, "CompleteMultipartUploadResult");
    if (inside == NULL)
        return 0;
    reader->is_result = true;
    if (strcmp(inside, "/ETag") != 0)
        return 0;
    if (length >= SCOOP_ETAG_SIZE)
        return scoop_fail(error, SCOOP_PROTOCOL, "an ETag is longer than %d bytes",
                          SCOOP_ETAG_SIZE - 1);
    memcpy(reader->etag, text, length + 1);
    return 0;
}

enum scoop_s3_completion scoop_s3_parse_completion(const void *body, size_t length,
                                                   char etag[SCOOP_ETAG_SIZE],
                                                   struct scoop_s3_error *refusal) {
    struct scoop_error ignored = {0};
    struct completion_reader reader = {.etag = etag};
    struct scoop_xml_handler handler = {.on_end = on_completion_end, .user = &reader};
    etag[0] = 0;
    if (scoop_s3_parse_error(body, length, refusal))
        return SCOOP_S3_REFUSED;
    if (scoop_xml_read(body, length, &handler, &ignored) == 0 && reader.is_result && etag[0] != 0)
        return SCOOP_S3_COMPLETED;
    etag[0] = 0;
    return SCOOP_S3_UNREADABLE;
}

static int append_escaped(struct scoop_buf *body, const char *text, struct scoop_error *error) {
    for (; *text != 0; text++) {
        const char *entity = *text == '&'    ? "&amp;"
                             : *text == '<'  ? "&lt;"
                             : *text == '>'  ? "&gt;"
                             : *text == '"'  ? "&quot;"
                             : *text == '\r' ? "&#13;"
                                             : NULL;
        if (entity != NULL ? scoop_buf_append_text(body, entity, error) != 0
                           : scoop_buf_append(body, text, 1, error) != 0)
            return -1;
    }
    return 0;
}

static int append_element(struct scoop_buf *body, const char *name, const char *text,
                          struct scoop_error *error) {
    if (scoop_buf_printf(body, error, "<%s>", name) != 0 || append_escaped(body, text, error) != 0)
        return -1;
    return scoop_buf_printf(body, error, "</%s>", name);
}

static int append_part(struct scoop_buf *body, const struct scoop_s3_part *part,
                       const char *checksum_element, struct scoop_error *error) {
    if (scoop_buf_printf(body, error, "<Part><PartNumber>%u</PartNumber>", part->number) != 0 ||
        append_element(body, "ETag", part->etag, error) != 0)
        return -1;
    if (checksum_element != NULL && part->checksum != NULL &&
        append_element(body, checksum_element, part->checksum, error) != 0)
        return -1;
    return scoop_buf_append_text(body, "</Part>", error);
}

int scoop_s3_build_completion(const struct scoop_s3_part *parts, size_t count,
                              const char *checksum_element, struct scoop_buf *body,
                              struct scoop_error *error) {
    uint32_t previous = 0;
    if (count == 0)
        return scoop_fail(error, SCOOP_INTERNAL, "an upload without parts cannot be completed");
    if (scoop_buf_append_text(body,
                              "<CompleteMultipartUpload "
                              "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
                              error) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].number <= previous || parts[i].number > SCOOP_S3_MAX_PARTS)
            return scoop_fail(error, SCOOP_INTERNAL, "part number %u follows part number %u",
                              parts[i].number, previous);
        if (parts[i].etag == NULL || *parts[i].etag == 0)
            return scoop_fail(error, SCOOP_INTERNAL, "part %u has no ETag", parts[i].number);
        if (append_part(body, &parts[i], checksum_element, error) != 0)
            return -1;
        previous = parts[i].number;
    }
    return scoop_buf_append_text(body, "</CompleteMultipartUpload>", error);
}

/* etag with or without quotes -> the MD5 it names. */
static bool read_md5(const char *etag, unsigned char md5[SCOOP_MD5_BYTES]) {
    size_t length = strlen(etag);
    if (length >= 2 && etag[0] == '"' && etag[length - 1] == '"') {
        etag++;
        length -= 2;
    }
    return scoop_hex_decode(etag, length, md5, SCOOP_MD5_BYTES) == 0;
}

bool scoop_s3_multipart_etag(const struct scoop_s3_part *parts, size_t count,
                             char etag[SCOOP_ETAG_SIZE]) {
    struct scoop_error ignored = {0};
    unsigned char md5[SCOOP_MD5_BYTES];
    char hex[SCOOP_MD5_HEX_SIZE];
    struct scoop_digest *digest = count > 0 ? scoop_digest_new(SCOOP_DIGEST_MD5, &ignored) : NULL;
    bool known = digest != NULL;
    for (size_t i = 0; known && i < count; i++)
        known = read_md5(parts[i].etag, md5) &&
                scoop_digest_update(digest, md5, sizeof md5, &ignored) == 0;
    known = known && scoop_digest_finish(digest, md5, &ignored) == 0;
    scoop_digest_free(digest);
    if (known) {
        scoop_hex_encode(md5, sizeof md5, hex);
        snprintf(etag, SCOOP_ETAG_SIZE, "\"%s-%zu\"", hex, count);
    }
    return known;
}
