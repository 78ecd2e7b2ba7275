/* gzip members -> text, with every way the framing can be wrong told apart. */
#include <limits.h>
#include <string.h>

#include "scoop/stage.h"
#include "zlib_memory.h"

enum {
    MAGIC_1 = 0x1f,
    MAGIC_2 = 0x8b,
    GZIP_WINDOW = 15 + 16, /* the largest window, gzip framing only */
    DEFAULT_MAX_RATIO = 1100,
    RATIO_FREE_BYTES = 1024 * 1024,
};

enum state {
    BETWEEN, /* at the start, or after a member: padding or a new member may come */
    MAGIC,   /* the first magic byte was seen */
    MEMBER,
    IGNORE /* trailing garbage, which the caller chose to ignore */
};

struct gunzip {
    struct scoop_stage stage;
    struct scoop_gunzip_options options;
    enum state state;
    z_stream z;
    uint64_t offset;        /* compressed bytes taken */
    uint64_t member_offset; /* where the current member begins */
    uint64_t members;       /* completed */
    uint64_t produced;      /* text bytes */
    size_t held;            /* bytes in out not yet handed on */
    unsigned char out[SCOOP_STEP_BYTES];
};

static int hand_on(struct gunzip *gunzip, struct scoop_error *error) {
    size_t length = gunzip->held;
    gunzip->held = 0;
    return scoop_stage_push(gunzip->stage.next, gunzip->out, length, error);
}

static int check_limits(const struct gunzip *gunzip, struct scoop_error *error) {
    const struct scoop_gunzip_options *options = &gunzip->options;
    if (options->max_output_bytes > 0 && gunzip->produced > options->max_output_bytes)
        return scoop_fail(
            error, SCOOP_INFLATION,
            "the gzip data inflates to more than %llu bytes (at compressed byte %llu)",
            (unsigned long long)options->max_output_bytes, (unsigned long long)gunzip->offset);
    if (gunzip->produced > RATIO_FREE_BYTES &&
        gunzip->produced / options->max_ratio >= gunzip->offset)
        return scoop_fail(error, SCOOP_INFLATION,
                          "the gzip data inflates more than %u-fold (at compressed byte %llu)",
                          options->max_ratio, (unsigned long long)gunzip->offset);
    return 0;
}

static int fail_inflate(const struct gunzip *gunzip, int result, struct scoop_error *error) {
    if (result == Z_MEM_ERROR)
        return scoop_fail_memory(error);
    const char *text = gunzip->z.msg != NULL ? gunzip->z.msg : "invalid deflate data";
    if (strcmp(text, "incorrect data check") == 0)
        text = "the CRC-32 in the trailer does not match the data";
    else if (strcmp(text, "incorrect length check") == 0)
        text = "the length in the trailer does not match the data";
    return scoop_fail(error, SCOOP_CORRUPT,
                      "gzip member %llu, which begins at byte %llu, is damaged at byte %llu: %s",
                      (unsigned long long)gunzip->members + 1,
                      (unsigned long long)gunzip->member_offset, (unsigned long long)gunzip->offset,
                      text);
}

/* Inflates from data until it is used up, the member ends, or `out` is full. */
static int inflate_some(struct gunzip *gunzip, const unsigned char *data, size_t length,
                        size_t *used, bool *full, struct scoop_error *error) {
    z_stream *z = &gunzip->z;
    uInt room = (uInt)(sizeof gunzip->out - gunzip->held);
    uInt offered = length > UINT_MAX ? UINT_MAX : (uInt)length;
    z->next_in = (unsigned char *)(uintptr_t)data; /* zlib does not write to it */
    z->avail_in = offered;
    z->next_out = gunzip->out + gunzip->held;
    z->avail_out = room;
    int result = inflate(z, Z_NO_FLUSH);
    *used = offered - z->avail_in;
    *full = z->avail_out == 0;
    gunzip->offset += *used;
    gunzip->held += room - z->avail_out;
    gunzip->produced += room - z->avail_out;
    gunzip->stage.counters->text_bytes += room - z->avail_out;
    if (result == Z_STREAM_END) {
        gunzip->state = BETWEEN;
        gunzip->members++;
        gunzip->stage.counters->gzip_members++;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return fail_inflate(gunzip, result, error);
    }
    return check_limits(gunzip, error);
}

