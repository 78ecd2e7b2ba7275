/* Web addresses that are those of objects in S3. */
#ifndef SCOOP_WEB_OBJECT_H
#define SCOOP_WEB_OBJECT_H

#include "scoop/s3.h"

/* Appends the s3:// name, for who reaches S3 by `at`, of the object that the web address is that
 * of: with the bucket before the host or behind it, of the endpoint of `at` or of AWS's; nothing
 * where it is none's. Its query does not count. Of `at` only endpoint_url and region do. 0, or -1
 * with NO_MEMORY. */
int scoop_web_object(const char *address, const struct scoop_s3_options *at, struct scoop_buf *uri,
                     struct scoop_error *error);

#endif
