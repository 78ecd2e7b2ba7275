/* A set of 64-bit numbers of bounded size: the keys of changes that are under way. Pure. */
#ifndef SCOOP_AWS_KINESIS_KEY_SET_H
#define SCOOP_AWS_KINESIS_KEY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"

struct scoop_key_set {
    uint64_t *slots; /* 0: free */
    size_t mask;
};

/* For up to `most` members. 0 or -1 (NO_MEMORY). */
int scoop_key_set_init(struct scoop_key_set *set, size_t most, struct scoop_error *error);
void scoop_key_set_free(struct scoop_key_set *set);
/* False: it was there already. */
bool scoop_key_set_add(struct scoop_key_set *set, uint64_t hash);
bool scoop_key_set_has(const struct scoop_key_set *set, uint64_t hash);
void scoop_key_set_remove(struct scoop_key_set *set, uint64_t hash);

#endif
