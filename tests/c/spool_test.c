/* Records that are written away: long ones do not stay in memory, since there are hundreds of
 * spools at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scoop/memory.h"
#include "table/store/spool.h"

enum { SPOOLS = 256, BLOCK_BYTES = 4096, LONG_BYTES = 100 * 1000, RECORDS = 3 };

static size_t kept_bytes(const struct scoop_spool *spools) {
    size_t bytes = 0;
    for (size_t i = 0; i < SPOOLS; i++)
        bytes += spools[i].tail.capacity;
    return bytes;
}

static void add(struct scoop_spool *spool, const unsigned char *data, uint32_t length,
                uint64_t number) {
    struct scoop_error error = {0};
    const struct scoop_record record = {
        .kind = SCOOP_RECORD_NEW, .number = number, .row = {data, length, length}};
    assert_int_equal(scoop_spool_add(spool, &record, &error), 0);
}

static void check(const struct scoop_spool *spool, const unsigned char *data) {
    struct scoop_error error = {0};
    struct scoop_spool_reader reader;
    struct scoop_record record;
    scoop_spool_reader_init(&reader, spool);
    for (uint64_t i = 0; i < 2 * RECORDS; i++) {
        assert_int_equal(scoop_spool_reader_next(&reader, &record, &error), 1);
        assert_int_equal(record.number, i);
        assert_int_equal(record.row.length, i % 2 == 0 ? LONG_BYTES : 10);
        assert_memory_equal(record.row.data, data, record.row.length);
    }
    assert_int_equal(scoop_spool_reader_next(&reader, &record, &error), 0);
    scoop_spool_reader_free(&reader);
}

static void long_records_do_not_stay_in_memory(void **state) {
    struct scoop_error error = {0};
    struct scoop_scratch scratch;
    struct scoop_spool *spools = scoop_calloc(SPOOLS, sizeof *spools);
    unsigned char *data = scoop_malloc(LONG_BYTES);
    (void)state;
    assert_non_null(spools);
    assert_non_null(data);
    memset(data, 'x', LONG_BYTES);
    assert_int_equal(scoop_scratch_init(&scratch, NULL, &error), 0);
    for (size_t i = 0; i < SPOOLS; i++)
        scoop_spool_init(&spools[i], &scratch, BLOCK_BYTES);
    for (uint64_t number = 0; number < 2 * RECORDS; number++)
        for (size_t i = 0; i < SPOOLS; i++)
            add(&spools[i], data, number % 2 == 0 ? LONG_BYTES : 10, number);
    assert_true(kept_bytes(spools) <= SPOOLS * 2 * BLOCK_BYTES);
    for (size_t i = 0; i < SPOOLS; i++)
        check(&spools[i], data);
    for (size_t i = 0; i < SPOOLS; i++)
        scoop_spool_free(&spools[i]);
    scoop_scratch_free(&scratch);
    scoop_free(spools);
    scoop_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_records_do_not_stay_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
