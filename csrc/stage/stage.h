/* Stages: bytes in, bytes out, joined in a chain. They know neither network nor files. */
#ifndef SCOOP_STAGE_STAGE_H
#define SCOOP_STAGE_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"
#include "scoop/csv_dialect.h"
#include "scoop/error.h"
#include "scoop/records.h"

/* Whether the records that were passed on differ from the text that came in, in more than a newline
 * at the very end. */
bool scoop_counters_edited(const struct scoop_counters *counters);

/* A record that is not passed on. Pointers are valid during the callback only. */
struct scoop_reject {
    uint64_t line;               /* of the record's first byte, from 1 */
    uint64_t byte_offset;        /* of the record's first byte in the text, from 0; or
                                    SCOOP_NO_OFFSET */
    const char *reason;          /* a sentence */
    const unsigned char *record; /* its first bytes, at most 4096 */
    size_t record_length;        /* bytes at `record` */
    uint64_t total_length;       /* of the whole record in bytes */
};

/* Returns 0 to go on without the record, or -1 with *error filled (BAD_RECORD, TOO_MANY_REJECTED)
 * to end the run. The callee owns the policy; a stage only reports. */
struct scoop_reject_policy {
    int (*on_reject)(void *user, const struct scoop_reject *reject, struct scoop_error *error);
    void *user;
};

struct scoop_record_options {
    size_t max_record_bytes; /* 0: SCOOP_MAX_RECORD_BYTES; longer input or output is a bad record */
    bool replace_invalid;    /* \u0000 and lone surrogates become U+FFFD instead of a bad record */
    bool nonfinite_null;     /* Python nan, inf and 1e999 become null instead of a bad record */
    enum scoop_key_case key_case;
    unsigned within; /* arrays and objects that a record will be put into, of the nesting allowed */
    struct scoop_reject_policy policy;
    struct scoop_record_places *places; /* are told where records that pass stood; NULL: nobody */
};

#define SCOOP_STEP_BYTES ((size_t)64 * 1024) /* what a head stage emits per write */

struct scoop_stage;

struct scoop_stage_type {
    const char *name;
    /* Takes up to `length` bytes and sets *consumed. A stage may stop early only after it has
     * handed SCOOP_STEP_BYTES to the next one (gunzip does); the caller offers the rest again. 0 or
     * -1. */
    int (*write)(struct scoop_stage *stage, const unsigned char *data, size_t length,
                 size_t *consumed, struct scoop_error *error);
    /* The input has ended well: check the trailer, emit what is left. Does not call next's finish.
     * 0 or -1. Called once. */
    int (*finish)(struct scoop_stage *stage, struct scoop_error *error);
    /* Releases the stage itself, its threads ended first. */
    void (*free)(struct scoop_stage *stage);
    /* Makes every wait inside the stage end at once, in CANCELLED: free comes next. Any thread.
     * NULL: it never waits. */
    void (*stop)(struct scoop_stage *stage);
};

/* First member of every stage struct. `next` is set by the chain's owner before the first write. */
struct scoop_stage {
    const struct scoop_stage_type *type;
    struct scoop_stage *next;
    struct scoop_counters *counters; /* borrowed; outlives the stage */
};

/* Offers all of data to `stage`, repeating until it is consumed. 0 or -1. For calls between stages.
 */
int scoop_stage_push(struct scoop_stage *stage, const void *data, size_t length,
                     struct scoop_error *error);
/* Calls finish on `stage` and on each stage after it, in order; stops at the first error. */
int scoop_stage_finish_chain(struct scoop_stage *stage, struct scoop_error *error);
/* Frees `stage` and each stage after it. NULL is allowed. */
void scoop_stage_free_chain(struct scoop_stage *stage);

/* Each constructor returns a stage owned by the caller, or NULL with *error filled. Not
 * thread-safe: one chain belongs to one thread. Options are copied. */

