/* What is known of each row of two exports, by the row's number: two bits. */
#ifndef SCOOP_TABLE_COMPARE_MATCH_FLAGS_H
#define SCOOP_TABLE_COMPARE_MATCH_FLAGS_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"

enum scoop_match {
    SCOOP_MATCH_UNKNOWN,   /* nothing yet; at the end: the other export has it, too */
    SCOOP_MATCH_EQUAL,     /* the other export has it, too */
    SCOOP_MATCH_NONE,      /* the other export has no row of its key */
    SCOOP_MATCH_DIFFERENT, /* the other export has another row of its key */
};

struct scoop_match_flags {
    unsigned char *bits;
    size_t bytes;
};

void scoop_match_flags_free(struct scoop_match_flags *flags);
/* Makes room for rows with numbers below `count`. 0, or -1 with NO_MEMORY. */
int scoop_match_flags_reserve(struct scoop_match_flags *flags, uint64_t count,
                              struct scoop_error *error);

static inline enum scoop_match scoop_match_of(const struct scoop_match_flags *flags,
                                              uint64_t number) {
    return (enum scoop_match)(flags->bits[number / 4] >> number % 4 * 2 & 3);
}

/* Of a row whose match is unknown. Several threads may, for different rows. */
static inline void scoop_match_set(struct scoop_match_flags *flags, uint64_t number,
                                   enum scoop_match match) {
    __atomic_fetch_or(&flags->bits[number / 4], (unsigned char)((unsigned)match << number % 4 * 2),
                      __ATOMIC_RELAXED);
}

#endif
