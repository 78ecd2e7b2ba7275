#include "stage/records.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/record_place.h"
#include "text/bom.h"
#include "text/example.h"
#include "text/utf8.h"

enum { REJECT_BYTES = 4096, EXAMPLE_SIZE = 124, SNIPPET_BYTES = 120 };

void scoop_records_init(struct scoop_records *records, const struct scoop_record_options *options,
                        struct scoop_counters *counters) {
    memset(records, 0, sizeof *records);
    if (options != NULL)
        records->options = *options;
    if (records->options.max_record_bytes == 0)
        records->options.max_record_bytes = SCOOP_MAX_RECORD_BYTES;
    records->counters = counters;
    records->line = 1;
    scoop_buf_init(&records->partial, records->options.max_record_bytes + 1);
}

void scoop_records_free(struct scoop_records *records) {
    scoop_buf_free(&records->partial);
}

static int give(struct scoop_records *records, struct scoop_line line, scoop_line_taker *take,
                void *user, struct scoop_error *error) {
    line.number = records->line;
    line.offset = records->offset;
    line.too_long = line.total_bytes > records->options.max_record_bytes;
    if (line.too_long)
        line.length = records->options.max_record_bytes;
    records->line++;
    records->offset += line.total_bytes + 1;
    return take(user, &line, error);
}

/* Keeps no more of a line than a good record could have. */
static int keep(struct scoop_records *records, const unsigned char *data, size_t length,
                struct scoop_error *error) {
    size_t room = records->options.max_record_bytes - records->partial.length;
    records->partial_bytes += length;
    return scoop_buf_append(&records->partial, data, length < room ? length : room, error);
}

/* The kept line is whole: gives it. */
static int give_partial(struct scoop_records *records, scoop_line_taker *take, void *user,
                        struct scoop_error *error) {
    struct scoop_line line = {.total_bytes = records->partial_bytes};
    if (records->partial_bytes <= records->options.max_record_bytes &&
        scoop_buf_append(&records->partial, "\n", 1, error) != 0)
        return -1;
    line.data = records->partial.data;
    line.length = records->partial.length;
    records->partial_bytes = 0;
    records->partial.length = 0;
    return give(records, line, take, user, error);
}

/* Takes bytes while they can be a BOM; returns how many it took. */
static size_t take_bom(struct scoop_records *records, const unsigned char *data, size_t length,
                       struct scoop_error *error, int *result) {
    size_t taken = scoop_bom_match(records->partial.length, data, length);
    size_t matched = records->partial.length + taken;
    records->begun = taken < length || matched == SCOOP_BOM_BYTES;
    if (matched < SCOOP_BOM_BYTES) {
        *result = keep(records, data, taken, error);
        return taken;
    }
    records->partial.length = 0;
    records->partial_bytes = 0;
    records->offset = SCOOP_BOM_BYTES;
    records->counters->bom_stripped = true;
    *result = 0;
    return taken;
}

int scoop_records_write(struct scoop_records *records, const unsigned char *data, size_t length,
                        scoop_line_taker *take, void *user, struct scoop_error *error) {
    const unsigned char *end = data + length;
    if (!records->begun) {
        int result;
        data += take_bom(records, data, length, error, &result);
        if (result != 0)
            return -1;
    }
    while (data < end) {
        const unsigned char *newline = memchr(data, '\n', (size_t)(end - data));
        const unsigned char *stop = newline != NULL ? newline : end;
        int result;
        if (newline == NULL || records->partial_bytes > 0) {
            result = keep(records, data, (size_t)(stop - data), error);
            if (result == 0 && newline != NULL)
                result = give_partial(records, take, user, error);
        } else {
            struct scoop_line line = {.data = data,
                                      .length = (size_t)(newline - data) + 1,
                                      .total_bytes = (size_t)(newline - data),
                                      .stays = true};
            result = give(records, line, take, user, error);
        }
        if (result != 0)
            return -1;
        data = newline != NULL ? newline + 1 : end;
    }
    return 0;
}

int scoop_records_finish(struct scoop_records *records, scoop_line_taker *take, void *user,
                         struct scoop_error *error) {
    return records->partial_bytes > 0 ? give_partial(records, take, user, error) : 0;
}

void scoop_reject_beginning(const struct scoop_reject *reject, char text[SCOOP_BEGINNING_SIZE]) {
    char example[EXAMPLE_SIZE];
    scoop_example(example, sizeof example, reject->record, reject->record_length);
    snprintf(text, SCOOP_BEGINNING_SIZE, "; the record begins \"%s\"", example);
}

/* Bytes that are no UTF-8 become U+FFFD, each of three bytes. */
static void put_snippet(char *snippet, const unsigned char *record, size_t length) {
    size_t made = 0;
    for (size_t i = 0; i < length;) {
        bool whole;
        size_t taken = scoop_utf8_take(record + i, length - i, &whole);
        if (whole && record[i] != 0)
            memcpy(snippet + made, record + i, taken);
        made += whole && record[i] != 0
                    ? taken
                    : scoop_utf8_encode(SCOOP_REPLACEMENT, (unsigned char *)snippet + made);
        i += whole ? taken : 1;
    }
    snippet[made] = 0;
}

void scoop_reject_note(const struct scoop_reject *reject, struct scoop_error *error) {
    static_assert(3 * SNIPPET_BYTES < sizeof error->record.snippet, "a snippet does not fit");
    size_t length = reject->record_length < SNIPPET_BYTES ? reject->record_length : SNIPPET_BYTES;
    scoop_error_record(error, (struct scoop_record_place){reject->line, reject->byte_offset},
                       reject->reason);
    put_snippet(error->record.snippet, reject->record, length);
}

int scoop_records_reject(struct scoop_records *records, struct scoop_reject reject,
                         struct scoop_error *error) {
    records->counters->records_in++;
    records->counters->records_rejected++;
    if (reject.record_length > REJECT_BYTES)
        reject.record_length = REJECT_BYTES;
    if (records->options.policy.on_reject == NULL) {
        char beginning[SCOOP_BEGINNING_SIZE];
        scoop_reject_beginning(&reject, beginning);
        scoop_fail_record(error, (struct scoop_record_place){reject.line, reject.byte_offset},
                          "%s%s", reject.reason, beginning);
        scoop_reject_note(&reject, error);
        return -1;
    }
    return records->options.policy.on_reject(records->options.policy.user, &reject, error);
}
