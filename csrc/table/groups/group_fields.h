/* The fields of one record: what its groups are, and what is measured. */
#ifndef SCOOP_TABLE_GROUPS_GROUP_FIELDS_H
#define SCOOP_TABLE_GROUPS_GROUP_FIELDS_H

#include "base/canonical.h"
#include "table/groups/group_key.h"
#include "table/groups/group_schema.h"

enum scoop_field_state {
    SCOOP_FIELD_MISSING, /* or null */
    SCOOP_FIELD_OTHER_TYPE,
    SCOOP_FIELD_GIVEN,
};

struct scoop_field_value {
    enum scoop_field_state state;
    bool seen;           /* in this record */
    size_t part, length; /* of the key, in `parts`; of what is not given, NULL */
    int64_t integer;     /* of INT and BIGINT */
    double number;       /* of DOUBLE */
};

struct scoop_group_fields {
    const struct scoop_group_schema *schema; /* borrowed */
    struct scoop_field_value *values;        /* of the schema's fields */
    struct scoop_buf parts;
    struct scoop_buf text; /* a value with its escapes decoded */
    struct scoop_canonical canonical;
    const char *reason; /* why the record is bad */
    char reason_text[200];
};

/* 0, or -1 with NO_MEMORY; freed by the caller, also then. */
int scoop_group_fields_init(struct scoop_group_fields *fields,
                            const struct scoop_group_schema *schema, struct scoop_error *error);
void scoop_group_fields_free(struct scoop_group_fields *fields);
/* Reads a line that the JSON check has passed, with its newline. 0; 1: the record is bad, as
 * `reason` says (no object; a member that is needed is given twice); -1 with NO_MEMORY. */
int scoop_group_fields_read_json(struct scoop_group_fields *fields, const unsigned char *line,
                                 size_t length, struct scoop_error *error);
/* Before the fields of a record of CSV, each of which is then given by its number. */
void scoop_group_fields_begin(struct scoop_group_fields *fields);
int scoop_group_fields_take_text(struct scoop_group_fields *fields, size_t field, const void *text,
                                 size_t length, struct scoop_error *error);
/* After all are read: those that are not given get their NULL. 0 or -1. */
int scoop_group_fields_end(struct scoop_group_fields *fields, struct scoop_error *error);

#endif
