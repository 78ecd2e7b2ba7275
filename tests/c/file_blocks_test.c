/* A file written in blocks on a thread: the bytes, wherever they go, and the first error. */
#include "sink/file_blocks_internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scoop/memory.h"

enum { PIECE = 16 * 1024, PLACES = 6, PLACE_BYTES = 3 * 1024 * 1024 + 123 };

static unsigned char byte_at(uint64_t offset) {
    return (unsigned char)(offset * 2654435761u >> 13);
}

static int temporary_file(void) {
    char path[] = "/tmp/airscoop-blocks-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static void put(struct scoop_file_blocks *blocks, uint64_t offset, size_t length) {
    struct scoop_error error = {0};
    unsigned char piece[PIECE];
    for (size_t i = 0; i < length; i++)
        piece[i] = byte_at(offset + i);
    assert_int_equal(scoop_file_blocks_put(blocks, offset, piece, length, &error), 0);
}

static void assert_whole(int fd, uint64_t length) {
    unsigned char *data = malloc(length + 1);
    assert_non_null(data);
    assert_int_equal(pread(fd, data, length + 1, 0), length);
    for (uint64_t i = 0; i < length; i++)
        if (data[i] != byte_at(i))
            fail_msg("byte %llu differs", (unsigned long long)i);
    free(data);
}

static void in_order(void **state) {
    (void)state;
    const uint64_t lengths[] = {0, 1, PIECE, 512 * 1024, 512 * 1024 + 1, PLACE_BYTES};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct scoop_error error = {0};
        int fd = temporary_file();
        struct scoop_file_blocks *blocks = scoop_file_blocks_new(fd, "out", &error);
        for (uint64_t at = 0; at < lengths[i]; at += PIECE)
            put(blocks, at, lengths[i] - at < PIECE ? lengths[i] - at : PIECE);
        assert_int_equal(scoop_file_blocks_flush(blocks, &error), 0);
        assert_whole(fd, lengths[i]);
        scoop_file_blocks_free(blocks);
        close(fd);
    }
}

/* More places than there are blocks. */
static void side_by_side(void **state) {
    (void)state;
    struct scoop_error error = {0};
    int fd = temporary_file();
    struct scoop_file_blocks *blocks = scoop_file_blocks_new(fd, "out", &error);
    for (uint64_t at = 0; at < PLACE_BYTES; at += PIECE)
        for (uint64_t place = 0; place < PLACES; place++)
            put(blocks, place * PLACE_BYTES + at,
                PLACE_BYTES - at < PIECE ? PLACE_BYTES - at : PIECE);
    assert_int_equal(scoop_file_blocks_flush(blocks, &error), 0);
    assert_whole(fd, (uint64_t)PLACES * PLACE_BYTES);
    scoop_file_blocks_free(blocks);
    close(fd);
}

static void a_full_disk_is_told_with_the_name(void **state) {
    (void)state;
    struct scoop_error error = {0};
    int fd = open("/dev/full", O_WRONLY), status = 0;
    static unsigned char piece[PIECE];
    struct scoop_file_blocks *blocks = scoop_file_blocks_new(fd, "out.csv", &error);
    for (uint64_t at = 0; at < 64 * 1024 * 1024 && status == 0; at += PIECE)
        status = scoop_file_blocks_put(blocks, at, piece, PIECE, &error);
    assert_int_equal(status, -1);
    assert_int_equal(error.code, SCOOP_IO);
    assert_non_null(strstr(error.message, "writing out.csv: No space left on device"));
    error = (struct scoop_error){0};
    assert_int_equal(scoop_file_blocks_flush(blocks, &error), -1);
    assert_int_equal(error.code, SCOOP_IO);
    scoop_file_blocks_free(blocks);

    blocks = scoop_file_blocks_new(fd, "small.csv", &error);
    assert_int_equal(scoop_file_blocks_put(blocks, 0, "a", 1, &error), 0);
    assert_int_equal(scoop_file_blocks_flush(blocks, &error), -1);
    assert_non_null(strstr(error.message, "writing small.csv"));
    scoop_file_blocks_free(blocks);
    close(fd);
}

static void it_can_be_given_up_at_any_time(void **state) {
    (void)state;
    for (uint64_t length = 0; length < 2 * 1024 * 1024; length += 300 * 1024) {
        struct scoop_error error = {0};
        int fd = temporary_file();
        struct scoop_file_blocks *blocks = scoop_file_blocks_new(fd, "out", &error);
        for (uint64_t at = 0; at < length; at += PIECE)
            put(blocks, at, PIECE);
        scoop_file_blocks_free(blocks);
        close(fd);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(side_by_side),
        cmocka_unit_test(a_full_disk_is_told_with_the_name),
        cmocka_unit_test(it_can_be_given_up_at_any_time),
    };
    return cmocka_run_group_tests_name("file_blocks", tests, NULL, NULL);
}
