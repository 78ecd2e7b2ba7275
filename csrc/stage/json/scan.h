/* The lexical half of the JSON check: all that yajl leaves open. */
#ifndef SCOOP_STAGE_JSON_SCAN_H
#define SCOOP_STAGE_JSON_SCAN_H

#include "scoop/buffer.h"
#include "stage/json/keys.h"
#include "stage/stage.h"

enum { SCOOP_JSON_MAX_DEPTH = 1000 };

/* What is known of a record after some of its lines. Zero-initialise for a new record. */
struct scoop_json_scan {
    unsigned depth;  /* open arrays and objects; the record ends with the line that ends at 0 */
    bool value;      /* a value has begun; false at a line's end: the line is blank */
    bool unstorable; /* \u0000 or a lone surrogate escape was seen and let pass */
    bool replace;    /* set by the caller: let them pass */
    unsigned within; /* set by the caller: levels that the record will stand in */
    enum scoop_key_case key_case; /* set by the caller */
    bool clashes;                 /* RENAME: keys are equal but for case */
    struct scoop_json_keys *keys; /* the caller's; used unless KEEP */
    size_t *bases;                /* the caller's, SCOOP_JSON_MAX_DEPTH of them */
    const unsigned char *earlier; /* set by the caller: the record's lines before this one */
    size_t earlier_length;
    struct scoop_json_key last_string; /* only its length and whether it is escaped */
    size_t last_string_at;             /* in the record */
    const char *fault; /* what is wrong, at byte fault_at of the line; NULL with -1: no memory */
    size_t fault_at;   /* modulo SIZE_MAX + 1, as it may lie in an earlier line */
};

/* Scans one line, which ends with '\n' at line[length - 1], and writes its skeleton: the same line
 * with every string empty, which is all that a check of the grammar needs to see. `skeleton` has
 * room for `length` bytes. 0, or -1 with fault set. */
int scoop_json_scan_line(struct scoop_json_scan *scan, const unsigned char *line, size_t length,
                         unsigned char *skeleton, size_t *skeleton_length);

/* The escape at p, within a text that ends with '\n': its length, both halves of a pair together; 0
 * with *fault when it is malformed. *unstorable: no table stores it; *fault says why. */
size_t scoop_json_escape(const unsigned char *p, const char **fault, bool *unstorable);
/* Whether a number or a word can hold this byte. */
bool scoop_json_is_bare(unsigned char byte);
/* Whether the text, after which another kind of byte comes, is one number or word. */
bool scoop_json_is_scalar(const unsigned char *text, size_t length);
/* What is wrong with a byte that nothing outside strings can hold. */
const char *scoop_json_name_bad(unsigned char byte);

/* Appends a record that was scanned without fault, each unstorable escape made \ufffd. */
int scoop_json_replace(const unsigned char *record, size_t length, struct scoop_buf *out,
                       struct scoop_error *error);

#endif
