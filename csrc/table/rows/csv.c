#include "table/rows/csv.h"

#include <string.h>

#include "scoop/memory.h"
#include "table/rows/header_names.h"
#include "table/rows/row_build.h"
#include "text/scan.h"
#include "text/utf8.h"

enum { REPLACED_CEILING = 1 << 30 };

struct scanner {
    struct scoop_csv *csv;
    struct scoop_batch *batch;
    const unsigned char *text;
    size_t length;
    size_t row;      /* where the row under way begins */
    size_t columns;  /* of the export */
    uint64_t lines;  /* before that row, in this scan */
    unsigned high;   /* not 0: there are bytes beyond ASCII */
    bool has_nul;    /* somewhere in the text */
    bool incomplete; /* the text ends inside quotes */
    bool last;
    struct scoop_error *error;
};

void scoop_csv_init(struct scoop_csv *csv) {
    memset(csv, 0, sizeof *csv);
    csv->line = 1;
    scoop_buf_init(&csv->replaced, REPLACED_CEILING);
}

void scoop_csv_free(struct scoop_csv *csv) {
    scoop_free(csv->ends);
    scoop_free(csv->values);
    csv->ends = NULL;
    csv->values = NULL;
    scoop_buf_free(&csv->replaced);
}

/* On the line of the row under way. */
static struct scoop_record_place place_of(const struct scanner *scanner, size_t at) {
    uint64_t offset = scanner->csv->offset + at;
    return (struct scoop_record_place){scanner->csv->line + scanner->lines,
                                       scanner->csv->is_made ? SCOOP_NO_OFFSET : offset};
}

static struct scoop_record_place place(const struct scanner *scanner) {
    return place_of(scanner, scanner->row);
}

static int bad(const struct scanner *scanner, size_t at, const char *reason) {
    return scoop_fail_record(scanner->error, place_of(scanner, at), "%s", reason);
}

static int bad_count(const struct scanner *scanner, size_t fields) {
    return scoop_fail_record(
        scanner->error, place(scanner), "the row has %s%zu values, the header names %zu",
        fields > scanner->columns ? "more than " : "",
        fields > scanner->columns ? scanner->columns : fields, scanner->columns);
}

static bool holds_nul(const void *data, size_t length) {
    return length > 0 && memchr(data, 0, length) != NULL;
}

/* Appends the text with U+FFFD for each NUL. */
static int append_replaced(struct scoop_buf *out, const unsigned char *data, size_t length,
                           struct scoop_error *error) {
    for (size_t i = 0; i < length; i++)
        if (scoop_buf_append(out, data[i] == 0 ? (const void *)"\xef\xbf\xbd" : &data[i],
                             data[i] == 0 ? 3 : 1, error) != 0)
            return -1;
    return 0;
}

/* Points the value to a copy with U+FFFD for each NUL; room for all of the row is made. */
static int mend(struct scanner *scanner, struct scoop_value *value) {
    struct scoop_buf *replaced = &scanner->csv->replaced;
    size_t from = replaced->length;
    if (append_replaced(replaced, value->data, value->length, scanner->error) != 0)
        return -1;
    value->data = replaced->data + from;
    value->length = replaced->length - from;
    return 0;
}

/* Copies point into this: it does not move while a row is mended. */
static int make_room(struct scanner *scanner, const struct scoop_value *values, size_t fields) {
    size_t room = 0;
    for (size_t i = 0; i < fields; i++)
        room += 3 * values[i].length;
    scanner->csv->replaced.length = 0;
    return scoop_buf_reserve(&scanner->csv->replaced, room, scanner->error);
}

/* No table stores a NUL, and no reader of changes takes one. */
static int mend_values(struct scanner *scanner) {
    struct scoop_value *values = scanner->csv->values;
    if (make_room(scanner, values, scanner->columns) != 0)
        return -1;
    for (size_t i = 0; i < scanner->columns; i++) {
        if (values[i].null || !holds_nul(values[i].data, values[i].length))
            continue;
        const unsigned char *nul = memchr(values[i].data, 0, values[i].length);
        if (!scanner->csv->replace_invalid)
            return bad(scanner, (size_t)(nul - scanner->text),
                       "a value holds a NUL character, which no table stores; "
                       "on_invalid_characters=\"replace\" makes it U+FFFD");
        if (mend(scanner, &values[i]) != 0)
            return -1;
    }
    return 0;
}

