/* Joins one partition (hash_partitions.h). Each fingerprint probes a hash table for a row of its
 * key; when there is none it is put into the table itself, so no side is the build side. */
#ifndef SCOOP_TABLE_COMPARE_PROBE_H
#define SCOOP_TABLE_COMPARE_PROBE_H

#include "table/compare/hash_partitions.h"
#include "table/compare/match_flags.h"

enum { SCOOP_DUPLICATES_SHOWN = 3 };

/* Room for the records of a partition, and what was found in all partitions so far. */
struct scoop_probe {
    struct scoop_match_flags *flags; /* borrowed */
    struct scoop_key_hash *keys;     /* whose rows are matched */
    struct scoop_fingerprint *fingerprints;
    size_t key_count, key_room, fingerprint_count, fingerprint_room;
    uint32_t *table;
    size_t table_room;
    uint64_t same;          /* pairs of equal rows */
    uint64_t duplicates[2]; /* rows of each side with a key that another row of the side has */
    size_t shown_count;     /* of those, the first ones' numbers, in order */
    uint64_t shown[SCOOP_DUPLICATES_SHOWN];
};

void scoop_probe_init(struct scoop_probe *probe, struct scoop_match_flags *flags);
/* Gives the room back; what was found stays. */
void scoop_probe_free(struct scoop_probe *probe);
/* What so many records take. */
size_t scoop_probe_bytes(uint64_t keys, uint64_t fingerprints);
/* Makes room for records, whose number scoop_probe_run goes by. 0, or -1 with NO_MEMORY. */
int scoop_probe_reserve(struct scoop_probe *probe, uint64_t keys, uint64_t fingerprints,
                        struct scoop_error *error);
/* Marks fingerprints as MATCHED or DUPLICATE, and sets the match flags of rows that have a
 * counterpart. When these are all records of the partition, equal rows need none, and those of rows
 * that are alone are set. */
void scoop_probe_run(struct scoop_probe *probe, bool all);
/* Adds what the other one found. */
void scoop_probe_add(struct scoop_probe *probe, const struct scoop_probe *other);

#endif
