#include "table/rows/json_value.h"

#include <string.h>

#include "text/json_reader.h"

const unsigned char *scoop_json_take_value(const unsigned char *at, unsigned char **out,
                                           struct scoop_value *value) {
    unsigned char *from = *out;
    if (*at == 'n') {
        *value = (struct scoop_value){.data = from, .null = true};
        return at + 4;
    }
    if (*at != '"') {
        *(*out)++ = SCOOP_JSON_MARK;
        at = scoop_json_checked_other(at, out);
    } else {
        at = scoop_json_checked_string(at, out);
        if (*out > from && *from == SCOOP_JSON_MARK) {
            memmove(from + 1, from, (size_t)(*out - from));
            ++*out;
        }
    }
    *value = (struct scoop_value){.data = from, .length = (size_t)(*out - from)};
    return at;
}

const unsigned char *scoop_json_take_canonical(struct scoop_canonical *canonical,
                                               const unsigned char *at, bool by_value,
                                               unsigned char **out, struct scoop_value *value,
                                               struct scoop_error *error) {
    unsigned char *from = *out;
    if (*at == '"' || *at == 'n')
        return scoop_json_take_value(at, out, value);
    *(*out)++ = SCOOP_JSON_MARK;
    at = scoop_canonical_write(canonical, at, by_value, out, error);
    *value = (struct scoop_value){.data = from, .length = (size_t)(*out - from)};
    return at;
}
