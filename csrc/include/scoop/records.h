/* Records of a stream: how long one can be, which are bad, and how they are counted. */
#ifndef SCOOP_RECORDS_H
#define SCOOP_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOOP_MOST_RECORD_BYTES ((size_t)1 << 31)        /* that max_record_bytes can be */
#define SCOOP_MAX_RECORD_BYTES ((size_t)4 * 1024 * 1024) /* Redshift's limit for a JSON object */

/* What becomes of a record in which keys of one object, at any depth, are equal but for case
 * (ASCII's: A to Z equal a to z), or just equal. */
enum scoop_key_case {
    SCOOP_KEY_CASE_REJECT, /* it is a bad record */
    SCOOP_KEY_CASE_RENAME, /* the later ones are numbered: Name, name_2 */
    SCOOP_KEY_CASE_KEEP,   /* it passes; keys are not looked at */
};

/* What the chain counted; one struct is shared by all stages of a chain, which may run on several
 * threads, and by its owner. */
struct scoop_counters {
    _Atomic uint64_t source_bytes; /* read from the source, as on the wire */
    _Atomic uint64_t text_bytes;   /* after gunzip (equal to source_bytes for plain input) */
    _Atomic uint64_t records_in;   /* records seen; in = out + rejected */
    _Atomic uint64_t records_out;
    _Atomic uint64_t records_rejected;
    _Atomic uint64_t records_changed; /* passed on with other bytes: joined lines, replaced escapes,
                                         renamed keys */
    _Atomic uint64_t blank_lines;     /* dropped, not records */
    _Atomic uint64_t gzip_members;
    _Atomic uint64_t destination_bytes; /* handed to the sink */
    _Atomic uint64_t garbage_bytes;     /* behind the end of gzip data, ignored */
    _Atomic bool gzip_inside;           /* what gzip data inflates to is gzip data again */
    _Atomic bool bom_stripped;
};

#endif
