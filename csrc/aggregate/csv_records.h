/* The records of plain CSV, as the CSV stage writes it: which values are which fields. */
#ifndef SCOOP_AGGREGATE_CSV_RECORDS_H
#define SCOOP_AGGREGATE_CSV_RECORDS_H

#include "table/groups/group_fields.h"

struct scoop_csv_records {
    bool headed;     /* the header is read */
    size_t *columns; /* of each field of the schema its column; SIZE_MAX: none */
    struct scoop_buf value;
};

void scoop_csv_records_init(struct scoop_csv_records *records);
void scoop_csv_records_free(struct scoop_csv_records *records);
/* The bytes of the record at the beginning of the text, its newline included; the text ends with a
 * whole record. */
size_t scoop_csv_record_length(const unsigned char *text, size_t length);
/* Reads a header. 0, or -1 with BAD_RECORD (a column that is needed stands twice) or NO_MEMORY. */
int scoop_csv_records_begin(struct scoop_csv_records *records,
                            const struct scoop_group_schema *schema, const unsigned char *text,
                            size_t length, struct scoop_error *error);
/* Reads a record. 0 or -1. */
int scoop_csv_records_read(struct scoop_csv_records *records, struct scoop_group_fields *fields,
                           const unsigned char *text, size_t length, struct scoop_error *error);

#endif
