#include "text/key_hash.h"

#include <stdint.h>
#include <sys/random.h>
#include <time.h>

struct scoop_hash_seed scoop_hash_seed;

void scoop_hash_set_seed(uint64_t seed) {
    scoop_hash_seed.seed = seed;
    XXH3_generateSecret_fromSeed(scoop_hash_seed.secret, seed);
}

/* A system that has no random bytes yet, or forbids to ask for them, still gives places and times.
 */
static uint64_t guess(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const uint64_t known[] = {(uint64_t)(uintptr_t)&scoop_hash_seed, (uint64_t)(uintptr_t)&now,
                              (uint64_t)now.tv_sec, (uint64_t)now.tv_nsec};
    return XXH3_64bits(known, sizeof known);
}

/* Before any thread: it is read without a lock. */
__attribute__((constructor)) static void choose_seed(void) {
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = guess();
    scoop_hash_set_seed(seed);
}
