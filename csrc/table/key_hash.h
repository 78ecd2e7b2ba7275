/* 128 bits that stand for a key: the fence around xxHash. For csrc/table and Kinesis' outbox. */
#ifndef SCOOP_TABLE_KEY_HASH_H
#define SCOOP_TABLE_KEY_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct scoop_key_hash {
    uint64_t high, low;
};

static inline struct scoop_key_hash scoop_key_hash_of(const void *key, size_t length) {
    XXH128_hash_t hash = XXH3_128bits(key, length);
    return (struct scoop_key_hash){hash.high64, hash.low64};
}

#endif
