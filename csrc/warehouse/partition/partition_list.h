/* The catalog's partitions of a table, for the verbs. */
#ifndef SCOOP_WAREHOUSE_PARTITION_PARTITION_LIST_H
#define SCOOP_WAREHOUSE_PARTITION_PARTITION_LIST_H

#include "scoop/partition.h"

/* As scoop_partition_list, but a table that is not external, or has no partition columns, is no
 * error: it has no columns here. */
int scoop_partition_read(struct scoop_session *session, const struct scoop_table_name *table,
                         const struct scoop_interrupt *interrupt, struct scoop_partition_list *list,
                         struct scoop_error *error);

/* The value's one spelling in the list's column, to be released; NULL with *error. */
char *scoop_partition_normal_copy(const struct scoop_partition_list *list, size_t column,
                                  const char *value, struct scoop_error *error);

/* Whether each of the objects lies where the catalog has a partition with the given values; they
 * may be of some of the partition columns, and of others, which are passed over. 0 also where there
 * is nothing to compare: no objects, PostgreSQL, a table without partitions. Else -1 with
 * PRECONDITION, which names the place. */
int scoop_partition_check_objects(struct scoop_session *session,
                                  const struct scoop_table_name *table,
                                  const struct scoop_partition *given, const char *const *objects,
                                  size_t count, const struct scoop_interrupt *interrupt,
                                  struct scoop_error *error);

#endif
