/* A file of changes as airscoop.delta writes them (docs/how-to/delta.md), read one by one. */
#ifndef SCOOP_WAREHOUSE_LOAD_CHANGE_SOURCE_H
#define SCOOP_WAREHOUSE_LOAD_CHANGE_SOURCE_H

#include "scoop/apply.h"
#include "scoop/transfer.h"
#include "table/changes/line.h"

enum scoop_change_read {
    SCOOP_CHANGE_READ_ONE,
    SCOOP_CHANGE_READ_NONE, /* none yet: look whether to stop, then call again */
    SCOOP_CHANGE_READ_END,
    SCOOP_CHANGE_READ_FAILED
};

struct scoop_change_source;

/* Only what concerns a source, and what a record may be, is looked at; copied. Nothing is opened
 * yet. One thread owns it. NULL with *error (USAGE, NO_MEMORY). */
struct scoop_change_source *scoop_change_source_new(const struct scoop_transfer_options *options,
                                                    struct scoop_error *error);
/* The next change, valid until the next call. Waits about 100 ms at most. FAILED with BAD_RECORD
 * for what is no change; errors of the source as of a transfer. END only after its proven end. */
enum scoop_change_read scoop_change_source_next(struct scoop_change_source *source,
                                                struct scoop_change_record *record,
                                                struct scoop_error *error);
/* As messages name it. */
const char *scoop_change_source_name(const struct scoop_change_source *source);
void scoop_change_source_facts(const struct scoop_change_source *source,
                               struct scoop_change_source_facts *facts);
/* NULL is allowed. */
void scoop_change_source_free(struct scoop_change_source *source);

#endif
