/* What is known of each row of two exports, by the row's number: two bits. */
#ifndef SCOOP_TABLE_COMPARE_MATCH_FLAGS_H
#define SCOOP_TABLE_COMPARE_MATCH_FLAGS_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"

enum scoop_verdict {
    SCOOP_OPEN,  /* nothing yet; at the end: the other export has it, too */
    SCOOP_SAME,  /* the other export has it, too */
    SCOOP_ALONE, /* the other export has no row of its key */
    SCOOP_PAIR,  /* the other export has another row of its key */
};

struct scoop_verdicts {
    unsigned char *bits;
    size_t bytes;
};

void scoop_verdicts_free(struct scoop_verdicts *verdicts);
/* Makes room for rows with numbers below `count`. 0, or -1 with NO_MEMORY. */
int scoop_verdicts_reserve(struct scoop_verdicts *verdicts, uint64_t count,
                           struct scoop_error *error);

static inline enum scoop_verdict scoop_verdict_of(const struct scoop_verdicts *verdicts,
                                                  uint64_t number) {
    return (enum scoop_verdict)(verdicts->bits[number / 4] >> number % 4 * 2 & 3);
}

/* Of a row that is open. Several threads may, for different rows. */
static inline void scoop_verdict_set(struct scoop_verdicts *verdicts, uint64_t number,
                                     enum scoop_verdict verdict) {
    __atomic_fetch_or(&verdicts->bits[number / 4],
                      (unsigned char)((unsigned)verdict << number % 4 * 2), __ATOMIC_RELAXED);
}

#endif
