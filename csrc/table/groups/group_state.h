/* What is known of a group: how many records it has, and its measures. It lies unaligned, in
 * memory and in files: a count of 64 bits, a state for each measure, and the key. */
#ifndef SCOOP_TABLE_GROUPS_GROUP_STATE_H
#define SCOOP_TABLE_GROUPS_GROUP_STATE_H

#include <string.h>

#include "table/groups/group_fields.h"

struct scoop_measure_state {
    uint64_t values; /* that were not NULL */
    union {
        struct {
            uint64_t low; /* of 128 bits */
            int64_t high;
        } sum;
        struct {
            double sum, rest; /* the rest is what rounding took from the sum (Neumaier) */
        } real;
        int64_t integer; /* the least or greatest */
        double number;
    };
};

static inline size_t scoop_group_state_bytes(const struct scoop_group_schema *schema) {
    return sizeof(uint64_t) + schema->measure_count * sizeof(struct scoop_measure_state);
}

static inline uint64_t scoop_group_records(const unsigned char *group) {
    uint64_t records;
    memcpy(&records, group, sizeof records);
    return records;
}

static inline struct scoop_measure_state scoop_group_state(const unsigned char *group,
                                                           size_t measure) {
    struct scoop_measure_state state;
    memcpy(&state, group + sizeof(uint64_t) + measure * sizeof state, sizeof state);
    return state;
}

/* Adds one record to a group. */
void scoop_group_state_count(unsigned char *group, const struct scoop_group_fields *fields);
/* Adds one group to another of the same key. */
void scoop_group_state_merge(unsigned char *group, const unsigned char *other,
                             const struct scoop_group_schema *schema);

struct scoop_measured {
    bool null;    /* no record has had a value */
    bool is_real; /* `number`, else `integer` */
    int64_t integer;
    double number;
};

/* What a measure comes to. False: it is beyond the type. */
bool scoop_group_measured(const unsigned char *group, const struct scoop_group_schema *schema,
                          size_t measure, struct scoop_measured *measured);

#endif
