/* Reads the values of a partition as the catalog writes them. */
#include <string.h>

#include "scoop/memory.h"
#include "warehouse/partition/partition_internal.h"

static void skip_spaces(const char **at) {
    *at += strspn(*at, " \t\r\n");
}

static int hex_digit(char digit) {
    static const char digits[] = "0123456789abcdef";
    const char *found = digit == 0 ? NULL : strchr(digits, digit | 0x20);
    return found == NULL ? -1 : (int)(found - digits);
}

/* \uXXXX of the basic plane to UTF-8. */
static int take_unicode(const char **at, struct scoop_buf *value, struct scoop_error *error) {
    unsigned code = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit((*at)[i]);
        if (digit < 0)
            return scoop_fail(error, SCOOP_PROTOCOL, "a \\u without four digits");
        code = code * 16 + (unsigned)digit;
    }
    *at += 4;
    if (code == 0 || (code >= 0xD800 && code < 0xE000))
        return scoop_fail(error, SCOOP_PROTOCOL, "a \\u that is not supported");
    unsigned char bytes[3];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
    static const unsigned char marks[] = {0, 0, 0xC0, 0xE0};
    for (size_t i = length; i-- > 1; code >>= 6)
        bytes[i] = (unsigned char)(0x80 | (code & 0x3F));
    bytes[0] = (unsigned char)(marks[length] | code);
    return scoop_buf_append(value, bytes, length, error);
}

static int take_escape(const char **at, struct scoop_buf *value, struct scoop_error *error) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char letter = *(*at)++;
    if (letter == 'u')
        return take_unicode(at, value, error);
    const char *found = letter == 0 ? NULL : strchr(from, letter);
    if (found == NULL)
        return scoop_fail(error, SCOOP_PROTOCOL, "an unknown escape");
    return scoop_buf_append(value, &to[found - from], 1, error);
}

static int take_string(const char **at, struct scoop_buf *value, struct scoop_error *error) {
    for ((*at)++; **at != '"';) {
        size_t plain = strcspn(*at, "\"\\");
        if (scoop_buf_append(value, *at, plain, error) != 0)
            return -1;
        *at += plain;
        if (**at == 0)
            return scoop_fail(error, SCOOP_PROTOCOL, "a text without its closing quote");
        if (**at != '\\')
            continue;
        (*at)++;
        if (take_escape(at, value, error) != 0)
            return -1;
    }
    (*at)++;
    return 0;
}

/* One value, moving *at behind it; *copy is NULL for the word null. */
static int take_value(const char **at, char **copy, struct scoop_error *error) {
    struct scoop_buf value;
    scoop_buf_init(&value, 64 * 1024);
    int result;
    *copy = NULL;
    bool quoted = **at == '"';
    if (quoted) {
        result = take_string(at, &value, error);
    } else {
        size_t length = strcspn(*at, ",] \t\r\n");
        result = scoop_buf_append(&value, *at, length, error);
        *at += length;
    }
    const char *text = result == 0 ? scoop_buf_text(&value, error) : NULL;
    if (text != NULL && (quoted || strcmp(text, "null") != 0)) {
        *copy = scoop_strdup(text);
        if (*copy == NULL)
            result = scoop_fail_memory(error);
    }
    scoop_buf_free(&value);
    return text == NULL ? -1 : result;
}

static int take_values(const char *text, size_t count, char **values, struct scoop_error *error) {
    const char *at = text;
    skip_spaces(&at);
    if (*at++ != '[')
        return scoop_fail(error, SCOOP_PROTOCOL, "no [ at the start");
    for (size_t i = 0; i < count; i++) {
        skip_spaces(&at);
        if (i > 0 && *at++ != ',')
            return scoop_fail(error, SCOOP_PROTOCOL, "fewer values than partition columns");
        skip_spaces(&at);
        if (take_value(&at, &values[i], error) != 0)
            return -1;
    }
    skip_spaces(&at);
    if (*at != ']')
        return scoop_fail(error, SCOOP_PROTOCOL, "more values than partition columns");
    return 0;
}

int scoop_partition_parse(const char *text, size_t count, char ***values,
                          struct scoop_error *error) {
    char **taken = scoop_calloc(count + 1, sizeof *taken);
    if (taken == NULL)
        return scoop_fail_memory(error);
    if (take_values(text, count, taken, error) == 0) {
        *values = taken;
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        scoop_free(taken[i]);
    scoop_free(taken);
    if (error->code != SCOOP_PROTOCOL)
        return -1;
    struct scoop_error reason = *error;
    return scoop_fail(error, SCOOP_PROTOCOL,
                      "the catalog's partition values %.300s cannot be read: %.100s", text,
                      reason.message);
}
