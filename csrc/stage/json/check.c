/* JSON values -> checked JSON lines. Each line is scanned (scan.h) as it ends; yajl
 * (grammar.h) then checks runs of one-line records at once, and the lines of a longer record
 * one by one. A record is bad from its first byte to the first newline after the fault; the next
 * record begins there. */
#include <stdio.h>
#include <string.h>

#include "base/record_place.h"
#include "scoop/memory.h"
#include "stage/json/grammar.h"
#include "stage/json/scan.h"
#include "stage/records.h"
#include "text/text.h"

struct json_check {
    struct scoop_stage stage;
    struct scoop_records records;
    struct scoop_json_grammar *grammar;
    struct scoop_json_scan scan; /* of the current record */
    struct scoop_json_keys keys;
    size_t key_bases[SCOOP_JSON_MAX_DEPTH];
    struct scoop_buf record;   /* earlier lines of the current record */
    struct scoop_buf replaced; /* a record with its unstorable escapes replaced */
    struct scoop_buf renamed;  /* a record with keys that were equal but for case */
    uint64_t record_line;
    uint64_t record_offset;
    const unsigned char *run; /* good one-line records inside the chunk, not yet fed to yajl */
    size_t run_length;
    uint64_t run_records;
    uint64_t run_line;
    uint64_t run_offset;
    struct scoop_buf skeleton; /* of the run; or of one line of a longer record */
};

static int emit(struct json_check *check, const unsigned char *data, size_t length,
                uint64_t records, struct scoop_record_place place, struct scoop_error *error) {
    struct scoop_record_places *places = check->records.options.places;
    if (places != NULL && scoop_record_places_tell(places, place, records, length, error) != 0)
        return -1;
    check->records.counters->records_in += records;
    check->records.counters->records_out += records;
    return scoop_stage_push(check->stage.next, data, length, error);
}

static size_t line_length(const unsigned char *data, size_t length) {
    const unsigned char *newline = memchr(data, '\n', length);
    return newline == NULL ? length : (size_t)(newline - data) + 1;
}

static void advance_run(struct json_check *check, size_t length, uint64_t records) {
    check->run += length;
    check->run_length -= length;
    check->run_records -= records;
    check->run_line += records;
    check->run_offset += length;
}

/* Passes the run's first records on. */
static int emit_run(struct json_check *check, uint64_t records, struct scoop_error *error) {
    const unsigned char *data = check->run;
    size_t length = 0;
    if (records == check->run_records)
        length = check->run_length;
    else
        for (uint64_t i = 0; i < records; i++)
            length += line_length(data + length, check->run_length - length);
    const struct scoop_record_place place = {check->run_line, check->run_offset};
    advance_run(check, length, records);
    return emit(check, data, length, records, place, error);
}

/* The run's first record is bad. */
static int reject_in_run(struct json_check *check, const char *reason, struct scoop_error *error) {
    size_t length = line_length(check->run, check->run_length);
    struct scoop_reject reject = {.line = check->run_line,
                                  .byte_offset = check->run_offset,
                                  .reason = reason,
                                  .record = check->run,
                                  .record_length = length - 1,
                                  .total_length = length - 1};
    advance_run(check, length, 1);
    return scoop_records_reject(&check->records, reject, error);
}

static int flush_run(struct json_check *check, struct scoop_error *error) {
    size_t fed = 0;
    while (check->run_length > 0) {
        const unsigned char *skeleton = check->skeleton.data + fed;
        size_t left = check->skeleton.length - fed;
        size_t bad_at = 0;
        const char *reason = NULL;
        enum scoop_json_verdict verdict =
            scoop_json_grammar_feed(check->grammar, skeleton, left, &bad_at, &reason, error);
        if (verdict == SCOOP_JSON_FAILED)
            return -1;
        uint64_t good = 0;
        size_t next = 0;
        if (verdict == SCOOP_JSON_GOOD) {
            good = check->run_records;
        } else {
            while ((next += line_length(skeleton + next, left - next)) <= bad_at)
                good++;
        }
        fed += next;
        if ((good > 0 && emit_run(check, good, error) != 0) ||
            (verdict == SCOOP_JSON_BAD && reject_in_run(check, reason, error) != 0))
            return -1;
    }
    check->skeleton.length = 0;
    return 0;
}

/* Adds a good one-line record to the run, which flush_run has made empty if it does not adjoin. */
static int extend_run(struct json_check *check, const struct scoop_line *line,
                      size_t skeleton_length, struct scoop_error *error) {
    if (check->run_length == 0) {
        check->run = line->data;
        check->run_line = line->number;
        check->run_offset = line->offset;
    }
    check->run_length += line->length;
    check->run_records++;
    check->skeleton.length += skeleton_length;
    return line->stays && check->skeleton.length < SCOOP_STEP_BYTES ? 0 : flush_run(check, error);
}