static int fail_no_member(const struct gunzip *gunzip, uint64_t at, unsigned byte,
                          struct scoop_error *error) {
    if (gunzip->members == 0)
        return scoop_fail(error, SCOOP_CORRUPT,
                          "not gzip data: byte %llu is 0x%02x, but a gzip member begins with 1f 8b",
                          (unsigned long long)at, byte);
    return scoop_fail(error, SCOOP_TRAILING_GARBAGE,
                      "byte %llu, after gzip member %llu, is neither padding nor a new member",
                      (unsigned long long)gunzip->member_offset,
                      (unsigned long long)gunzip->members);
}

/* A byte that begins no member: an error, or from now on ignored. */
static int take_garbage(struct gunzip *gunzip, unsigned byte, struct scoop_error *error) {
    if (gunzip->members > 0 && gunzip->options.ignore_trailing_garbage) {
        gunzip->state = IGNORE;
        gunzip->offset++;
        return 0;
    }
    return fail_no_member(gunzip, gunzip->offset, byte, error);
}

static int take_between(struct gunzip *gunzip, unsigned char byte, struct scoop_error *error) {
    gunzip->member_offset = gunzip->offset;
    if (byte == MAGIC_1)
        gunzip->state = MAGIC;
    else if (byte != 0 || gunzip->members == 0)
        return take_garbage(gunzip, byte, error);
    gunzip->offset++;
    return 0;
}

/* The second magic byte decides between garbage and a member; zlib then gets to see both. */
static int take_magic(struct gunzip *gunzip, unsigned char byte, struct scoop_error *error) {
    static const unsigned char magic[] = {MAGIC_1, MAGIC_2};
    size_t used;
    bool full;
    if (byte != MAGIC_2)
        return take_garbage(gunzip, byte, error);
    gunzip->state = MEMBER;
    gunzip->offset = gunzip->member_offset;
    if (inflateReset(&gunzip->z) != Z_OK)
        return scoop_fail(error, SCOOP_INTERNAL, "inflate could not be reset");
    return inflate_some(gunzip, magic, sizeof magic, &used, &full, error);
}

/* One step from data, which is not empty. What zlib holds back when *full comes out with the input
 * that follows: a member's trailer at least. */
static int take(struct gunzip *gunzip, const unsigned char *data, size_t length, size_t *used,
                bool *full, struct scoop_error *error) {
    *used = 1;
    *full = false;
    switch (gunzip->state) {
    case BETWEEN:
        return take_between(gunzip, data[0], error);
    case MAGIC:
        return take_magic(gunzip, data[0], error);
    case MEMBER:
        return inflate_some(gunzip, data, length, used, full, error);
    case IGNORE:
        break;
    }
    *used = length;
    return 0;
}

static int gunzip_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                        size_t *consumed, struct scoop_error *error) {
    struct gunzip *gunzip = (struct gunzip *)stage;
    size_t at = 0;
    bool full = false;
    while (at < length && !full) {
        size_t used;
        if (take(gunzip, data + at, length - at, &used, &full, error) != 0)
            return -1;
        at += used;
    }
    *consumed = at;
    return hand_on(gunzip, error);
}

static int gunzip_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct gunzip *gunzip = (struct gunzip *)stage;
    if (gunzip->state == BETWEEN || gunzip->state == IGNORE)
        return 0;
    return scoop_fail(error, SCOOP_TRUNCATED,
                      "the gzip data ends at byte %llu, inside member %llu, which begins at byte "
                      "%llu",
                      (unsigned long long)gunzip->offset, (unsigned long long)gunzip->members + 1,
                      (unsigned long long)gunzip->member_offset);
}

static void gunzip_free(struct scoop_stage *stage) {
    struct gunzip *gunzip = (struct gunzip *)stage;
    inflateEnd(&gunzip->z);
    scoop_free(gunzip);
}

static const struct scoop_stage_type gunzip_type = {"gunzip", gunzip_write, gunzip_finish,
                                                    gunzip_free};

struct scoop_stage *scoop_gunzip_new(const struct scoop_gunzip_options *options,
                                     struct scoop_counters *counters, struct scoop_error *error) {
    struct gunzip *gunzip = scoop_calloc(1, sizeof *gunzip);
    if (gunzip == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    gunzip->stage.type = &gunzip_type;
    gunzip->stage.counters = counters;
    if (options != NULL)
        gunzip->options = *options;
    if (gunzip->options.max_ratio == 0)
        gunzip->options.max_ratio = DEFAULT_MAX_RATIO;
    gunzip->z.zalloc = scoop_zlib_alloc;
    gunzip->z.zfree = scoop_zlib_free;
    if (inflateInit2(&gunzip->z, GZIP_WINDOW) != Z_OK) {
        scoop_fail_memory(error);
        scoop_free(gunzip);
        return NULL;
    }
    return &gunzip->stage;
}
