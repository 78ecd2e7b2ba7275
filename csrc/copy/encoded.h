/* The first bytes of a body that a web server has encoded without being asked: what is in there? */
#ifndef SCOOP_COPY_ENCODED_H
#define SCOOP_COPY_ENCODED_H

#include <stdbool.h>
#include <stddef.h>

#include "scoop/buffer.h"
#include "scoop/error.h"
#include "stage/sniff.h"
#include "stage/stage.h"

enum { SCOOP_ENCODED_STEP_BYTES = 4 * 1024 };

struct scoop_encoded {
    struct scoop_stage capture; /* the end of the chain that decodes */
    struct scoop_stage *gunzip;
    struct scoop_counters counters;
    struct scoop_buf raw; /* as it came */
    unsigned char head[SCOOP_SNIFF_BYTES];
    size_t head_length; /* of the decoded bytes */
    bool known;         /* no more bytes are needed */
};

/* Whether the value of Content-Encoding names an encoding at all. */
bool scoop_encoded_is(const char *content_encoding);
/* Owned by the caller. NULL with UNSUPPORTED, which names an encoding that nobody here decodes, or
 * with NO_MEMORY. `where` is for the message. */
struct scoop_encoded *scoop_encoded_new(const char *content_encoding, const char *where,
                                        struct scoop_error *error);
/* Takes all of data, at most SCOOP_ENCODED_STEP_BYTES. What is damaged is left to whoever decodes
 * it all. 0 or -1 (NO_MEMORY). */
int scoop_encoded_take(struct scoop_encoded *encoded, const unsigned char *data, size_t length,
                       struct scoop_error *error);
/* NULL is allowed. */
void scoop_encoded_free(struct scoop_encoded *encoded);

#endif