static void forget_record(struct json_check *check) {
    check->record.length = 0;
    check->keys.count = 0;
    check->scan = (struct scoop_json_scan){.replace = check->records.options.replace_invalid,
                                           .within = check->records.options.within,
                                           .key_case = check->records.options.key_case,
                                           .keys = &check->keys,
                                           .bases = check->key_bases};
}

/* The current record is bad; `line` is its last one and not yet in the buffer. */
static int reject(struct json_check *check, const struct scoop_line *line, const char *reason,
                  struct scoop_error *error) {
    struct scoop_reject reject = {.line = line->number,
                                  .byte_offset = line->offset,
                                  .reason = reason,
                                  .record = line->data,
                                  .record_length = line->length - (line->too_long ? 0 : 1),
                                  .total_length = line->total_bytes};
    if (flush_run(check, error) != 0)
        return -1;
    if (check->record.length > 0) {
        size_t room = check->record.ceiling - check->record.length;
        size_t taken = reject.record_length < room ? reject.record_length : room;
        reject.total_length += check->record.length;
        if (scoop_buf_append(&check->record, line->data, taken, error) != 0)
            return -1;
        reject.line = check->record_line;
        reject.byte_offset = check->record_offset;
        reject.record = check->record.data;
        reject.record_length = check->record.length;
        scoop_json_grammar_reset(check->grammar);
    }
    forget_record(check);
    return scoop_records_reject(&check->records, reject, error);
}

static int reject_fault(struct json_check *check, const struct scoop_line *line,
                        struct scoop_error *error) {
    char reason[SCOOP_JSON_REASON_SIZE];
    scoop_text_print(reason, sizeof reason, "%s (byte %zu of the record)", check->scan.fault,
                     check->record.length + check->scan.fault_at + 1);
    return reject(check, line, reason, error);
}

/* The record that stands in the buffer is bad for want of new names. */
static int reject_copy(struct json_check *check, const char *reason, struct scoop_error *error) {
    struct scoop_reject bad = {.line = check->record_line,
                               .byte_offset = check->record_offset,
                               .reason = reason,
                               .record = check->record.data,
                               .record_length = check->record.length - 1,
                               .total_length = check->record.length - 1};
    forget_record(check);
    return scoop_records_reject(&check->records, bad, error);
}

/* Renames keys in *record, which becomes the copy where that is done. 0, -1, or 1 with a reason to
 * reject it. */
static int rename_keys(struct json_check *check, struct scoop_buf **record, const char **reason,
                       struct scoop_error *error) {
    struct scoop_error failed = {0};
    check->renamed.length = 0;
    int status = scoop_json_rename((*record)->data, (*record)->length, &check->renamed, &failed);
    *record = &check->renamed;
    *reason = status == 1 ? SCOOP_JSON_MANY_RENAMES : "longer than max_record_bytes with new keys";
    if (status >= 0 || failed.code == SCOOP_TOO_LARGE)
        return status != 0;
    *error = failed;
    return -1;
}

/* The buffered record is good: one line of it, passed on. */
static int emit_record(struct json_check *check, struct scoop_error *error) {
    struct scoop_buf *record = &check->record;
    if (check->scan.unstorable) {
        check->replaced.length = 0;
        if (scoop_json_replace(record->data, record->length, &check->replaced, error) != 0)
            return -1;
        record = &check->replaced;
    }
    if (check->scan.clashes) {
        const char *reason = NULL;
        int status = rename_keys(check, &record, &reason, error);
        if (status != 0)
            return status < 0 ? -1 : reject_copy(check, reason, error);
    }
    unsigned char *last = record->data + record->length - 1;
    unsigned char *newline = record->data;
    while ((newline = memchr(newline, '\n', (size_t)(last - newline))) != NULL)
        *newline = ' ';
    check->records.counters->records_changed++;
    const struct scoop_record_place place = {check->record_line, check->record_offset};
    int result = emit(check, record->data, record->length, 1, place, error);
    forget_record(check);
    return result;
}

