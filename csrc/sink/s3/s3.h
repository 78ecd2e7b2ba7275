/* An S3 object as a sink: a multipart upload, or one PUT when the whole fits one part. */
#ifndef SCOOP_SINK_S3_S3_H
#define SCOOP_SINK_S3_S3_H

#include "aws/s3/kept_headers.h"
#include "aws/s3/object_headers.h"
#include "base/budget.h"
#include "scoop/part_plan.h"
#include "scoop/resume.h"
#include "scoop/s3.h"
#include "scoop/s3_checksum.h"
#include "sink/sink.h"

struct scoop_s3_sink_options {
    struct scoop_s3_client *client; /* borrowed; outlives the sink */
    const char *bucket;
    const char *key;
    struct scoop_budget *budget; /* borrowed */
    const char *temp_folder;     /* for parts that wait in files; borrowed; outlives the sink */
    struct scoop_part_plan plan;
    uint64_t memory_bytes; /* for parts; one larger than half of it is kept elsewhere */
    unsigned buffers;      /* parts in memory at once, at most */
    size_t room_bytes;     /* the largest room that will be asked for */
    enum scoop_s3_checksum checksum;
    const char *content_type;                  /* NULL: application/octet-stream */
    const struct scoop_object_headers *object; /* borrowed; outlive the sink */
    bool keep_existing;                        /* an object that is there already is EXISTS */
    const char *if_match; /* of what may be replaced, else DESTINATION_CHANGED; NULL: any */
    bool held;            /* sealed, it keeps no part in memory */
    const struct scoop_resume *resume; /* borrowed; outlives the sink; NULL: a new upload */
};
/* Owned by the caller, NULL with *error filled. Strings are copied. */
struct scoop_sink *scoop_s3_sink_new(const struct scoop_s3_sink_options *options,
                                     struct scoop_error *error);
/* Tells an S3 sink, before the first write, that exactly total_bytes will come (-1: unknown), and
 * that they are those of the regular file fd, in order, if fd is not negative: then parts are read
 * from there again. Nothing for other sinks. 0, or -1 with TOO_LARGE, IO. */
int scoop_s3_sink_expect(struct scoop_sink *sink, int64_t total_bytes, int fd,
                         struct scoop_error *error);
/* Tells an S3 sink, before the first write, what the object takes along of its source; borrowed,
 * outlives the sink. What the destination refuses is left out, and said there. */
void scoop_s3_sink_keep(struct scoop_sink *sink, struct scoop_kept_headers *kept);
/* The name of an S3 sink's upload; NULL: it has none, or not yet. Valid as long as the sink. */
const char *scoop_sink_upload_id(struct scoop_sink *sink);
/* The parts from the front that have arrived, the last of an object never among them. 0, or -1 with
 * NO_MEMORY. Zeros for other sinks. */
int scoop_sink_mark(struct scoop_sink *sink, struct scoop_upload_mark *mark,
                    struct scoop_error *error);
/* Once the sink knows what to expect: whether its parts go on where those that are kept end. */
bool scoop_sink_resume_fits(const struct scoop_sink *sink);
/* Whether a later abort leaves the upload and its parts as they are. */
void scoop_sink_leave_upload(struct scoop_sink *sink, bool leaves);
/* Whether parts are on their way, of which nobody knows yet whether they arrive. */
bool scoop_sink_sends_parts(const struct scoop_sink *sink);
/* Has the abort that follows leave the upload, whose parts another sink can go on with: what is
 * written again and is equal is not sent again. NULL: there are no parts to leave (then the abort
 * takes all back), or, with *error, NO_MEMORY. */
struct scoop_resume *scoop_sink_hand_on(struct scoop_sink *sink, struct scoop_error *error);

/* --- an upload whose parts the server copies, in place of writes and seal --- */

struct scoop_s3_copies {
    uint64_t total_bytes;
    uint64_t part_bytes;             /* of each part but the last */
    struct scoop_kept_headers *kept; /* of the source; borrowed; outlives the sink */
};
/* Creates the upload. 0, or -1 with *error. */
int scoop_s3_sink_begin_copies(struct scoop_sink *sink, const struct scoop_s3_copies *copies,
                               struct scoop_error *error);
/* Whether the upload has its name, so that parts can be copied into it. */
bool scoop_s3_sink_takes_copies(const struct scoop_sink *sink);
/* A part has arrived; checksum "": the server told none. 0, or -1 with NO_MEMORY. */
int scoop_s3_sink_note_copy(struct scoop_sink *sink, uint32_t number, const char *etag,
                            const char *checksum, struct scoop_error *error);
/* Of all parts: the whole object's checksum. False: not all have told theirs. */
bool scoop_s3_sink_sum_copies(const struct scoop_sink *sink, uint64_t *checksum);
/* All have arrived: the sink is SEALED, and its commit demands this checksum; NULL: none. */
void scoop_s3_sink_end_copies(struct scoop_sink *sink, const uint64_t *checksum);

#endif
