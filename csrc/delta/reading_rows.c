/* The text of an object becomes rows, in batches. */
#include <string.h>

#include "base/invariant.h"
#include "delta/reading_internal.h"
#include "stage/sniff.h"
#include "table/rows/column_case.h"
#include "table/rows/row_limit.h"
#include "text/bom.h"

#define BLANKS " \t\r\n"

enum {
    BATCH_BYTES = SCOOP_TRANSFER_MEMORY_HIGH_BYTES, /* no more arrives before some is taken */
    MOST_REST_BYTES = BATCH_BYTES / 2,
};

/* The first bytes that are all among these. */
static size_t count_first(const unsigned char *data, size_t length, const char *bytes) {
    size_t at = 0;
    while (at < length && strchr(bytes, data[at]) != NULL && data[at] != 0)
        at++;
    return at;
}

/* What the last batch has left comes before what arrives. */
static int put_rest(struct scoop_reading *reading, struct scoop_error *error) {
    bool before_arrived = !reading->json && reading->rest.length <= MOST_REST_BYTES;
    struct scoop_buf *to = before_arrived ? &reading->arrived : &reading->filling->text;
    if (scoop_buf_append(to, reading->rest.data, reading->rest.length, error) != 0)
        return -1;
    reading->rest.length = 0;
    reading->scan_at_bytes = reading->filling->text.length + (reading->crowded ? 0 : BATCH_BYTES);
    return 0;
}

/* The batch under way, or one that is free. 1; 0: alone, and there is none; -1. */
static int take_batch(struct scoop_reading *reading, struct scoop_error *error) {
    if (reading->filling != NULL)
        return 1;
    int status = scoop_reading_take_batch(reading, error);
    if (status <= 0)
        return status;
    scoop_batch_clear(reading->filling);
    return put_rest(reading, error) == 0 ? 1 : -1;
}

static int add_told(struct scoop_reading *reading, struct scoop_error *error) {
    for (size_t i = 0; i < reading->told.count; i++) {
        const char *name = reading->told.names[i];
        if (scoop_columns_find(&reading->columns, name, strlen(name)) < 0 &&
            scoop_columns_add(&reading->columns, name, strlen(name), error) != 0)
            return -1;
    }
    return 0;
}

/* Those of the first rows; an export without text has none. 0, or -1. */
static int learn_columns(struct scoop_reading *reading, bool last, struct scoop_error *error) {
    struct scoop_buf *text = &reading->filling->text;
    size_t used = 0;
    int status = 0;
    if (reading->json && (status = add_told(reading, error)) == 0)
        status = scoop_json_rows_columns(&reading->rows, text, &reading->columns, error);
    else if (!reading->json &&
             (!last || count_first(text->data, text->length, "\r\n") < text->length))
        status = scoop_csv_header(&reading->csv, text->data, text->length, last, &reading->columns,
                                  &used, error);
    if (status == 0 && used > 0 && reading->key_case == SCOOP_KEY_CASE_RENAME)
        status = scoop_columns_rename(&reading->columns, error);
    if (status != 0)
        return -1;
    scoop_buf_consume(text, used);
    /* A row may be longer than a batch: then none has ended yet. */
    reading->columns_known =
        used > 0 || (reading->json && text->length > 0 && memchr(text->data, '\n', text->length));
    if (reading->columns_known)
        scoop_reading_tell_columns(reading);
    else if (last)
        scoop_reading_tell_empty(reading);
    return 0;
}

/* Rows of JSON have members that the plan lacks. */
static int learn_more(struct scoop_reading *reading, struct scoop_error *error) {
    scoop_columns_free(&reading->columns);
    if (scoop_json_rows_columns(&reading->rows, &reading->filling->text, &reading->columns,
                                error) != 0)
        return -1;
    scoop_reading_tell_columns(reading);
    return 0;
}

static int scan(struct scoop_reading *reading, bool last, size_t *used, struct scoop_error *error) {
    struct scoop_batch *batch = reading->filling;
    if (scoop_buf_reserve(&batch->text, SCOOP_CSV_PADDING, error) != 0)
        return -1;
    memset(batch->text.data + batch->text.length, 0, SCOOP_CSV_PADDING);
    return reading->json ? scoop_json_rows_scan(&reading->rows, batch, used, error)
                         : scoop_csv_scan(&reading->csv, batch, last, used, error);
}

static int check_record_size(struct scoop_reading *reading, struct scoop_error *error) {
    size_t most = reading->options.max_record_bytes;
    size_t length = reading->filling->text.length;
    if (length > most)
        return scoop_fail_record(
            error, (struct scoop_record_place){reading->csv.line, reading->csv.offset},
            "the row has more than max_record_bytes, %zu", most);
    reading->scan_at_bytes = length + BATCH_BYTES;
    return 0;
}

