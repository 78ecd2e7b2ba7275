/* The records of a document: their grammar is yajl's to judge, which lags behind the scan, so they
 * wait for its verdict; then they are passed on, or rejected. */
#include <stdio.h>
#include <string.h>

#include "base/record_place.h"
#include "stage/json/document.h"
#include "text/scan.h"

int scoop_document_reject_rest(struct scoop_document *document, struct scoop_document_place place,
                               size_t length, const char *reason, struct scoop_error *error) {
    char text[240];
    size_t most = document->records.options.max_record_bytes;
    const unsigned char *shown = NULL;
    if (place.offset >= document->text_offset)
        shown = document->text.data + (place.offset - document->text_offset);
    if (length > most) {
        length = most < SCOOP_DOCUMENT_HEAD_BYTES ? most : SCOOP_DOCUMENT_HEAD_BYTES;
        if (document->too_long)
            shown = document->head;
    }
    snprintf(text, sizeof text, "%s; the rest of the text is rejected with it", reason);
    struct scoop_reject reject = {.line = place.line,
                                  .byte_offset = place.offset,
                                  .reason = text,
                                  .record = shown,
                                  .record_length = shown == NULL ? 0 : length,
                                  .total_length = length};
    document->dead = true;
    return scoop_records_reject(&document->records, reject, error);
}

static int tell_places(struct scoop_document *document, size_t count, struct scoop_error *error) {
    struct scoop_record_places *places = document->records.options.places;
    size_t from = 0;
    for (size_t i = 0; places != NULL && i < count; i++) {
        const struct scoop_document_record *record = &document->waiting[i];
        const struct scoop_record_place place = {record->start.line, record->start.offset};
        if (scoop_record_places_tell(places, place, 1, record->out_end - from, error) != 0)
            return -1;
        from = record->out_end;
    }
    return 0;
}

/* Passes on the first `count` records of those that wait for yajl's verdict. */
static int emit(struct scoop_document *document, size_t count, struct scoop_error *error) {
    size_t length = count == 0 ? 0 : document->waiting[count - 1].out_end;
    if (tell_places(document, count, error) != 0)
        return -1;
    document->records.counters->records_in += count;
    document->records.counters->records_out += count;
    for (size_t i = 0; i < count; i++)
        document->records.counters->records_changed += document->waiting[i].changed;
    return scoop_stage_push(document->stage.next, document->out.data, length, error);
}

/* yajl refuses the skeleton at bad_at: which record is that? */
static int reject_at(struct scoop_document *document, size_t bad_at, const char *reason,
                     size_t record_end, struct scoop_error *error) {
    struct scoop_document_place between = document->last_end;
    char text[160];
    size_t good = 0;
    snprintf(text, sizeof text, "%s", reason);
    while (good < document->waiting_count && document->waiting[good].skeleton_end <= bad_at)
        between = document->waiting[good++].end;
    if (emit(document, good, error) != 0)
        return -1;
    if (good < document->waiting_count) {
        struct scoop_document_record *bad = &document->waiting[good];
        if (bad_at < bad->skeleton_start)
            return scoop_document_reject_rest(document, between, 0, text, error);
        return scoop_document_reject_rest(document, bad->start, bad->end.offset - bad->start.offset,
                                          text, error);
    }
    if (!document->in_record || bad_at < document->skeleton_start)
        return scoop_document_reject_rest(document, between, 0, text, error);
    return scoop_document_reject_rest(
        document, document->record,
        scoop_document_offset(document, record_end) - document->record.offset, text, error);
}

int scoop_document_check_part(struct scoop_document *document, size_t length, size_t record_end,
                              struct scoop_error *error) {
    size_t bad_at = 0;
    const char *reason = NULL;
    switch (scoop_json_grammar_feed(document->grammar, document->skeleton.data, length, &bad_at,
                                    &reason, error)) {
    case SCOOP_JSON_FAILED:
        return -1;
    case SCOOP_JSON_BAD:
        return reject_at(document, bad_at, reason, record_end, error);
    case SCOOP_JSON_GOOD:
        break;
    }
    if (emit(document, document->waiting_count, error) != 0)
        return -1;
    if (document->waiting_count > 0)
        document->last_end = document->waiting[document->waiting_count - 1].end;
    document->waiting_count = 0;
    document->out.length = 0;
    scoop_buf_consume(&document->skeleton, length);
    document->skeleton_start -=
        length < document->skeleton_start ? length : document->skeleton_start;
    return 0;
}

int scoop_document_check(struct scoop_document *document, size_t record_end,
                         struct scoop_error *error) {
    return scoop_document_check_part(document, document->skeleton.length, record_end, error);
}

int scoop_document_fail(struct scoop_document *document, size_t at, const char *fault,
                        struct scoop_error *error) {
    char reason[160];
    struct scoop_document_place place;
    if (scoop_document_check(document, at + 1, error) != 0)
        return -1;
    if (document->dead)
        return 0;
    place = document->in_record ? document->record : document->last_end;
    snprintf(reason, sizeof reason, "%s (byte %llu of the text)", fault,
             (unsigned long long)scoop_document_offset(document, at) + 1);
    return scoop_document_reject_rest(
        document, place,
        document->in_record ? scoop_document_offset(document, at) + 1 - place.offset : 0, reason,
        error);
}

