/* What loads ask of partitions. */
#ifndef SCOOP_WAREHOUSE_PARTITION_PARTITION_H
#define SCOOP_WAREHOUSE_PARTITION_PARTITION_H

#include <stddef.h>

#include "scoop/partition.h"
#include "warehouse/sql/sql_text.h"

/* Whether each of the objects lies where the catalog has a partition with the given values; they
 * may be of some of the partition columns, and of others, which are passed over. 0 also where there
 * is nothing to compare: no objects, PostgreSQL, a table without partitions. Else -1 with
 * PARTITION_CONFLICT, which names the place. */
int scoop_partition_check_objects(struct scoop_session *session,
                                  const struct scoop_table_name *table,
                                  const struct scoop_partition *given, const char *const *objects,
                                  size_t count, const struct scoop_interrupt *interrupt,
                                  struct scoop_error *error);

#endif
