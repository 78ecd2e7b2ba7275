/* What a copy takes along of an object in S3 besides its bytes: the headers that CopyObject would
 * copy, and the tags. Pure, any thread. */
#ifndef SCOOP_AWS_S3_KEPT_HEADERS_H
#define SCOOP_AWS_S3_KEPT_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/s3/object_headers.h"
#include "aws/uri.h"
#include "scoop/error.h"

enum { SCOOP_KEPT_MOST = 64, SCOOP_KEPT_LOST_SIZE = 512 };

/* Zero-initialise; release with scoop_kept_headers_free. */
struct scoop_kept_headers {
    const struct scoop_object_headers *given; /* in place of the source's; borrowed; NULL: none */
    bool content_type_given;
    struct scoop_pair pairs[SCOOP_KEPT_MOST + 1]; /* ours; one place is the tags' */
    size_t count;
    char *content_type; /* ours; NULL: the source's is not known, or not true any more */
    bool noted;         /* an answer has been read */
    bool tagged;        /* it says that there are tags */
    bool incomplete;    /* it has more than can be sent: only CopyObject could take that along */
    char lost[SCOOP_KEPT_LOST_SIZE]; /* what is not taken along, and why, a line each */
};

/* What becomes of the bytes on their way. */
enum scoop_kept_change {
    SCOOP_KEPT_UNCHANGED, /* or packed anew */
    SCOOP_KEPT_INFLATED,
    SCOOP_KEPT_PACKED,
    SCOOP_KEPT_RECORDS, /* written by a format */
};

/* Forgets an answer that was read before. */
void scoop_kept_headers_begin(struct scoop_kept_headers *kept);
/* One header of an answer to GET or HEAD, as scoop_header_each shows it. 0, or -1: no memory. */
int scoop_kept_headers_note(void *kept, const char *name, size_t name_length, const char *value,
                            size_t value_length);
/* Whether a header is one of those that CopyObject copies, or replaces all together. */
bool scoop_kept_headers_holds(const char *name);
/* Whether the source's tags are wanted. */
bool scoop_kept_headers_want_tags(const struct scoop_kept_headers *kept);
/* "k1=v1&k2=v2"; "" adds nothing. 0 or -1. */
int scoop_kept_headers_add_tags(struct scoop_kept_headers *kept, const char *tags, size_t length,
                                struct scoop_error *error);
/* Drops what the change makes untrue. to_gzip: what is written is gzip data. */
void scoop_kept_headers_adapt(struct scoop_kept_headers *kept, enum scoop_kept_change change,
                              bool to_gzip);
/* The tags could not be read. Servers that have none say so in several ways. */
void scoop_kept_headers_tags_refused(struct scoop_kept_headers *kept, int http_status);
/* Drops the tags, or the metadata, and says so; false: there are none. */
bool scoop_kept_headers_lose_tags(struct scoop_kept_headers *kept, const char *why);
bool scoop_kept_headers_lose_metadata(struct scoop_kept_headers *kept, const char *why);
/* Drops everything, and says what of it was more than a server's default. */
void scoop_kept_headers_lose_all(struct scoop_kept_headers *kept, const char *why);
void scoop_kept_headers_free(struct scoop_kept_headers *kept);

#endif
