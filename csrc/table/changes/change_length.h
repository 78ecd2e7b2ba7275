/* How long the changes are as lines of JSON, by what their rows hold: the time is that of the
 * values that there are, not of all columns. */
#ifndef SCOOP_TABLE_CHANGES_CHANGE_LENGTH_H
#define SCOOP_TABLE_CHANGES_CHANGE_LENGTH_H

#include "table/changes/changes.h"

struct scoop_change_length {
    const struct scoop_changes *changes; /* borrowed */
    size_t most_bytes;
    int spool; /* the one that is read */
    struct scoop_spool_reader rows;
};

/* Once the changes are prepared. */
void scoop_change_length_begin(struct scoop_change_length *length,
                               const struct scoop_changes *changes, size_t most_bytes);
/* Looks at some thousand changes. 1: there are more; 0: done; -1 with BAD_RECORD: a change is
 * longer. */
int scoop_change_length_step(struct scoop_change_length *length, struct scoop_error *error);
void scoop_change_length_free(struct scoop_change_length *length);

#endif
