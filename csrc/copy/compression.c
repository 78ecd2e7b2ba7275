#include "copy/compression.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "copy/places.h"
#include "text/hex.h"

/* Of a longer segment of an address its end is looked at. */
enum { SEGMENT_BYTES = 1024 };

/* A piece of a name; not terminated. */
struct text {
    const char *start;
    size_t length;
};

/* Suffixes of gzip data, and what the name ends in when that is taken off, as gunzip has it. */
static const struct {
    const char *suffix, *rest;
} gzip_names[] = {
    {".gz", ""}, {".gzip", ""}, {".bgz", ""}, {".tgz", ".tar"}, {".svgz", ".svg"}, {".emz", ".emf"},
};

/* The last segment of an address as people read it: without its parameters (;v=1), decoded. */
static struct text decode_segment(struct text segment, char room[SEGMENT_BYTES]) {
    const char *parameters =
        segment.length == 0 ? NULL : memchr(segment.start, ';', segment.length);
    if (parameters != NULL)
        segment.length = (size_t)(parameters - segment.start);
    size_t from = segment.length > SEGMENT_BYTES ? segment.length - SEGMENT_BYTES : 0, length = 0;
    while (from < segment.length) {
        const char *at = segment.start + from;
        long value = *at == '%' && segment.length - from > 2
                         ? scoop_hex_number((const unsigned char *)at + 1, 2)
                         : -1;
        room[length++] = value < 0 ? *at : (char)value;
        from += value < 0 ? 1 : 3;
    }
    return (struct text){room, length};
}

/* The last segment of the path: without the host, the bucket, the query. An address's is in
 * `room`. */
static struct text name_of(const char *uri, char room[SEGMENT_BYTES]) {
    struct text name = {"", 0};
    if (uri == NULL || strcmp(uri, "-") == 0)
        return name;
    bool web = scoop_place_is_http(uri), remote = web || scoop_place_is_s3(uri);
    const char *path = remote ? strstr(uri, "://") + 3 : uri;
    size_t length = web ? strcspn(path, "?#") : strlen(path);
    const char *slash = length == 0 ? NULL : memrchr(path, '/', length);
    if (slash == NULL && remote)
        return name;
    name.start = slash == NULL ? path : slash + 1;
    name.length = length - (size_t)(name.start - path);
    return web ? decode_segment(name, room) : name;
}

/* From the last dot on, or nothing. */
static struct text suffix_of(struct text name) {
    const char *dot = name.length == 0 ? NULL : memrchr(name.start, '.', name.length);
    struct text suffix = {name.start + name.length, 0};
    if (dot == NULL || dot + 1 == name.start + name.length)
        return suffix;
    suffix.start = dot;
    suffix.length = name.length - (size_t)(dot - name.start);
    return suffix;
}

static bool is_equal(struct text one, struct text other) {
    return one.length == other.length && strncasecmp(one.start, other.start, one.length) == 0;
}

static struct text text_of(const char *text) {
    return (struct text){text, strlen(text)};
}

/* Where the name's suffix stands in the table; -1: it is not gzip's. */
static int find_gzip(struct text name) {
    struct text suffix = suffix_of(name);
    for (size_t i = 0; i < sizeof gzip_names / sizeof *gzip_names; i++)
        if (is_equal(suffix, text_of(gzip_names[i].suffix)))
            return (int)i;
    return -1;
}

bool scoop_name_is_gzip(const char *uri) {
    char room[SEGMENT_BYTES];
    return find_gzip(name_of(uri, room)) >= 0;
}

static bool ends_in_gz(const char *uri) {
    char room[SEGMENT_BYTES];
    return is_equal(suffix_of(name_of(uri, room)), text_of(".gz"));
}

/* Whether the source's name without its gzip suffix ends as the destination's does. */
static bool is_inflated_name(const char *source, const char *destination) {
    char room[SEGMENT_BYTES], other_room[SEGMENT_BYTES];
    struct text name = name_of(source, room);
    int found = find_gzip(name);
    if (found < 0 || destination == NULL || strcmp(destination, "-") == 0)
        return false;
    name.length -= strlen(gzip_names[found].suffix);
    struct text rest = suffix_of(name);
    if (gzip_names[found].rest[0] != 0)
        rest = text_of(gzip_names[found].rest);
    return is_equal(rest, suffix_of(name_of(destination, other_room)));
}

