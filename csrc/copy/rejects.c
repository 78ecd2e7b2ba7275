#include "base/error_facts.h"
#include "copy/rejects.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/uri.h"
#include "base/invariant.h"
#include "base/record_place.h"
#include "scoop/memory.h"
#include "stage/records.h"
#include "text/escapes.h"
#include "text/text.h"
#include "text/utf8.h"

enum { LINES_CEILING = 4 * 1024 * 1024, SNIPPET_BYTES = 1024 };

void scoop_rejects_init(struct scoop_rejects *rejects) {
    memset(rejects, 0, sizeof *rejects);
    scoop_buf_init(&rejects->lines, LINES_CEILING);
}

void scoop_rejects_free(struct scoop_rejects *rejects) {
    scoop_s3_cancel(rejects->call);
    if (rejects->sink != NULL)
        rejects->sink->type->free(rejects->sink);
    scoop_buf_free(&rejects->lines);
}

void scoop_rejects_forget(struct scoop_rejects *rejects) {
    rejects->count = 0;
    rejects->first[0] = 0;
    rejects->lines.length = 0;
}

/* Appends a JSON string; bytes that are not UTF-8 become U+FFFD. */
static int append_json(struct scoop_buf *buf, const void *data, size_t length,
                       struct scoop_error *error) {
    const unsigned char *text = data;
    int status = scoop_buf_append(buf, "\"", 1, error);
    for (size_t i = 0; i < length && status == 0;) {
        unsigned char made[SCOOP_ESCAPE_MOST];
        bool whole;
        size_t taken = scoop_utf8_take(text + i, length - i, &whole);
        if (!whole)
            status = scoop_buf_append(buf, made, scoop_utf8_encode(SCOOP_REPLACEMENT, made), error);
        else if (scoop_needs_escape(text[i]))
            status = scoop_buf_append(buf, made, (size_t)(scoop_escape_write(made, text[i]) - made),
                                      error);
        else
            status = scoop_buf_append(buf, text + i, taken, error);
        i += whole ? taken : 1;
    }
    return status == 0 ? scoop_buf_append(buf, "\"", 1, error) : -1;
}

static int keep(struct scoop_rejects *rejects, const struct scoop_reject *reject,
                struct scoop_error *error) {
    struct scoop_buf *lines = &rejects->lines;
    size_t snippet = reject->record_length < SNIPPET_BYTES ? reject->record_length : SNIPPET_BYTES;
    int status = scoop_buf_append_text(lines, "{\"source\":", error);
    if (status == 0)
        status = append_json(lines, rejects->source, strlen(rejects->source), error);
    if (status == 0)
        status = scoop_buf_printf(
            lines, error, ",\"line\":%llu,\"byte_offset\":", (unsigned long long)reject->line);
    if (status == 0)
        status =
            reject->byte_offset == SCOOP_NO_OFFSET
                ? scoop_buf_append_text(lines, "null", error)
                : scoop_buf_printf(lines, error, "%llu", (unsigned long long)reject->byte_offset);
    if (status == 0)
        status = scoop_buf_printf(
            lines, error, ",\"length\":%llu,\"reason\":", (unsigned long long)reject->total_length);
    if (status == 0)
        status = append_json(lines, reject->reason, strlen(reject->reason), error);
    if (status == 0)
        status = scoop_buf_append_text(lines, ",\"snippet\":", error);
    if (status == 0)
        status = append_json(lines, reject->record, snippet, error);
    return status == 0 ? scoop_buf_append(lines, "}\n", 2, error) : -1;
}

static int refuse(const struct scoop_rejects *rejects, const struct scoop_reject *reject,
                  enum scoop_code code, const char *why, struct scoop_error *error) {
    const struct scoop_record_place place = {reject->line, reject->byte_offset};
    char where[SCOOP_PLACE_SIZE], beginning[SCOOP_BEGINNING_SIZE];
    scoop_record_place_print(where, place);
    scoop_reject_beginning(reject, beginning);
    scoop_fail(error, code, "%s: %s: %s%s%s", rejects->source, where, reject->reason, why,
               beginning);
    scoop_reject_note(reject, error);
    scoop_text_print(error->record.source, sizeof error->record.source, "%s", rejects->source);
    return -1;
}

static int refuse_many(const struct scoop_rejects *rejects, const struct scoop_reject *reject,
                       struct scoop_error *error) {
    refuse(rejects, reject, SCOOP_TOO_MANY_REJECTED, " (and max_rejected is reached)", error);
    scoop_error_text(error, SCOOP_FACT_LIMIT_NAME, "max_rejected");
    scoop_error_number(error, SCOOP_FACT_LIMIT, (int64_t)rejects->max_rejected);
    return -1;
}

