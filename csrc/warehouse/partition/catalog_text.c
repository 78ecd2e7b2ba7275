/* Reads the values of a partition as the catalog writes them: nearly JSON, but words may stand
 * without quotes, and texts may hold any byte, so text/json_reader.h would refuse some. */
#include <string.h>

#include "scoop/memory.h"
#include "text/escapes.h"
#include "text/utf8.h"
#include "warehouse/partition/partition_internal.h"

static void skip_spaces(const char **at) {
    *at += strspn(*at, " \t\r\n");
}

/* The escape whose backslash is at *at. Of \\u those that are one character of the basic plane. */
static int take_escape(const char **at, struct scoop_buf *value, struct scoop_error *error) {
    const unsigned char *escape = (const unsigned char *)*at;
    unsigned char bytes[SCOOP_UTF8_MOST];
    size_t length;
    long code = scoop_escape_read(escape, &length);
    if (code < 0)
        return scoop_fail(error, SCOOP_PROTOCOL,
                          escape[1] == 'u' ? "a \\u without four digits" : "an unknown escape");
    if (!scoop_is_storable(code) || code > 0xffff)
        return scoop_fail(error, SCOOP_PROTOCOL, "a \\u that is not supported");
    *at += length;
    return scoop_buf_append(value, bytes, scoop_utf8_encode((unsigned long)code, bytes), error);
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
