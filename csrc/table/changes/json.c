/* Changes as JSON lines. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "table/changes/changes.h"
#include "text/copy_padded.h"
#include "text/escapes.h"
#include "text/json_string.h"

#define COUNT_MEMBER ",\"changes\":"

enum {
    MOST_OTHER_BYTES = 128, /* of a change: all but names and values */
    MOST_DIGITS = 20,
};

/* Room for a whole change is made before: nothing here checks it. */
struct writer {
    unsigned char *at;
    const struct scoop_changes *changes;
    const struct scoop_change *change;
};

static void put(struct writer *writer, const void *data, size_t length) {
    memcpy(writer->at, data, length);
    writer->at += length;
}

static void put_text(struct writer *writer, const char *text) {
    put(writer, text, strlen(text)); /* of a constant mostly, known when compiled */
}

/* JSON text as it is, but for quotes that are doubled in a row. */
static unsigned char *put_json(unsigned char *at, const unsigned char *data, size_t length,
                               bool doubled) {
    for (size_t i = 0; i < length; i++) {
        *at++ = data[i];
        if (doubled && data[i] == '"')
            i++;
    }
    return at;
}

static void put_value(struct writer *writer, const struct scoop_value *value) {
    const unsigned char *data = value->data;
    size_t length = value->length;
    bool marked = writer->changes->json && !value->null && length > 0 && data[0] == SCOOP_JSON_MARK;
    if (value->null)
        put(writer, "null", 4);
    else if (!marked)
        writer->at = scoop_json_string_write(writer->at, data, length, value->doubled);
    else if (length > 1 && data[1] == SCOOP_JSON_MARK)
        writer->at = scoop_json_string_write(writer->at, data + 1, length - 1, value->doubled);
    else
        writer->at = put_json(writer->at, data + 1, length - 1, value->doubled);
}

/* Its name between a comma and a colon. */
static void put_name(struct writer *writer, enum scoop_side side, size_t column) {
    const struct scoop_buf *members = &writer->changes->members[side];
    const size_t *ends = writer->changes->member_ends[side];
    size_t from = column == 0 ? 0 : ends[column - 1];
    writer->at = scoop_copy_padded(writer->at, members->data + from, ends[column] - from);
}

/* Behind a comma. */
static void put_member(struct writer *writer, size_t column) {
    const struct scoop_value *value = &writer->change->row.values[column];
    put_name(writer, writer->change->side, column);
    if (!writer->change->row.plain || value->null) {
        put_value(writer, value);
        return;
    }
    *writer->at++ = '"';
    writer->at = scoop_copy_padded(writer->at, value->data, value->length);
    *writer->at++ = '"';
}

/* Encloses what was written since `from`, where the bracket takes the place of the first comma. */
static void enclose(struct writer *writer, unsigned char *from, const char brackets[2]) {
    if (writer->at == from)
        writer->at++;
    *from = (unsigned char)brackets[0];
    *writer->at++ = (unsigned char)brackets[1];
}

static void put_key(struct writer *writer, const struct scoop_row_plan *plan) {
    unsigned char *from = writer->at;
    for (size_t i = 0; i < plan->key_count; i++)
        put_member(writer, plan->key_places[i]);
    enclose(writer, from, "{}");
}

static void put_row(struct writer *writer, const struct scoop_row_plan *plan) {
    unsigned char *from = writer->at;
    for (size_t i = 0; i < plan->columns; i++)
        put_member(writer, i);
    enclose(writer, from, "{}");
}

static void put_changed(struct writer *writer) {
    const struct scoop_row_plan *plan = &writer->changes->plans[SCOOP_NEW];
    put_text(writer, ",\"changed\":");
    unsigned char *from = writer->at;
    for (size_t i = 0; i < plan->compared; i++)
        if (writer->change->changed[i]) {
            put_name(writer, SCOOP_NEW, i);
            writer->at--; /* without the colon */
        }
    enclose(writer, from, "[]");
}

