/* One export: an object, or several that are read one after the other as if they were one. */
#ifndef SCOOP_DELTA_EXPORT_H
#define SCOOP_DELTA_EXPORT_H

#include "delta/reading.h"

struct scoop_export_options {
    const struct scoop_transfer_options *objects; /* their sources; copied */
    size_t count;
    enum scoop_table_format format;
    size_t memory_bytes; /* for the buffers of the source that is read */
    bool numbers_by_value;
    size_t max_record_bytes; /* 0: SCOOP_MAX_RECORD_BYTES */
    size_t stamp_bytes;      /* of the members that each change has beside its row */
    struct scoop_bell *bell; /* borrowed */
};

struct scoop_export;

/* Used by the comparing thread alone; each does what its namesake in reading.h does. Objects
 * without a row are passed over, a CSV object also without a header. CSV: every other object has
 * its header row, and they are equal, or `next` fails with SCHEMA_CHANGED. */
struct scoop_export *scoop_export_new(const struct scoop_export_options *options,
                                      struct scoop_error *error);
void scoop_export_start(struct scoop_export *export);
bool scoop_export_go_on_alone(struct scoop_export *export);
const char *scoop_export_name(const struct scoop_export *export);
/* Lines of batches are of their object, whose number stands above them: of such a line, the name of
 * its object, and *line within that. */
const char *scoop_export_name_of(const struct scoop_export *export, uint64_t *line);
/* Of the first object that has some; NULL: all JSON objects are empty. */
int scoop_export_columns(struct scoop_export *export, const struct scoop_columns **columns,
                         bool *json, struct scoop_error *error);
/* The object under way has columns that the plan lacks; NULL: it does not wait for that. */
const struct scoop_columns *scoop_export_new_columns(struct scoop_export *export);
void scoop_export_set_plan(struct scoop_export *export, const struct scoop_row_plan *plan);
int scoop_export_next(struct scoop_export *export, struct scoop_batch **batch,
                      struct scoop_error *error);
void scoop_export_stop(struct scoop_export *export);
/* Sums; the etag only of an export that is one object. */
void scoop_export_facts(struct scoop_export *export, struct scoop_delta_side_facts *facts);
void scoop_export_free(struct scoop_export *export);

#endif
