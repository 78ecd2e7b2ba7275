/* A JSON document's array, or values one after another -> one checked value per line. All of the
 * text is scanned as it comes, and its skeleton checked by yajl; only a record that has not ended
 * is kept. After a fault of the grammar nothing tells where a value begins: the rest of the text is
 * rejected with the record. */
#include <string.h>

#include "scoop/memory.h"
#include "stage/json/document.h"
#include "text/bom.h"
#include "text/scan.h"
#include "text/utf8.h"

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
    if (scoop_document_check(document, document->at, error) != 0)
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

/* A string, bare word or bracket ended at `end`: was it all of the record? */
static int end_value(struct scoop_document *document, size_t end, struct scoop_error *error) {
    document->at = end;
    document->after_value = document->path == NULL && document->depth == 0;
    if (document->in_record && document->depth == document->record_depth)
        return scoop_document_end_record(document, end, error);
    return 0;
}

static int begin_value(struct scoop_document *document, unsigned char first, bool *opens,
                       struct scoop_error *error) {
    *opens = false;
    if (begins_record(document))
        return scoop_document_begin_record(document, error);
    return document->in_record ? 0 : follow_path(document, first, opens, error);
}

static int end_string(struct scoop_document *document, size_t end, struct scoop_error *error) {
    const struct scoop_document_path *path = document->path;
    document->in_string = false;
    document->last_string.length =
        (size_t)(scoop_document_offset(document, end) - 1 - document->string_offset);
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
            return scoop_document_fail(document, document->at, fault, error);
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
    document->string_offset = scoop_document_offset(document, document->at);
    document->string_kept = !document->in_record && document->depth == document->on_path;
    return scoop_document_put(document, "\"\"", 2, error);
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
        return scoop_document_fail(document, document->at, "nesting deeper than 1000", error);
    document->bases[document->depth++] = document->keys.count;
    document->at++;
    if (opens) {
        document->found = true;
        document->array_depth = document->depth;
    }
    return 0;
}

static void close_keys(struct scoop_document *document) {
    struct scoop_json_halves record = {.second = document->text.data +
                                                 scoop_document_record_at(document)};
    size_t at;
    bool says =
        document->records.options.key_case == SCOOP_KEY_CASE_REJECT && document->bad == NULL;
    if (scoop_json_keys_close(&document->keys, document->bases[document->depth], record, says, &at))
        return;
    document->clashes = true;
    if (says)
        document->bad = document->keys.fault;
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
    document->bare_offset = scoop_document_offset(document, document->at);
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
    if (scoop_document_put(document, data + start, at - start, error) != 0)
        return -1;
    if (*more)
        return 0;
    document->in_bare = false;
    uint64_t length = scoop_document_offset(document, at) - document->bare_offset;
    bool alone = document->in_record && document->depth == document->record_depth &&
                 length <= document->records.options.max_record_bytes;
    if (alone && !scoop_json_is_scalar(data + at - length, (size_t)length))
        return scoop_document_fail(document, at - (size_t)length, "an invalid number or word",
                                   error);
    return end_value(document, at, error);
}

static int take_value(struct scoop_document *document, unsigned char byte,
                      struct scoop_error *error) {
    bool opens = false;
    int status = begin_value(document, byte, &opens, error);
    if (status != 0)
        return status < 0
                   ? -1
                   : scoop_document_fail(document, document->at, "more than one document", error);
    document->after_value = false;
    if (byte == '"')
        return begin_string(document, error);
    if (byte != '[' && byte != '{')
        return begin_bare(document);
    if (scoop_document_put(document, &byte, 1, error) != 0)
        return -1;
    return open_bracket(document, opens, error);
}

/* White space is one space to yajl, however long it is. */
static int take_space(struct scoop_document *document, struct scoop_error *error) {
    const unsigned char *p = document->text.data + document->at;
    for (; *p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'; p++)
        document->line += *p == '\n';
    document->at = (size_t)(p - document->text.data);
    return scoop_document_put(document, " ", 1, error);
}

static int take_token(struct scoop_document *document, struct scoop_error *error) {
    unsigned char byte = document->text.data[document->at];
    if (byte == '"' || byte == '[' || byte == '{' || scoop_json_is_bare(byte))
        return take_value(document, byte, error);
    if (byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r')
        return take_space(document, error);
    if (byte != ',' && byte != ':' && byte != ']' && byte != '}')
        return scoop_document_fail(document, document->at, scoop_json_name_bad(byte), error);
    if (byte == ',' && document->after_value) {
        document->after_value = false;
        byte = ' '; /* yajl takes values without commas */
    }
    if (byte != ' ' && document->depth == 0)
        return scoop_document_fail(document, document->at,
                                   byte == ',' || byte == ':'
                                       ? "a comma or colon outside brackets"
                                       : "a closing bracket without its opening one",
                                   error);
    if (scoop_document_put(document, &byte, 1, error) != 0)
        return -1;
    if (byte == ']' || byte == '}')
        return close_bracket(document, error);
    document->at++;
    return byte == ':' ? take_colon(document, error) : 0;
}

/* Scans what there is; what may go on in bytes to come is left. */
static int scan(struct scoop_document *document, bool final, struct scoop_error *error) {
    bool more = false;
    document->text.data[document->text.length] = 0; /* ends every look ahead */
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
        scoop_document_offset(document, document->at) - document->record.offset <= most)
        return;
    document->too_long = true;
    document->head_length = most < sizeof document->head ? most : sizeof document->head;
    memcpy(document->head, document->text.data + scoop_document_record_at(document),
           document->head_length);
}

/* Drops what nobody looks at again. What waits for yajl's verdict was scanned: that comes first,
 * but for a record that has not ended, unless it is too long to be kept. */
static int drop_text(struct scoop_document *document, struct scoop_error *error) {
    size_t checked = document->in_record && !document->too_long ? document->skeleton_start
                                                                : document->skeleton.length;
    if (scoop_document_check_part(document, checked, document->at, error) != 0)
        return -1;
    size_t keep_from = document->at;
    if (document->in_record && !document->too_long)
        keep_from = scoop_document_record_at(document);
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
        return scoop_document_reject_rest(
            document, document->in_record ? document->record : document->last_end,
            document->in_record
                ? scoop_document_offset(document, document->at) - document->record.offset
                : 0,
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
    if (!document->dead && scoop_document_check(document, document->text.length, error) != 0)
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
