/* gzip members -> text, with every way the framing can be wrong told apart. */
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <string.h>

#include "base/error_facts.h"
#include "scoop/memory.h"
#include "stage/gzip/gunzip_header.h"
#include "stage/sniff.h"
#include "stage/stage.h"

enum {
    MAGIC_1 = 0x1f,
    MAGIC_2 = 0x8b,
    TRAILER_BYTES = 8,
    DEFAULT_MAX_RATIO = 1100,
    RATIO_FREE_BYTES = 1024 * 1024,
    MAX_OFFER_BYTES = 1 << 30, /* ISA-L counts input in 32 bits */
};

enum state {
    BETWEEN, /* at the start, or after a member: padding or a new member may come */
    MAGIC,   /* the first magic byte was seen */
    HEADER,
    BODY,
    TRAILER,
    IGNORE /* trailing garbage, which the caller chose to ignore */
};

struct gunzip {
    struct scoop_stage stage;
    struct scoop_gunzip_options options;
    enum state state;
    struct gunzip_header header;
    uint64_t trailer; /* its bytes so far, the first one lowest */
    unsigned trailer_taken;
    uint32_t crc;           /* of the current member's text */
    uint32_t member_bytes;  /* of the current member's text, modulo 2^32 as in the trailer */
    uint64_t offset;        /* compressed bytes taken */
    uint64_t member_offset; /* where the current member begins */
    uint64_t members;       /* completed */
    uint64_t produced;      /* text bytes */
    size_t held;            /* bytes in out not yet handed on */
    unsigned char first[SCOOP_SNIFF_BYTES]; /* of the text */
    struct inflate_state inflate;
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

static int fail_member(const struct gunzip *gunzip, uint64_t at, const char *fault,
                       struct scoop_error *error) {
    return scoop_fail(error, SCOOP_CORRUPT,
                      "gzip member %llu, which begins at byte %llu, is damaged at byte %llu: %s",
                      (unsigned long long)gunzip->members + 1,
                      (unsigned long long)gunzip->member_offset, (unsigned long long)at, fault);
}

/* Whole bytes that ISA-L has read ahead and not used; at a member's end at most 7. */
static unsigned read_ahead(const struct gunzip *gunzip) {
    int32_t bits = gunzip->inflate.read_in_length;
    return bits > 0 ? (unsigned)bits / 8 : 0;
}

static int fail_inflate(const struct gunzip *gunzip, int result, struct scoop_error *error) {
    const char *fault = result == ISAL_INVALID_LOOKBACK ? "invalid distance too far back"
                        : result == ISAL_INVALID_BLOCK  ? "invalid deflate block"
                                                        : "invalid deflate code";
    return fail_member(gunzip, gunzip->offset - read_ahead(gunzip), fault, error);
}

static int take_trailer(struct gunzip *gunzip, unsigned char byte, struct scoop_error *error) {
    gunzip->offset++;
    gunzip->trailer |= (uint64_t)byte << 8 * gunzip->trailer_taken++;
    if (gunzip->trailer_taken == TRAILER_BYTES / 2 && (uint32_t)gunzip->trailer != gunzip->crc)
        return fail_member(gunzip, gunzip->offset,
                           "the CRC-32 in the trailer does not match the data", error);
    if (gunzip->trailer_taken < TRAILER_BYTES)
        return 0;
    if (gunzip->trailer >> 32 != gunzip->member_bytes)
        return fail_member(gunzip, gunzip->offset,
                           "the length in the trailer does not match the data", error);
    gunzip->state = BETWEEN;
    gunzip->members++;
    gunzip->stage.counters->gzip_members++;
    return 0;
}

/* The deflate data has ended. What ISA-L read ahead belongs to the trailer. */
static int begin_trailer(struct gunzip *gunzip, struct scoop_error *error) {
    unsigned ahead = read_ahead(gunzip);
    uint64_t bytes = gunzip->inflate.read_in >> gunzip->inflate.read_in_length % 8;
    gunzip->state = TRAILER;
    gunzip->trailer = 0;
    gunzip->trailer_taken = 0;
    gunzip->offset -= ahead;
    for (; ahead > 0; ahead--, bytes >>= 8)
        if (take_trailer(gunzip, (unsigned char)bytes, error) != 0)
            return -1;
    return 0;
}

/* Looks whether the text is gzip data again, once its first bytes are there. */
static void look_inside(struct gunzip *gunzip, const unsigned char *text, size_t length) {
    if (gunzip->produced >= SCOOP_SNIFF_BYTES)
        return;
    size_t wanted = SCOOP_SNIFF_BYTES - (size_t)gunzip->produced;
    memcpy(gunzip->first + gunzip->produced, text, length < wanted ? length : wanted);
    if (length >= wanted && scoop_sniff_is_gzip_header(gunzip->first, SCOOP_SNIFF_BYTES))
        gunzip->stage.counters->gzip_inside = true;
}

static void count_text(struct gunzip *gunzip, size_t length) {
    look_inside(gunzip, gunzip->out + gunzip->held, length);
    gunzip->crc = crc32_gzip_refl(gunzip->crc, gunzip->out + gunzip->held, length);
    gunzip->member_bytes += (uint32_t)length;
    gunzip->held += length;
    gunzip->produced += length;
    gunzip->stage.counters->text_bytes += length;
}

/* Inflates until data is used up, the member ends, or `out` is full. */
static int inflate_some(struct gunzip *gunzip, const unsigned char *data, size_t length,
                        size_t *used, bool *full, struct scoop_error *error) {
    struct inflate_state *inflate = &gunzip->inflate;
    uint32_t room = (uint32_t)(sizeof gunzip->out - gunzip->held);
    uint32_t offered = length > MAX_OFFER_BYTES ? MAX_OFFER_BYTES : (uint32_t)length;
    inflate->next_in = (unsigned char *)(uintptr_t)data; /* ISA-L does not write to it */
    inflate->avail_in = offered;
    inflate->next_out = gunzip->out + gunzip->held;
    inflate->avail_out = room;
    int result = isal_inflate(inflate);
    *used = offered - inflate->avail_in;
    *full = inflate->avail_out == 0;
    gunzip->offset += *used;
    count_text(gunzip, room - inflate->avail_out);
    if (result != ISAL_DECOMP_OK)
        return fail_inflate(gunzip, result, error);
    if (inflate->block_state == ISAL_BLOCK_FINISH && begin_trailer(gunzip, error) != 0)
        return -1;
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
        gunzip->stage.counters->garbage_bytes += gunzip->state == MAGIC ? 2 : 1;
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

/* The second magic byte decides between garbage and a member. */
static int take_magic(struct gunzip *gunzip, unsigned char byte, struct scoop_error *error) {
    if (byte != MAGIC_2)
        return take_garbage(gunzip, byte, error);
    gunzip->state = HEADER;
    gunzip->offset++;
    scoop_gunzip_header_begin(&gunzip->header);
    return 0;
}

static int take_header(struct gunzip *gunzip, unsigned char byte, struct scoop_error *error) {
    gunzip->offset++;
    const char *fault = scoop_gunzip_header_take(&gunzip->header, byte);
    if (fault != NULL)
        return fail_member(gunzip, gunzip->offset, fault, error);
    if (gunzip->header.field == GUNZIP_HEADER_DONE) {
        gunzip->state = BODY;
        gunzip->crc = 0;
        gunzip->member_bytes = 0;
        isal_inflate_reset(&gunzip->inflate);
    }
    return 0;
}

/* One step from data, which is not empty. What ISA-L holds back when *full comes out with the input
 * that follows: the last byte of a member's trailer at least, which is never read ahead. */
static int take(struct gunzip *gunzip, const unsigned char *data, size_t length, size_t *used,
                bool *full, struct scoop_error *error) {
    *used = 1;
    *full = false;
    switch (gunzip->state) {
    case BETWEEN:
        return take_between(gunzip, data[0], error);
    case MAGIC:
        return take_magic(gunzip, data[0], error);
    case HEADER:
        return take_header(gunzip, data[0], error);
    case BODY:
        return inflate_some(gunzip, data, length, used, full, error);
    case TRAILER:
        return take_trailer(gunzip, data[0], error);
    case IGNORE:
        break;
    }
    gunzip->stage.counters->garbage_bytes += length;
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
    if (gunzip->state == MAGIC && gunzip->members > 0 && gunzip->options.ignore_trailing_garbage) {
        gunzip->stage.counters->garbage_bytes++;
        return 0;
    }
    scoop_fail(error, SCOOP_TRUNCATED,
               "the gzip data ends at byte %llu, inside member %llu, which begins at byte "
               "%llu",
               (unsigned long long)gunzip->offset, (unsigned long long)gunzip->members + 1,
               (unsigned long long)gunzip->member_offset);
    scoop_error_text(error, SCOOP_FACT_COUNTED, "bytes");
    scoop_error_number(error, SCOOP_FACT_FOUND, (int64_t)gunzip->offset);
    return -1;
}

static void gunzip_free(struct scoop_stage *stage) {
    scoop_free(stage);
}

static const struct scoop_stage_type gunzip_type = {"gunzip", gunzip_write, gunzip_finish,
                                                    gunzip_free, NULL};

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
    isal_inflate_init(&gunzip->inflate);
    return &gunzip->stage;
}