/* One more line of a record that is passed on by a copy. Its skeleton follows that of the run. */
static int buffer_line(struct json_check *check, const struct scoop_line *line,
                       size_t skeleton_length, struct scoop_error *error) {
    size_t bad_at = 0;
    const char *reason = NULL;
    size_t skeleton_at = check->skeleton.length;
    if (flush_run(check, error) != 0)
        return -1;
    switch (scoop_json_grammar_feed(check->grammar, check->skeleton.data + skeleton_at,
                                    skeleton_length, &bad_at, &reason, error)) {
    case SCOOP_JSON_FAILED:
        return -1;
    case SCOOP_JSON_BAD:
        return reject(check, line, reason, error);
    case SCOOP_JSON_GOOD:
        break;
    }
    if (check->record.length == 0) {
        check->record_line = line->number;
        check->record_offset = line->offset;
    }
    if (scoop_buf_append(&check->record, line->data, line->length, error) != 0)
        return -1;
    return check->scan.depth == 0 ? emit_record(check, error) : 0;
}

static int take_good_line(struct json_check *check, const struct scoop_line *line,
                          size_t skeleton_length, struct scoop_error *error) {
    if (check->record.length > 0 || check->scan.depth > 0 || check->scan.unstorable ||
        check->scan.clashes)
        return buffer_line(check, line, skeleton_length, error);
    if (!check->scan.value) {
        check->records.counters->blank_lines++;
        return 0;
    }
    forget_record(check);
    return extend_run(check, line, skeleton_length, error);
}

static int take_line(void *user, const struct scoop_line *line, struct scoop_error *error) {
    struct json_check *check = user;
    size_t most = check->records.options.max_record_bytes;
    size_t skeleton_length = 0;
    if (check->run_length > 0 && check->run + check->run_length != line->data &&
        flush_run(check, error) != 0)
        return -1;
    if (line->total_bytes > most - (check->record.length < most ? check->record.length : most)) {
        char reason[80];
        snprintf(reason, sizeof reason, "longer than max_record_bytes, %zu", most);
        return reject(check, line, reason, error);
    }
    if (scoop_buf_reserve(&check->skeleton, line->length, error) != 0)
        return -1;
    check->scan.earlier = check->record.data;
    check->scan.earlier_length = check->record.length;
    if (scoop_json_scan_line(&check->scan, line->data, line->length,
                             check->skeleton.data + check->skeleton.length, &skeleton_length) != 0)
        return check->scan.fault == NULL ? scoop_fail_memory(error)
                                         : reject_fault(check, line, error);
    return take_good_line(check, line, skeleton_length, error);
}

static int json_check_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                            size_t *consumed, struct scoop_error *error) {
    struct json_check *check = (struct json_check *)stage;
    *consumed = length;
    if (scoop_records_write(&check->records, data, length, take_line, check, error) != 0)
        return -1;
    return flush_run(check, error);
}

static int json_check_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct json_check *check = (struct json_check *)stage;
    if (scoop_records_finish(&check->records, take_line, check, error) != 0)
        return -1;
    if (check->record.length == 0)
        return 0;
    struct scoop_reject last = {.line = check->record_line,
                                .byte_offset = check->record_offset,
                                .reason = "the text ends inside a value",
                                .record = check->record.data,
                                .record_length = check->record.length - 1,
                                .total_length = check->record.length - 1};
    return scoop_records_reject(&check->records, last, error);
}

static void json_check_free(struct scoop_stage *stage) {
    struct json_check *check = (struct json_check *)stage;
    scoop_records_free(&check->records);
    scoop_json_grammar_free(check->grammar);
    scoop_buf_free(&check->record);
    scoop_buf_free(&check->replaced);
    scoop_buf_free(&check->renamed);
    scoop_json_keys_free(&check->keys);
    scoop_buf_free(&check->skeleton);
    scoop_free(check);
}

static const struct scoop_stage_type json_check_type = {"json_check", json_check_write,
                                                        json_check_finish, json_check_free, NULL};

struct scoop_stage *scoop_json_check_new(const struct scoop_record_options *options,
                                         struct scoop_counters *counters,
                                         struct scoop_error *error) {
    struct json_check *check = scoop_calloc(1, sizeof *check);
    if (check == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    check->stage.type = &json_check_type;
    check->stage.counters = counters;
    scoop_records_init(&check->records, options, counters);
    scoop_buf_init(&check->record, check->records.options.max_record_bytes + 1);
    scoop_buf_init(&check->replaced, check->records.options.max_record_bytes + 1);
    scoop_buf_init(&check->renamed, check->records.options.max_record_bytes + 1);
    scoop_buf_init(&check->skeleton,
                   SCOOP_STEP_BYTES + check->records.options.max_record_bytes + 1);
    forget_record(check);
    check->grammar = scoop_json_grammar_new(error);
    if (check->grammar == NULL) {
        json_check_free(&check->stage);
        return NULL;
    }
    return &check->stage;
}
