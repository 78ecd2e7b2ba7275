/* The inside of the stage for JSON documents. Private to json_document.c. */
#ifndef SCOOP_STAGE_JSON_DOCUMENT_H
#define SCOOP_STAGE_JSON_DOCUMENT_H

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
    bool dead; /* the rest is rejected */
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

#endif
