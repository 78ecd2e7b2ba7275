/* The id of a change: the first 128 bits, in hex, of the SHA-256 of
 *     VERSION newline OP newline ROW [newline ROW_BEFORE, of an update]
 * where a row is its values in the order of the columns' names, each N for NULL, or S, its number
 * of characters, a colon and itself. docs/delta.md and the SQL in sql/delta say the same. */
#include <string.h>

#include "changes.h"
#include "scoop/crypto.h"

enum { ID_BYTES = 16 };

enum { MOST_HEAD_BYTES = 22 }; /* S, at most 20 digits, a colon */

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
    if (!value->doubled && is_ascii(value->data, value->length))
        return value->length;
    for (size_t i = 0; i < value->length; i++) {
        count += (value->data[i] & 0xc0) != 0x80;
        if (value->doubled && value->data[i] == '"')
            i++; /* one of two */
    }
    return count;
}

/* S, the number, a colon. */
static unsigned char *write_head(unsigned char *at, size_t number) {
    unsigned char digits[24];
    size_t count = 0;
    do
        digits[count++] = (unsigned char)('0' + number % 10);
    while ((number /= 10) > 0);
    *at++ = 'S';
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

static int append_row(struct scoop_buf *text, const struct scoop_value *values, const size_t *order,
                      size_t count, bool json, struct scoop_error *error) {
    size_t most = 1;
    for (size_t i = 0; i < count; i++)
        most += MOST_HEAD_BYTES + values[i].length;
    if (scoop_buf_reserve(text, most, error) != 0)
        return -1;
    unsigned char *at = text->data + text->length;
    *at++ = '\n';
    for (size_t i = 0; i < count; i++) {
        const struct scoop_value value = identified(&values[order[i]], json);
        at = write_value(at, &value);
    }
    text->length = (size_t)(at - text->data);
    return 0;
}

int scoop_change_identify(struct scoop_changes_reader *reader, struct scoop_error *error) {
    unsigned char hash[SCOOP_SHA256_BYTES];
    const struct scoop_changes *changes = reader->changes;
    const struct scoop_row_plan *plans = changes->plans;
    struct scoop_change *change = &reader->change;
    struct scoop_buf *text = &reader->scratch;
    text->length = 0;
    if (scoop_buf_append_text(text, changes->version, error) != 0 ||
        scoop_buf_append(text, "\n", 1, error) != 0 ||
        scoop_buf_append_text(text, scoop_change_op(change), error) != 0 ||
        append_row(text, change->values, changes->by_name[change->side],
                   plans[change->side].columns, changes->json, error) != 0)
        return -1;
    if (change->kind == SCOOP_RECORD_UPDATED &&
        append_row(text, change->before, changes->by_name[SCOOP_OLD], plans[SCOOP_OLD].columns,
                   changes->json, error) != 0)
        return -1;
    if (scoop_digest_restart(reader->digest, error) != 0 ||
        scoop_digest_update(reader->digest, text->data, text->length, error) != 0 ||
        scoop_digest_finish(reader->digest, hash, error) != 0)
        return -1;
    scoop_hex_encode(hash, ID_BYTES, change->id);
    return 0;
}
