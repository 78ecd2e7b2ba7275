/* A JSON document's array, or values one after another -> one checked value per line. All of the
 * text is scanned as it comes, and its skeleton checked by yajl; only a record that has not ended
 * is kept. After a fault of the grammar nothing tells where a value begins: the rest of the text is
 * rejected with the record. */
#include <stdio.h>
#include <string.h>

#include "stage/json/document.h"
#include "scoop/memory.h"
#include "text/bom.h"
#include "text/scan.h"
#include "text/utf8.h"

static uint64_t offset_at(const struct scoop_document *document, size_t at) {
    return document->text_offset + at;
}

/* The rest of the text is one reject, which begins where the current record does, or else behind
 * the last one. `length`: bytes of it to show. */
static int reject_rest(struct scoop_document *document, struct scoop_document_place place,
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

/* Passes on the first `count` records of those that wait for yajl's verdict. */
static int emit(struct scoop_document *document, size_t count, struct scoop_error *error) {
    size_t length = count == 0 ? 0 : document->waiting[count - 1].out_end;
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
            return reject_rest(document, between, 0, text, error);
        return reject_rest(document, bad->start, bad->end.offset - bad->start.offset, text, error);
    }
    if (!document->in_record || bad_at < document->skeleton_start)
        return reject_rest(document, between, 0, text, error);
    return reject_rest(document, document->record,
                       offset_at(document, record_end) - document->record.offset, text, error);
}

/* Has yajl check the first `length` bytes of the skeleton, and passes the records in it on.
 * record_end: where the current record ends, should the fault be in it. */
static int check_skeleton(struct scoop_document *document, size_t length, size_t record_end,
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

static int check_all(struct scoop_document *document, size_t record_end,
                     struct scoop_error *error) {
    return check_skeleton(document, document->skeleton.length, record_end, error);
}

/* A fault of the text at `at`: an earlier one that only yajl sees comes first. */
static int fail_text(struct scoop_document *document, size_t at, const char *fault,
                     struct scoop_error *error) {
    char reason[160];
    struct scoop_document_place place;
    if (check_all(document, at + 1, error) != 0)
        return -1;
    if (document->dead)
        return 0;
    place = document->in_record ? document->record : document->last_end;
    snprintf(reason, sizeof reason, "%s (byte %llu of the text)", fault,
             (unsigned long long)offset_at(document, at) + 1);
    return reject_rest(document, place,
                       document->in_record ? offset_at(document, at) + 1 - place.offset : 0, reason,
                       error);
}

static int put(struct scoop_document *document, const void *data, size_t length,
               struct scoop_error *error) {
    return scoop_buf_append(&document->skeleton, data, length, error);
}

static bool begins_record(const struct scoop_document *document) {
    if (document->in_record)
        return false;
    return document->path == NULL
               ? document->depth == 0
               : document->array_depth > 0 && document->depth == document->array_depth;
}

/* The document is not as the path says, unless yajl finds that it is not even JSON. */
static int fail_path(struct scoop_document *document, bool last, struct scoop_error *error) {
    const struct scoop_document_path *path = document->path;
    if (check_all(document, document->at, error) != 0)
        return -1;
    if (document->dead)
        return 0;
    if (path->count == 0)
        return scoop_fail(error, SCOOP_BAD_RECORD,
                          "the document is not an array; if one is inside it, give its path as "
                          "records");
    if (last && document->found)
        return scoop_fail(error, SCOOP_BAD_RECORD, "records %s stands twice in the document",
                          path->text);
    return scoop_fail(error, SCOOP_BAD_RECORD,
                      "records %s: the value there, or on the way there, is not %s", path->text,
                      last ? "an array" : "an object");
}

/* A value begins at `at`, in the frame around the records: is it on the path to them? *opens: the
 * array. 1: it is a second document. */
static int follow_path(struct scoop_document *document, unsigned char first, bool *opens,
                       struct scoop_error *error) {
    bool last = document->level == document->path->count;
    if (document->depth == 0 && document->begun)
        return 1;
    if (document->depth > 0 && !document->expects)
        return 0;
    document->begun = true;
    document->expects = false;
    if (first != (last ? '[' : '{') || (last && document->found))
        return fail_path(document, last, error);
    *opens = last;
    document->on_path = document->depth + 1;
    return 0;
}

static int begin_record(struct scoop_document *document, struct scoop_error *error) {
    document->in_record = true;
    document->record_depth = document->depth;
    document->record =
        (struct scoop_document_place){offset_at(document, document->at), document->line};
    document->too_long = document->unstorable = document->clashes = false;
    document->bad = NULL;
    document->keys.count = 0;
    document->last_string = (struct scoop_json_key){0};
    document->string_offset = document->record.offset;
    int status = put(document, " ", 1, error); /* so that no fault before reaches into the record */
    document->skeleton_start = document->skeleton.length;
    return status;
}

static size_t record_at(const struct scoop_document *document) {
    return (size_t)(document->record.offset - document->text_offset);
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
    size_t start = document->out.length;
    if (scoop_buf_append(&document->out, data, length, error) != 0 ||
        scoop_buf_append(&document->out, "\n", 1, error) != 0)
        return -1;
    unsigned char *p = document->out.data + start, *end = p + length;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL)
        *p = ' ';
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
                                  .total_length =
                                      offset_at(document, end) - document->record.offset};
    if (check_all(document, end, error) != 0)
        return -1;
    if (document->dead)
        return 0;
    size_t most = document->records.options.max_record_bytes;
    reject.record = document->too_long ? document->head : document->text.data + record_at(document);
    reject.record_length = reject.total_length < most ? (size_t)reject.total_length : most;
    if (document->too_long && reject.record_length > document->head_length)
        reject.record_length = document->head_length;
    document->in_record = false;
    document->last_end = (struct scoop_document_place){offset_at(document, end), document->line};
    return scoop_records_reject(&document->records, reject, error);
}

