/* Finds, among what stands for the rows of one partition (stubs.h), rows of the two exports that
 * have the same key. */
#ifndef SCOOP_TABLE_COMPARE_PROBE_H
#define SCOOP_TABLE_COMPARE_PROBE_H

#include "table/compare/hash_partitions.h"
#include "table/compare/match_flags.h"

enum { SCOOP_MOST_EXTRAS = 3 };

/* Room for the records of a partition, and what was found in all partitions so far. */
struct scoop_matcher {
    struct scoop_verdicts *verdicts; /* borrowed */
    struct scoop_key_hash *keys;     /* that are settled */
    struct scoop_stub *stubs;
    size_t key_count, key_room, stub_count, stub_room;
    uint32_t *table;
    size_t table_room;
    uint64_t same;      /* pairs of equal rows */
    uint64_t extra[2];  /* rows of each side with a key that another row of the side has */
    size_t extra_count; /* of those, the first ones' numbers, in order */
    uint64_t extras[SCOOP_MOST_EXTRAS];
};

void scoop_matcher_init(struct scoop_matcher *matcher, struct scoop_verdicts *verdicts);
/* Gives the room back; what was found stays. */
void scoop_matcher_free(struct scoop_matcher *matcher);
/* What so many records take. */
size_t scoop_matcher_bytes(uint64_t keys, uint64_t stubs);
/* Makes room for records, whose number scoop_matcher_run goes by. 0, or -1 with NO_MEMORY. */
int scoop_matcher_reserve(struct scoop_matcher *matcher, uint64_t keys, uint64_t stubs,
                          struct scoop_error *error);
/* Marks stubs as PAIRED or EXTRA, and gives verdicts to rows that have a counterpart. When these
 * are all records of the partition, equal rows need none, and rows that are alone get theirs. */
void scoop_matcher_run(struct scoop_matcher *matcher, bool all);
/* Adds what the other one found. */
void scoop_matcher_add(struct scoop_matcher *matcher, const struct scoop_matcher *other);

#endif
