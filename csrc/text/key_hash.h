/* 128 bits that stand for a key: the fence around xxHash. For csrc/table and Kinesis' outbox.
 *
 * The hash has a seed of the process's own, so that nobody can choose keys, or rows, that have one
 * hash or one partition. Nothing that is given out may depend on it. */
#ifndef SCOOP_TEXT_KEY_HASH_H
#define SCOOP_TEXT_KEY_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct scoop_key_hash {
    uint64_t high, low;
};

struct scoop_hash_seed {
    uint64_t seed;
    _Alignas(64) unsigned char secret[XXH3_SECRET_DEFAULT_SIZE]; /* made of the seed */
};

/* Set when the library is loaded. */
extern struct scoop_hash_seed scoop_hash_seed;
/* For tests: another seed, while nothing is hashed. */
void scoop_hash_set_seed(uint64_t seed);

static inline struct scoop_key_hash scoop_key_hash_of(const void *key, size_t length) {
    XXH128_hash_t hash = XXH3_128bits_withSecretandSeed(
        key, length, scoop_hash_seed.secret, sizeof scoop_hash_seed.secret, scoop_hash_seed.seed);
    return (struct scoop_key_hash){hash.high64, hash.low64};
}

#endif