static void note_first(struct scoop_rejects *rejects, const struct scoop_reject *reject) {
    const struct scoop_record_place place = {reject->line, reject->byte_offset};
    char where[SCOOP_PLACE_SIZE];
    scoop_record_place_print(where, place);
    scoop_text_print(rejects->first, sizeof rejects->first, "%s: %s", where, reject->reason);
}

int scoop_rejects_take(void *user, const struct scoop_reject *reject, struct scoop_error *error) {
    struct scoop_rejects *rejects = user;
    struct scoop_error full = {0};
    if (rejects->count++ == 0)
        note_first(rejects, reject);
    if (rejects->max_rejected == 0)
        return refuse(rejects, reject, SCOOP_BAD_RECORD, "", error);
    if (rejects->count > rejects->max_rejected)
        return refuse_many(rejects, reject, error);
    if (rejects->uri == NULL) {
        if (rejects->count <= rejects->shows)
            keep(rejects, reject, &full); /* as many as there is room for */
        return 0;
    }
    if (keep(rejects, reject, &full) == 0)
        return 0;
    if (full.code == SCOOP_TOO_LARGE)
        return refuse(rejects, reject, SCOOP_TOO_MANY_REJECTED, " (and the reject file is full)",
                      error);
    *error = full;
    return -1;
}

static void end_with(struct scoop_rejects *rejects, const struct scoop_error *error) {
    rejects->done = true;
    rejects->failed = error->code != SCOOP_OK;
    rejects->error = *error;
}

static void deleted(void *user, struct scoop_http_exchange *exchange,
                    const struct scoop_error *error) {
    struct scoop_rejects *rejects = user;
    (void)exchange;
    rejects->call = NULL;
    end_with(rejects, error);
}

static int ask(struct scoop_rejects *rejects, const char *method, const char *action,
               void (*on_done)(void *, struct scoop_http_exchange *, const struct scoop_error *),
               struct scoop_error *error) {
    struct scoop_s3_uri place;
    if (scoop_s3_uri_parse(rejects->uri, &place, error) != 0)
        return -1;
    struct scoop_s3_request request = {
        .method = method,
        .action = action,
        .bucket = place.bucket,
        .key = place.key,
        .on_done = on_done,
        .user = rejects,
    };
    rejects->call = scoop_s3_start(rejects->client, &request, error);
    return rejects->call == NULL ? -1 : 0;
}

static void looked(void *user, struct scoop_http_exchange *exchange,
                   const struct scoop_error *error) {
    struct scoop_rejects *rejects = user;
    struct scoop_error failure = {0};
    (void)exchange;
    rejects->call = NULL;
    if (error->code == SCOOP_NOT_FOUND || error->code == SCOOP_ACCESS_DENIED)
        end_with(rejects, &failure);
    else if (error->code != SCOOP_OK)
        end_with(rejects, error);
    else if (ask(rejects, "DELETE", "s3:DeleteObject", deleted, &failure) != 0)
        end_with(rejects, &failure);
}

static int remove_stale(struct scoop_rejects *rejects, struct scoop_error *error) {
    if (rejects->client != NULL)
        return ask(rejects, "HEAD", "s3:GetObject", looked, error);
    rejects->done = true;
    if (unlink(rejects->uri) != 0 && errno != ENOENT && errno != ENOTDIR)
        return scoop_fail_file(error, errno, "removing the earlier", rejects->uri);
    return 0;
}

/* Makes the folders of a local reject file, which no one else has a reason to make. */
static int make_folders(const char *path, struct scoop_error *error) {
    char *folder = scoop_strdup(path);
    int status = folder == NULL ? scoop_fail_memory(error) : 0;
    for (char *c = folder; status == 0 && (c = strchr(c + 1, '/')) != NULL; *c = '/') {
        *c = 0;
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            status = scoop_fail_file(error, errno, "making the folder", folder);
    }
    scoop_free(folder);
    return status;
}

