#include "table/rows/json_rows.h"

#include <stdlib.h>
#include <string.h>

#include "scoop/memory.h"
#include "table/rows/json_value.h"
#include "table/rows/row_build.h"
#include "text/example.h"
#include "text/json_reader.h"

enum {
    DECODED_CEILING = 1 << 30,
    NAME_SIZE = 200,
    MOST_MADE_BYTES = 4 * 1024 * 1024, /* of a batch: few members of many columns make long rows */
};

void scoop_json_rows_init(struct scoop_json_rows *rows) {
    memset(rows, 0, sizeof *rows);
    scoop_buf_init(&rows->decoded, DECODED_CEILING);
    scoop_canonical_init(&rows->canonical);
}

void scoop_json_rows_free(struct scoop_json_rows *rows) {
    scoop_record_places_free(&rows->places);
    scoop_free(rows->values);
    scoop_free(rows->given);
    scoop_free(rows->cells);
    rows->values = NULL;
    rows->given = NULL;
    rows->cells = NULL;
    scoop_buf_free(&rows->decoded);
    scoop_canonical_free(&rows->canonical);
}

static int bad_member(const struct scoop_json_rows *rows, const unsigned char *name, size_t length,
                      struct scoop_error *error) {
    char shown[NAME_SIZE];
    scoop_example(shown, sizeof shown, name, length);
    return scoop_fail_record(error, rows->place, "the member \"%s\" is given twice", shown);
}

static bool is_key(const struct scoop_row_plan *plan, size_t column) {
    for (size_t i = 0; i < plan->key_count; i++)
        if (plan->keys[i] == column)
            return true;
    return false;
}

/* 0, 1: it has a member that is no column, -1. */
static int read_row(struct scoop_json_rows *rows, const unsigned char *line,
                    struct scoop_error *error) {
    const struct scoop_columns *names = &rows->plan->names;
    const unsigned char *at = line;
    unsigned char *out = rows->decoded.data;
    size_t length, expected = 0;
    for (; rows->used > 0; rows->used--)
        rows->values[rows->given[rows->used - 1]] = (struct scoop_value){.null = true};
    if (!scoop_json_checked_begin(&at))
        return scoop_fail_record(error, rows->place, "a row must be an object");
    while (scoop_json_checked_member(&at, out, &length)) {
        /* Most exports give the members in one order. */
        bool hit = expected < names->count && strlen(names->names[expected]) == length &&
                   memcmp(names->names[expected], out, length) == 0;
        long column = hit ? (long)expected : scoop_columns_find(names, out, length);
        if (column < 0 || !rows->plan->met[column])
            return 1;
        if (rows->values[column].data != NULL)
            return bad_member(rows, out, length, error);
        bool by_value = rows->numbers_by_value || is_key(rows->plan, (size_t)column);
        at = scoop_json_take_canonical(&rows->canonical, at, by_value, &out, &rows->values[column],
                                       error);
        if (at == NULL)
            return -1;
        expected = (size_t)column + 1;
        rows->given[rows->used++] = (size_t)column;
    }
    return 0;
}

static int by_column(const void *a, const void *b) {
    const struct scoop_cell *one = a, *other = b;
    return one->column < other->column ? -1 : one->column > other->column;
}

/* The canonical row of what was read: the time is that of its members, not of all columns. */
static int write_row(struct scoop_json_rows *rows, struct scoop_batch *batch, struct scoop_row *row,
                     struct scoop_error *error) {
    struct scoop_cell *cells = rows->cells;
    size_t count = 0;
    bool sorted = true;
    for (size_t i = 0; i < rows->used; i++) {
        const struct scoop_value *value = &rows->values[rows->given[i]];
        if (value->null)
            continue;
        cells[count] = (struct scoop_cell){rows->given[i], *value};
        sorted = sorted && (count == 0 || cells[count - 1].column < cells[count].column);
        count++;
    }
    if (!sorted)
        qsort(cells, count, sizeof *cells, by_column);
    row->row_in_extra = true;
    row->at = (uint32_t)batch->extra.length;
    if (scoop_row_write_cells(rows->plan, cells, count, &batch->extra, &row->compared, error) != 0)
        return -1;
    row->length = (uint32_t)batch->extra.length - row->at;
    return 0;
}

