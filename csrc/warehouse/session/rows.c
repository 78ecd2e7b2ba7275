#include <stdlib.h>

#include "scoop/memory.h"
#include "warehouse/session/session_internal.h"

size_t scoop_rows_count(const struct scoop_rows *rows) {
    return (size_t)PQntuples(rows->result);
}

size_t scoop_rows_columns(const struct scoop_rows *rows) {
    return (size_t)PQnfields(rows->result);
}

const char *scoop_rows_value(const struct scoop_rows *rows, size_t row, size_t column) {
    if (row >= scoop_rows_count(rows) || column >= scoop_rows_columns(rows))
        return NULL;
    if (PQgetisnull(rows->result, (int)row, (int)column))
        return NULL;
    return PQgetvalue(rows->result, (int)row, (int)column);
}

int64_t scoop_rows_number(const struct scoop_rows *rows, size_t row, size_t column) {
    const char *value = scoop_rows_value(rows, row, column);
    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

int64_t scoop_rows_affected(const struct scoop_rows *rows) {
    return strtoll(PQcmdTuples(rows->result), NULL, 10);
}

void scoop_rows_free(struct scoop_rows *rows) {
    if (rows == NULL)
        return;
    PQclear(rows->result);
    scoop_free(rows);
}

const char *scoop_rows_name(const struct scoop_rows *rows, size_t column) {
    return PQfname(rows->result, (int)column);
}

uint32_t scoop_rows_type(const struct scoop_rows *rows, size_t column) {
    return PQftype(rows->result, (int)column);
}
