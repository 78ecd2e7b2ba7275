/* gzip data, given as it is, as the deflate data of a member that is otherwise right, or as a
 * recipe for zlib to make some: the outcome is zlib's, however the data is cut. The input begins
 * with a byte for the kind and one for the cut. */
#include <zlib.h>

#include "fuzz_run.h"

enum { MOST_BYTES = 1 << 20, HEADER_BYTES = 10, MOST_CUTS = 512 };

enum { GZIP, DEFLATE, RECIPE, KINDS };

static const unsigned char header[HEADER_BYTES] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};

static void run(struct fuzz_run *run, const uint8_t *data, size_t size, size_t chunk) {
    const struct scoop_gunzip_options options = {.max_output_bytes = MOST_BYTES};
    fuzz_run_init(run);
    fuzz_run_stage(run, scoop_gunzip_new(&options, &run->counters, &run->error), data, size, chunk);
}

/* What zlib makes of one stream: Z_STREAM_END, Z_BUF_ERROR when it is cut short, Z_MEM_ERROR when
 * it is too long to compare, or Z_DATA_ERROR. */
static int inflate_one(const uint8_t *data, size_t size, int window, struct scoop_buf *out,
                       size_t *used) {
    struct scoop_error error;
    unsigned char step[4096];
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)data, .avail_in = (uInt)size};
    MUST(inflateInit2(&z, window) == Z_OK);
    int status;
    do {
        z.next_out = step;
        z.avail_out = sizeof step;
        status = inflate(&z, Z_NO_FLUSH);
        MUST(scoop_buf_append(out, step, sizeof step - z.avail_out, &error) == 0);
        if (out->length > MOST_BYTES)
            status = Z_MEM_ERROR;
    } while (status == Z_OK);
    *used = size - z.avail_in;
    inflateEnd(&z);
    return status;
}

/* All members, with zeros between and after them; NULL for the first one. */
static int inflate_all(const uint8_t *data, size_t size, struct scoop_buf *out) {
    int status = Z_STREAM_END;
    size_t at = 0, used = 0;
    for (; at < size && status == Z_STREAM_END; at += used) {
        if (at > 0 && data[at] == 0)
            used = 1;
        else
            status = inflate_one(data + at, size - at, 31, out, &used);
    }
    return status;
}

static void compare(const uint8_t *data, size_t size, size_t chunk) {
    struct scoop_buf expected;
    struct fuzz_run whole, cut;
    scoop_buf_init(&expected, (size_t)2 * MOST_BYTES);
    int status = inflate_all(data, size, &expected);
    run(&whole, data, size, 0);
    run(&cut, data, size, chunk);
    MUST(whole.error.code == cut.error.code);
    if (whole.result == 0) {
        MUST(fuzz_same_bytes(&whole.out, &cut.out));
        MUST(whole.counters.gzip_members == cut.counters.gzip_members);
    }
    if (status != Z_MEM_ERROR) {
        MUST((whole.result == 0) == (status == Z_STREAM_END));
        MUST(whole.result != 0 || fuzz_same_bytes(&whole.out, &expected));
    }
    fuzz_run_free(&whole);
    fuzz_run_free(&cut);
    scoop_buf_free(&expected);
}

static void append_number(struct scoop_buf *member, uint32_t number) {
    struct scoop_error error;
    const unsigned char bytes[] = {(unsigned char)number, (unsigned char)(number >> 8),
                                   (unsigned char)(number >> 16), (unsigned char)(number >> 24)};
    MUST(scoop_buf_append(member, bytes, sizeof bytes, &error) == 0);
}

/* Gives deflate data that zlib can read the trailer it needs. */
static void compare_deflate(const uint8_t *data, size_t size, size_t chunk) {
    struct scoop_error error;
    struct scoop_buf text, member;
    size_t used;
    scoop_buf_init(&text, (size_t)2 * MOST_BYTES);
    scoop_buf_init(&member, (size_t)2 * MOST_BYTES);
    int status = inflate_one(data, size, -15, &text, &used);
    MUST(scoop_buf_append(&member, header, sizeof header, &error) == 0);
    MUST(scoop_buf_append(&member, data, used, &error) == 0);
    if (status == Z_STREAM_END) {
        append_number(&member, (uint32_t)crc32(0, text.data, (uInt)text.length));
        append_number(&member, (uint32_t)text.length);
    }
    compare(member.data, member.length, chunk);
    scoop_buf_free(&text);
    scoop_buf_free(&member);
}

/* Appends runs of a byte, noise or what stands further back, as three bytes each say. */
static void build_text(const uint8_t *data, size_t size, struct scoop_buf *text) {
    enum { LONGEST = 256 * 128, MOST_TEXT = 3 * LONGEST };
    struct scoop_error error;
    for (size_t at = 0; at + 3 <= size && text->length < MOST_TEXT - LONGEST; at += 3) {
        size_t length = (size_t)(data[at + 1] + 1) * (data[at] & 0x80 ? 128 : 1);
        size_t back = (size_t)(data[at + 2] + 1) * (data[at] & 0x40 ? 128 : 1);
        uint32_t noise = data[at + 2];
        MUST(scoop_buf_reserve(text, length, &error) == 0);
        for (; length > 0; length--) {
            noise = noise * 1664525 + 1013904223;
            unsigned char byte = data[at + 2];
            if (data[at] % 3 == 1)
                byte = (unsigned char)(noise >> 24);
            else if (data[at] % 3 == 2 && back <= text->length)
                byte = text->data[text->length - back];
            text->data[text->length++] = byte;
        }
    }
}

/* Level, strategy, memory and window are the first bytes' choice. */
static void compare_recipe(const uint8_t *data, size_t size, size_t chunk) {
    struct scoop_error error;
    struct scoop_buf text, member;
    z_stream z = {.next_in = NULL};
    if (size < 4)
        return;
    scoop_buf_init(&text, MOST_BYTES);
    scoop_buf_init(&member, (size_t)2 * MOST_BYTES);
    build_text(data + 4, size - 4, &text);
    MUST(deflateInit2(&z, data[0] % 10, Z_DEFLATED, 16 + 9 + data[1] % 7, 1 + data[2] % 9,
                      data[3] % 5) == Z_OK);
    MUST(scoop_buf_reserve(&member, deflateBound(&z, text.length), &error) == 0);
    z.next_in = text.data;
    z.avail_in = (uInt)text.length;
    z.next_out = member.data;
    z.avail_out = (uInt)member.capacity;
    MUST(deflate(&z, Z_FINISH) == Z_STREAM_END);
    member.length = z.total_out;
    deflateEnd(&z);
    compare(member.data, member.length, chunk + member.length / MOST_CUTS);
    scoop_buf_free(&text);
    scoop_buf_free(&member);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    size_t chunk = 1 + data[1] * 8u;
    switch (data[0] % KINDS) {
    case GZIP:
        compare(data + 2, size - 2, chunk);
        break;
    case DEFLATE:
        compare_deflate(data + 2, size - 2, chunk);
        break;
    default:
        compare_recipe(data + 2, size - 2, chunk);
    }
    return 0;
}
