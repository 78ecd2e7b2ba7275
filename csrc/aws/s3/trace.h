/* What is told of a call to S3: not its headers, not its signature, not what the server says. */
#ifndef SCOOP_AWS_S3_TRACE_H
#define SCOOP_AWS_S3_TRACE_H

#include "aws/s3/client.h"

void scoop_s3_trace_send(const struct scoop_s3_request *request, uint32_t attempt);
void scoop_s3_trace_again(const struct scoop_s3_request *request, const struct scoop_error *error,
                          uint32_t delay_ms);
void scoop_s3_trace_failed(const struct scoop_s3_request *request, const struct scoop_error *error);

#endif
