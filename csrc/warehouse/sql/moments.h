/* Dates and times as a server writes them in ISO style. Pure. */
#ifndef SCOOP_WAREHOUSE_SQL_MOMENTS_H
#define SCOOP_WAREHOUSE_SQL_MOMENTS_H

#include <stdint.h>

/* Each reads all of a text. 0, or -1 for what is none, infinity and years before Christ among them.
 * Days are from 1970-01-01 on, microseconds from midnight or from its midnight on. */
int scoop_read_date(const char *text, int32_t *days);
int scoop_read_time(const char *text, int64_t *microseconds);
/* "2026-01-02 03:04:05.678", with a zone ("+02", "-03:30") when `zoned`. */
int scoop_read_timestamp(const char *text, int zoned, int64_t *microseconds);

#endif
