/* The inside of the stage for JSON documents: document.c scans, document_record.c knows what
 * becomes of the records. */
#ifndef SCOOP_STAGE_JSON_DOCUMENT_H
#define SCOOP_STAGE_JSON_DOCUMENT_H

#include <string.h>

#include "stage/json/grammar.h"
#include "stage/json/keys.h"
#include "stage/json/scan.h"
#include "stage/records.h"

enum {
    SCOOP_DOCUMENT_STEPS = 32,        /* of a path */
    SCOOP_DOCUMENT_HEAD_BYTES = 4096, /* shown of a record beyond the limit */
    SCOOP_DOCUMENT_AHEAD = 12,        /* bytes of the longest escape */
    SCOOP_DOCUMENT_WAITING = 1024,    /* records that yajl has not seen */
};

struct scoop_document_step {
    const unsigned char *text;
    size_t length;
};

struct scoop_document_path {
    char *text;
    struct scoop_document_step steps[SCOOP_DOCUMENT_STEPS];
    size_t count;
};

struct scoop_document_place {
    uint64_t offset; /* in the text, from 0 */
    uint64_t line;   /* from 1 */
};

/* A record that was scanned, while its grammar is not yet checked. */
struct scoop_document_record {
    struct scoop_document_place start, end;
    size_t out_end;
    size_t skeleton_start, skeleton_end;
    bool changed; /* replaced escapes, renamed keys */
};

struct scoop_document {
    struct scoop_stage stage;
    struct scoop_records records;     /* options and rejects; the text is not cut into lines */
    struct scoop_document_path *path; /* to the array; NULL: values one after another */
    struct scoop_json_grammar *grammar;
    struct scoop_buf text; /* what is not scanned, and what is kept of what is */
    uint64_t text_offset;  /* of its first byte */
    size_t at;             /* next byte in it to scan */
    uint64_t line;         /* of that */
    bool past_mark;
    bool dead;        /* the rest is rejected */
    bool after_value; /* of values one after another: a comma may follow */
    struct scoop_buf skeleton;
    struct scoop_buf out; /* lines that wait for yajl's verdict */
    struct scoop_document_record waiting[SCOOP_DOCUMENT_WAITING];
    size_t waiting_count;
    struct scoop_document_place last_end; /* of the last record before those that wait */
    unsigned depth;
    bool in_string;
    uint64_t string_offset; /* of the last string's text */
    struct scoop_json_key last_string;
    bool in_bare;
    uint64_t bare_offset;
    /* The frame around the records. */
    bool begun;           /* the document's value was seen */
    bool found;           /* the array was */
    bool string_kept;     /* the string may be a step of the path */
    bool matches;         /* it is */
    bool expects;         /* the value that comes is on the path */
    size_t level;         /* steps of the path that were taken */
    unsigned on_path;     /* depth inside the innermost object on the path */
    unsigned array_depth; /* inside the array; 0: not in it */
    /* The current record. */
    bool in_record;
    bool too_long; /* only its head is kept */
    bool unstorable, clashes;
    const char *bad; /* why it is rejected, though it is well-formed */
    unsigned record_depth;
    struct scoop_document_place record;
    size_t skeleton_start;
    unsigned char head[SCOOP_DOCUMENT_HEAD_BYTES];
    size_t head_length;
    struct scoop_json_keys keys;
    size_t bases[SCOOP_JSON_MAX_DEPTH];
    struct scoop_buf changed[2];
};

/* Where a byte of what is held lies in the text. */
static inline uint64_t scoop_document_offset(const struct scoop_document *document, size_t at) {
    return document->text_offset + at;
}

/* Where the current record begins in what is held. */
static inline size_t scoop_document_record_at(const struct scoop_document *document) {
    return (size_t)(document->record.offset - document->text_offset);
}

/* Appends to the skeleton. */
static inline int scoop_document_put(struct scoop_document *document, const void *data,
                                     size_t length, struct scoop_error *error) {
    struct scoop_buf *skeleton = &document->skeleton;
    if (skeleton->capacity - skeleton->length <= length)
        return scoop_buf_append(skeleton, data, length, error);
    memcpy(skeleton->data + skeleton->length, data, length);
    skeleton->length += length;
    return 0;
}

/* All of these: 0 or -1. After a fault of the text the document may be dead. */

/* A record begins at the next byte to scan, and ends at `end`. */
int scoop_document_begin_record(struct scoop_document *document, struct scoop_error *error);
int scoop_document_end_record(struct scoop_document *document, size_t end,
                              struct scoop_error *error);
/* Has yajl check the first `length` bytes of the skeleton, and passes the records in it on.
 * record_end: where the current record ends, should the fault be in it. */
int scoop_document_check_part(struct scoop_document *document, size_t length, size_t record_end,
                              struct scoop_error *error);
/* The same for all of it. */
int scoop_document_check(struct scoop_document *document, size_t record_end,
                         struct scoop_error *error);
/* A fault of the text at `at`: an earlier one that only yajl sees comes first. */
int scoop_document_fail(struct scoop_document *document, size_t at, const char *fault,
                        struct scoop_error *error);
/* The rest of the text is one reject, which begins where the current record does, or else behind
 * the last one. `length`: bytes of it to show. */
int scoop_document_reject_rest(struct scoop_document *document, struct scoop_document_place place,
                               size_t length, const char *reason, struct scoop_error *error);

#endif
