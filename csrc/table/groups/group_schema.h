/* Which fields are read, and what of them makes a group's key and its measures. */
#ifndef SCOOP_TABLE_GROUPS_GROUP_SCHEMA_H
#define SCOOP_TABLE_GROUPS_GROUP_SCHEMA_H

#include "scoop/aggregate.h"

/* A field that is read once for all who need it as this type. */
struct scoop_field {
    char *name;
    size_t length;
    enum scoop_value_type type;
};

/* A column of a result. */
struct scoop_schema_column {
    char *name;
    enum scoop_value_type type;
    size_t field; /* of scoop_group_schema; SIZE_MAX: none, COUNT of records */
};

struct scoop_schema_grouping {
    char *name;
    struct scoop_schema_column *columns;
    size_t count;
};

struct scoop_schema_measure {
    enum scoop_measure_kind kind;
    struct scoop_schema_column column;
};

struct scoop_group_schema {
    struct scoop_field *fields;
    size_t field_count;
    struct scoop_schema_grouping *groupings;
    size_t grouping_count;
    struct scoop_schema_measure *measures;
    size_t measure_count;
};

/* Zeroed before; freed by the caller, also after a failure. 0, or -1 with USAGE or NO_MEMORY. */
int scoop_group_schema_init(struct scoop_group_schema *schema,
                            const struct scoop_aggregate_options *options,
                            struct scoop_error *error);
void scoop_group_schema_free(struct scoop_group_schema *schema);

#endif