static int end_record(struct scoop_document *document, size_t end, struct scoop_error *error) {
    size_t most = document->records.options.max_record_bytes;
    uint64_t length = offset_at(document, end) - document->record.offset;
    const char *reason = document->bad;
    char text[80];
    if (put(document, "\n", 1, error) != 0)
        return -1;
    if (length > most) {
        snprintf(text, sizeof text, "longer than max_record_bytes, %zu", most);
        return reject_record(document, end, text, error);
    }
    if (reason != NULL)
        return reject_record(document, end, reason, error);
    int status = write_line(document, document->text.data + record_at(document), (size_t)length,
                            &reason, error);
    if (status != 0)
        return status < 0 ? -1 : reject_record(document, end, reason, error);
    document->in_record = false;
    if (wait_for_verdict(document,
                         (struct scoop_document_place){offset_at(document, end), document->line},
                         error) != 0)
        return -1;
    if (document->waiting_count == SCOOP_DOCUMENT_WAITING ||
        document->skeleton.length >= SCOOP_STEP_BYTES || document->out.length >= SCOOP_STEP_BYTES)
        return check_all(document, end, error);
    return 0;
}

/* A string, bare word or bracket ended at `end`: was it all of the record? */
static int end_value(struct scoop_document *document, size_t end, struct scoop_error *error) {
    document->at = end;
    if (document->in_record && document->depth == document->record_depth)
        return end_record(document, end, error);
    return 0;
}

static int begin_value(struct scoop_document *document, unsigned char first, bool *opens,
                       struct scoop_error *error) {
    *opens = false;
    if (begins_record(document))
        return begin_record(document, error);
    return document->in_record ? 0 : follow_path(document, first, opens, error);
}

static int end_string(struct scoop_document *document, size_t end, struct scoop_error *error) {
    const struct scoop_document_path *path = document->path;
    document->in_string = false;
    document->last_string.length = (size_t)(offset_at(document, end) - 1 - document->string_offset);
    document->matches = false;
    if (!document->in_record && document->string_kept && path != NULL &&
        document->level < path->count) {
        struct scoop_json_key step = {path->steps[document->level].text,
                                      path->steps[document->level].length, false};
        document->last_string.text =
            document->text.data + (document->string_offset - document->text_offset);
        document->matches = scoop_json_key_equals(document->last_string, step);
    }
    return end_value(document, end, error);
}

