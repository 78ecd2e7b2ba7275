/* What an object is given besides its bytes, as the headers that create it. Pure, any thread. */
#ifndef SCOOP_AWS_S3_OBJECT_HEADERS_H
#define SCOOP_AWS_S3_OBJECT_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/uri.h"
#include "scoop/error.h"
#include "scoop/object_options.h"

enum { SCOOP_OBJECT_MAX_TAGS = 10, SCOOP_OBJECT_MAX_METADATA = 40, SCOOP_OBJECT_MAX_HEADERS = 52 };

/* Zero-initialise; release with scoop_object_headers_free. */
struct scoop_object_headers {
    struct scoop_pair pairs[SCOOP_OBJECT_MAX_HEADERS]; /* strings are ours; the value is NULL of a
                                                        * header that the object shall not have */
    size_t count;
};

/* For PutObject and CreateMultipartUpload; not for parts, Complete or HEAD. Content-Type is left to
 * the sink. 0, or -1 with USAGE (what S3 or HTTP does not take), NO_MEMORY. */
int scoop_object_headers_build(const struct scoop_object_options *options,
                               struct scoop_object_headers *headers, struct scoop_error *error);
void scoop_object_headers_free(struct scoop_object_headers *headers);

#endif