/* The table of the two names. */
static enum scoop_handling by_names(const char *source, const char *destination) {
    if (scoop_name_is_gzip(source)) {
        if (scoop_name_is_gzip(destination))
            return SCOOP_KEPT;
        return is_inflated_name(source, destination) ? SCOOP_INFLATED : SCOOP_KEPT;
    }
    return ends_in_gz(destination) ? SCOOP_PACKED : SCOOP_KEPT;
}

/* Where the text goes: what is written elsewhere goes by that name. */
static const char *destination_name(const struct scoop_transfer_options *options) {
    return options->text_for != NULL ? options->text_for : options->destination.uri;
}

static bool reads_text(const struct scoop_transfer_options *options) {
    return options->format != SCOOP_FORMAT_RAW || options->head_lines > 0;
}

/* What is asked for, whatever the content is. */
static enum scoop_handling wanted(const struct scoop_transfer_options *options) {
    const char *destination = destination_name(options);
    switch (options->compression) {
    case SCOOP_COMPRESSION_KEEP:
        return SCOOP_KEPT;
    case SCOOP_COMPRESSION_GZIP:
        return SCOOP_PACKED;
    case SCOOP_COMPRESSION_NONE:
        return SCOOP_INFLATED;
    case SCOOP_COMPRESSION_AUTO:
        break;
    }
    if (destination == NULL) /* whoever reads wants the text */
        return SCOOP_INFLATED;
    if (reads_text(options))
        return ends_in_gz(destination) ? SCOOP_PACKED : SCOOP_INFLATED;
    return by_names(options->source.uri, destination);
}

bool scoop_compression_packs(const struct scoop_transfer_options *options) {
    enum scoop_handling handling = wanted(options);
    bool again = handling == SCOOP_KEPT && options->compression_level != 0 &&
                 scoop_name_is_gzip(options->source.uri) &&
                 scoop_name_is_gzip(options->destination.uri);
    return options->text_for == NULL && (handling == SCOOP_PACKED || again);
}

bool scoop_compression_proves(const struct scoop_transfer_options *options, bool length_known) {
    if (options->text_for != NULL)
        return true;
    return options->compression != SCOOP_COMPRESSION_KEEP &&
           (!length_known || scoop_name_is_gzip(options->source.uri) ||
            scoop_compression_packs(options));
}

bool scoop_compression_wants_gzip(const struct scoop_transfer_options *options) {
    return !options->allow_plain && !options->split_part &&
           options->compression != SCOOP_COMPRESSION_KEEP &&
           scoop_name_is_gzip(options->source.uri);
}

enum scoop_handling scoop_compression_decide(const struct scoop_transfer_options *options,
                                             bool gzip) {
    bool packs = scoop_compression_packs(options);
    bool anew = reads_text(options) || options->compression_level != 0;
    /* A split output is packed by its files; this transfer only reads the text. */
    bool split = options->text_for != NULL && options->compression == SCOOP_COMPRESSION_GZIP;
    if (packs)
        return gzip && !anew ? SCOOP_KEPT : SCOOP_PACKED;
    if (gzip && (reads_text(options) || split || wanted(options) == SCOOP_INFLATED))
        return SCOOP_INFLATED;
    return SCOOP_KEPT;
}

int scoop_compression_check(const struct scoop_transfer_options *options,
                            struct scoop_error *error) {
    if (options->compression_level < 0 || options->compression_level > 9)
        return scoop_fail(error, SCOOP_USAGE, "compression_level %d is not one of 1 to 9",
                          options->compression_level);
    if (options->compression_level > 0 && (options->compression == SCOOP_COMPRESSION_KEEP ||
                                           options->compression == SCOOP_COMPRESSION_NONE))
        return scoop_fail(error, SCOOP_USAGE,
                          "compression_level is for data that is packed: leave it out, or say "
                          "compression \"gzip\"");
    if (options->compression == SCOOP_COMPRESSION_KEEP && options->format != SCOOP_FORMAT_RAW)
        return scoop_fail(error, SCOOP_USAGE,
                          "compression \"keep\" is for the format raw: records are read, so say "
                          "\"gzip\" or \"none\", or leave it out");
    return 0;
}