/* Goes on inside a string. *more: what follows is needed. */
static int scan_string(struct scoop_document *document, bool final, bool *more,
                       struct scoop_error *error) {
    const unsigned char *data = document->text.data, *end = data + document->text.length;
    const unsigned char *p = data + document->at;
    for (;;) {
        const char *fault = "a string holds a raw control character";
        bool unstorable = false;
        size_t length = 0;
        p = scoop_skip_plain(p, end, '"');
        document->at = (size_t)(p - data);
        if (p == end || (*p != '"' && !final && end - p < SCOOP_DOCUMENT_AHEAD)) {
            *more = true;
            return 0;
        }
        if (*p == '"')
            return end_string(document, document->at + 1, error);
        if (*p == '\\') {
            length = scoop_json_escape(p, &fault, &unstorable);
            document->last_string.escaped = true;
        } else if (*p >= 0x80) {
            fault = "a string is not valid UTF-8";
            length = scoop_utf8_sequence(p);
        }
        if (length == 0)
            return fail_text(document, document->at, fault, error);
        if (unstorable && !document->records.options.replace_invalid && document->bad == NULL)
            document->bad = fault;
        document->unstorable |= unstorable;
        p += length;
    }
}

static int begin_string(struct scoop_document *document, struct scoop_error *error) {
    document->in_string = true;
    document->last_string = (struct scoop_json_key){0};
    document->at++;
    document->string_offset = offset_at(document, document->at);
    document->string_kept = !document->in_record && document->depth == document->on_path;
    return put(document, "\"\"", 2, error);
}

static bool compares_keys(const struct scoop_document *document) {
    return document->in_record && !document->too_long &&
           document->records.options.key_case != SCOOP_KEY_CASE_KEEP;
}

static int take_colon(struct scoop_document *document, struct scoop_error *error) {
    if (!document->in_record)
        document->expects = document->matches && document->depth == document->on_path;
    if (document->expects)
        document->level++;
    document->matches = false;
    if (!compares_keys(document))
        return 0;
    struct scoop_json_key key = document->last_string;
    key.text = document->text.data + (document->string_offset - document->text_offset);
    size_t at = (size_t)(document->string_offset - document->record.offset);
    return scoop_json_keys_add(&document->keys, key, at) == 0 ? 0 : scoop_fail_memory(error);
}

static int open_bracket(struct scoop_document *document, bool opens, struct scoop_error *error) {
    if (document->depth == SCOOP_JSON_MAX_DEPTH)
        return fail_text(document, document->at, "nesting deeper than 1000", error);
    document->bases[document->depth++] = document->keys.count;
    document->at++;
    if (opens) {
        document->found = true;
        document->array_depth = document->depth;
    }
    return 0;
}

static void close_keys(struct scoop_document *document) {
    struct scoop_json_halves record = {.second = document->text.data + record_at(document)};
    size_t at;
    bool same = false;
    if (scoop_json_keys_close(&document->keys, document->bases[document->depth], record, &at,
                              &same))
        return;
    document->clashes = true;
    if (document->records.options.key_case == SCOOP_KEY_CASE_REJECT && document->bad == NULL)
        document->bad = same ? SCOOP_JSON_SAME_KEY : SCOOP_JSON_SAME_KEY_BUT_FOR_CASE;
}

static int close_bracket(struct scoop_document *document, struct scoop_error *error) {
    document->depth--;
    if (compares_keys(document))
        close_keys(document);
    if (document->array_depth > document->depth)
        document->array_depth = 0;
    if (!document->in_record && document->on_path > document->depth) {
        document->on_path = document->depth;
        if (document->level > 0)
            document->level--;
    }
    return end_value(document, document->at + 1, error);
}

static int begin_bare(struct scoop_document *document) {
    document->in_bare = true;
    document->bare_offset = offset_at(document, document->at);
    return 0;
}

/* Goes on inside a number or word. */
static int scan_bare(struct scoop_document *document, bool final, bool *more,
                     struct scoop_error *error) {
    const unsigned char *data = document->text.data;
    size_t start = document->at, at = start;
    while (at < document->text.length && scoop_json_is_bare(data[at]))
        at++;
    *more = at == document->text.length && !final;
    document->at = at;
    if (put(document, data + start, at - start, error) != 0)
        return -1;
    if (*more)
        return 0;
    document->in_bare = false;
    uint64_t length = offset_at(document, at) - document->bare_offset;
    bool alone = document->in_record && document->depth == document->record_depth &&
                 length <= document->records.options.max_record_bytes;
    if (alone && !scoop_json_is_scalar(data + at - length, (size_t)length))
        return fail_text(document, at - (size_t)length, "an invalid number or word", error);
    return end_value(document, at, error);
}

static int take_value(struct scoop_document *document, unsigned char byte,
                      struct scoop_error *error) {
    bool opens = false;
    int status = begin_value(document, byte, &opens, error);
    if (status != 0)
        return status < 0 ? -1 : fail_text(document, document->at, "more than one document", error);
    if (byte == '"')
        return begin_string(document, error);
    if (byte != '[' && byte != '{')
        return begin_bare(document);
    if (put(document, &byte, 1, error) != 0)
        return -1;
    return open_bracket(document, opens, error);
}

