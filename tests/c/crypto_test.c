/* Hashes against published values, encodings, random bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "scoop/memory.h"
#include "text/hex.h"

static void expect_hex(const unsigned char *bytes, size_t length, const char *expected) {
    char hex[2 * SCOOP_SHA256_BYTES + 1];
    scoop_hex_encode(bytes, length, hex);
    assert_string_equal(hex, expected);
}

static void sha256_of_known_texts(void **state) {
    (void)state;
    struct scoop_error error = {0};
    char hex[SCOOP_SHA256_HEX_SIZE];
    assert_int_equal(scoop_sha256_hex(NULL, 0, hex, &error), 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(scoop_sha256_hex("abc", 3, hex, &error), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void the_short_way_hashes_alike(void **state) {
    (void)state;
    struct scoop_error error = {0};
    unsigned char text[300], hash[SCOOP_SHA256_BYTES];
    char expected[SCOOP_SHA256_HEX_SIZE];
    memset(text, 'a', sizeof text);
    for (size_t length = 0; length <= sizeof text; length++) {
        assert_int_equal(scoop_sha256_hex(text, length, expected, &error), 0);
        scoop_sha256_short(text, length, hash);
        expect_hex(hash, sizeof hash, expected);
    }
}

static void hash_at_once(enum scoop_digest_kind kind, const void *data, size_t length,
                         unsigned char *out) {
    struct scoop_error error = {0};
    struct scoop_digest *digest = scoop_digest_new(kind, &error);
    assert_non_null(digest);
    assert_int_equal(scoop_digest_update(digest, data, length, &error), 0);
    assert_int_equal(scoop_digest_finish(digest, out, &error), 0);
    scoop_digest_free(digest);
}

static void md5_of_known_texts(void **state) {
    (void)state;
    unsigned char hash[SCOOP_MD5_BYTES];
    hash_at_once(SCOOP_DIGEST_MD5, "", 0, hash);
    expect_hex(hash, sizeof hash, "d41d8cd98f00b204e9800998ecf8427e");
    hash_at_once(SCOOP_DIGEST_MD5, "message digest", 14, hash);
    expect_hex(hash, sizeof hash, "f96b697d7cb7938d525a2f31aaf161d0");
}

/* RFC 4231, cases 2 and 6 (a key longer than a block). */
static void hmac_sha256_of_rfc4231(void **state) {
    (void)state;
    static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    struct scoop_error error = {0};
    unsigned char mac[SCOOP_SHA256_BYTES], key[131];
    assert_int_equal(scoop_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac, &error),
                     0);
    expect_hex(mac, sizeof mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    assert_int_equal(scoop_hmac_sha256(key, sizeof key, text, sizeof text - 1, mac, &error), 0);
    expect_hex(mac, sizeof mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void pieces_hash_like_the_whole(void **state) {
    (void)state;
    struct scoop_error error = {0};
    unsigned char data[1000], whole[SCOOP_SHA256_BYTES], pieces[SCOOP_SHA256_BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    for (int kind = SCOOP_DIGEST_SHA256; kind <= SCOOP_DIGEST_MD5; kind++) {
        bool sha256 = kind == SCOOP_DIGEST_SHA256;
        struct scoop_digest *digest = scoop_digest_new((enum scoop_digest_kind)kind, &error);
        assert_non_null(digest);
        for (size_t at = 0, step = 1; at < sizeof data; at += step, step = step * 2 + 1) {
            size_t length = step < sizeof data - at ? step : sizeof data - at;
            assert_int_equal(scoop_digest_update(digest, data + at, length, &error), 0);
        }
        assert_int_equal(scoop_digest_finish(digest, pieces, &error), 0);
        scoop_digest_free(digest);
        hash_at_once((enum scoop_digest_kind)kind, data, sizeof data, whole);
        assert_memory_equal(pieces, whole, sha256 ? SCOOP_SHA256_BYTES : SCOOP_MD5_BYTES);
    }
    scoop_digest_free(NULL);
}

static void base64_is_padded_and_appended(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"}};
    struct scoop_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scoop_buf buf;
        scoop_buf_init(&buf, 100);
        assert_int_equal(scoop_buf_append_text(&buf, "<", &error), 0);
        assert_int_equal(scoop_base64_encode(&buf, cases[i][0], strlen(cases[i][0]), &error), 0);
        assert_string_equal(scoop_buf_text(&buf, &error) + 1, cases[i][1]);
        scoop_buf_free(&buf);
    }
}

static void base64_is_read_to_what_is_none(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""}, {"Zg==", "f"}, {"Zm8", "fo"}, {"Zm9v!Zm9v", "foo"}, {"//79", "\xff\xfe\xfd"}};
    char out[8];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = scoop_base64_decode(cases[i][0], strlen(cases[i][0]), out, sizeof out);
        assert_int_equal(length, strlen(cases[i][1]));
        assert_memory_equal(out, cases[i][1], length);
    }
    assert_int_equal(scoop_base64_decode("Zm9vYg==", 8, out, 2), 2);
}

static void base64_keeps_to_the_ceiling(void **state) {
    (void)state;
    struct scoop_error error = {0};
    struct scoop_buf buf;
    scoop_buf_init(&buf, 7);
    assert_int_equal(scoop_base64_encode(&buf, "foob", 4, &error), -1);
    assert_int_equal(error.code, SCOOP_TOO_LARGE);
    assert_int_equal(buf.length, 0);
    scoop_buf_free(&buf);
}

static void random_bytes_differ_and_random01_is_below_one(void **state) {
    (void)state;
    struct scoop_error error = {0};
    unsigned char a[16] = {0}, b[16] = {0};
    assert_int_equal(scoop_random_bytes(a, sizeof a, &error), 0);
    assert_int_equal(scoop_random_bytes(b, sizeof b, &error), 0);
    assert_memory_not_equal(a, b, sizeof a);
    for (int i = 0; i < 1000; i++) {
        double value = scoop_random01();
        assert_true(value >= 0.0 && value < 1.0);
    }
}

static void wipe_leaves_zeros(void **state) {
    (void)state;
    char secret[8] = "secret";
    scoop_wipe(secret, sizeof secret);
    assert_memory_equal(secret, "\0\0\0\0\0\0\0\0", sizeof secret);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_known_texts),
        cmocka_unit_test(the_short_way_hashes_alike),
        cmocka_unit_test(md5_of_known_texts),
        cmocka_unit_test(hmac_sha256_of_rfc4231),
        cmocka_unit_test(pieces_hash_like_the_whole),
        cmocka_unit_test(base64_is_padded_and_appended),
        cmocka_unit_test(base64_is_read_to_what_is_none),
        cmocka_unit_test(base64_keeps_to_the_ceiling),
        cmocka_unit_test(random_bytes_differ_and_random01_is_below_one),
        cmocka_unit_test(wipe_leaves_zeros),
    };
    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
