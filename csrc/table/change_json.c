/* Changes as JSON lines. */
#include <string.h>

#include "changes.h"

struct writer {
    struct scoop_buf *out;
    const struct scoop_changes *changes;
    const struct scoop_change *change;
    struct scoop_error *error;
};

static int put(struct writer *writer, const void *data, size_t length) {
    return scoop_buf_append(writer->out, data, length, writer->error);
}

static int put_text(struct writer *writer, const char *text) {
    return put(writer, text, strlen(text));
}

static int put_escape(struct writer *writer, unsigned char byte) {
    static const char digits[] = "0123456789abcdef";
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    const char *known = byte == 0 ? NULL : strchr(from, byte);
    char escape[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    if (known == NULL)
        return put(writer, escape, sizeof escape);
    escape[1] = to[known - from];
    return put(writer, escape, 2);
}

static int put_string(struct writer *writer, const unsigned char *data, size_t length,
                      bool doubled) {
    size_t from = 0;
    if (put(writer, "\"", 1) != 0)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (data[i] >= ' ' && data[i] != '"' && data[i] != '\\')
            continue;
        if (put(writer, data + from, i - from) != 0 || put_escape(writer, data[i]) != 0)
            return -1;
        if (doubled && data[i] == '"')
            i++;
        from = i + 1;
    }
    return put(writer, data + from, length - from) == 0 ? put(writer, "\"", 1) : -1;
}

static int put_value(struct writer *writer, const struct scoop_value *value) {
    const unsigned char *data = value->data;
    if (value->null)
        return put(writer, "null", 4);
    if (!writer->changes->json || value->length == 0 || data[0] != SCOOP_JSON_MARK)
        return put_string(writer, data, value->length, value->doubled);
    if (value->length > 1 && data[1] == SCOOP_JSON_MARK)
        return put_string(writer, data + 1, value->length - 1, value->doubled);
    struct scoop_value json = *value;
    json.data++;
    json.length--;
    return scoop_value_unescape(&json, writer->out, writer->error);
}

static int put_member(struct writer *writer, size_t column, bool first) {
    const char *name = writer->changes->plans[writer->change->side].names.names[column];
    if ((!first && put(writer, ",", 1) != 0) ||
        put_string(writer, (const unsigned char *)name, strlen(name), false) != 0 ||
        put(writer, ":", 1) != 0)
        return -1;
    return put_value(writer, &writer->change->values[column]);
}

static int put_changed(struct writer *writer) {
    const struct scoop_row_plan *plan = &writer->changes->plans[SCOOP_NEW];
    bool first = true;
    if (put_text(writer, ",\"changed\":[") != 0)
        return -1;
    for (size_t i = 0; i < plan->compared; i++) {
        const char *name = plan->names.names[i];
        if (!writer->change->changed[i])
            continue;
        if ((!first && put(writer, ",", 1) != 0) ||
            put_string(writer, (const unsigned char *)name, strlen(name), false) != 0)
            return -1;
        first = false;
    }
    return put(writer, "]", 1);
}

static int put_change(struct writer *writer) {
    const struct scoop_row_plan *plan = &writer->changes->plans[writer->change->side];
    if (put_text(writer, "{\"op\":\"") != 0 ||
        put_text(writer, scoop_change_op(writer->change)) != 0 ||
        put_text(writer, "\",\"key\":{") != 0)
        return -1;
    for (size_t i = 0; i < plan->key_count; i++)
        if (put_member(writer, plan->key_places[i], i == 0) != 0)
            return -1;
    if (put_text(writer, "},\"row\":{") != 0)
        return -1;
    for (size_t i = 0; i < plan->columns; i++)
        if (put_member(writer, i, i == 0) != 0)
            return -1;
    if (put(writer, "}", 1) != 0 ||
        (writer->change->kind == SCOOP_RECORD_UPDATED && put_changed(writer) != 0) ||
        put_text(writer, ",\"id\":\"") != 0 || put_text(writer, writer->change->id) != 0)
        return -1;
    return put_text(writer, "\"}\n");
}

int scoop_changes_read_json(struct scoop_changes_reader *reader, size_t at_least_bytes,
                            struct scoop_buf *out, struct scoop_error *error) {
    struct writer writer = {out, reader->changes, &reader->change, error};
    while (out->length < at_least_bytes) {
        int status = scoop_changes_reader_next(reader, error);
        if (status <= 0)
            return status;
        if (put_change(&writer) != 0)
            return -1;
    }
    return 1;
}