static int take_values(struct scanner *scanner) {
    const struct scoop_row_plan *plan = scanner->csv->plan;
    const struct scoop_value *values = scanner->csv->values;
    if (scanner->has_nul && mend_values(scanner) != 0)
        return -1;
    struct scoop_row *row = scoop_batch_add(scanner->batch, scanner->error);
    if (row == NULL ||
        scoop_row_set_key(plan, scanner->batch, row, values, place(scanner), scanner->error) != 0)
        return -1;
    row->line = (uint32_t)scanner->lines;
    return scoop_row_encode(plan, scanner->batch, row, values, scanner->error);
}

/* The values of the row without quotes whose commas are known. */
static void split(struct scanner *scanner, size_t fields) {
    const uint32_t *ends = scanner->csv->ends;
    size_t at = scanner->row;
    for (size_t i = 0; i < fields; at = ends[i++] + 1)
        scanner->csv->values[i] = (struct scoop_value){
            .data = scanner->text + at, .length = ends[i] - at, .null = ends[i] == at};
}

/* A row without quotes, which is canonical as it stands if the columns are in order. */
static int take_plain(struct scanner *scanner, size_t end, size_t fields) {
    const struct scoop_row_plan *plan = scanner->csv->plan;
    const uint32_t *ends = scanner->csv->ends;
    if (fields != scanner->columns)
        return bad_count(scanner, fields);
    bool mends = scanner->has_nul && holds_nul(scanner->text + scanner->row, end - scanner->row);
    if (!plan->as_it_is || plan->key_count > 1 || mends)
        split(scanner, fields);
    if (!plan->as_it_is || mends)
        return take_values(scanner);
    struct scoop_row *row = scoop_batch_add(scanner->batch, scanner->error);
    if (row == NULL)
        return -1;
    row->at = (uint32_t)scanner->row;
    row->length = row->compared = (uint32_t)(end - scanner->row);
    row->line = (uint32_t)scanner->lines;
    if (plan->key_count > 1)
        return scoop_row_set_key(plan, scanner->batch, row, scanner->csv->values, place(scanner),
                                 scanner->error);
    size_t column = plan->keys[0];
    row->key_at = column == 0 ? row->at : ends[column - 1] + 1;
    row->key_length = ends[column] - row->key_at;
    row->hash = scoop_key_hash_of(scanner->text + row->key_at, row->key_length);
    return row->key_length > 0 ? 0 : scoop_row_fail_key(plan, 0, place(scanner), scanner->error);
}

/* A line ends with a newline, a carriage return, or both. */
static bool ends_line(unsigned char byte) {
    return byte == '\n' || byte == '\r';
}

/* The bytes of the line end at `at`; 0: a carriage return is the last that is known, and may be
 * half of one. */
static size_t line_end_bytes(const struct scanner *scanner, size_t at) {
    if (scanner->text[at] == '\n')
        return 1;
    if (at + 1 == scanner->length)
        return scanner->last ? 1 : 0;
    return scanner->text[at + 1] == '\n' ? 2 : 1;
}

/* Of a text that is not cut between a carriage return and its newline. */
static uint64_t count_lines(const unsigned char *text, size_t length) {
    uint64_t lines = length > 0 && ends_line(text[0]);
    for (size_t i = 1; i < length; i++)
        lines += text[i] == '\r' || (text[i] == '\n' && text[i - 1] != '\r');
    return lines;
}

/* Reads the quoted value whose opening quote is at `at`; *at becomes the byte after the closing
 * one. */
static int read_quoted(struct scanner *scanner, size_t *at, struct scoop_value *value) {
    const unsigned char *from = scanner->text + *at + 1, *end = scanner->text + scanner->length;
    const unsigned char *quote = from;
    *value = (struct scoop_value){.data = from};
    for (;;) {
        quote = quote < end ? memchr(quote, '"', (size_t)(end - quote)) : NULL;
        if (quote == NULL || (quote + 1 == end && !scanner->last)) {
            scanner->incomplete = true;
            return scanner->last ? bad(scanner, *at, "a quoted value is not closed") : 0;
        }
        if (quote + 1 == end || quote[1] != '"')
            break;
        value->doubled = true;
        quote += 2;
    }
    value->length = (size_t)(quote - from);
    *at = (size_t)(quote - scanner->text) + 1;
    return 0;
}

