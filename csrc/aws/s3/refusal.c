#include "aws/s3/refusal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/error_codes.h"
#include "text/text.h"

enum {
    MOST_TOLD_BYTES = 300, /* of the server's message: what to do has to fit behind it */
    SKEW_SECONDS = 240,    /* between two clocks: less explains nothing */
    TIME_SIZE = sizeof "2026-01-31T12:00:00Z",
};

struct words {
    char text[sizeof((struct scoop_error *)0)->message];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *format,
                                                      ...) {
    va_list arguments;
    va_start(arguments, format);
    words->length += scoop_text_vprint(words->text + words->length,
                                       sizeof words->text - words->length, format, arguments);
    va_end(arguments);
}

static bool write_time(int64_t seconds, char text[TIME_SIZE]) {
    struct tm utc;
    time_t time = seconds;
    return gmtime_r(&time, &utc) != NULL &&
           strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0;
}

/* Both times: as the answer tells them, or when they differ so much that it explains a refusal. */
static void add_clocks(struct words *words, const struct scoop_s3_refusal *refusal) {
    const struct scoop_s3_error *body = refusal->body;
    char own[TIME_SIZE], server[TIME_SIZE];
    const char *signed_at = body->request_time, *clock = body->server_time;
    if (signed_at[0] == 0 || clock[0] == 0) {
        int64_t apart = refusal->server_clock - refusal->signed_at;
        if (refusal->status != 403 || refusal->server_clock < 0 || llabs(apart) <= SKEW_SECONDS ||
            !write_time(refusal->signed_at, own) || !write_time(refusal->server_clock, server))
            return;
        signed_at = own;
        clock = server;
    }
    add(words, "; the request was signed at %.40s, the server's clock said %.40s", signed_at,
        clock);
}

static bool redirects(const struct scoop_s3_refusal *refusal) {
    const char *code = refusal->body->code;
    return scoop_aws_classify(SCOOP_AWS_S3, refusal->status, code).wrong_region ||
           refusal->status == 400;
}

static void add_facts(struct words *words, const struct scoop_s3_refusal *refusal) {
    const struct scoop_s3_error *body = refusal->body;
    const char *region = refusal->region != NULL ? refusal->region : body->region;
    if (redirects(refusal) && region[0] != 0)
        add(words, "; the bucket is in the region %.60s", region);
    if (redirects(refusal) && body->endpoint[0] != 0)
        add(words, "; its endpoint is %.120s", body->endpoint);
    if (body->storage_class[0] != 0)
        add(words, "; its storage class is %.30s", body->storage_class);
    if (refusal->delete_marker)
        add(words, "; it was deleted: this version is a delete marker");
    add_clocks(words, refusal);
}

/* The table's sentence; {action} stands for the permission that is needed. */
static void add_advice(struct words *words, const struct scoop_s3_refusal *refusal) {
    static const char action[] = "{action}";
    const char *about = refusal->delete_marker ? "delete marker" : refusal->body->message;
    const char *advice = scoop_aws_advice(refusal->status, refusal->body->code, about);
    const char *mark = advice == NULL ? NULL : strstr(advice, action);
    if (mark != NULL)
        add(words, "; %.*s%s%s", (int)(mark - advice), advice, refusal->action,
            mark + sizeof action - 1);
    else if (advice != NULL)
        add(words, "; %s", advice);
    if (mark != NULL && refusal->reads_key && refusal->status == 403)
        add(words, "; S3 answers so for a key that is not there, too, to who may not list the "
                   "bucket (s3:ListBucket)");
}

void scoop_s3_explain(const struct scoop_s3_refusal *refusal, enum scoop_code code,
                      struct scoop_error *error) {
    const struct scoop_s3_error *body = refusal->body;
    struct words words = {.length = 0};
    add(&words, "%s %.320s: HTTP %d", refusal->method, refusal->where, refusal->status);
    if (body->code[0] != 0)
        add(&words, " %s", body->code);
    if (body->message[0] != 0)
        add(&words, ": %.*s", MOST_TOLD_BYTES, body->message);
    add_facts(&words, refusal);
    add_advice(&words, refusal);
    scoop_fail(error, code, "%s", words.text);
    error->http_status = refusal->status;
}