int scoop_document_begin_record(struct scoop_document *document, struct scoop_error *error) {
    document->in_record = true;
    document->record_depth = document->depth;
    document->record = (struct scoop_document_place){scoop_document_offset(document, document->at),
                                                     document->line};
    document->too_long = document->unstorable = document->clashes = false;
    document->bad = NULL;
    document->keys.count = 0;
    document->last_string = (struct scoop_json_key){0};
    document->string_offset = document->record.offset;
    int status = scoop_document_put(document, " ", 1,
                                    error); /* so that no fault before reaches into the record */
    document->skeleton_start = document->skeleton.length;
    return status;
}

/* A good record's bytes, made one line, to the end of `out`. 0, -1, or 1 with a reason. */
static int write_line(struct scoop_document *document, const unsigned char *data, size_t length,
                      const char **reason, struct scoop_error *error) {
    struct scoop_buf *changed = &document->changed[0];
    if (document->unstorable) {
        changed->length = 0;
        if (scoop_json_replace(data, length, changed, error) != 0)
            return -1;
        data = changed->data;
        length = changed->length;
        changed = &document->changed[1];
    }
    if (document->clashes) {
        struct scoop_error failed = {0};
        changed->length = 0;
        int status = scoop_json_rename(data, length, changed, &failed);
        *reason =
            status > 0 ? SCOOP_JSON_MANY_RENAMES : "longer than max_record_bytes with new keys";
        if (status > 0 || failed.code == SCOOP_TOO_LARGE)
            return 1;
        if (status < 0) {
            *error = failed;
            return -1;
        }
        data = changed->data;
        length = changed->length;
    }
    struct scoop_buf *out = &document->out;
    if (scoop_buf_reserve(out, length + 1, error) != 0)
        return -1;
    scoop_copy_line(out->data + out->length, data, length);
    out->data[out->length + length] = '\n';
    out->length += length + 1;
    return 0;
}

static int wait_for_verdict(struct scoop_document *document, struct scoop_document_place end,
                            struct scoop_error *error) {
    if (document->waiting_count == SCOOP_DOCUMENT_WAITING)
        return scoop_fail(error, SCOOP_INTERNAL, "too many records wait");
    document->waiting[document->waiting_count++] =
        (struct scoop_document_record){.start = document->record,
                                       .end = end,
                                       .out_end = document->out.length,
                                       .skeleton_start = document->skeleton_start,
                                       .skeleton_end = document->skeleton.length,
                                       .changed = document->unstorable || document->clashes};
    return 0;
}

/* The record's value is bad, but it is well-formed, and so is what comes before. */
static int reject_record(struct scoop_document *document, size_t end, const char *reason,
                         struct scoop_error *error) {
    struct scoop_reject reject = {.line = document->record.line,
                                  .byte_offset = document->record.offset,
                                  .reason = reason,
                                  .total_length = scoop_document_offset(document, end) -
                                                  document->record.offset};
    if (scoop_document_check(document, end, error) != 0)
        return -1;
    if (document->dead)
        return 0;
    size_t most = document->records.options.max_record_bytes;
    reject.record = document->too_long ? document->head
                                       : document->text.data + scoop_document_record_at(document);
    reject.record_length = reject.total_length < most ? (size_t)reject.total_length : most;
    if (document->too_long && reject.record_length > document->head_length)
        reject.record_length = document->head_length;
    document->in_record = false;
    document->last_end =
        (struct scoop_document_place){scoop_document_offset(document, end), document->line};
    return scoop_records_reject(&document->records, reject, error);
}

int scoop_document_end_record(struct scoop_document *document, size_t end,
                              struct scoop_error *error) {
    size_t most = document->records.options.max_record_bytes;
    uint64_t length = scoop_document_offset(document, end) - document->record.offset;
    const char *reason = document->bad;
    char text[80];
    if (scoop_document_put(document, "\n", 1, error) != 0)
        return -1;
    if (length > most) {
        snprintf(text, sizeof text, "longer than max_record_bytes, %zu", most);
        return reject_record(document, end, text, error);
    }
    if (reason != NULL)
        return reject_record(document, end, reason, error);
    int status = write_line(document, document->text.data + scoop_document_record_at(document),
                            (size_t)length, &reason, error);
    if (status != 0)
        return status < 0 ? -1 : reject_record(document, end, reason, error);
    document->in_record = false;
    if (wait_for_verdict(
            document,
            (struct scoop_document_place){scoop_document_offset(document, end), document->line},
            error) != 0)
        return -1;
    if (document->waiting_count == SCOOP_DOCUMENT_WAITING ||
        document->skeleton.length >= SCOOP_STEP_BYTES || document->out.length >= SCOOP_STEP_BYTES)
        return scoop_document_check(document, end, error);
    return 0;
}
