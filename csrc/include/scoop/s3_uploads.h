/* Multipart uploads that are neither completed nor aborted: listed, looked into, ended. They wait.
 */
#ifndef SCOOP_S3_UPLOADS_H
#define SCOOP_S3_UPLOADS_H

#include "scoop/interrupt.h"
#include "scoop/s3.h"
#include "scoop/s3_message.h"

/* One page (at most 1000 uploads) for the keys that begin with `prefix`, after the page whose
 * markers are given (NULL: the first). on_upload as in scoop_s3_parse_uploads; page->token and
 * page->upload_id are the next markers when page->truncated. 0, or -1 with *error; CANCELLED when
 * interrupted. */
int scoop_s3_list_uploads(struct scoop_s3_client *client, const char *bucket, const char *prefix,
                          const char *key_marker, const char *upload_marker,
                          int (*on_upload)(void *user, const struct scoop_s3_listed_upload *upload,
                                           struct scoop_error *error),
                          void *user, struct scoop_s3_page *page,
                          const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* One page (at most 1000) of an upload's parts with numbers above `after`; on_part as in
 * scoop_s3_parse_parts; page->part_number_marker is the next `after` when page->truncated. 0, or -1
 * with NOT_FOUND (no such upload), … */
int scoop_s3_list_parts(struct scoop_s3_client *client, const char *bucket, const char *key,
                        const char *upload_id, uint32_t after,
                        int (*on_part)(void *user, const struct scoop_s3_listed_part *part,
                                       struct scoop_error *error),
                        void *user, struct scoop_s3_page *page,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error);

/* 0, or -1 with NOT_FOUND, ACCESS_DENIED, … A part that is under way may arrive afterwards: only
 * scoop_s3_list_parts tells that nothing is left. */
int scoop_s3_abort_upload(struct scoop_s3_client *client, const char *bucket, const char *key,
                          const char *upload_id, const struct scoop_interrupt *interrupt,
                          struct scoop_error *error);

#endif