static void put_stamp(struct writer *writer) {
    const struct scoop_changes *changes = writer->changes;
    put_text(writer, ",");
    put_text(writer, changes->stamp);
    writer->at += sprintf((char *)writer->at, COUNT_MEMBER "%" PRIu64,
                          changes->spools[0].records + changes->spools[1].records);
}

size_t scoop_changes_stamp_bytes(const struct scoop_changes *changes) {
    return changes->stamp[0] == 0 ? 0 : strlen(changes->stamp) + sizeof COUNT_MEMBER + MOST_DIGITS;
}

static void put_change(struct writer *writer) {
    const struct scoop_row_plan *plan = &writer->changes->plans[writer->change->side];
    put_text(writer, "{\"op\":\"");
    put(writer, scoop_change_op(writer->change), SCOOP_CHANGE_OP_BYTES);
    put_text(writer, "\",\"key\":");
    put_key(writer, plan);
    put_text(writer, ",\"row\":");
    put_row(writer, plan);
    if (writer->change->kind == SCOOP_RECORD_UPDATED)
        put_changed(writer);
    if (!writer->changes->json)
        put_text(writer, ",\"format\":\"csv\""); /* its values are texts, whatever they stood for */
    if (writer->changes->stamp[0] != 0)
        put_stamp(writer);
    put_text(writer, ",\"id\":\"");
    put(writer, writer->change->id, SCOOP_CHANGE_ID_SIZE - 1);
    put_text(writer, "\"}\n");
}

/* Names and values come twice at most (the key's), or a name as changed. */
static size_t most_bytes(const struct scoop_changes *changes, const struct scoop_change *change) {
    const struct scoop_row_plan *plan = &changes->plans[change->side];
    size_t escape = change->row.plain ? 1 : SCOOP_ESCAPE_MOST, values = change->row.length;
    for (size_t i = 0; i < plan->key_count; i++)
        values += change->row.values[plan->key_places[i]].length;
    return MOST_OTHER_BYTES + scoop_changes_stamp_bytes(changes) +
           3 * changes->members[change->side].length + escape * values +
           2 * plan->columns * sizeof "null" + SCOOP_COPY_BYTES;
}

int scoop_changes_name_members(struct scoop_changes *changes, enum scoop_side side,
                               struct scoop_error *error) {
    const struct scoop_columns *names = &changes->plans[side].names;
    struct scoop_buf *members = &changes->members[side];
    for (size_t i = 0; i < names->count; i++) {
        const unsigned char *name = (const unsigned char *)names->names[i];
        size_t length = strlen(names->names[i]);
        if (scoop_buf_reserve(members, SCOOP_ESCAPE_MOST * length + 4, error) != 0)
            return -1;
        unsigned char *at = members->data + members->length;
        *at++ = ',';
        at = scoop_json_string_write(at, name, length, false);
        *at++ = ':';
        members->length = (size_t)(at - members->data);
        changes->member_ends[side][i] = members->length;
    }
    if (scoop_buf_reserve(members, SCOOP_COPY_BYTES, error) != 0)
        return -1;
    memset(members->data + members->length, 0, SCOOP_COPY_BYTES);
    return 0;
}

int scoop_changes_read_json(struct scoop_changes_reader *reader, size_t at_least_bytes,
                            struct scoop_buf *out, struct scoop_error *error) {
    const struct scoop_changes *changes = reader->changes;
    while (out->length < at_least_bytes) {
        int status = scoop_changes_reader_next(reader, error);
        if (status <= 0)
            return status;
        if (scoop_buf_reserve(out, most_bytes(changes, &reader->change), error) != 0)
            return -1;
        struct writer writer = {out->data + out->length, changes, &reader->change};
        put_change(&writer);
        out->length = (size_t)(writer.at - out->data);
    }
    return 1;
}