static int read_unquoted(struct scanner *scanner, size_t *at, struct scoop_value *value) {
    const unsigned char *text = scanner->text;
    size_t from = *at, end = from;
    while (end < scanner->length && text[end] != ',' && text[end] != '"' && !ends_line(text[end]))
        end++;
    if (end == scanner->length && !scanner->last) {
        scanner->incomplete = true;
        return 0;
    }
    if (end < scanner->length && text[end] == '"')
        return bad(scanner, end, "a quote inside a value that does not begin with one");
    *at = end;
    *value = (struct scoop_value){.data = text + from, .length = end - from, .null = end == from};
    return 0;
}

/* After a closing quote: a comma, or the end of the row. */
static int check_after_quote(struct scanner *scanner, size_t at) {
    if (at == scanner->length)
        scanner->incomplete = !scanner->last;
    else if (scanner->text[at] != ',' && !ends_line(scanner->text[at]))
        return bad(scanner, at, "text follows the closing quote of a value");
    return 0;
}

/* Reads all values of the row under way; *end: the byte after it. Also of a header, whose number of
 * values is not known: then room is the most there may be. */
static int read_values(struct scanner *scanner, struct scoop_value *values, size_t room,
                       size_t *fields, size_t *end) {
    size_t at = scanner->row;
    *fields = 0;
    for (;;) {
        if (*fields == room)
            return bad_count(scanner, room + 1);
        struct scoop_value *value = &values[(*fields)++];
        bool quoted = at < scanner->length && scanner->text[at] == '"';
        int status = quoted ? read_quoted(scanner, &at, value) : read_unquoted(scanner, &at, value);
        if (status == 0 && quoted && !scanner->incomplete)
            status = check_after_quote(scanner, at);
        if (status != 0 || scanner->incomplete)
            return status;
        if (at == scanner->length || ends_line(scanner->text[at]))
            break;
        at++;
    }
    size_t line_end = at == scanner->length ? 0 : line_end_bytes(scanner, at);
    scanner->incomplete = at < scanner->length && line_end == 0;
    *end = at + line_end;
    return 0;
}

/* The row under way has quotes: read it value by value. */
static int take_quoted(struct scanner *scanner, size_t *end) {
    size_t fields;
    if (read_values(scanner, scanner->csv->values, scanner->columns, &fields, end) != 0)
        return -1;
    if (scanner->incomplete)
        return 0;
    if (fields != scanner->columns)
        return bad_count(scanner, fields);
    if (take_values(scanner) != 0)
        return -1;
    scanner->lines += count_lines(scanner->text + scanner->row, *end - scanner->row);
    scanner->row = *end;
    return 0;
}

/* The row without quotes that ends before `end`, and the next one begins `line_end` bytes later;
 * blank lines are none. */
static int end_plain(struct scanner *scanner, size_t end, size_t line_end, size_t fields) {
    scanner->csv->ends[fields] = (uint32_t)end;
    if (end > scanner->row && take_plain(scanner, end, fields + 1) != 0)
        return -1;
    scanner->lines++;
    scanner->row = end + line_end;
    return 0;
}

static uint64_t structure_at(struct scanner *scanner, size_t base) {
    uint64_t bits = scoop_scan_csv(scanner->text + base, &scanner->high);
    size_t left = scanner->length - base;
    return left < SCOOP_SCAN_BYTES ? bits & (((uint64_t)1 << left) - 1) : bits;
}

static int scan_rows(struct scanner *scanner) {
    const unsigned char *text = scanner->text;
    uint32_t *ends = scanner->csv->ends;
    size_t fields = 0;
    for (size_t base = 0; base < scanner->length; base += SCOOP_SCAN_BYTES) {
        uint64_t bits = structure_at(scanner, base);
        while (bits != 0) {
            size_t at = base + (size_t)__builtin_ctzll(bits);
            bits &= bits - 1;
            if (text[at] == ',') {
                if (fields + 1 >= scanner->columns)
                    return bad_count(scanner, scanner->columns + 1);
                ends[fields++] = (uint32_t)at;
            } else if (ends_line(text[at])) {
                size_t line_end = line_end_bytes(scanner, at);
                if (at < scanner->row) /* a newline behind its carriage return */
                    continue;
                if (line_end == 0)
                    return 0;
                if (end_plain(scanner, at, line_end, fields) != 0)
                    return -1;
                fields = 0;
            } else {
                size_t next;
                if (take_quoted(scanner, &next) != 0)
                    return -1;
                if (scanner->incomplete)
                    return 0;
                fields = 0;
                for (; base + SCOOP_SCAN_BYTES <= next; base += SCOOP_SCAN_BYTES)
                    scoop_scan_csv(text + base, &scanner->high);
                if (base >= scanner->length)
                    return 0;
                bits = structure_at(scanner, base) & (~(uint64_t)0 << (next - base));
            }
        }
    }
    return scanner->last && scanner->row < scanner->length
               ? end_plain(scanner, scanner->length, 0, fields)
               : 0;
}

