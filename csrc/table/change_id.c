/* The id of a change: the first 128 bits, in hex, of the SHA-256 of
 *     VERSION newline OP newline ROW [newline ROW_BEFORE, of an update]
 * where a row is its values in the order of the columns' names, each N for NULL, or S, its number
 * of characters, a colon and itself. docs/delta.md and the SQL in sql/delta say the same. */
#include <string.h>

#include "changes.h"
#include "scoop/crypto.h"

enum { ID_BYTES = 16 };

static size_t count_characters(const struct scoop_value *value) {
    size_t count = 0;
    for (size_t i = 0; i < value->length; i++) {
        count += (value->data[i] & 0xc0) != 0x80;
        if (value->doubled && value->data[i] == '"')
            i++; /* one of two */
    }
    return count;
}

/* S, the number, a colon; returns the length. */
static size_t write_head(char *head, size_t number) {
    char digits[24];
    size_t count = 0, length = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    head[length++] = 'S';
    while (count > 0)
        head[length++] = digits[--count];
    head[length++] = ':';
    return length;
}

static int append_row(struct scoop_buf *text, const struct scoop_value *values, const size_t *order,
                      size_t count, struct scoop_error *error) {
    char head[32];
    if (scoop_buf_append(text, "\n", 1, error) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        const struct scoop_value *value = &values[order[i]];
        size_t length = value->null ? 1 : write_head(head, count_characters(value));
        if (scoop_buf_append(text, value->null ? "N" : head, length, error) != 0 ||
            scoop_value_unescape(value, text, error) != 0)
            return -1;
    }
    return 0;
}

int scoop_change_identify(const struct scoop_changes *changes, struct scoop_change *change,
                          struct scoop_buf *text, struct scoop_error *error) {
    unsigned char hash[SCOOP_SHA256_BYTES];
    const struct scoop_row_plan *plans = changes->plans;
    text->length = 0;
    if (scoop_buf_append_text(text, changes->version, error) != 0 ||
        scoop_buf_append(text, "\n", 1, error) != 0 ||
        scoop_buf_append_text(text, scoop_change_op(change), error) != 0 ||
        append_row(text, change->values, changes->by_name[change->side],
                   plans[change->side].columns, error) != 0)
        return -1;
    if (change->kind == SCOOP_RECORD_UPDATED &&
        append_row(text, change->before, changes->by_name[SCOOP_OLD], plans[SCOOP_OLD].columns,
                   error) != 0)
        return -1;
    if (scoop_sha256(text->data, text->length, hash, error) != 0)
        return -1;
    scoop_hex_encode(hash, ID_BYTES, change->id);
    return 0;
}
