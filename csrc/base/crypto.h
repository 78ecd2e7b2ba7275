/* Hashes, encodings of bytes, random bytes: the fence around libcrypto. */
#ifndef SCOOP_BASE_CRYPTO_H
#define SCOOP_BASE_CRYPTO_H

#include <stddef.h>

#include "scoop/buffer.h"
#include "scoop/digest.h"
#include "scoop/error.h"

/* One-shot. Any thread. 0, or -1 with UNSUPPORTED when libcrypto does not offer the algorithm (MD5
 * in FIPS mode) or INTERNAL. data may be NULL when length is 0. */

/* The hash as the lower-case hex digits that x-amz-content-sha256 takes. */
int scoop_sha256_hex(const void *data, size_t length, char out[SCOOP_SHA256_HEX_SIZE],
                     struct scoop_error *error);
/* Past libcrypto's providers, which take as long as the hash of 200 bytes: for many short texts
 * whose hashes are names, not signatures. */
void scoop_sha256_short(const void *data, size_t length, unsigned char out[SCOOP_SHA256_BYTES]);
int scoop_hmac_sha256(const void *key, size_t key_length, const void *data, size_t length,
                      unsigned char out[SCOOP_SHA256_BYTES], struct scoop_error *error);

/* Incremental hash. One thread at a time. new: NULL with *error as above, or NO_MEMORY; the caller
 * owns the result. finish writes SCOOP_SHA256_BYTES or SCOOP_MD5_BYTES to out, once; afterwards
 * only free is allowed. free takes NULL. */
enum scoop_digest_kind { SCOOP_DIGEST_SHA256, SCOOP_DIGEST_MD5 };
struct scoop_digest;
struct scoop_digest *scoop_digest_new(enum scoop_digest_kind kind, struct scoop_error *error);
int scoop_digest_update(struct scoop_digest *digest, const void *data, size_t length,
                        struct scoop_error *error);
int scoop_digest_finish(struct scoop_digest *digest, unsigned char *out, struct scoop_error *error);
void scoop_digest_free(struct scoop_digest *digest);

/* Appends standard base64 with padding. 0, or -1 with NO_MEMORY or TOO_LARGE. */
int scoop_base64_encode(struct scoop_buf *buf, const void *data, size_t length,
                        struct scoop_error *error);
/* Reads base64, padded or not, to the first character that is none or as far as out has room;
 * returns the bytes written. */
size_t scoop_base64_decode(const char *text, size_t length, void *out, size_t size);

/* Bytes from libcrypto's generator. Any thread. 0, or -1 with INTERNAL. */
int scoop_random_bytes(void *out, size_t length, struct scoop_error *error);
/* A number in [0, 1) for jitter, 0.5 should the generator fail. Any thread. */
double scoop_random01(void);

/* Overwrites a secret; not optimised away. */
void scoop_wipe(void *secret, size_t length);
/* Overwrites a text of ours that is or holds a secret, and frees it. NULL is allowed. */
void scoop_free_secret(char *text);

#endif
