/* Values as a server writes them, as columns of Arrow's nearest type. Pure. */
#ifndef SCOOP_WAREHOUSE_SQL_ARROW_COLUMNS_H
#define SCOOP_WAREHOUSE_SQL_ARROW_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "table/changes/arrow_build.h"

enum scoop_arrow_kind {
    SCOOP_ARROW_TEXT,
    SCOOP_ARROW_BOOL,
    SCOOP_ARROW_INT16,
    SCOOP_ARROW_INT32,
    SCOOP_ARROW_INT64,
    SCOOP_ARROW_UINT32,
    SCOOP_ARROW_FLOAT32,
    SCOOP_ARROW_FLOAT64,
    SCOOP_ARROW_DECIMAL,
    SCOOP_ARROW_BYTES,
    SCOOP_ARROW_DATE,
    SCOOP_ARROW_TIME,
    SCOOP_ARROW_TIMESTAMP,
    SCOOP_ARROW_INSTANT,
};

struct scoop_arrow_type {
    enum scoop_arrow_kind kind;
    int precision, scale; /* of a decimal */
};

/* The nearest type of one of pg_type with its modifier; a text for what has none. */
struct scoop_arrow_type scoop_arrow_type_of(uint32_t type, int modifier);
/* A field of a schema. 0, or -1. */
int scoop_arrow_type_field(const struct scoop_arrow_type *type, const char *name,
                           struct ArrowSchema *field, struct scoop_error *error);
/* Appends a value; NULL is SQL's NULL. 0, or -1 with UNSUPPORTED for one that the type cannot hold.
 */
int scoop_arrow_put(const struct scoop_arrow_type *type, struct scoop_text_column *column,
                    const char *value, size_t length, struct scoop_error *error);
/* Moves the column into *array. */
int scoop_arrow_finish(const struct scoop_arrow_type *type, struct scoop_text_column *column,
                       struct ArrowArray *array, struct scoop_error *error);

#endif
