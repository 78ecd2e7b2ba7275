/* The id of a change: the first 128 bits, in hex, of the SHA-256 of
 *     VERSION newline OP newline ROW [newline ROW_BEFORE, of an update]
 * where a row is its values in the order of the columns' names, each N for NULL, or S, its number
 * of characters, a colon and itself. docs/how-to/delta.md and the SQL in
 * airscoop/deltas/sql.py say the same. */
#include <string.h>

#include "base/crypto.h"
#include "table/changes/changes.h"
#include "text/copy_padded.h"
#include "text/hex.h"
#include "text/utf8.h"

enum { ID_BYTES = 16, MOST_HEAD_BYTES = 22 /* S, at most 20 digits, a colon */ };

static bool is_ascii(const unsigned char *data, size_t length) {
    uint64_t all = 0, word;
    size_t i = 0;
    for (; length - i >= sizeof word; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        all |= word;
    }
    for (; i < length; i++)
        all |= data[i];
    return (all & 0x8080808080808080u) == 0;
}

static size_t count_characters(const struct scoop_value *value) {
    size_t count = 0;
    if (!value->doubled)
        return is_ascii(value->data, value->length) ? value->length
                                                    : scoop_utf8_count(value->data, value->length);
    for (size_t i = 0; i < value->length; i++) {
        count += !scoop_utf8_continues(value->data[i]);
        if (value->data[i] == '"')
            i++; /* one of two */
    }
    return count;
}

/* S, the number, a colon. */
static unsigned char *write_head(unsigned char *at, size_t number) {
    unsigned char digits[24];
    size_t count = 0;
    *at++ = 'S';
    for (; number >= 10; number /= 10)
        digits[count++] = (unsigned char)('0' + number % 10);
    *at++ = (unsigned char)('0' + number);
    while (count > 0)
        *at++ = digits[--count];
    *at++ = ':';
    return at;
}

/* Room for the row is made before. */
static unsigned char *write_value(unsigned char *at, const struct scoop_value *value) {
    if (value->null) {
        *at++ = 'N';
        return at;
    }
    at = write_head(at, count_characters(value));
    if (!value->doubled) {
        memcpy(at, value->data, value->length);
        return at + value->length;
    }
    for (size_t i = 0; i < value->length; i++) {
        *at++ = value->data[i];
        if (value->data[i] == '"')
            i++;
    }
    return at;
}

/* A string of JSON that begins with the mark has it twice in a row, but is the same as CSV's. */
static struct scoop_value identified(const struct scoop_value *value, bool json) {
    struct scoop_value text = *value;
    if (json && text.length > 1 && text.data[0] == SCOOP_JSON_MARK &&
        text.data[1] == SCOOP_JSON_MARK) {
        text.data++;
        text.length--;
    }
    return text;
}

/* Characters of a plain row are bytes. */
static unsigned char *write_plain_value(unsigned char *at, const struct scoop_value *value) {
    if (value->null) {
        *at++ = 'N';
        return at;
    }
    return scoop_copy_padded(write_head(at, value->length), value->data, value->length);
}

static size_t most_bytes(const struct scoop_changes *changes, const struct scoop_change_row *row,
                         enum scoop_side side) {
    return 1 + MOST_HEAD_BYTES * changes->plans[side].columns + row->length + SCOOP_COPY_BYTES;
}

static unsigned char *write_row(unsigned char *at, const struct scoop_changes *changes,
                                const struct scoop_change_row *row, enum scoop_side side) {
    const size_t *order = changes->by_name[side];
    size_t count = changes->plans[side].columns;
    *at++ = '\n';
    for (size_t i = 0; row->plain && i < count; i++)
        at = write_plain_value(at, &row->values[order[i]]);
    for (size_t i = 0; !row->plain && i < count; i++) {
        const struct scoop_value value = identified(&row->values[order[i]], changes->json);
        at = write_value(at, &value);
    }
    return at;
}

int scoop_change_identify(struct scoop_changes_reader *reader, struct scoop_error *error) {
    unsigned char hash[SCOOP_SHA256_BYTES];
    const struct scoop_changes *changes = reader->changes;
    struct scoop_change *change = &reader->change;
    struct scoop_buf *text = &reader->identified;
    bool update = change->kind == SCOOP_RECORD_UPDATED;
    text->length = 0;
    if (scoop_buf_append_text(text, changes->version, error) != 0 ||
        scoop_buf_append(text, "\n", 1, error) != 0 ||
        scoop_buf_append(text, scoop_change_op(change), SCOOP_CHANGE_OP_BYTES, error) != 0 ||
        scoop_buf_reserve(text,
                          most_bytes(changes, &change->row, change->side) +
                              (update ? most_bytes(changes, &change->before, SCOOP_OLD) : 0),
                          error) != 0)
        return -1;
    unsigned char *at = write_row(text->data + text->length, changes, &change->row, change->side);
    if (update)
        at = write_row(at, changes, &change->before, SCOOP_OLD);
    scoop_sha256_short(text->data, (size_t)(at - text->data), hash);
    scoop_hex_encode(hash, ID_BYTES, change->id);
    return 0;
}
