/* One Python literal -> one JSON value. */
#ifndef SCOOP_STAGE_LITERAL_PARSE_H
#define SCOOP_STAGE_LITERAL_PARSE_H

#include "scoop/buffer.h"
#include "scoop/records.h"
#include "stage/json/keys.h"

enum { SCOOP_LITERAL_MAX_DEPTH = 1000 };

enum scoop_literal_verdict {
    SCOOP_LITERAL_GOOD,
    SCOOP_LITERAL_BLANK,      /* nothing but space and comments up to the newline */
    SCOOP_LITERAL_INCOMPLETE, /* the text ends inside brackets or a triple-quoted string */
    SCOOP_LITERAL_BAD,        /* reason and bad_at say what and where */
    SCOOP_LITERAL_FAILED      /* *error says why: NO_MEMORY */
};

struct scoop_literal_parser {
    /* Set by the caller. */
    struct scoop_buf *out;     /* the value is appended to it; on other verdicts, a part of one */
    struct scoop_buf *scratch; /* for bytes literals */
    size_t max_output_bytes;   /* a longer value is BAD; `out` has room for it */
    bool replace_invalid;
    bool nonfinite_null;
    enum scoop_key_case key_case;
    struct scoop_json_keys *keys; /* used unless KEEP */
    /* Results. */
    bool clashes;       /* GOOD, RENAME: keys of the value are equal but for case */
    size_t used;        /* GOOD, BLANK: bytes of the text up to and with the record's newline */
    const char *reason; /* BAD: valid until the next record */
    size_t bad_at;
};

/* Parses the first record of text, which ends with '\n'. */
enum scoop_literal_verdict scoop_literal_parse(struct scoop_literal_parser *parser,
                                               const unsigned char *text, size_t length,
                                               struct scoop_error *error);

#endif
