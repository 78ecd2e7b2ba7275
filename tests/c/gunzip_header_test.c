/* The gzip header with all that RFC 1952 lets it hold. */
#include "stage_run.h"

#include <zlib.h>

enum { FTEXT = 1, FHCRC = 2, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, ALL_FLAGS = 31 };

static struct scoop_stage *make(struct stage_run *run, const void *options) {
    (void)options;
    return scoop_gunzip_new(NULL, &run->counters, &run->error);
}

static void add(struct scoop_buf *buf, const void *data, size_t length) {
    struct scoop_error error;
    assert_int_equal(scoop_buf_append(buf, data, length, &error), 0);
}

/* The header that zlib would write, its CRC changed by `damage`; then an empty text. Returns the
 * header's length. */
static size_t make_member(struct scoop_buf *buf, unsigned flags, size_t extra_bytes,
                          unsigned damage) {
    const unsigned char fixed[] = {0x1f, 0x8b, 8, (unsigned char)flags, 1, 2, 3, 4, 0, 3};
    const unsigned char length[] = {(unsigned char)extra_bytes, (unsigned char)(extra_bytes >> 8)};
    static const unsigned char extra[1000] = {0, 1, 2};
    static const unsigned char empty_text[] = {3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    scoop_buf_init(buf, 4096);
    add(buf, fixed, sizeof fixed);
    if (flags & FEXTRA) {
        add(buf, length, sizeof length);
        add(buf, extra, extra_bytes);
    }
    if (flags & FNAME)
        add(buf, "a name", 7);
    if (flags & FCOMMENT)
        add(buf, "", 1);
    if (flags & FHCRC) {
        unsigned long crc = crc32(0, buf->data, (uInt)buf->length) ^ damage;
        const unsigned char bytes[] = {(unsigned char)crc, (unsigned char)(crc >> 8)};
        add(buf, bytes, sizeof bytes);
    }
    size_t header = buf->length;
    add(buf, empty_text, sizeof empty_text);
    return header;
}

static void every_set_of_fields_is_read_however_cut(void **state) {
    (void)state;
    static const size_t extras[] = {0, 1, 255, 1000};
    for (unsigned flags = 0; flags <= ALL_FLAGS; flags++)
        for (size_t i = 0; i < 4; i++)
            for (size_t chunk = 0; chunk < 4; chunk++) {
                struct scoop_buf buf;
                struct stage_run run;
                make_member(&buf, flags, extras[i], 0);
                stage_run(&run, make, NULL, buf.data, buf.length, chunk);
                assert_int_equal(run.result, 0);
                assert_int_equal(run.counters.gzip_members, 1);
                stage_run_free(&run);
                scoop_buf_free(&buf);
            }
}

static void a_cut_header_is_truncated(void **state) {
    (void)state;
    struct scoop_buf buf;
    make_member(&buf, ALL_FLAGS, 3, 0);
    for (size_t cut = 1; cut < buf.length; cut++) {
        struct stage_run run;
        stage_run(&run, make, NULL, buf.data, cut, 0);
        assert_int_equal(run.error.code, SCOOP_TRUNCATED);
        stage_run_free(&run);
    }
    scoop_buf_free(&buf);
}

static void a_wrong_header_crc_is_told_with_its_place(void **state) {
    (void)state;
    static const unsigned damages[] = {1, 0x8000};
    for (size_t i = 0; i < 2; i++) {
        struct scoop_buf buf;
        struct stage_run run;
        char place[64];
        size_t header = make_member(&buf, FHCRC | FNAME, 0, damages[i]);
        snprintf(place, sizeof place, "damaged at byte %zu: header crc mismatch", header);
        stage_run(&run, make, NULL, buf.data, buf.length, 0);
        assert_int_equal(run.error.code, SCOOP_CORRUPT);
        assert_non_null(strstr(run.error.message, place));
        stage_run_free(&run);
        scoop_buf_free(&buf);
    }
}

static void each_reserved_flag_is_refused(void **state) {
    (void)state;
    for (unsigned flag = 0x20; flag <= 0x80; flag <<= 1) {
        struct scoop_buf buf;
        struct stage_run run;
        make_member(&buf, flag, 0, 0);
        stage_run(&run, make, NULL, buf.data, buf.length, 0);
        assert_non_null(strstr(run.error.message, "damaged at byte 4: unknown header flags"));
        stage_run_free(&run);
        scoop_buf_free(&buf);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_of_fields_is_read_however_cut),
        cmocka_unit_test(a_cut_header_is_truncated),
        cmocka_unit_test(a_wrong_header_crc_is_told_with_its_place),
        cmocka_unit_test(each_reserved_flag_is_refused),
    };
    return cmocka_run_group_tests_name("gunzip_header", tests, NULL, NULL);
}