/* 0, -1, or 1: the plan must be looked at again. */
static int scan_rows(struct scoop_reading *reading, struct scoop_error *error) {
    struct scoop_batch *batch = reading->filling;
    size_t used = 0;
    int status = scan(reading, reading->formed_last, &used, error);
    if (status > 0)
        return learn_more(reading, error) == 0 ? 1 : -1;
    if (status < 0)
        return -1;
    if (used == 0 && !reading->formed_last)
        return check_record_size(reading, error);
    const struct scoop_row_limit limit = {.plan = reading->csv.plan,
                                          .json = reading->json,
                                          .most_bytes = reading->options.max_record_bytes,
                                          .stamp_bytes = reading->options.stamp_bytes};
    if (scoop_row_limit_check(&limit, batch, error) != 0)
        return -1;
    const unsigned char *left = batch->text.data + used;
    size_t left_bytes = batch->text.length - used;
    reading->crowded = reading->json && left_bytes > 0 && memchr(left, '\n', left_bytes) != NULL;
    reading->formed_last = reading->formed_last && !reading->crowded;
    if (scoop_key_order_check(reading->options.key_order, batch, error) != 0)
        return -1;
    if (!scoop_key_order_holds(reading->options.key_order))
        scoop_batch_digest(batch);
    /* Once it is handed over the rest is the other thread's, too. */
    if (!reading->formed_last && scoop_buf_append(&reading->rest, left, left_bytes, error) != 0)
        return -1;
    scoop_reading_hand_over(reading);
    return 0;
}

/* Makes rows of the text that has come together. 1, 0: alone, and the plan is not there, -1. */
static int make_rows(struct scoop_reading *reading, struct scoop_error *error) {
    if (!reading->columns_known && learn_columns(reading, reading->formed_last, error) != 0)
        return -1;
    int status = 1;
    while (status > 0 && reading->columns_known) {
        status = scoop_reading_take_plan(reading, error);
        if (status <= 0)
            return status;
        status = scan_rows(reading, error);
    }
    reading->formed = false;
    if (status > 0 && !reading->finished)
        status = check_record_size(reading, error);
    return status < 0 ? -1 : 1;
}

/* The batch's text is complete. */
static void form(struct scoop_reading *reading, bool last) {
    reading->formed = true;
    reading->formed_last = last;
}

static int add_lines(struct scoop_reading *reading, const unsigned char *data, size_t length,
                     size_t *used, struct scoop_error *error) {
    struct scoop_buf *text = &reading->filling->text;
    if (!SCOOP_INVARIANT(text->length <= reading->scan_at_bytes, error))
        return -1;
    size_t room = reading->scan_at_bytes - text->length;
    *used = length < room ? length : room;
    if (scoop_buf_append(text, data, *used, error) != 0)
        return -1;
    if (text->length == reading->scan_at_bytes)
        form(reading, false);
    return 0;
}

/* JSON lines that have passed the check. 1: all are taken; 0: alone, and the others wait; -1. */
static int take_lines(struct scoop_reading *reading, const unsigned char *data, size_t length,
                      size_t *taken, struct scoop_error *error) {
    int status = 1;
    *taken = 0;
    while (status > 0 && (reading->formed || *taken < length)) {
        size_t used = 0;
        status = reading->formed ? make_rows(reading, error) : take_batch(reading, error);
        if (status > 0 && reading->filling != NULL && !reading->formed &&
            add_lines(reading, data + *taken, length - *taken, &used, error) != 0)
            status = -1;
        *taken += used;
    }
    return status;
}

/* What has arrived becomes the batch's text, without a copy unless a row is very long; what is more
 * than a batch goes to `over`. */
static int fill_text(struct scoop_reading *reading, struct scoop_error *error) {
    struct scoop_buf *text = &reading->filling->text, *arrived = &reading->arrived;
    if (text->length > 0) {
        if (scoop_buf_append(text, arrived->data, arrived->length, error) != 0)
            return -1;
    } else {
        struct scoop_buf empty = *text;
        *text = *arrived;
        *arrived = empty;
    }
    arrived->length = reading->over.length = 0;
    if (text->length <= reading->scan_at_bytes)
        return 0;
    size_t over = text->length - reading->scan_at_bytes;
    text->length = reading->scan_at_bytes;
    return scoop_buf_append(&reading->over, text->data + text->length, over, error);
}

/* CSV. Where batches end depends on the export alone, not on what came when: so an order that
 * breaks is noticed at the same row each time, and the changes come in the same order. As
 * scoop_reading_make_rows. */
static int take_text(struct scoop_reading *reading, struct scoop_error *error) {
    struct scoop_buf *arrived = &reading->arrived, *over = &reading->over;
    int status = 1;
    while (status > 0 && !reading->finished) {
        status = reading->formed ? make_rows(reading, error) : take_batch(reading, error);
        if (status <= 0 || reading->filling == NULL || reading->formed)
            continue;
        if (scoop_buf_append(arrived, over->data, over->length, error) != 0)
            return -1;
        over->length = 0;
        if (!reading->text_ended &&
            reading->filling->text.length + arrived->length < reading->scan_at_bytes)
            return 1;
        if (fill_text(reading, error) != 0)
            return -1;
        form(reading, reading->text_ended && over->length == 0);
    }
    return status;
}

