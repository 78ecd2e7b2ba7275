#include "table/compare/match_flags.h"

#include <string.h>

#include "scoop/memory.h"

enum { FIRST_BYTES = 4096 };

void scoop_verdicts_free(struct scoop_verdicts *verdicts) {
    scoop_free(verdicts->bits);
    *verdicts = (struct scoop_verdicts){0};
}

int scoop_verdicts_reserve(struct scoop_verdicts *verdicts, uint64_t count,
                           struct scoop_error *error) {
    size_t needed = count / 4 + 1;
    size_t bytes = verdicts->bytes + verdicts->bytes / 2;
    if (needed <= verdicts->bytes)
        return 0;
    if (bytes < needed)
        bytes = needed < FIRST_BYTES ? FIRST_BYTES : needed;
    unsigned char *grown = scoop_realloc(verdicts->bits, bytes);
    if (grown == NULL)
        return scoop_fail_memory(error);
    memset(grown + verdicts->bytes, 0, bytes - verdicts->bytes);
    verdicts->bits = grown;
    verdicts->bytes = bytes;
    return 0;
}
