/* CRC-32C and CRC-64/NVME. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "base/crc.h"
#include "vectors.h"

enum { NOISE_BYTES = 70000, ROUNDS = 2000 };

static uint32_t seed = 1;

static size_t pick(size_t below) {
    seed = seed * 1664525u + 1013904223u;
    return below == 0 ? 0 : (seed >> 8) % below;
}

static unsigned char *make_noise(void) {
    unsigned char *noise = malloc(NOISE_BYTES);
    assert_non_null(noise);
    for (size_t i = 0; i < NOISE_BYTES; i++)
        noise[i] = (unsigned char)pick(256);
    return noise;
}

/* A copy that ends with its block, so that a sanitizer sees every byte beyond. */
static unsigned char *exact_copy(const unsigned char *data, size_t length) {
    unsigned char *copy = malloc(length);
    assert_non_null(copy);
    memcpy(copy, data, length);
    return copy;
}

/* The definition: one bit at a time. */
static uint64_t slow_crc(uint64_t polynomial, uint64_t ones, const unsigned char *data,
                         size_t length) {
    uint64_t state = ones;
    for (size_t i = 0; i < length; i++) {
        state ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            state = state & 1 ? (state >> 1) ^ polynomial : state >> 1;
    }
    return state ^ ones;
}

static uint64_t slow_crc32c(const unsigned char *data, size_t length) {
    return slow_crc(0x82f63b78, 0xffffffff, data, length);
}

static uint64_t slow_crc64nvme(const unsigned char *data, size_t length) {
    return slow_crc(0x9a6c9329ac4bc9b5, UINT64_MAX, data, length);
}

static void check_text(const char *text, size_t length, uint64_t crc32c, uint64_t crc64nvme) {
    assert_int_equal(scoop_crc32c(0, text, length), crc32c);
    assert_int_equal(scoop_crc64nvme(0, text, length), crc64nvme);
    assert_int_equal(scoop_crc64nvme_by_tables(0, text, length), crc64nvme);
}

static void the_check_values_of_the_catalogue(void **state) {
    (void)state;
    check_text("", 0, 0, 0);
    check_text("123456789", 9, 0xe3069283, 0xae8b14860a799888);
}

static void each_length_and_place_gives_what_the_definition_says(void **state) {
    (void)state;
    unsigned char *noise = make_noise();
    for (size_t length = 0; length < 700; length++) {
        size_t at = pick(64);
        unsigned char *copy = exact_copy(noise + at, length);
        check_text((const char *)copy, length, slow_crc32c(noise + at, length),
                   slow_crc64nvme(noise + at, length));
        check_text((const char *)noise + at, length, slow_crc32c(noise + at, length),
                   slow_crc64nvme(noise + at, length));
        free(copy);
    }
    free(noise);
}

static void both_ways_to_crc64nvme_agree(void **state) {
    (void)state;
    unsigned char *noise = make_noise();
    for (int i = 0; i < ROUNDS; i++) {
        size_t at = pick(NOISE_BYTES);
        size_t length = pick(i % 2 == 0 ? 600 : NOISE_BYTES) % (NOISE_BYTES - at);
        uint64_t before = (uint64_t)pick(SIZE_MAX) << 40 ^ pick(SIZE_MAX);
        assert_int_equal(scoop_crc64nvme(before, noise + at, length),
                         scoop_crc64nvme_by_tables(before, noise + at, length));
    }
    free(noise);
}

static void pieces_give_what_the_whole_gives(void **state) {
    (void)state;
    unsigned char *noise = make_noise();
    uint32_t whole32 = scoop_crc32c(0, noise, NOISE_BYTES);
    uint64_t whole64 = scoop_crc64nvme(0, noise, NOISE_BYTES);
    for (int i = 0; i < ROUNDS / 20; i++) {
        uint32_t crc32c = 0;
        uint64_t crc64nvme = 0;
        for (size_t at = 0; at < NOISE_BYTES;) {
            size_t length = 1 + pick(i % 2 == 0 ? 3000 : 60000);
            length = length < NOISE_BYTES - at ? length : NOISE_BYTES - at;
            crc32c = scoop_crc32c(crc32c, noise + at, length);
            crc64nvme = scoop_crc64nvme(crc64nvme, noise + at, length);
            at += length;
        }
        assert_int_equal(crc32c, whole32);
        assert_int_equal(crc64nvme, whole64);
    }
    free(noise);
}