/* JSON lines. The stage before takes no no for an answer: what has to wait goes to `over`. */
static int rows_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error) {
    struct scoop_reading *reading = ((struct rows_stage *)stage)->reading;
    size_t taken = 0;
    *consumed = length;
    if (reading->over.length == 0 && take_lines(reading, data, length, &taken, error) < 0)
        return -1;
    return scoop_buf_append(&reading->over, data + taken, length - taken, error);
}

static int rows_finish(struct scoop_stage *stage, struct scoop_error *error) {
    (void)error;
    ((struct rows_stage *)stage)->reading->text_ended = true;
    return 0;
}

/* JSON lines that had to wait, and the end. As take_text. */
static int take_waiting_lines(struct scoop_reading *reading, struct scoop_error *error) {
    struct scoop_buf *over = &reading->over;
    size_t taken;
    int status = take_lines(reading, over->data, over->length, &taken, error);
    scoop_buf_consume(over, taken);
    while (status > 0 && reading->text_ended && !reading->finished) {
        status = take_batch(reading, error);
        if (status <= 0)
            return status;
        form(reading, true);
        status = make_rows(reading, error);
    }
    return status;
}

static void rows_free(struct scoop_stage *stage) {
    (void)stage; /* a part of the reading */
}

static const struct scoop_stage_type rows_type = {
    .name = "rows", .write = rows_write, .finish = rows_finish, .free = rows_free};

static bool is_json(const struct scoop_reading *reading, const unsigned char *data, size_t length) {
    if (reading->options.format != SCOOP_TABLE_FORMAT_AUTO)
        return reading->options.format == SCOOP_TABLE_FORMAT_JSONL;
    size_t blanks = count_first(data, length, BLANKS);
    return blanks < length && data[blanks] == '{';
}

/* Neither the name nor what is there tells the format. */
static bool is_blank(const struct scoop_reading *reading) {
    const unsigned char *data = reading->arrived.data;
    size_t length = reading->arrived.length, mark = scoop_bom_length(data, length);
    return reading->options.format == SCOOP_TABLE_FORMAT_AUTO && length < BATCH_BYTES &&
           mark + count_first(data + mark, length - mark, BLANKS) == length;
}

/* The first bytes tell what follows. */
static int begin(struct scoop_reading *reading, struct scoop_error *error) {
    const unsigned char *data = reading->arrived.data;
    size_t length = reading->arrived.length;
    enum scoop_content content = scoop_sniff(data, length);
    size_t mark = scoop_bom_length(data, length);
    reading->begun = true;
    if (content != SCOOP_CONTENT_PLAIN)
        return scoop_fail(error, SCOOP_UNSUPPORTED,
                          "%s data; only plain UTF-8 text and gzip can be read as rows, and CSV "
                          "whose encoding is named: csv=CsvDialect(encoding=…)",
                          scoop_content_name(content));
    reading->json = is_json(reading, data + mark, length - mark);
    if (!reading->json && reading->told.count > 0)
        return scoop_fail(error, SCOOP_USAGE,
                          "columns names those of JSON lines, and of CSV without a header "
                          "(csv=CsvDialect(header=False)); this is CSV with a header");
    if (!reading->json) {
        reading->csv.offset = mark;
        scoop_buf_consume(&reading->arrived, mark);
        return 0;
    }
    /* The check takes the mark, and counts it. */
    const struct scoop_record_options options = {
        .max_record_bytes = reading->options.max_record_bytes,
        .replace_invalid = reading->replace_invalid,
        .key_case = reading->key_case,
        .within = 1, /* a change has the row inside */
        .places = &reading->rows.places,
    };
    reading->check = scoop_json_check_new(&options, &reading->counters, error);
    if (reading->check == NULL)
        return -1;
    reading->end.base.type = &rows_type;
    reading->end.base.counters = &reading->counters;
    reading->end.reading = reading;
    reading->check->next = &reading->end.base;
    return 0;
}

int scoop_reading_pass_on(struct scoop_reading *reading, bool last, struct scoop_error *error) {
    if (!reading->begun && is_blank(reading)) {
        if (!last)
            return 0;
        reading->arrived.length = 0;
    }
    if (!reading->begun && begin(reading, error) != 0)
        return -1;
    if (reading->check == NULL) {
        reading->text_ended = last;
        return 0;
    }
    int status =
        scoop_stage_push(reading->check, reading->arrived.data, reading->arrived.length, error);
    reading->arrived.length = 0;
    return status == 0 && last ? scoop_stage_finish_chain(reading->check, error) : status;
}

int scoop_reading_make_rows(struct scoop_reading *reading, struct scoop_error *error) {
    if (!reading->begun)
        return 1;
    return reading->check == NULL ? take_text(reading, error) : take_waiting_lines(reading, error);
}
