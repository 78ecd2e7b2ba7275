/* CSV (RFC 4180) -> rows. */
#ifndef SCOOP_TABLE_ROWS_CSV_H
#define SCOOP_TABLE_ROWS_CSV_H

#include "table/rows/batch.h"
#include "table/rows/columns.h"
#include "table/rows/row_text.h"

/* Where the next row begins in the export. */
struct scoop_csv {
    const struct scoop_row_plan *plan; /* borrowed; set before the first scan */
    uint64_t line;                     /* from 1 */
    uint64_t offset;                   /* from 0 */
    bool is_made;   /* of another text, with the same lines: bytes are not those of the source */
    uint32_t *ends; /* of the fields of the row under way */
    struct scoop_value *values; /* of a row that is taken apart */
    bool replace_invalid;       /* NUL becomes U+FFFD, else it is BAD_RECORD */
    struct scoop_buf replaced;  /* values of the row under way that had one */
};

/* Beyond the text that is scanned, this many bytes are read (and ignored). */
enum { SCOOP_CSV_PADDING = 64 };

void scoop_csv_init(struct scoop_csv *csv);
void scoop_csv_free(struct scoop_csv *csv);
/* Reads the header row. *used is 0 when the text has not all of it (last: false). 0, or -1 with
 * BAD_RECORD. */
int scoop_csv_header(struct scoop_csv *csv, const unsigned char *text, size_t length, bool last,
                     struct scoop_columns *columns, size_t *used, struct scoop_error *error);
/* Appends the rows that are whole in batch->text, which has SCOOP_CSV_PADDING more bytes behind it;
 * *used: their bytes. last: the text ends there. 0, or -1 with BAD_RECORD (line and byte offset).
 */
int scoop_csv_scan(struct scoop_csv *csv, struct scoop_batch *batch, bool last, size_t *used,
                   struct scoop_error *error);

#endif
