/* A transfer: source -> stages -> sink, moved on in slices by the thread that owns it. */
#ifndef SCOOP_TRANSFER_H
#define SCOOP_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/buffer.h"
#include "scoop/csv_dialect.h"
#include "scoop/error.h"
#include "scoop/object_options.h"
#include "scoop/part_plan.h"
#include "scoop/records.h"
#include "scoop/resume.h"
#include "scoop/s3.h"
#include "scoop/s3_checksum.h"
#include "scoop/web.h"

enum scoop_format {
    SCOOP_FORMAT_RAW,
    SCOOP_FORMAT_JSONL,
    SCOOP_FORMAT_PYTHON_LITERAL,
    SCOOP_FORMAT_JSON_ARRAY,
    SCOOP_FORMAT_JSON_VALUES,
    SCOOP_FORMAT_CSV,
};

/* What arrives. AUTO: by the two names (copy/compression.c), and text where a caller reads. */
enum scoop_compression {
    SCOOP_COMPRESSION_AUTO,
    SCOOP_COMPRESSION_KEEP, /* the source's bytes */
    SCOOP_COMPRESSION_GZIP, /* gzip data: packed, unless it is that already */
    SCOOP_COMPRESSION_NONE, /* no gzip data: inflated if it is that */
};

/* What became of the bytes. */
enum scoop_handling {
    SCOOP_HANDLING_NONE, /* it is not known yet, or records were written anew without gzip */
    SCOOP_KEPT,
    SCOOP_INFLATED,
    SCOOP_PACKED,
};

/* A transfer to memory waits to be emptied when there is so much, its high water. */
enum { SCOOP_TRANSFER_MEMORY_HIGH_BYTES = 256 * 1024 };

/* One end of a transfer. */
struct scoop_place {
    const char *uri; /* http(s)://… (sources), s3://…, a path, or "-" for standard input/output */
    int fd; /* of "-": another open descriptor, which stays the caller's; 0: that of standard I/O */
    struct scoop_s3_options s3; /* used when uri is s3:// */
};

struct scoop_transfer_options {
    struct scoop_place source; /* uri NULL: fed by scoop_transfer_feed */
    /* uri NULL: to `memory` if that is set, else counted and dropped. */
    struct scoop_place destination;
    struct scoop_buf *memory; /* borrowed; its ceiling is raised to high water plus one step */
    enum scoop_format format;
    enum scoop_compression compression;
    int compression_level;              /* 0: the gzip stage's default; 1..9 */
    enum scoop_s3_checksum checksum;    /* of objects that are written */
    struct scoop_object_options object; /* for a destination in S3; the reject file has its
                                           encryption only */
    bool keep_existing;                 /* a destination that is there already is EXISTS */
    const char *if_match;               /* the ETag of the only object that may be replaced, else
                                           DESTINATION_CHANGED; NULL: any */
    uint64_t head_lines;                /* 0: all */
    struct scoop_part_plan part_plan;   /* first_bytes 0: by the memory limit, and growing */
    size_t memory_limit_bytes;          /* 0: the default, below */
    size_t max_record_bytes;            /* 0: SCOOP_MAX_RECORD_BYTES */
    uint64_t max_rejected;              /* more bad records end the run */
    uint64_t min_records;               /* fewer written ones are TOO_FEW_RECORDS; 0: any */
    uint64_t show_rejects;              /* without a place: so many of the first are kept */
    const char *rejects_uri; /* where rejected records go, with the destination's s3 options; needed
                                when max_rejected > 0 and there is a destination */
    bool held;           /* run stops in HELD, before anything is visible, until it is released */
    bool split_part;     /* of a split output: a file is marked as one, and the bytes that are fed
                            are text whatever they look like */
    bool through_client; /* an S3 object for S3 is never copied by the server itself */
    /* The name of an output in several files whose text is read: as if it were the destination.
     * Gzip data that would be kept is USAGE. */
    const char *text_for;
    bool allow_plain;             /* a source that is named as gzip data may be something else */
    bool ignore_trailing_garbage; /* behind the end of gzip data */
    bool one_thread; /* the stages have none of their own: for callers who have several */
    bool replace_invalid;
    bool nonfinite_null;
    enum scoop_key_case key_case;
    struct scoop_csv_dialect csv; /* CSV: how it is written */
    const char *records; /* JSON_ARRAY: where in the document the array is; NULL: it is the array */
    bool allow_unknown_length;
    struct scoop_web_options web;
    const char *source_identity; /* what the source was when it was looked at, else SOURCE_CHANGED;
                                    NULL: any */
    const char *ca_file;         /* NULL: libcurl's own */
};

enum scoop_transfer_state {
    SCOOP_TRANSFER_RUNNING,
    SCOOP_TRANSFER_FULL,           /* the memory sink must be emptied before it can go on */
    SCOOP_TRANSFER_UPLOAD_CREATED, /* told once, if it is watched for; run on */
    SCOOP_TRANSFER_EMPTY,          /* all that was fed is taken; feed more, or end it */
    SCOOP_TRANSFER_HELD, /* everything has arrived, next to no memory is kept; release it */
    SCOOP_TRANSFER_DONE,
    SCOOP_TRANSFER_FAILED, /* *error says why; everything was taken back, unless it says that the
                              destination is committed, or may be */
};