static int take_token(struct scoop_document *document, struct scoop_error *error) {
    unsigned char byte = document->text.data[document->at];
    if (byte == '"' || byte == '[' || byte == '{' || scoop_json_is_bare(byte))
        return take_value(document, byte, error);
    if (byte == '\n')
        document->line++;
    else if (byte != ' ' && byte != '\t' && byte != '\r' && byte != ',' && byte != ':' &&
             byte != ']' && byte != '}')
        return fail_text(document, document->at, scoop_json_name_bad(byte), error);
    if (byte <= ' ')
        byte = ' ';
    if (byte != ' ' && document->depth == 0)
        return fail_text(document, document->at,
                         byte == ',' || byte == ':' ? "a comma or colon outside brackets"
                                                    : "a closing bracket without its opening one",
                         error);
    if (put(document, &byte, 1, error) != 0)
        return -1;
    if (byte == ']' || byte == '}')
        return close_bracket(document, error);
    document->at++;
    return byte == ':' ? take_colon(document, error) : 0;
}

/* Scans what there is; what may go on in bytes to come is left. */
static int scan(struct scoop_document *document, bool final, struct scoop_error *error) {
    bool more = false;
    document->text.data[document->text.length] = '\n'; /* ends every look ahead */
    while (!more && !document->dead && document->at < document->text.length) {
        int status = document->in_string ? scan_string(document, final, &more, error)
                     : document->in_bare ? scan_bare(document, final, &more, error)
                                         : take_token(document, error);
        if (status != 0)
            return -1;
    }
    return 0;
}

/* Of a record beyond the limit only its beginning is kept, to be shown. */
static void note_too_long(struct scoop_document *document) {
    size_t most = document->records.options.max_record_bytes;
    if (!document->in_record || document->too_long ||
        offset_at(document, document->at) - document->record.offset <= most)
        return;
    document->too_long = true;
    document->head_length = most < sizeof document->head ? most : sizeof document->head;
    memcpy(document->head, document->text.data + record_at(document), document->head_length);
}

/* Drops what nobody looks at again. What waits for yajl's verdict was scanned: that comes first,
 * but for a record that has not ended, unless it is too long to be kept. */
static int drop_text(struct scoop_document *document, struct scoop_error *error) {
    size_t checked = document->in_record && !document->too_long ? document->skeleton_start
                                                                : document->skeleton.length;
    if (check_skeleton(document, checked, document->at, error) != 0)
        return -1;
    size_t keep_from = document->at;
    if (document->in_record && !document->too_long)
        keep_from = record_at(document);
    else if (document->in_string && document->string_kept)
        keep_from = (size_t)(document->string_offset - document->text_offset);
    if (document->dead)
        keep_from = document->text.length;
    if (document->string_kept && document->at - keep_from > SCOOP_DOCUMENT_HEAD_BYTES) {
        document->string_kept = false;
        keep_from = document->in_record ? keep_from : document->at;
    }
    scoop_buf_consume(&document->text, keep_from);
    document->text_offset += keep_from;
    document->at -= document->dead ? document->at : keep_from;
    return 0;
}

/* A mark at the very start is no part of the text, but its bytes are counted. False: more is needed
 * to tell. */
static bool pass_mark(struct scoop_document *document, bool final) {
    if (document->past_mark)
        return true;
    size_t matched = scoop_bom_match(0, document->text.data, document->text.length);
    if (matched == document->text.length && matched < SCOOP_BOM_BYTES && !final)
        return false;
    document->past_mark = true;
    if (matched == SCOOP_BOM_BYTES) {
        document->at = SCOOP_BOM_BYTES;
        document->records.counters->bom_stripped = true;
        document->last_end.offset = SCOOP_BOM_BYTES;
    }
    return true;
}

static int document_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                          size_t *consumed, struct scoop_error *error) {
    struct scoop_document *document = (struct scoop_document *)stage;
    *consumed = length < SCOOP_STEP_BYTES ? length : SCOOP_STEP_BYTES;
    if (document->dead || length == 0)
        return 0;
    if (scoop_buf_append(&document->text, data, *consumed, error) != 0)
        return -1;
    if (!pass_mark(document, false))
        return 0;
    if (scan(document, false, error) != 0)
        return -1;
    note_too_long(document);
    return document->dead ? 0 : drop_text(document, error);
}

