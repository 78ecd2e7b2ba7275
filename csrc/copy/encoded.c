#include "copy/encoded.h"

#include <string.h>
#include <strings.h>

#include "scoop/memory.h"

enum { MOST_RAW_BYTES = 128 * 1024 }; /* a gzip header may be long before its first text comes */

/* --- which encoding --- */

static bool is_coding(const char *text, size_t length, const char *coding) {
    return length == strlen(coding) && strncasecmp(text, coding, length) == 0;
}

/* Calls visit for each coding of the list; false when that returns false, which stops. */
static bool each_coding(const char *list, bool (*visit)(void *user, const char *, size_t),
                        void *user) {
    while (*list != 0) {
        size_t blank = strspn(list, " \t,"), length = strcspn(list + blank, " \t,;");
        list += blank;
        if (length > 0 && !is_coding(list, length, "identity") && !visit(user, list, length))
            return false;
        list += length + strcspn(list + length, ",");
    }
    return true;
}

static bool is_none(void *user, const char *coding, size_t length) {
    (void)user;
    (void)coding;
    (void)length;
    return false;
}

bool scoop_encoded_is(const char *content_encoding) {
    return !each_coding(content_encoding, is_none, NULL);
}

static bool is_gzip(void *user, const char *coding, size_t length) {
    unsigned *count = user;
    ++*count;
    return is_coding(coding, length, "gzip") || is_coding(coding, length, "x-gzip");
}

/* --- what is in there --- */

static int capture_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                         size_t *consumed, struct scoop_error *error) {
    struct scoop_encoded *encoded = (struct scoop_encoded *)stage;
    size_t room = sizeof encoded->head - encoded->head_length;
    size_t taken = length < room ? length : room;
    (void)error;
    memcpy(encoded->head + encoded->head_length, data, taken);
    encoded->head_length += taken;
    *consumed = length;
    return 0;
}

static int capture_finish(struct scoop_stage *stage, struct scoop_error *error) {
    (void)stage;
    (void)error;
    return 0;
}

static void capture_free(struct scoop_stage *stage) {
    (void)stage;
}

static const struct scoop_stage_type capture_type = {"capture", capture_write, capture_finish,
                                                     capture_free, NULL};

struct scoop_encoded *scoop_encoded_new(const char *content_encoding, const char *where,
                                        struct scoop_error *error) {
    unsigned count = 0;
    if (!each_coding(content_encoding, is_gzip, &count) || count > 1) {
        scoop_fail(
            error, SCOOP_UNSUPPORTED,
            "%s: the server sends the body encoded as %s, which was not asked for and is not "
            "decoded here",
            where, content_encoding);
        return NULL;
    }
    struct scoop_encoded *encoded = scoop_calloc(1, sizeof *encoded);
    if (encoded == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    scoop_buf_init(&encoded->raw, MOST_RAW_BYTES + SCOOP_ENCODED_STEP_BYTES);
    encoded->capture = (struct scoop_stage){&capture_type, NULL, &encoded->counters};
    encoded->gunzip = scoop_gunzip_new(NULL, &encoded->counters, error);
    if (encoded->gunzip == NULL) {
        scoop_encoded_free(encoded);
        return NULL;
    }
    encoded->gunzip->next = &encoded->capture;
    return encoded;
}

int scoop_encoded_take(struct scoop_encoded *encoded, const unsigned char *data, size_t length,
                       struct scoop_error *error) {
    struct scoop_error damage = {0};
    if (scoop_buf_append(&encoded->raw, data, length, error) != 0)
        return -1;
    encoded->known = scoop_stage_push(encoded->gunzip, data, length, &damage) != 0 ||
                     encoded->head_length == sizeof encoded->head ||
                     encoded->raw.length >= MOST_RAW_BYTES;
    return 0;
}

void scoop_encoded_free(struct scoop_encoded *encoded) {
    if (encoded == NULL)
        return;
    if (encoded->gunzip != NULL)
        encoded->gunzip->type->free(encoded->gunzip);
    scoop_buf_free(&encoded->raw);
    scoop_free(encoded);
}