struct scoop_gunzip_options {
    uint32_t max_ratio; /* 0: 1100, just above what deflate can reach (1032); counted after the
                           first MiB of output */
    uint64_t max_output_bytes; /* 0: no limit */
    bool ignore_trailing_garbage;
};
/* Concatenated members; zero padding between and after them is accepted. Counts gzip_members and
 * text_bytes. Errors: TRUNCATED, CORRUPT (header, CRC-32, length), TRAILING_GARBAGE, INFLATION. */
struct scoop_stage *scoop_gunzip_new(const struct scoop_gunzip_options *options,
                                     struct scoop_counters *counters, struct scoop_error *error);

enum { SCOOP_GZIP_MOST_THREADS = 4 };
/* One member, no time stamp, so equal input gives equal bytes, however it is cut and however many
 * threads there are. level 0..9, -1: 6. Levels 1..3 are ISA-L's, whose bytes may differ between
 * kinds of processor; the others zlib's. A text of more than one block (512 KiB) is compressed by
 * up to `threads` threads of the stage's own; 0: by the caller's. The next stage is always called
 * by the caller's thread. */
struct scoop_stage *scoop_gzip_new(int level, unsigned threads, struct scoop_counters *counters,
                                   struct scoop_error *error);
/* What such a stage holds at most. */
size_t scoop_gzip_memory_bytes(unsigned threads);

/* JSON values, one or more lines each, a record boundary being a newline at nesting 0 -> one
 * checked value per line. Bytes of a good one-line record pass unchanged; of a longer one, newlines
 * become spaces. Numbers keep their digits. A bad record ends at the first newline after its fault,
 * so what is left of one that goes over several lines is read as records again. Results never
 * depend on how the input is cut. Memory: up to four times max_record_bytes, and 16 bytes for each
 * key of the objects that are open. */
struct scoop_stage *scoop_json_check_new(const struct scoop_record_options *options,
                                         struct scoop_counters *counters,
                                         struct scoop_error *error);

/* A JSON document that is an array, or has one at `path` (names of keys with dots between; NULL or
 * "": it is the array) -> its elements, one checked value a line. The rest of the document is
 * checked and dropped. An element that is well-formed but bad (too long, unstorable, keys that
 * clash) is a bad record; after a fault of the grammar nothing can be trusted: all that follows is
 * one bad record with it, of which as much is shown as was read to find the fault. A document
 * without the path is BAD_RECORD. Memory: up to five times max_record_bytes, and 16 bytes for each
 * open key. */
struct scoop_stage *scoop_json_array_new(const char *path,
                                         const struct scoop_record_options *options,
                                         struct scoop_counters *counters,
                                         struct scoop_error *error);

/* JSON values one after another, over any lines, with any white space between, or none where a
 * bracket or quote parts them, each with a comma behind it or none -> one checked value a line. Bad
 * records and memory as above. */
struct scoop_stage *scoop_json_values_new(const struct scoop_record_options *options,
                                          struct scoop_counters *counters,
                                          struct scoop_error *error);

/* Python literals, one a line -> compact JSON, one a line. Brackets and triple-quoted strings may
 * go over several lines; a bad record ends as above. Tuples and sets become arrays, bytes become
 * text (UTF-8, else Latin-1), numbers keep their digits, keys become what json.dumps makes of them.
 * Memory: up to six times max_record_bytes, and 16 bytes for each key of the dicts that are open.
 */
struct scoop_stage *scoop_literal_new(const struct scoop_record_options *options,
                                      struct scoop_counters *counters, struct scoop_error *error);

/* Whether a dialect can be one: 0, or -1 with USAGE. */
int scoop_csv_dialect_check(const struct scoop_csv_dialect *dialect, struct scoop_error *error);

