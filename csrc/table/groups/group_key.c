#include "table/groups/group_key.h"

#include <string.h>

enum { VALUE = 1, END = 1, STANDS = 255 };

static const uint64_t sign = (uint64_t)1 << 63;

int scoop_group_key_put_null(struct scoop_buf *key, struct scoop_error *error) {
    return scoop_buf_append(key, "", 1, error);
}

int scoop_group_key_put_text(struct scoop_buf *key, const void *text, size_t length,
                             struct scoop_error *error) {
    const unsigned char *from = text;
    if (scoop_buf_reserve(key, 2 * length + 3, error) != 0)
        return -1;
    unsigned char *to = key->data + key->length;
    *to++ = VALUE;
    if (length > 0 && memchr(from, 0, length) != NULL) {
        for (size_t i = 0; i < length; i++) {
            *to++ = from[i];
            if (from[i] == 0)
                *to++ = STANDS;
        }
    } else if (length > 0) {
        memcpy(to, from, length);
        to += length;
    }
    *to++ = 0;
    *to++ = END;
    key->length = (size_t)(to - key->data);
    return 0;
}

static int put_bits(struct scoop_buf *key, uint64_t bits, unsigned bytes,
                    struct scoop_error *error) {
    unsigned char part[9] = {VALUE};
    for (unsigned i = 0; i < bytes; i++)
        part[1 + i] = (unsigned char)(bits >> 8 * (bytes - 1 - i));
    return scoop_buf_append(key, part, 1 + bytes, error);
}

int scoop_group_key_put_integer(struct scoop_buf *key, int64_t value, enum scoop_value_type type,
                                struct scoop_error *error) {
    if (type == SCOOP_VALUE_INT)
        return put_bits(key, (uint32_t)value ^ (uint32_t)1 << 31, 4, error);
    return put_bits(key, (uint64_t)value ^ sign, 8, error);
}

int scoop_group_key_put_double(struct scoop_buf *key, double value, struct scoop_error *error) {
    uint64_t bits;
    value += 0.0; /* -0 is 0 */
    memcpy(&bits, &value, sizeof bits);
    return put_bits(key, bits & sign ? ~bits : bits ^ sign, 8, error);
}

int scoop_group_key_put_boolean(struct scoop_buf *key, bool value, struct scoop_error *error) {
    return put_bits(key, value, 1, error);
}

static const unsigned char *take_text(const unsigned char *at, struct scoop_key_part *part) {
    part->text = at;
    while (*at != 0 || at[1] == STANDS)
        at += *at == 0 ? 2 : 1;
    part->length = (size_t)(at - part->text);
    return at + 2;
}

static uint64_t take_bits(const unsigned char *at, unsigned bytes) {
    uint64_t bits = 0;
    for (unsigned i = 0; i < bytes; i++)
        bits = bits << 8 | at[i];
    return bits;
}

const unsigned char *scoop_group_key_take(const unsigned char *at, enum scoop_value_type type,
                                          struct scoop_key_part *part) {
    uint64_t bits;
    memset(part, 0, sizeof *part);
    part->null = *at++ != VALUE;
    if (part->null)
        return at;
    switch (type) {
    case SCOOP_VALUE_INT:
        part->integer = (int32_t)((uint32_t)take_bits(at, 4) ^ (uint32_t)1 << 31);
        return at + 4;
    case SCOOP_VALUE_BIGINT:
        part->integer = (int64_t)(take_bits(at, 8) ^ sign);
        return at + 8;
    case SCOOP_VALUE_DOUBLE:
        bits = take_bits(at, 8);
        bits = bits & sign ? bits ^ sign : ~bits;
        memcpy(&part->number, &bits, sizeof bits);
        return at + 8;
    case SCOOP_VALUE_BOOLEAN:
        part->integer = *at;
        return at + 1;
    case SCOOP_VALUE_STRING:
    case SCOOP_VALUE_JSON:
        break;
    }
    return take_text(at, part);
}

int scoop_key_part_text(const struct scoop_key_part *part, struct scoop_buf *out,
                        struct scoop_error *error) {
    const unsigned char *zero, *at = part->text, *end = at + part->length;
    while (at < end && (zero = memchr(at, 0, (size_t)(end - at))) != NULL) {
        if (scoop_buf_append(out, at, (size_t)(zero - at) + 1, error) != 0)
            return -1;
        at = zero + 2;
    }
    return scoop_buf_append(out, at, (size_t)(end - at), error);
}