static int check_utf8(struct scanner *scanner, size_t length) {
    if ((scanner->high & 0xffff) == 0)
        return 0;
    size_t good = scoop_utf8_valid(scanner->text, length);
    if (good == length)
        return 0;
    scanner->lines = count_lines(scanner->text, good);
    return bad(scanner, good, "the text is not UTF-8; perhaps its encoding is another, as cp1252");
}

static int prepare(struct scoop_csv *csv, struct scoop_error *error) {
    if (csv->ends != NULL)
        return 0;
    size_t fields = csv->plan->fields;
    csv->ends = scoop_calloc(fields, sizeof *csv->ends);
    csv->values = scoop_calloc(fields + 1, sizeof *csv->values);
    if (csv->ends == NULL || csv->values == NULL)
        return scoop_fail_memory(error);
    csv->values[fields].null = true; /* of columns that the export lacks */
    return 0;
}

int scoop_csv_scan(struct scoop_csv *csv, struct scoop_batch *batch, bool last, size_t *used,
                   struct scoop_error *error) {
    struct scanner scanner = {.csv = csv,
                              .batch = batch,
                              .text = batch->text.data,
                              .length = batch->text.length,
                              .last = last,
                              .error = error};
    if (prepare(csv, error) != 0)
        return -1;
    scanner.columns = csv->plan->fields;
    scanner.has_nul = holds_nul(scanner.text, scanner.length);
    batch->first_line = csv->line;
    if (scan_rows(&scanner) != 0)
        return -1;
    *used = scanner.row < scanner.length ? scanner.row : scanner.length;
    if (check_utf8(&scanner, *used) != 0)
        return -1;
    csv->line += scanner.lines;
    csv->offset += *used;
    return 0;
}

static int add_names(struct scanner *scanner, struct scoop_value *values, size_t fields,
                     struct scoop_columns *columns) {
    if (make_room(scanner, values, fields) != 0)
        return -1;
    for (size_t i = 0; i < fields; i++) {
        if (values[i].null || !holds_nul(values[i].data, values[i].length))
            continue;
        if (!scanner->csv->replace_invalid)
            return bad(scanner, scanner->row, "a column's name holds a NUL character");
        if (mend(scanner, &values[i]) != 0)
            return -1;
    }
    return scoop_header_names(values, fields, columns, scanner->error);
}

/* Those that stand before the header; all of the text, where that may go on with one. */
static size_t blank_lines(const struct scanner *scanner) {
    size_t at = 0;
    while (at < scanner->length && ends_line(scanner->text[at])) {
        size_t line_end = line_end_bytes(scanner, at);
        if (line_end == 0)
            return scanner->length;
        at += line_end;
    }
    return at;
}

int scoop_csv_header(struct scoop_csv *csv, const unsigned char *text, size_t length, bool last,
                     struct scoop_columns *columns, size_t *used, struct scoop_error *error) {
    struct scanner scanner = {
        .csv = csv, .text = text, .length = length, .last = last, .error = error};
    size_t fields, room = 1;
    *used = 0;
    scanner.row = blank_lines(&scanner);
    if (scanner.row == length)
        return last ? bad(&scanner, 0, "there is no header row") : 0;
    scanner.lines = count_lines(text, scanner.row);
    for (size_t i = scanner.row; i < length; i++)
        room += text[i] == ',';
    scanner.columns = room;
    struct scoop_value *values = scoop_calloc(room, sizeof *values);
    if (values == NULL)
        return scoop_fail_memory(error);
    size_t end = 0;
    int status = read_values(&scanner, values, room, &fields, &end);
    if (status == 0 && !scanner.incomplete) {
        *used = end;
        size_t good = scoop_utf8_valid(text, end);
        status = good == end
                     ? add_names(&scanner, values, fields, columns)
                     : bad(&scanner, good,
                           "the text is not UTF-8; perhaps its encoding is another, as cp1252");
        csv->line += count_lines(text, end);
        csv->offset += end;
    }
    scoop_free(values);
    return status;
}
