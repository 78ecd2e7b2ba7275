#include "stage/sniff.h"

#include <stdbool.h>
#include <string.h>

struct signature {
    enum scoop_content content;
    size_t length;
    const char *bytes;
};

/* The UTF-32 marks stand before the UTF-16 ones, which they begin with. */
static const struct signature signatures[] = {
    {SCOOP_CONTENT_GZIP, 2, "\x1f\x8b"},
    {SCOOP_CONTENT_ZIP, 4, "PK\x03\x04"},
    {SCOOP_CONTENT_ZIP, 4, "PK\x05\x06"}, /* an archive without files */
    {SCOOP_CONTENT_ZIP, 4, "PK\x07\x08"}, /* the first of several volumes */
    {SCOOP_CONTENT_ZSTD, 4, "\x28\xb5\x2f\xfd"},
    {SCOOP_CONTENT_XZ, 6,
     "\xfd"
     "7zXZ\0"},
    {SCOOP_CONTENT_UTF32, 4, "\xff\xfe\0\0"},
    {SCOOP_CONTENT_UTF32, 4, "\0\0\xfe\xff"},
    {SCOOP_CONTENT_UTF16, 2, "\xff\xfe"},
    {SCOOP_CONTENT_UTF16, 2, "\xfe\xff"},
};

/* "BZh", the block size, then a block's magic or that of the end: text may begin with "BZh". */
static bool is_bzip2(const unsigned char *data, size_t length) {
    return length >= 10 && memcmp(data, "BZh", 3) == 0 && data[3] >= '1' && data[3] <= '9' &&
           (memcmp(data + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0 ||
            memcmp(data + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

/* zstd also begins with skippable frames, 50..5f 2a 4d 18. */
static bool is_zstd_skippable(const unsigned char *data, size_t length) {
    return length >= 4 && (data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0;
}

/* Without a mark: which of the first bytes are NUL tells the width, as JSON and literals begin with
 * an ASCII character. */
static enum scoop_content by_nul_pattern(const unsigned char *data, size_t length) {
    if (length >= 4 && ((data[0] != 0 && data[1] == 0 && data[2] == 0 && data[3] == 0) ||
                        (data[0] == 0 && data[1] == 0 && data[2] == 0 && data[3] != 0)))
        return SCOOP_CONTENT_UTF32;
    if (length >= 2 && (data[0] == 0) != (data[1] == 0))
        return SCOOP_CONTENT_UTF16;
    return SCOOP_CONTENT_PLAIN;
}

enum scoop_content scoop_sniff(const unsigned char *data, size_t length) {
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (length >= signatures[i].length &&
            memcmp(data, signatures[i].bytes, signatures[i].length) == 0)
            return signatures[i].content;
    if (is_bzip2(data, length))
        return SCOOP_CONTENT_BZIP2;
    if (is_zstd_skippable(data, length))
        return SCOOP_CONTENT_ZSTD;
    return by_nul_pattern(data, length);
}

const char *scoop_content_name(enum scoop_content content) {
    switch (content) {
    case SCOOP_CONTENT_GZIP:
        return "gzip";
    case SCOOP_CONTENT_ZIP:
        return "zip";
    case SCOOP_CONTENT_BZIP2:
        return "bzip2";
    case SCOOP_CONTENT_ZSTD:
        return "zstd";
    case SCOOP_CONTENT_XZ:
        return "xz";
    case SCOOP_CONTENT_UTF16:
        return "UTF-16 text";
    case SCOOP_CONTENT_UTF32:
        return "UTF-32 text";
    case SCOOP_CONTENT_PLAIN:
        break;
    }
    return "plain";
}

bool scoop_sniff_is_gzip_header(const unsigned char *data, size_t length) {
    return length >= SCOOP_SNIFF_BYTES && memcmp(data, "\x1f\x8b\x08", 3) == 0 &&
           (data[3] & 0xe0) == 0; /* flags that nobody has given a meaning */
}

static bool is_space(unsigned char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* ASCII, and what may be UTF-8; controls are none of text's but white space. */
static bool is_text(const unsigned char *data, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (data[i] == 0x7f || (data[i] < ' ' && !is_space(data[i])) || data[i] == 0xff ||
            data[i] == 0xfe)
            return false;
    return true;
}

/* Behind a byte order mark and white space. */
static size_t text_begin(const unsigned char *data, size_t length) {
    size_t at = length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < length && is_space(data[at]))
        at++;
    return at;
}

static bool is_html(const unsigned char *data, size_t length) {
    return length >= 2 && data[0] == '<' && (data[1] == '!' || (data[1] | 0x20) == 'h');
}

bool scoop_sniff_is_text(const unsigned char *data, size_t length) {
    size_t begin = text_begin(data, length);
    return scoop_sniff(data, length) == SCOOP_CONTENT_PLAIN && is_text(data, length) &&
           !is_html(data + begin, length - begin);
}

static const char *text_looks(const unsigned char *data, size_t length) {
    size_t begin = text_begin(data, length);
    data += begin;
    length -= begin;
    if (length >= 2 && data[0] == '<' && data[1] == '?')
        return "XML";
    if (is_html(data, length))
        return "HTML";
    if (length > 0 && data[0] == '<')
        return "HTML or XML";
    return length > 0 && (data[0] == '{' || data[0] == '[') ? "JSON" : "plain text";
}

const char *scoop_sniff_looks(const unsigned char *data, size_t length) {
    enum scoop_content content = scoop_sniff(data, length);
    if (length == 0)
        return "nothing at all";
    if (length >= 6 && memcmp(data, "7z\xbc\xaf\x27\x1c", 6) == 0)
        return "7z data";
    if (length >= 4 && memcmp(data, "%PDF", 4) == 0)
        return "PDF";
    switch (content) {
    case SCOOP_CONTENT_GZIP:
        return "gzip data";
    case SCOOP_CONTENT_ZIP:
        return "a zip archive";
    case SCOOP_CONTENT_BZIP2:
        return "bzip2 data";
    case SCOOP_CONTENT_ZSTD:
        return "zstd data";
    case SCOOP_CONTENT_XZ:
        return "xz data";
    case SCOOP_CONTENT_UTF16:
        return "UTF-16 text";
    case SCOOP_CONTENT_UTF32:
        return "UTF-32 text";
    case SCOOP_CONTENT_PLAIN:
        break;
    }
    return is_text(data, length) ? text_looks(data, length) : "binary data";
}