static int check_end(struct scoop_document *document, struct scoop_error *error) {
    const struct scoop_document_path *path = document->path;
    if (document->dead)
        return 0;
    if (document->depth > 0 || document->in_string) {
        document->at = document->text.length;
        return reject_rest(
            document, document->in_record ? document->record : document->last_end,
            document->in_record ? offset_at(document, document->at) - document->record.offset : 0,
            "the text ends inside a value", error);
    }
    if (path == NULL || document->found)
        return 0;
    if (!document->begun)
        return scoop_fail(error, SCOOP_BAD_RECORD, "the text is empty: it holds no array");
    return scoop_fail(error, SCOOP_BAD_RECORD, "records %s: the document has no such path",
                      path->text);
}

static int document_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct scoop_document *document = (struct scoop_document *)stage;
    bool more;
    if (document->dead)
        return 0;
    if (document->text.length > 0) {
        pass_mark(document, true);
        if (scan(document, true, error) != 0)
            return -1;
    }
    if (!document->dead && document->in_bare && scan_bare(document, true, &more, error) != 0)
        return -1;
    if (!document->dead && check_all(document, document->text.length, error) != 0)
        return -1;
    return check_end(document, error);
}

static void document_free(struct scoop_stage *stage) {
    struct scoop_document *document = (struct scoop_document *)stage;
    scoop_records_free(&document->records);
    scoop_json_grammar_free(document->grammar);
    scoop_json_keys_free(&document->keys);
    scoop_buf_free(&document->text);
    scoop_buf_free(&document->skeleton);
    scoop_buf_free(&document->out);
    scoop_buf_free(&document->changed[0]);
    scoop_buf_free(&document->changed[1]);
    if (document->path != NULL)
        scoop_free(document->path->text);
    scoop_free(document->path);
    scoop_free(document);
}

static const struct scoop_stage_type document_type = {
    .name = "json_document",
    .write = document_write,
    .finish = document_finish,
    .free = document_free,
};

static int read_path(struct scoop_document *document, const char *text, struct scoop_error *error) {
    struct scoop_document_path *path = document->path = scoop_calloc(1, sizeof *path);
    if (path == NULL || (path->text = scoop_strdup(text)) == NULL)
        return scoop_fail_memory(error);
    for (const char *step = path->text; *text != 0; step += strcspn(step, ".") + 1) {
        size_t length = strcspn(step, ".");
        if (length == 0 || path->count == SCOOP_DOCUMENT_STEPS)
            return scoop_fail(error, SCOOP_USAGE,
                              "records %s is not a path of up to %d names with dots between",
                              path->text, SCOOP_DOCUMENT_STEPS);
        path->steps[path->count++] =
            (struct scoop_document_step){(const unsigned char *)step, length};
        if (step[length] == 0)
            break;
    }
    return 0;
}

static struct scoop_stage *new_document(const char *path,
                                        const struct scoop_record_options *options,
                                        struct scoop_counters *counters,
                                        struct scoop_error *error) {
    struct scoop_document *document = scoop_calloc(1, sizeof *document);
    if (document == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    document->stage.type = &document_type;
    document->stage.counters = counters;
    scoop_records_init(&document->records, options, counters);
    size_t most = document->records.options.max_record_bytes;
    document->line = document->last_end.line = 1;
    scoop_buf_init(&document->text, most + 2 * SCOOP_STEP_BYTES);
    scoop_buf_init(&document->skeleton, 2 * (most + 4 * SCOOP_STEP_BYTES));
    scoop_buf_init(&document->out, most + 2 * SCOOP_STEP_BYTES);
    scoop_buf_init(&document->changed[0], most);
    scoop_buf_init(&document->changed[1], most);
    document->grammar = scoop_json_grammar_new(error);
    if (document->grammar != NULL && (path == NULL || read_path(document, path, error) == 0))
        return &document->stage;
    document_free(&document->stage);
    return NULL;
}

struct scoop_stage *scoop_json_array_new(const char *path,
                                         const struct scoop_record_options *options,
                                         struct scoop_counters *counters,
                                         struct scoop_error *error) {
    return new_document(path == NULL ? "" : path, options, counters, error);
}

struct scoop_stage *scoop_json_values_new(const struct scoop_record_options *options,
                                          struct scoop_counters *counters,
                                          struct scoop_error *error) {
    return new_document(NULL, options, counters, error);
}
