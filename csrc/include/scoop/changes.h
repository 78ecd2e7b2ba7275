/* The changes of a table between two exports of it. */
#ifndef SCOOP_CHANGES_H
#define SCOOP_CHANGES_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/arrow.h"
#include "scoop/buffer.h"
#include "scoop/error.h"

enum { SCOOP_DELTA_SIDES = 2 }; /* old, new */

enum scoop_change_op {
    SCOOP_CHANGE_INSERT,
    SCOOP_CHANGE_UPDATE,
    SCOOP_CHANGE_DELETE,
    SCOOP_CHANGE_OPS
};

/* What becomes of columns that one of the exports has alone. */
enum scoop_schema_change {
    SCOOP_SCHEMA_CHANGE_ERROR,
    SCOOP_SCHEMA_CHANGE_COMMON, /* they are not compared; rows have those of their own export */
    SCOOP_SCHEMA_CHANGE_ALL,    /* they are compared: NULL in the export that lacks them */
};

struct scoop_changes;

/* Changes never change. Any thread may hold and give back references. NULL is allowed for give. */
struct scoop_changes *scoop_changes_hold(struct scoop_changes *changes);
void scoop_changes_give(struct scoop_changes *changes);

/* The columns that are compared; 0 before the end of the delta. */
size_t scoop_changes_columns(const struct scoop_changes *changes);
/* The name of one of them, and in how many of the updated rows it changed. */
const char *scoop_changes_column(const struct scoop_changes *changes, size_t column,
                                 uint64_t *updated_rows);

/* The columns that one export has alone: `side` 0: those that are gone, 1: those that were added.
 */
size_t scoop_changes_alone(const struct scoop_changes *changes, int side);
const char *scoop_changes_alone_name(const struct scoop_changes *changes, int side, size_t column);

/* Reads the changes from the first on; one thread at a time. Holds a reference of its own. */
struct scoop_changes_reader;
struct scoop_changes_reader *scoop_changes_reader_new(struct scoop_changes *changes,
                                                      struct scoop_error *error);
/* Appends changes as JSON lines until `out` holds at_least_bytes. 1: there may be more; 0: that was
 * the last; -1 with *error. */
int scoop_changes_read_json(struct scoop_changes_reader *reader, size_t at_least_bytes,
                            struct scoop_buf *out, struct scoop_error *error);
void scoop_changes_reader_free(struct scoop_changes_reader *reader);

/* The same JSON lines, made by the caller's thread and, of many changes, by another one beside it,
 * which ends in free. One thread owns it. NULL with *error, NO_MEMORY. */
struct scoop_change_blocks;
struct scoop_change_blocks *scoop_change_blocks_new(struct scoop_changes *changes,
                                                    struct scoop_error *error);
/* The next lines, about 1 MiB at most, which are valid until the next call. 1; 0 at the end; -1
 * with *error, which then stays. */
int scoop_change_blocks_next(struct scoop_change_blocks *blocks, const unsigned char **data,
                             size_t *length, struct scoop_error *error);
/* Stops the other thread and waits for it. NULL is allowed. */
void scoop_change_blocks_free(struct scoop_change_blocks *blocks);

/* Fills *stream, which reads the changes in batches and holds a reference of its own until it is
 * released. 0, or -1 with NO_MEMORY. */
int scoop_changes_arrow(struct scoop_changes *changes, struct ArrowArrayStream *stream,
                        struct scoop_error *error);

#endif
