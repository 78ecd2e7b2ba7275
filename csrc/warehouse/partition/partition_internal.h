/* What the files of partition/ share: the catalog's view, and the pure parts. */
#ifndef SCOOP_WAREHOUSE_PARTITION_PARTITION_INTERNAL_H
#define SCOOP_WAREHOUSE_PARTITION_PARTITION_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "scoop/buffer.h"
#include "scoop/partition.h"
#include "warehouse/sql/sql_text.h"

/* As scoop_partition_list, but a table that is not external, or has no partition columns, is no
 * error: it has no columns here. */
int scoop_partition_read(struct scoop_session *session, const struct scoop_table_name *table,
                         const struct scoop_interrupt *interrupt, struct scoop_partition_list *list,
                         struct scoop_error *error);

/* The value's one spelling in the list's column, to be released; NULL with *error. */
char *scoop_partition_normal_copy(const struct scoop_partition_list *list, size_t column,
                                  const char *value, struct scoop_error *error);

/* Reads `["2018", "x"]` as the catalog writes it: strings with JSON's escapes, or bare words; null
 * gives NULL. *values gets `count` texts to be released one by one and as an array. 0, or -1
 * (PROTOCOL when the form or the number of values is another). */
int scoop_partition_parse(const char *text, size_t count, char ***values,
                          struct scoop_error *error);
/* Appends the one spelling of what `value` stands for in a column of `type`, as
 * svv_external_columns shows it: 20270105 is 2027-01-05 in a date column. Equal values have equal
 * spellings. 0, or -1: USAGE, with what to write, for what the column cannot hold. */
int scoop_partition_normal(const char *type, const char *value, struct scoop_buf *normal,
                           struct scoop_error *error);
/* Appends ALTER TABLE … ADD IF NOT EXISTS PARTITION (…) LOCATION '…' … for `count` partitions whose
 * names are in the table's order. 0 or -1. */
int scoop_partition_sql_add(const struct scoop_table_name *table,
                            const struct scoop_partition *const *partitions, size_t count,
                            struct scoop_buf *sql, struct scoop_error *error);
/* Appends ALTER TABLE … PARTITION (…) SET LOCATION '…'. 0 or -1. */
int scoop_partition_sql_move(const struct scoop_table_name *table,
                             const struct scoop_partition *partition, struct scoop_buf *sql,
                             struct scoop_error *error);
/* Whether the catalog's text proves that the location is this one; one slash at the end is ignored.
 */
bool scoop_partition_same_location(const char *shown, const char *location);
/* Whether, as far as the catalog's text tells, the location is this one, or a folder above. */
bool scoop_partition_may_hold(const char *shown, const char *location);

#endif
