#include "table/changes/line.h"

#include <stdarg.h>
#include <string.h>

#include "scoop/memory.h"
#include "table/rows/json_value.h"
#include "text/json_reader.h"
#include "text/text.h"

enum { TEXT_CEILING = 1 << 30, FIRST_MEMBERS = 32 };

static const char *const op_names[] = {"INSERT", "UPDATE", "DELETE"};

/* What a line has said so far. */
struct reading {
    struct scoop_change_line *line;
    const unsigned char *at;
    unsigned char *out;
    struct scoop_change_place place;
    long op; /* -1: not said yet */
    size_t key_from, row_from;
    size_t key_count, row_count;
    bool has_key, has_row, of_csv, has_previous, has_count;
    struct scoop_change_stamp stamp;
    struct scoop_error *error;
};

const char *scoop_change_op_name(enum scoop_change_op op) {
    return op_names[op];
}

void scoop_change_line_init(struct scoop_change_line *line) {
    memset(line, 0, sizeof *line);
    scoop_buf_init(&line->text, TEXT_CEILING);
}

void scoop_change_line_free(struct scoop_change_line *line) {
    scoop_buf_free(&line->text);
    scoop_free(line->members);
    memset(line, 0, sizeof *line);
}

int scoop_change_fail(struct scoop_error *error, struct scoop_change_place place,
                      const char *format, ...) {
    char what[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    scoop_text_vprint(what, sizeof what, format, arguments);
    va_end(arguments);
    return scoop_fail_record(error, place.record, "change %llu%s", (unsigned long long)place.number,
                             what);
}

static int bad(const struct reading *reading, const char *reason) {
    return scoop_change_fail(reading->error, reading->place, ": %s", reason);
}

static struct scoop_change_member *add_member(struct reading *reading) {
    struct scoop_change_line *line = reading->line;
    if (line->count == line->capacity) {
        size_t capacity = line->capacity == 0 ? FIRST_MEMBERS : line->capacity * 2;
        struct scoop_change_member *grown = scoop_realloc(line->members, capacity * sizeof *grown);
        if (grown == NULL) {
            scoop_fail_memory(reading->error);
            return NULL;
        }
        line->members = grown;
        line->capacity = capacity;
    }
    return &line->members[line->count++];
}

/* The value at reading->at, without the mark that tells JSON's kinds apart. */
static void take_value(struct reading *reading, struct scoop_value *value) {
    reading->at = scoop_json_take_value(reading->at, &reading->out, value);
    if (value->length > 0 && *value->data == SCOOP_JSON_MARK) {
        value->data++;
        value->length--;
    }
}

static int read_members(struct reading *reading, size_t *from, size_t *count) {
    size_t length;
    if (*reading->at != '{')
        return bad(reading, "its key and its row must be objects");
    *from = reading->line->count;
    while (scoop_json_checked_member(&reading->at, reading->out, &length)) {
        struct scoop_change_member *member = add_member(reading);
        struct scoop_value value;
        if (member == NULL)
            return -1;
        member->is_text = *reading->at == '"';
        member->name = (const char *)reading->out;
        reading->out += length;
        *reading->out++ = 0;
        take_value(reading, &value);
        *reading->out++ = 0;
        member->value = value.null ? NULL : (const char *)value.data;
        member->value_length = value.length;
    }
    reading->at++;
    *count = reading->line->count - *from;
    return 0;
}

static int read_op(struct reading *reading) {
    struct scoop_value value;
    take_value(reading, &value);
    for (long op = 0; op < SCOOP_CHANGE_OPS; op++)
        if (value.length == strlen(op_names[op]) &&
            memcmp(value.data, op_names[op], value.length) == 0)
            reading->op = op;
    return reading->op < 0 ? bad(reading, "its op is none of INSERT, UPDATE, DELETE") : 0;
}

static void read_format(struct reading *reading) {
    struct scoop_value value;
    unsigned char *out = reading->out;
    take_value(reading, &value);
    reading->of_csv = value.length == 3 && memcmp(value.data, "csv", 3) == 0;
    reading->out = out;
}

/* A text of the stamp; *text stays NULL where the value is none. False: it is neither text nor
 * null. */
static bool read_text(struct reading *reading, const char **text) {
    bool is_text = *reading->at == '"';
    struct scoop_value value;
    take_value(reading, &value);
    *reading->out++ = 0;
    *text = is_text ? (const char *)value.data : NULL;
    return is_text || value.null;
}

/* Whether the member is of the stamp, and was read. */
static bool read_stamp(struct reading *reading, const char *name) {
    if (strcmp(name, "dataset") == 0)
        read_text(reading, &reading->stamp.dataset);
    else if (strcmp(name, "version") == 0)
        read_text(reading, &reading->stamp.version);
    else if (strcmp(name, "previous") == 0)
        reading->has_previous = read_text(reading, &reading->stamp.previous);
    else
        return false;
    return true;
}

static int read_member(struct reading *reading, const char *name) {
    struct scoop_value ignored;
    bool is_op = strcmp(name, "op") == 0, is_key = strcmp(name, "key") == 0;
    bool is_row = strcmp(name, "row") == 0;
    if ((is_op && reading->op >= 0) || (is_key && reading->has_key) || (is_row && reading->has_row))
        return bad(reading, "it has op, key or row twice");
    reading->has_key |= is_key;
    reading->has_row |= is_row;
    if (is_op)
        return read_op(reading);
    if (is_key)
        return read_members(reading, &reading->key_from, &reading->key_count);
    if (is_row)
        return read_members(reading, &reading->row_from, &reading->row_count);
    if (strcmp(name, "format") == 0) {
        read_format(reading);
        return 0;
    }
    if (read_stamp(reading, name))
        return 0;
    reading->has_count |= strcmp(name, "changes") == 0;
    unsigned char *out = reading->out;
    take_value(reading, &ignored);
    reading->out = out;
    return 0;
}

static int read_line(struct reading *reading) {
    size_t length;
    if (!scoop_json_checked_begin(&reading->at))
        return bad(reading, "it is no object; a change file has a change in each line, as "
                            "airscoop.delta writes it");
    while (scoop_json_checked_member(&reading->at, reading->out, &length)) {
        reading->out[length] = 0;
        const char *name = (const char *)reading->out;
        reading->out += length + 1;
        if (read_member(reading, name) != 0)
            return -1;
    }
    const struct scoop_change_stamp *stamp = &reading->stamp;
    if (stamp->dataset == NULL || stamp->version == NULL || !reading->has_previous)
        reading->stamp = (struct scoop_change_stamp){0}; /* members of another program */
    if (reading->op < 0 && !reading->has_key && !reading->has_row && reading->has_count &&
        reading->stamp.version != NULL) {
        reading->op = SCOOP_CHANGE_OPS;
        return 0;
    }
    if (reading->op < 0 || reading->key_count == 0)
        return bad(reading, "it lacks op or key; a change file has a change in each line, as "
                            "airscoop.delta writes it");
    if (reading->row_count == 0 && reading->op != SCOOP_CHANGE_DELETE)
        return bad(reading, "it lacks its row");
    return 0;
}

int scoop_change_line_read(struct scoop_change_line *line, const unsigned char *json, size_t length,
                           struct scoop_change_place place, struct scoop_change_record *record,
                           struct scoop_error *error) {
    line->count = 0;
    /* A name needs a byte more than between its quotes, a value at most two. */
    if (scoop_buf_reserve(&line->text, 2 * length + 4, error) != 0)
        return -1;
    struct reading reading = {
        .line = line, .at = json, .out = line->text.data, .place = place, .op = -1, .error = error};
    if (read_line(&reading) != 0)
        return -1;
    record->place = place;
    record->op = (enum scoop_change_op)reading.op;
    record->stamp = reading.stamp;
    record->key = line->members + reading.key_from;
    record->key_count = reading.key_count;
    record->row = line->members + reading.row_from;
    record->row_count = reading.row_count;
    record->of_csv = reading.of_csv;
    return 0;
}
