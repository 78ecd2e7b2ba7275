/* Partitions of an external (Spectrum) table. */
#ifndef SCOOP_PARTITION_H
#define SCOOP_PARTITION_H

#include <stdbool.h>
#include <stddef.h>

#include "scoop/session.h"

enum {
    SCOOP_PARTITIONS_PER_STATEMENT = 100, /* the catalog's limit */
    SCOOP_LOCATION_SHOWN_BYTES = 128,     /* svv_external_partitions cuts locations here */
};

enum scoop_partition_status { SCOOP_ADDED, SCOOP_MOVED, SCOOP_UNCHANGED };

/* Borrowed on the way in. names[i] has values[i]; any order. */
struct scoop_partition {
    const char *const *names;
    const char *const *values;
    size_t count;
    const char *location;               /* s3://… */
    enum scoop_partition_status status; /* set by scoop_partition_add */
};

/* Registers each partition: a new one is added (at most 100 in a statement), one that is there is
 * set to its location again unless the catalog shows an equal location in full. Values are compared
 * as their columns' types read them. Then the catalog is read again: what another session has added
 * in between at another place is moved, and what is not where it should be is an error. A location
 * of 128 bytes or more cannot be compared, so it is set again, and counts as moved where it was not
 * added. Each statement stands alone: after an error those before it stay (its `committed` is YES
 * where all partitions are there, else UNKNOWN), and running again is safe. 0, or -1: USAGE for
 * values that do not fit the table's partition columns, NOT_FOUND for the table, PARTITION_CONFLICT
 * for a catalog that has a partition twice or is changed by others meanwhile.
 */
int scoop_partition_add(struct scoop_session *session, const char *table,
                        struct scoop_partition *partitions, size_t count,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* What the catalog knows of a table; released with scoop_partition_list_free. */
struct scoop_partition_list {
    bool external;  /* the table is one */
    char **columns; /* names of the partition columns, in their order */
    char **types;   /* as the catalog's view shows them */
    size_t column_count;
    size_t count;
    char ***values;   /* [count][column_count]; a NULL is the catalog's null */
    char ***normals;  /* the same in the spelling of scoop_partition_normal */
    char **locations; /* cut at 128 characters by the catalog's view */
};
/* 0 with *list filled, or -1 (NOT_FOUND when the table is not an external one). */
int scoop_partition_list(struct scoop_session *session, const char *table,
                         const struct scoop_interrupt *interrupt, struct scoop_partition_list *list,
                         struct scoop_error *error);
void scoop_partition_list_free(struct scoop_partition_list *list);

#endif
