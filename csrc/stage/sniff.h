/* What a text source is, by its first bytes. */
#ifndef SCOOP_STAGE_SNIFF_H
#define SCOOP_STAGE_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

enum scoop_content {
    SCOOP_CONTENT_PLAIN, /* none of the others: text, or too short to say */
    SCOOP_CONTENT_GZIP,
    SCOOP_CONTENT_ZIP,
    SCOOP_CONTENT_BZIP2,
    SCOOP_CONTENT_ZSTD,
    SCOOP_CONTENT_XZ,
    SCOOP_CONTENT_UTF16, /* by its byte order mark, or ASCII with NUL as every other byte */
    SCOOP_CONTENT_UTF32
};

/* How many first bytes scoop_sniff can make use of. */
enum { SCOOP_SNIFF_BYTES = 10 };

/* Recognises the content by the first bytes of a source; give SCOOP_SNIFF_BYTES where there are as
 * many. Pure, any thread. */
enum scoop_content scoop_sniff(const unsigned char *data, size_t length);

/* The content's name in messages, "bzip2"; static text. */
const char *scoop_content_name(enum scoop_content content);

/* Whether a gzip header begins that can be one, not only its two magic bytes: SCOOP_SNIFF_BYTES are
 * needed to tell. */
bool scoop_sniff_is_gzip_header(const unsigned char *data, size_t length);

/* Whether it can be text that is no web page, which servers send in place of a file. */
bool scoop_sniff_is_text(const unsigned char *data, size_t length);

/* What people would call it, by its first bytes: "HTML", "JSON", "a zip archive"; static text. */
const char *scoop_sniff_looks(const unsigned char *data, size_t length);

#endif
