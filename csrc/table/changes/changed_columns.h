/* In how many of the updated rows each column changed. */
#ifndef SCOOP_TABLE_CHANGES_CHANGED_COLUMNS_H
#define SCOOP_TABLE_CHANGES_CHANGED_COLUMNS_H

#include "table/changes/changes.h"

struct scoop_changed_columns {
    struct scoop_changes *changes; /* borrowed */
    struct scoop_spool_reader rows;
};

/* Once the changes are there. 0, or -1 with NO_MEMORY. */
int scoop_changed_columns_begin(struct scoop_changed_columns *counting,
                                struct scoop_changes *changes, struct scoop_error *error);
/* Counts on for some thousand rows, into changes->changed_rows. 1: there are more; 0: done; -1. */
int scoop_changed_columns_step(struct scoop_changed_columns *counting, struct scoop_error *error);
void scoop_changed_columns_free(struct scoop_changed_columns *counting);

#endif