/* How the upload of an earlier try was used. */
enum scoop_resumed {
    SCOOP_RESUMED_NOT,   /* there was none */
    SCOOP_RESUMED_BYTES, /* the source was read from where its known parts end */
    SCOOP_RESUMED_PARTS, /* the source was read from its start, and only missing parts were sent */
    SCOOP_RESUMED_OVER,  /* it did not fit, was aborted, and everything was sent */
};

enum { SCOOP_FIRST_REJECT_SIZE = 320 };

struct scoop_transfer_facts {
    struct scoop_counters counters;
    char source_etag[128];
    char source_identity[SCOOP_SOURCE_IDENTITY_SIZE]; /* "": nothing tells versions apart */
    bool source_seekable; /* what is read are the source's bytes, and a reader can read others of it
                           */
    char destination_etag[128];
    char checksum[32];          /* "CRC32C:base64" of an object that was written, else "" */
    int64_t source_total_bytes; /* -1: unknown */
    uint32_t parts;
    uint32_t retries;
    uint32_t restarts;      /* how often the source was read again from its start */
    const char *parts_kept; /* where they waited: "memory", "source", "file" or ""; static */
    enum scoop_resumed resumed;
    uint64_t resumed_bytes; /* of the destination's that were not sent again */
    bool rejects_written;
    char
        first_reject[SCOOP_FIRST_REJECT_SIZE]; /* in DONE: where it was, and what is wrong; or "" */
    bool unchanged;                            /* the destination's bytes are the source's */
    enum scoop_handling handling;
    bool gzip_unnamed; /* what was kept is gzip data, and the destination's name does not say so */
    bool decoded;      /* the web server had encoded the body, which was undone */
    bool restarted;    /* it was read twice, because a record had to change after all */
    bool server_side;  /* the S3 server copied it itself: the bytes were not fetched */
    char server_side_refused[256]; /* why the server did not, though it was asked to; or "" */
    char metadata_lost[512]; /* what of the source's metadata and tags the destination lacks, and
                                why, a line each; or "" */
};

struct scoop_transfer;

/* SCOOP_MEMORY_LIMIT_BYTES, less in a small cgroup. */
size_t scoop_transfer_default_memory_bytes(void);

/* Strings are copied. Nothing is opened yet. NULL with *error (USAGE, NO_MEMORY). */
struct scoop_transfer *scoop_transfer_new(const struct scoop_transfer_options *options,
                                          struct scoop_error *error);
/* Before the first run: has it use an engine with its connections, which is its own from now on;
 * NULL is allowed. */
void scoop_transfer_use_engine(struct scoop_transfer *transfer, struct scoop_engine *engine);
/* Moves the transfer on for about slice_ms. FAILED comes only after the abort (3 s when cancelled,
 * 10 s otherwise). DONE and FAILED stay. */
enum scoop_transfer_state scoop_transfer_run(struct scoop_transfer *transfer, int slice_ms,
                                             struct scoop_error *error);
/* For a transfer without a source uri: the next bytes, borrowed until run returns EMPTY. */
void scoop_transfer_feed(struct scoop_transfer *transfer, const void *data, size_t length);
/* No more bytes follow: run on until DONE or FAILED. */
void scoop_transfer_feed_end(struct scoop_transfer *transfer);
/* After HELD: run on until DONE or FAILED. */
void scoop_transfer_release(struct scoop_transfer *transfer);
/* Makes the transfer end in CANCELLED. Any thread, any time before free. */
void scoop_transfer_cancel(struct scoop_transfer *transfer);
/* Before the first run of a transfer with a source and an S3 destination: goes on with the upload
 * of an earlier try, which is borrowed and outlives the transfer. An upload that turns out not to
 * fit (another source, records that change) is aborted and a new one begun. */
void scoop_transfer_take_up(struct scoop_transfer *transfer, const struct scoop_resume *resume);
/* Has run return UPLOAD_CREATED when an upload has got its name. */
void scoop_transfer_watch_upload(struct scoop_transfer *transfer);
struct scoop_transfer_upload {
    const char *upload_id; /* valid until the next run */
    const char *source;    /* its identity */
    bool resumable;        /* a later try can take it up: otherwise it can only abort it */
    bool seekable;         /* … and read the source from where the known parts end */
};
/* After UPLOAD_CREATED. */
void scoop_transfer_upload(struct scoop_transfer *transfer, struct scoop_transfer_upload *upload);
/* A later try will know the upload: a retryable failure or a cancel leaves it, if it is resumable.
 */
void scoop_transfer_keep_upload(struct scoop_transfer *transfer);
/* How far a seekable upload has come; zeros otherwise. 0, or -1 with NO_MEMORY. */
int scoop_transfer_mark(struct scoop_transfer *transfer, struct scoop_upload_mark *mark,
                        struct scoop_error *error);
/* The source as messages name it; valid as long as the transfer. */
const char *scoop_transfer_source_name(const struct scoop_transfer *transfer);
/* Whether the destination is there, once the transfer has ended, well or not. */
enum scoop_committed scoop_transfer_committed(const struct scoop_transfer *transfer);
/* Facts so far. */
void scoop_transfer_facts(const struct scoop_transfer *transfer,
                          struct scoop_transfer_facts *facts);
/* At the end, well or not: moves the records that were kept to *lines, JSON lines as in a reject
 * file, at least the first `show_rejects`; the caller frees it. */
void scoop_transfer_take_shown(struct scoop_transfer *transfer, struct scoop_buf *lines);
/* Aborts what is not finished, within 3 s. NULL is allowed. */
void scoop_transfer_free(struct scoop_transfer *transfer);

#endif
