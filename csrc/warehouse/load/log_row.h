/* A row for a log table: its bound values as texts. */
#ifndef SCOOP_WAREHOUSE_LOAD_LOG_ROW_H
#define SCOOP_WAREHOUSE_LOAD_LOG_ROW_H

#include <stddef.h>
#include <stdint.h>

enum { SCOOP_LOG_TEXT_BYTES = 4096, SCOOP_LOG_PARAMETERS = 20 };

/* Zero-initialise; a value that is not put is NULL. */
struct scoop_log_row {
    const char *values[SCOOP_LOG_PARAMETERS];
    char texts[SCOOP_LOG_PARAMETERS][SCOOP_LOG_TEXT_BYTES + 1];
};

/* A copy of `value` (may be NULL), cut to the column's width in bytes, not within a UTF-8 sequence.
 */
void scoop_log_put(struct scoop_log_row *row, size_t at, const char *value, size_t width);
void scoop_log_put_number(struct scoop_log_row *row, size_t at, int64_t number);
/* The time now, in UTC. */
void scoop_log_put_time(struct scoop_log_row *row, size_t at);

#endif
