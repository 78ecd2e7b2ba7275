/* A request that is waited for, shared by the files that ask S3. */
#ifndef SCOOP_AWS_S3_ASKING_H
#define SCOOP_AWS_S3_ASKING_H

#include <stdbool.h>

#include "aws/s3/client.h"
#include "aws/s3/message.h"

enum { SCOOP_S3_PAGE_CEILING = 8 * 1024 * 1024 };

struct scoop_s3_asking {
    bool done;
    struct scoop_error error;
    struct scoop_buf body;
    struct scoop_s3_object_facts facts;
};

/* Starts the request and waits for its end. 0 or -1; the body is the caller's to free. */
int scoop_s3_ask(struct scoop_s3_client *client, struct scoop_s3_request *request,
                 struct scoop_s3_asking *asking, const struct scoop_interrupt *interrupt,
                 struct scoop_error *error);

#endif
