/* JSON lines that were checked (scoop_json_check_new) -> rows.
 *
 * Members are columns; one that is absent is null. */
#ifndef SCOOP_TABLE_ROWS_JSON_ROWS_H
#define SCOOP_TABLE_ROWS_JSON_ROWS_H

#include "base/canonical.h"
#include "base/record_place.h"
#include "table/rows/batch.h"
#include "table/rows/columns.h"
#include "table/rows/row_text.h"

struct scoop_json_rows {
    const struct scoop_row_plan *plan; /* borrowed; open; set before the first scan */
    struct scoop_record_places places; /* of the lines in the source */
    uint64_t record;                   /* the next one, from 0 */
    struct scoop_record_place place;   /* where it stands if it follows the one before */
    struct scoop_value *values;        /* of all columns */
    size_t *given;                     /* those that the last row gave: the others are NULL */
    size_t used;                       /* so many */
    struct scoop_cell *cells;          /* of those what is not NULL, by column */
    size_t room;                       /* of each of the three */
    struct scoop_buf decoded;          /* the values of one row */
    struct scoop_canonical canonical;
    bool numbers_by_value; /* of a key they always are */
};

void scoop_json_rows_init(struct scoop_json_rows *rows);
void scoop_json_rows_free(struct scoop_json_rows *rows);
/* Adds the members of all whole lines that the plan has not met to *columns; a line that is no
 * object has none. 0, or -1 with NO_MEMORY. */
int scoop_json_rows_columns(const struct scoop_json_rows *rows, const struct scoop_buf *text,
                            struct scoop_columns *columns, struct scoop_error *error);
/* As scoop_csv_scan, but it may stop before the last whole line, when much is made; with a plan
 * that is open. BAD_RECORD: a line is no object, or a member is given twice. 1, and no rows: there
 * are members that the plan has not met. */
int scoop_json_rows_scan(struct scoop_json_rows *rows, struct scoop_batch *batch, size_t *used,
                         struct scoop_error *error);

#endif
