#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init and the like, for scoop_sha256_short */
#include "base/crypto.h"

#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "scoop/memory.h"
#include "text/hex.h"

static const char *const algorithm_names[] = {
    [SCOOP_DIGEST_SHA256] = "SHA256",
    [SCOOP_DIGEST_MD5] = "MD5",
};

static int fail_algorithm(const char *name, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_UNSUPPORTED, "libcrypto does not offer %s here", name);
}

void scoop_sha256_short(const void *data, size_t length, unsigned char out[SCOOP_SHA256_BYTES]) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, data, length);
    SHA256_Final(out, &context);
}

int scoop_sha256_hex(const void *data, size_t length, char out[SCOOP_SHA256_HEX_SIZE],
                     struct scoop_error *error) {
    const char *name = algorithm_names[SCOOP_DIGEST_SHA256];
    unsigned char hash[SCOOP_SHA256_BYTES];
    if (EVP_Q_digest(NULL, name, NULL, data, length, hash, NULL) != 1)
        return fail_algorithm(name, error);
    scoop_hex_encode(hash, sizeof hash, out);
    return 0;
}

int scoop_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                      unsigned char out[SCOOP_SHA256_BYTES], struct scoop_error *error) {
    size_t written = 0;
    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_length, data, length, out,
                  SCOOP_SHA256_BYTES, &written) == NULL ||
        written != SCOOP_SHA256_BYTES)
        return fail_algorithm("HMAC-SHA256", error);
    return 0;
}

struct scoop_digest {
    EVP_MD_CTX *context;
};

struct scoop_digest *scoop_digest_new(enum scoop_digest_kind kind, struct scoop_error *error) {
    const char *name = algorithm_names[kind];
    struct scoop_digest *digest = scoop_calloc(1, sizeof *digest);
    if (digest == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    EVP_MD *algorithm = EVP_MD_fetch(NULL, name, NULL);
    digest->context = EVP_MD_CTX_new();
    int ok = algorithm != NULL && digest->context != NULL &&
             EVP_DigestInit_ex2(digest->context, algorithm, NULL) == 1;
    EVP_MD_free(algorithm); /* the context holds its own reference */
    if (!ok) {
        fail_algorithm(name, error);
        scoop_digest_free(digest);
        return NULL;
    }
    return digest;
}

int scoop_digest_update(struct scoop_digest *digest, const void *data, size_t length,
                        struct scoop_error *error) {
    if (EVP_DigestUpdate(digest->context, data, length) != 1)
        return scoop_fail(error, SCOOP_INTERNAL, "libcrypto could not hash");
    return 0;
}

int scoop_digest_finish(struct scoop_digest *digest, unsigned char *out,
                        struct scoop_error *error) {
    if (EVP_DigestFinal_ex(digest->context, out, NULL) != 1)
        return scoop_fail(error, SCOOP_INTERNAL, "libcrypto could not finish a hash");
    return 0;
}

void scoop_digest_free(struct scoop_digest *digest) {
    if (digest == NULL)
        return;
    EVP_MD_CTX_free(digest->context);
    scoop_free(digest);
}

int scoop_base64_encode(struct scoop_buf *buf, const void *data, size_t length,
                        struct scoop_error *error) {
    if (length > INT_MAX / 2)
        return scoop_fail(error, SCOOP_TOO_LARGE, "%zu bytes are too many for base64", length);
    size_t encoded = (length + 2) / 3 * 4;
    /* EVP_EncodeBlock also writes a NUL. */
    if (encoded == 0)
        return 0;
    if (scoop_buf_reserve(buf, encoded, error) != 0)
        return -1;
    EVP_EncodeBlock(buf->data + buf->length, data, (int)length);
    buf->length += encoded;
    return 0;
}

static int digit64(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

size_t scoop_base64_decode(const char *text, size_t length, void *out, size_t size) {
    unsigned char *bytes = out;
    size_t used = 0;
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < length && digit64(text[i]) >= 0 && used < size; i++) {
        bits = bits << 6 | (unsigned)digit64(text[i]);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[used++] = (unsigned char)(bits >> held & 0xff);
        }
    }
    return used;
}

int scoop_random_bytes(void *out, size_t length, struct scoop_error *error) {
    if (length > INT_MAX || RAND_bytes(out, (int)length) != 1)
        return scoop_fail(error, SCOOP_INTERNAL, "libcrypto gave no random bytes");
    return 0;
}

double scoop_random01(void) {
    unsigned char bytes[4];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return 0.5;
    unsigned long value = (unsigned long)bytes[0] << 24 | (unsigned long)bytes[1] << 16 |
                          (unsigned long)bytes[2] << 8 | bytes[3];
    return (double)value / 4294967296.0;
}

void scoop_wipe(void *secret, size_t length) {
    OPENSSL_cleanse(secret, length);
}

void scoop_free_secret(char *text) {
    if (text != NULL)
        scoop_wipe(text, strlen(text));
    scoop_free(text);
}
