#include "table/groups/group_fields.h"

#include <string.h>

#include "scoop/memory.h"
#include "table/groups/group_number.h"
#include "text/example.h"
#include "text/json_reader.h"
#include "text/scan.h"
#include "text/text.h"

enum { CEILING = 1 << 30, NAME_SIZE = 120 };

int scoop_group_fields_init(struct scoop_group_fields *fields,
                            const struct scoop_group_schema *schema, struct scoop_error *error) {
    memset(fields, 0, sizeof *fields);
    fields->schema = schema;
    scoop_buf_init(&fields->parts, CEILING);
    scoop_buf_init(&fields->text, CEILING);
    scoop_canonical_init(&fields->canonical);
    fields->values = scoop_calloc(schema->field_count + 1, sizeof *fields->values);
    return fields->values == NULL ? scoop_fail_memory(error) : 0;
}

void scoop_group_fields_free(struct scoop_group_fields *fields) {
    scoop_buf_free(&fields->parts);
    scoop_buf_free(&fields->text);
    scoop_canonical_free(&fields->canonical);
    scoop_free(fields->values);
    fields->values = NULL;
}

void scoop_group_fields_begin(struct scoop_group_fields *fields) {
    fields->parts.length = 0;
    fields->reason = NULL;
    for (size_t i = 0; i < fields->schema->field_count; i++) {
        fields->values[i].seen = false;
        fields->values[i].state = SCOOP_FIELD_MISSING;
    }
}

int scoop_group_fields_end(struct scoop_group_fields *fields, struct scoop_error *error) {
    for (size_t i = 0; i < fields->schema->field_count; i++) {
        struct scoop_field_value *value = &fields->values[i];
        if (value->state == SCOOP_FIELD_GIVEN)
            continue;
        value->part = fields->parts.length;
        value->length = 1;
        if (scoop_group_key_put_null(&fields->parts, error) != 0)
            return -1;
    }
    return 0;
}

/* --- values --- */

static int put_number(struct scoop_group_fields *fields, enum scoop_value_type type,
                      struct scoop_field_value *value, const unsigned char *text, size_t length,
                      struct scoop_error *error) {
    if (type == SCOOP_VALUE_DOUBLE) {
        if (!scoop_number_double(text, length, &value->number))
            return 0;
        value->state = SCOOP_FIELD_GIVEN;
        return scoop_group_key_put_double(&fields->parts, value->number, error);
    }
    if (!scoop_number_integer(text, length, &value->integer) ||
        (type == SCOOP_VALUE_INT && value->integer != (int32_t)value->integer))
        return 0;
    value->state = SCOOP_FIELD_GIVEN;
    return scoop_group_key_put_integer(&fields->parts, value->integer, type, error);
}

static int put_boolean(struct scoop_group_fields *fields, struct scoop_field_value *value,
                       const unsigned char *text, size_t length, struct scoop_error *error) {
    bool is_true = length == 4 && memcmp(text, "true", 4) == 0;
    if (!is_true && (length != 5 || memcmp(text, "false", 5) != 0))
        return 0;
    value->state = SCOOP_FIELD_GIVEN;
    return scoop_group_key_put_boolean(&fields->parts, is_true, error);
}

static int put_text(struct scoop_group_fields *fields, struct scoop_field_value *value,
                    const unsigned char *text, size_t length, struct scoop_error *error) {
    value->state = SCOOP_FIELD_GIVEN;
    return scoop_group_key_put_text(&fields->parts, text, length, error);
}

int scoop_group_fields_take_text(struct scoop_group_fields *fields, size_t field, const void *text,
                                 size_t length, struct scoop_error *error) {
    struct scoop_field_value *value = &fields->values[field];
    enum scoop_value_type type = fields->schema->fields[field].type;
    int status = 0;
    value->seen = true;
    value->state = SCOOP_FIELD_OTHER_TYPE;
    value->part = fields->parts.length;
    if (type == SCOOP_VALUE_STRING || type == SCOOP_VALUE_JSON)
        status = put_text(fields, value, text, length, error);
    else if (type == SCOOP_VALUE_BOOLEAN)
        status = put_boolean(fields, value, text, length, error);
    else if (scoop_is_json_number(text, length))
        status = put_number(fields, type, value, text, length, error);
    value->length = fields->parts.length - value->part;
    return status;
}

/* --- JSON lines that were checked --- */