static int open_sink(struct scoop_rejects *rejects, struct scoop_error *error) {
    struct scoop_s3_uri place;
    if (rejects->client == NULL) {
        if (make_folders(rejects->uri, error) != 0)
            return -1;
        rejects->sink = scoop_file_sink_new(rejects->uri, false, false, error);
        return rejects->sink == NULL ? -1 : 0;
    }
    if (scoop_s3_uri_parse(rejects->uri, &place, error) != 0)
        return -1;
    struct scoop_s3_sink_options options = {
        .client = rejects->client,
        .bucket = place.bucket,
        .key = place.key,
        .budget = rejects->budget,
        .temp_folder = rejects->temp_folder,
        .checksum = rejects->checksum,
        .plan = scoop_part_plan_growing(SCOOP_REJECTS_PART_BYTES),
        .memory_bytes = 2 * SCOOP_REJECTS_PART_BYTES,
        .buffers = 2,
        .content_type = "application/x-ndjson",
        .object = &rejects->object,
    };
    rejects->sink = scoop_s3_sink_new(&options, error);
    return rejects->sink == NULL ? -1 : 0;
}

static int write_file(struct scoop_rejects *rejects, struct scoop_error *error) {
    if (open_sink(rejects, error) != 0)
        return -1;
    const struct scoop_sink_type *type = rejects->sink->type;
    if (type->write(rejects->sink, rejects->lines.data, rejects->lines.length, error) != 0)
        return -1;
    return type->seal(rejects->sink, error);
}

static void looked_before(void *user, struct scoop_http_exchange *exchange,
                          const struct scoop_error *error) {
    struct scoop_rejects *rejects = user;
    struct scoop_error failure = {0};
    (void)exchange;
    rejects->call = NULL;
    rejects->replaces = error->code != SCOOP_NOT_FOUND;
    if (write_file(rejects, &failure) != 0)
        end_with(rejects, &failure);
}

int scoop_rejects_begin(struct scoop_rejects *rejects, struct scoop_error *error) {
    rejects->done = rejects->uri == NULL || rejects->count == 0;
    if (rejects->done)
        return 0;
    if (rejects->client != NULL)
        return ask(rejects, "HEAD", "s3:GetObject", looked_before, error);
    rejects->replaces = access(rejects->uri, F_OK) == 0;
    return write_file(rejects, error);
}

void scoop_rejects_abort(struct scoop_rejects *rejects) {
    struct scoop_error ignored = {0};
    struct scoop_sink *sink = rejects->sink;
    scoop_s3_cancel(rejects->call);
    rejects->call = NULL;
    if (sink != NULL && sink->type->poll(sink, &ignored) != SCOOP_SINK_COMMITTED)
        sink->type->abort(sink);
}

static void remove_written(struct scoop_rejects *rejects) {
    struct scoop_error error = {0};
    rejects->removes = true;
    rejects->done = rejects->written = false;
    if (rejects->client == NULL)
        unlink(rejects->uri);
    rejects->done =
        rejects->client == NULL || ask(rejects, "DELETE", "s3:DeleteObject", deleted, &error) != 0;
}

bool scoop_rejects_take_back(struct scoop_rejects *rejects) {
    struct scoop_error ignored = {0};
    struct scoop_sink_facts facts;
    if (rejects->sink == NULL || rejects->replaces)
        return true;
    enum scoop_sink_state state = rejects->sink->type->poll(rejects->sink, &ignored);
    scoop_sink_facts(rejects->sink, &facts);
    if (state == SCOOP_SINK_ABORTING)
        return false;
    if (state != SCOOP_SINK_COMMITTED && !facts.in_doubt)
        return true;
    if (!rejects->removes)
        remove_written(rejects);
    return rejects->done;
}

bool scoop_rejects_must_clean(const struct scoop_rejects *rejects) {
    return rejects->uri != NULL && rejects->max_rejected > 0 && rejects->count == 0;
}

int scoop_rejects_clean(struct scoop_rejects *rejects, struct scoop_error *error) {
    if (!scoop_rejects_must_clean(rejects))
        return 0;
    rejects->done = false;
    return remove_stale(rejects, error);
}

static int poll_sink(struct scoop_rejects *rejects, struct scoop_error *error) {
    const struct scoop_sink_type *type = rejects->sink->type;
    switch (type->poll(rejects->sink, error)) {
    case SCOOP_SINK_SEALED:
        return type->commit(rejects->sink, error);
    case SCOOP_SINK_COMMITTED:
        rejects->done = rejects->written = true;
        return 1;
    case SCOOP_SINK_FAILED:
        return -1;
    default:
        return 0;
    }
}

int scoop_rejects_poll(struct scoop_rejects *rejects, struct scoop_error *error) {
    if (rejects->sink != NULL && !rejects->done && !rejects->failed)
        return poll_sink(rejects, error);
    if (rejects->failed)
        *error = rejects->error;
    else if (!SCOOP_INVARIANT(rejects->done || rejects->call != NULL, error))
        return -1;
    return rejects->failed ? -1 : rejects->done;
}