/* CSV in a dialect, in UTF-8 -> CSV as RFC 4180 says, a value quoted where it must be, without
 * blank lines and comments; NULL is nothing at all. The header is no record. A bad record ends at
 * the end of the line that its fault is in. The dialect's strings are borrowed. Memory: up to five
 * times max_record_bytes, and 24 bytes a value. */
struct scoop_stage *scoop_csv_clean_new(const struct scoop_csv_dialect *dialect,
                                        const struct scoop_record_options *options,
                                        struct scoop_counters *counters, struct scoop_error *error);

/* Text in an encoding, by its name as iconv knows it (borrowed) -> UTF-8. What is no character ends
 * the run in BAD_RECORD. */
struct scoop_stage *scoop_decode_new(const char *encoding, struct scoop_counters *counters,
                                     struct scoop_error *error);

/* Passes bytes on unchanged and shows them to the chain `inner` as well, whose faults are its own.
 * inner is taken over, also on failure. */
struct scoop_stage *scoop_beside_new(struct scoop_stage *inner, struct scoop_counters *counters,
                                     struct scoop_error *error);

/* The end of a chain whose bytes nobody wants. */
struct scoop_stage *scoop_drop_new(struct scoop_counters *counters, struct scoop_error *error);

enum { SCOOP_QUEUE_CHUNKS = 8, SCOOP_OUTLET_BYTES = 1024 * 1024 };

/* Runs the chain `inner` (which must end by itself) on a thread of its own, behind a queue of
 * SCOOP_QUEUE_CHUNKS chunks; the first SCOOP_STEP_BYTES on the caller's, so that a small text
 * starts no thread. write waits while the queue is full; a fault of inner is returned by a later
 * write or by finish, which waits for inner's end. Of several faults the one is told that comes
 * first in the stream. inner is taken over, also on failure; waker (may be NULL) is borrowed, and
 * woken when there is room again or inner has ended. */
struct scoop_stage *scoop_worker_new(struct scoop_stage *inner, struct scoop_waker *waker,
                                     struct scoop_counters *counters, struct scoop_error *error);
/* The chain gets its thread at once: its first bytes may become more than where it ends can keep.
 */
void scoop_worker_begin_threaded(struct scoop_stage *worker);
/* Whether the worker's queue takes a write of SCOOP_STEP_BYTES without waiting. Owner's thread. */
bool scoop_worker_ready(struct scoop_stage *worker);
/* No more bytes follow; finish, once done, will not wait. Owner's thread. */
void scoop_worker_end(struct scoop_stage *worker);
/* No more bytes follow, because of `fault`: inner works on what there is, then ends with that
 * fault, or with one of its own, which came before. Owner's thread. */
void scoop_worker_abandon(struct scoop_stage *worker, const struct scoop_error *fault);
/* Whether inner has ended; *failed: with a fault. */
bool scoop_worker_done(struct scoop_stage *worker, bool *failed);

/* The end of a chain inside a worker: keeps up to SCOOP_OUTLET_BYTES, then its write waits. The
 * waker (may be NULL) is borrowed, and woken when there is something to take. */
struct scoop_stage *scoop_outlet_new(struct scoop_waker *waker, struct scoop_counters *counters,
                                     struct scoop_error *error);
/* The owner of what it gives is also the one who writes, so a write must not wait: what does not
 * fit is kept besides. The owner takes everything before more is written. */
void scoop_outlet_go_alone(struct scoop_stage *outlet);
bool scoop_outlet_is_alone(const struct scoop_stage *outlet);
/* What can be taken now, in one piece; 0: nothing. Owner's thread, as consume, which takes it. */
size_t scoop_outlet_peek(struct scoop_stage *outlet, const unsigned char **data);
void scoop_outlet_consume(struct scoop_stage *outlet, size_t length);

/* Passes the first `lines` lines and sets *reached when it has; drops the rest. */
struct scoop_stage *scoop_head_new(uint64_t lines, bool *reached, struct scoop_counters *counters,
                                   struct scoop_error *error);

#endif