static const unsigned char *skip_space(const unsigned char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

/* From behind a string's first quote to its last one; *plain: no escape is in it. */
static const unsigned char *find_quote(const unsigned char *at, const unsigned char *end,
                                       bool *plain) {
    for (;;) {
        at = scoop_skip_plain(at, end, '"');
        if (*at == '"')
            return at;
        *plain = *plain && *at != '\\';
        at += *at == '\\' ? 2 : 1;
    }
}

static const unsigned char *skip_nested(const unsigned char *at, const unsigned char *end) {
    bool plain = true;
    unsigned depth = 0;
    do {
        if (*at == '"')
            at = find_quote(at + 1, end, &plain);
        else if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        at++;
    } while (depth > 0);
    return at;
}

static const unsigned char *skip_bare(const unsigned char *at) {
    while (*at != ',' && *at != '}' && *at != ' ' && *at != '\t' && *at != '\r')
        at++;
    return at;
}

struct json_value {
    const unsigned char *text, *after; /* a string's without its quotes */
    size_t length;
    bool plain;
};

static struct json_value find_value(const unsigned char *at, const unsigned char *end) {
    struct json_value value = {.text = at, .plain = true};
    if (*at == '"') {
        value.text++;
        const unsigned char *quote = find_quote(value.text, end, &value.plain);
        value.length = (size_t)(quote - value.text);
        value.after = quote + 1;
        return value;
    }
    value.after = *at == '{' || *at == '[' ? skip_nested(at, end) : skip_bare(at);
    value.length = (size_t)(value.after - at);
    return value;
}

/* A string with its escapes decoded: in `text`, or where it stands. */
static int decode(struct scoop_group_fields *fields, struct json_value *value,
                  struct scoop_error *error) {
    if (value->plain)
        return 0;
    if (scoop_buf_reserve(&fields->text, value->length + 1, error) != 0)
        return -1;
    unsigned char *out = fields->text.data;
    scoop_json_checked_string(value->text - 1, &out);
    value->text = fields->text.data;
    value->length = (size_t)(out - fields->text.data);
    return 0;
}

static int put_canonical(struct scoop_group_fields *fields, struct scoop_field_value *value,
                         const unsigned char *at, size_t length, struct scoop_error *error) {
    if (scoop_buf_reserve(&fields->text, scoop_canonical_room(at, length), error) != 0)
        return -1;
    unsigned char *out = fields->text.data;
    if (scoop_canonical_write(&fields->canonical, at, true, &out, error) == NULL)
        return -1;
    return put_text(fields, value, fields->text.data, (size_t)(out - fields->text.data), error);
}

/* The value at `at`, which is not null, for one of the fields. */
static int take_value(struct scoop_group_fields *fields, size_t field, const unsigned char *at,
                      struct json_value value, struct scoop_error *error) {
    struct scoop_field_value *to = &fields->values[field];
    enum scoop_value_type type = fields->schema->fields[field].type;
    to->state = SCOOP_FIELD_OTHER_TYPE;
    to->part = fields->parts.length;
    int status = 0;
    if (type == SCOOP_VALUE_JSON) {
        status = put_canonical(fields, to, at, (size_t)(value.after - at), error);
    } else if (type == SCOOP_VALUE_STRING && *at == '"') {
        status = decode(fields, &value, error);
        if (status == 0)
            status = put_text(fields, to, value.text, value.length, error);
    } else if (type == SCOOP_VALUE_BOOLEAN) {
        status = put_boolean(fields, to, at, (size_t)(value.after - at), error);
    } else if (type != SCOOP_VALUE_STRING && (*at == '-' || (*at >= '0' && *at <= '9'))) {
        status = put_number(fields, type, to, value.text, value.length, error);
    }
    to->length = fields->parts.length - to->part;
    return status;
}

static int given_twice(struct scoop_group_fields *fields, size_t field) {
    char shown[NAME_SIZE];
    const struct scoop_field *twice = &fields->schema->fields[field];
    scoop_example(shown, sizeof shown, twice->name, twice->length);
    scoop_text_print(fields->reason_text, sizeof fields->reason_text,
                     "the member \"%s\" is given twice", shown);
    fields->reason = fields->reason_text;
    return 1;
}

/* A member whose value begins at `at`. 0, 1: the record is bad, -1. */
static int take_member(struct scoop_group_fields *fields, const struct json_value *name,
                       const unsigned char *at, struct json_value value,
                       struct scoop_error *error) {
    const struct scoop_group_schema *schema = fields->schema;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct scoop_field *field = &schema->fields[i];
        if (field->length != name->length || memcmp(field->name, name->text, name->length) != 0)
            continue;
        if (fields->values[i].seen)
            return given_twice(fields, i);
        fields->values[i].seen = true;
        if (*at != 'n' && take_value(fields, i, at, value, error) != 0)
            return -1;
    }
    return 0;
}

int scoop_group_fields_read_json(struct scoop_group_fields *fields, const unsigned char *line,
                                 size_t length, struct scoop_error *error) {
    const unsigned char *at = skip_space(line), *end = line + length;
    scoop_group_fields_begin(fields);
    if (*at != '{') {
        fields->reason = "a record must be an object";
        return 1;
    }
    for (at = skip_space(at + 1); *at != '}'; at = skip_space(at)) {
        if (*at == ',')
            at = skip_space(at + 1);
        struct json_value name = find_value(at, end);
        at = skip_space(skip_space(name.after) + 1); /* the colon */
        if (decode(fields, &name, error) != 0)
            return -1;
        struct json_value value = find_value(at, end);
        int status = take_member(fields, &name, at, value, error);
        if (status != 0)
            return status;
        at = value.after;
    }
    return scoop_group_fields_end(fields, error);
}