static void the_crcs_of_parts_combine_to_that_of_the_whole(void **state) {
    (void)state;
    unsigned char *noise = make_noise();
    for (int i = 0; i < ROUNDS / 4; i++) {
        size_t length = i == 0 ? NOISE_BYTES : pick(NOISE_BYTES);
        size_t cut = i < 2 ? 0 : i < 4 ? length : pick(length + 1);
        const unsigned char *second = noise + cut;
        size_t left = length - cut;
        assert_int_equal(
            scoop_crc32c_combine(scoop_crc32c(0, noise, cut), scoop_crc32c(0, second, left), left),
            scoop_crc32c(0, noise, length));
        assert_int_equal(scoop_crc64nvme_combine(scoop_crc64nvme(0, noise, cut),
                                                 scoop_crc64nvme(0, second, left), left),
                         scoop_crc64nvme(0, noise, length));
    }
    free(noise);
}

/* Too long to be read: what is known of n zero bytes, doubled until there are 2^42. */
static void lengths_beyond_32_bits_combine(void **state) {
    (void)state;
    unsigned char *zeros = calloc(1, 1024);
    assert_non_null(zeros);
    uint32_t crc32c = scoop_crc32c(0, zeros, 1024);
    uint64_t crc64nvme = scoop_crc64nvme(0, zeros, 1024);
    uint64_t length = 1024;
    for (; length < (uint64_t)1 << 42; length *= 2) {
        crc32c = scoop_crc32c_combine(crc32c, crc32c, length);
        crc64nvme = scoop_crc64nvme_combine(crc64nvme, crc64nvme, length);
    }
    uint32_t tail32 = scoop_crc32c(0, zeros, 1000);
    uint64_t tail64 = scoop_crc64nvme(0, zeros, 1000);
    assert_int_equal(scoop_crc32c_combine(tail32, crc32c, length),
                     scoop_crc32c_combine(crc32c, tail32, 1000));
    assert_int_equal(scoop_crc64nvme_combine(tail64, crc64nvme, length),
                     scoop_crc64nvme_combine(crc64nvme, tail64, 1000));
    free(zeros);
}

static uint64_t hex_field(yajl_val object, const char *name) {
    const char *path[] = {name, NULL};
    yajl_val value = yajl_tree_get(object, path, yajl_t_string);
    assert_non_null(value);
    return strtoull(value->u.string, NULL, 16);
}

/* The vectors describe their longer texts: "32 zero bytes", "66560 x a". */
static void check_vector(yajl_val test) {
    const char *input_path[] = {"input", NULL};
    const char *length_path[] = {"length", NULL};
    const char *input = YAJL_GET_STRING(yajl_tree_get(test, input_path, yajl_t_string));
    size_t length = (size_t)YAJL_GET_INTEGER(yajl_tree_get(test, length_path, yajl_t_number));
    char *text = malloc(length + 1);
    assert_non_null(text);
    if (strlen(input) == length)
        memcpy(text, input, length);
    else
        memset(text, strstr(input, "zero") != NULL ? 0 : 'a', length);
    check_text(text, length, hex_field(test, "crc32c_hex"), hex_field(test, "crc64nvme_hex"));
    free(text);
}

static void every_case_of_checksums_json(void **state) {
    (void)state;
    static const char name[] = "sigv4-s3/checksums.json";
    char path[VECTORS_PATH_SIZE];
    size_t length;
    if (!vectors_find(name, path)) {
        vectors_left_out(name, 5);
        return;
    }
    char *text = vectors_read(path, &length);
    assert_non_null(text);
    yajl_val tree = yajl_tree_parse(text, NULL, 0);
    const char *values_path[] = {"values", NULL};
    yajl_val values = yajl_tree_get(tree, values_path, yajl_t_array);
    assert_int_equal(values->u.array.len, 5);
    for (size_t i = 0; i < values->u.array.len; i++)
        check_vector(values->u.array.values[i]);
    yajl_tree_free(tree);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_values_of_the_catalogue),
        cmocka_unit_test(each_length_and_place_gives_what_the_definition_says),
        cmocka_unit_test(both_ways_to_crc64nvme_agree),
        cmocka_unit_test(pieces_give_what_the_whole_gives),
        cmocka_unit_test(the_crcs_of_parts_combine_to_that_of_the_whole),
        cmocka_unit_test(lengths_beyond_32_bits_combine),
        cmocka_unit_test(every_case_of_checksums_json),
    };
    return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