static int take_line(struct scoop_json_rows *rows, struct scoop_batch *batch, size_t from,
                     size_t length, struct scoop_error *error) {
    /* The names pass through the same room as the values. */
    size_t room = scoop_canonical_room(batch->text.data + from, length);
    if (scoop_buf_reserve(&rows->decoded, room, error) != 0)
        return -1;
    int status = read_row(rows, batch->text.data + from, error);
    if (status != 0)
        return status;
    struct scoop_row *row = scoop_batch_add(batch, error);
    if (row == NULL ||
        scoop_row_set_key(rows->plan, batch, row, rows->values, rows->place, error) != 0 ||
        write_row(rows, batch, row, error) != 0)
        return -1;
    row->line = (uint32_t)(rows->place.line - batch->first_line);
    rows->record++;
    rows->place.line++;
    rows->place.offset += length;
    return 0;
}

static int grow(void **array, size_t bytes, struct scoop_error *error) {
    void *grown = scoop_realloc(*array, bytes);
    if (grown == NULL)
        return scoop_fail_memory(error);
    *array = grown;
    return 0;
}

static int prepare(struct scoop_json_rows *rows, struct scoop_error *error) {
    size_t needed = rows->plan->fields + 1;
    if (rows->room >= needed)
        return 0;
    needed *= 2; /* columns come a few at a time */
    if (grow((void **)&rows->values, needed * sizeof *rows->values, error) != 0 ||
        grow((void **)&rows->given, needed * sizeof *rows->given, error) != 0 ||
        grow((void **)&rows->cells, needed * sizeof *rows->cells, error) != 0)
        return -1;
    for (; rows->room < needed; rows->room++)
        rows->values[rows->room] = (struct scoop_value){.null = true};
    return 0;
}

static void look_up(struct scoop_json_rows *rows, size_t *mark) {
    scoop_record_places_look_up(&rows->places, mark, rows->record, &rows->place);
}

int scoop_json_rows_scan(struct scoop_json_rows *rows, struct scoop_batch *batch, size_t *used,
                         struct scoop_error *error) {
    const unsigned char *text = batch->text.data, *newline;
    size_t at = 0, end = batch->text.length, mark = rows->places.first;
    if (prepare(rows, error) != 0)
        return -1;
    look_up(rows, &mark);
    const uint64_t first = rows->record;
    const struct scoop_record_place first_place = rows->place;
    batch->first_line = first_place.line;
    while (at < end && batch->extra.length < MOST_MADE_BYTES &&
           (newline = memchr(text + at, '\n', end - at)) != NULL) {
        size_t next = (size_t)(newline - text) + 1;
        look_up(rows, &mark);
        int status = take_line(rows, batch, at, next - at, error);
        if (status > 0) {
            rows->record = first;
            rows->place = first_place;
            batch->count = 0;
            batch->extra.length = 0;
        }
        if (status != 0)
            return status;
        at = next;
    }
    rows->places.first = mark;
    *used = at;
    return 0;
}

static bool has_met(const struct scoop_row_plan *plan, const void *name, size_t length) {
    long column = plan == NULL ? -1 : scoop_columns_find(&plan->names, name, length);
    return column >= 0 && plan->met[column];
}

static int add_members(const struct scoop_json_rows *rows, const unsigned char *line,
                       struct scoop_buf *name, struct scoop_columns *columns,
                       struct scoop_error *error) {
    const unsigned char *at = line;
    size_t length;
    if (!scoop_json_checked_begin(&at))
        return 0;
    while (scoop_json_checked_member(&at, name->data, &length)) {
        unsigned char *ignored = name->data + length;
        struct scoop_value value;
        if (!has_met(rows->plan, name->data, length) &&
            scoop_columns_find(columns, name->data, length) < 0 &&
            scoop_columns_add(columns, name->data, length, error) != 0)
            return -1;
        at = scoop_json_take_value(at, &ignored, &value);
    }
    return 0;
}

int scoop_json_rows_columns(const struct scoop_json_rows *rows, const struct scoop_buf *text,
                            struct scoop_columns *columns, struct scoop_error *error) {
    const unsigned char *at = text->data, *newline;
    size_t left = text->length;
    struct scoop_buf name;
    int status = 0;
    scoop_buf_init(&name, DECODED_CEILING);
    while (status == 0 && left > 0 && (newline = memchr(at, '\n', left)) != NULL) {
        status = scoop_buf_reserve(&name, 2 * (size_t)(newline + 1 - at) + 2, error);
        if (status == 0)
            status = add_members(rows, at, &name, columns, error);
        left -= (size_t)(newline + 1 - at);
        at = newline + 1;
    }
    scoop_buf_free(&name);
    return status;
}
