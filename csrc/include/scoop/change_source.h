/* A file of changes as airscoop.delta writes them (docs/delta.md), read one by one. */
#ifndef SCOOP_CHANGE_SOURCE_H
#define SCOOP_CHANGE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/digest.h"
#include "scoop/error.h"
#include "scoop/transfer.h"

enum scoop_change_op {
    SCOOP_CHANGE_INSERT,
    SCOOP_CHANGE_UPDATE,
    SCOOP_CHANGE_DELETE,
    SCOOP_CHANGE_OPS
};

/* "INSERT" and so on; static. */
const char *scoop_change_op_name(enum scoop_change_op op);

/* A column and its value: a string's text, other JSON as it is written, without spaces. */
struct scoop_change_member {
    const char *name;
    const char *value; /* NULL: null */
    size_t value_length;
};

struct scoop_change_record {
    uint64_t number; /* of the change in its file, from 1 */
    enum scoop_change_op op;
    const struct scoop_change_member *key; /* at least one */
    size_t key_count;
    const struct scoop_change_member *row; /* of a DELETE perhaps none */
    size_t row_count;
};

struct scoop_change_source_facts {
    uint64_t source_bytes, text_bytes;
    char etag[128];
    uint32_t retries;
    char digest[SCOOP_SHA256_HEX_SIZE]; /* of all lines, once END was returned; else "" */
};

enum scoop_change_read {
    SCOOP_CHANGE_READ_ONE,
    SCOOP_CHANGE_READ_NONE, /* none yet: look whether to stop, then call again */
    SCOOP_CHANGE_READ_END,
    SCOOP_CHANGE_READ_FAILED
};

struct scoop_change_source;

/* Only what concerns a source is looked at; copied. Nothing is opened yet. One thread owns it. NULL
 * with *error (USAGE, NO_MEMORY). */
struct scoop_change_source *scoop_change_source_new(const struct scoop_transfer_options *options,
                                                    struct scoop_error *error);
/* The next change, valid until the next call. Waits about 100 ms at most. FAILED with BAD_RECORD
 * for what is no change; errors of the source as of a transfer. END only after its proven end. */
enum scoop_change_read scoop_change_source_next(struct scoop_change_source *source,
                                                struct scoop_change_record *record,
                                                struct scoop_error *error);
void scoop_change_source_facts(const struct scoop_change_source *source,
                               struct scoop_change_source_facts *facts);
/* NULL is allowed. */
void scoop_change_source_free(struct scoop_change_source *source);

#endif
