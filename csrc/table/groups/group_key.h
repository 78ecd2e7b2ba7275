/* A group's key as bytes that order as its values do: one part a column, NULL before all others.
 *
 * A part is a byte 0 (NULL), or a byte 1 and the value: a text ends with 0 1, and each 0 in it is
 * 0 255; numbers are big-endian, so turned that bytes compare as they do. */
#ifndef SCOOP_TABLE_GROUPS_GROUP_KEY_H
#define SCOOP_TABLE_GROUPS_GROUP_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/aggregate.h"
#include "scoop/buffer.h"

/* Each appends a part. 0, or -1 with NO_MEMORY. */
int scoop_group_key_put_null(struct scoop_buf *key, struct scoop_error *error);
int scoop_group_key_put_text(struct scoop_buf *key, const void *text, size_t length,
                             struct scoop_error *error);
int scoop_group_key_put_integer(struct scoop_buf *key, int64_t value, enum scoop_value_type type,
                                struct scoop_error *error);
int scoop_group_key_put_double(struct scoop_buf *key, double value, struct scoop_error *error);
int scoop_group_key_put_boolean(struct scoop_buf *key, bool value, struct scoop_error *error);

struct scoop_key_part {
    bool null;
    int64_t integer; /* of INT, BIGINT, BOOLEAN */
    double number;
    const unsigned char
        *text; /* of STRING and JSON, without what ends it; a 0 is followed by 255 */
    size_t length;
};

/* Reads the part at `at`; returns the next. */
const unsigned char *scoop_group_key_take(const unsigned char *at, enum scoop_value_type type,
                                          struct scoop_key_part *part);
/* Appends the text of a part. 0, or -1 with NO_MEMORY. */
int scoop_key_part_text(const struct scoop_key_part *part, struct scoop_buf *out,
                        struct scoop_error *error);

#endif
