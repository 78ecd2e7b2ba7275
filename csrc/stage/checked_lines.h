/* JSON lines in memory: a text that comes in chunks, checked (scoop_json_check_new), and where each
 * of its records stood. */
#ifndef SCOOP_STAGE_CHECKED_LINES_H
#define SCOOP_STAGE_CHECKED_LINES_H

#include "base/record_place.h"
#include "scoop/buffer.h"
#include "stage/stage.h"

struct scoop_checked_lines {
    struct scoop_buf text;             /* whole lines, to be taken from its beginning */
    struct scoop_record_places places; /* of all records, those that were taken included */
    struct scoop_counters counters;
    struct scoop_stage *check; /* ends in `end` */
    struct scoop_stage end;
    bool begun;
};

/* Zeroed before. options->places is set here. 0, or -1 with NO_MEMORY. */
int scoop_checked_lines_init(struct scoop_checked_lines *lines,
                             const struct scoop_record_options *options, struct scoop_error *error);
void scoop_checked_lines_free(struct scoop_checked_lines *lines);
/* Appends what is good of the next chunk; last: none follows. 0, or -1 with BAD_RECORD,
 * UNSUPPORTED (it is no plain text) or NO_MEMORY. */
int scoop_checked_lines_add(struct scoop_checked_lines *lines, const struct scoop_buf *chunk,
                            bool last, struct scoop_error *error);

#endif
