/* What AWS's services mean by an answer other than success, and what to do. Pure, any thread. */
#ifndef SCOOP_AWS_ERROR_CODES_H
#define SCOOP_AWS_ERROR_CODES_H

#include <stdbool.h>

#include "scoop/error.h"

enum scoop_aws_service { SCOOP_AWS_S3 = 1, SCOOP_AWS_KINESIS = 2 };

struct scoop_aws_verdict {
    enum scoop_code code;
    bool retryable;    /* send the same request again, signed anew */
    bool throttled;    /* … and wait the longer delay */
    bool wrong_region; /* find the bucket's region, sign for it, once */
    bool stale;        /* get new credentials, sign with them, once */
    bool wrong_time;   /* correct the clock, sign again, once */
};

/* status: the HTTP status (of S3 200 for an <Error> after 200, counted as 500); told: the code in
 * the body, "" or NULL for none. EXPIRED (get new credentials), CORRUPT (BadDigest: compute anew),
 * the wrong region and the wrong time are worth one more try, which is the caller's decision:
 * retryable is false for them. */
struct scoop_aws_verdict scoop_aws_classify(enum scoop_aws_service service, int status,
                                            const char *told);

/* What whoever sent the request can do about such an answer of S3; NULL: nothing that is known.
 * message: the server's, which tells some answers of one code apart. */
const char *scoop_aws_advice(int status, const char *told, const char *message);

#endif
