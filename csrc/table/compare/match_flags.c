#include "table/compare/match_flags.h"

#include <string.h>

#include "scoop/memory.h"

enum { FIRST_BYTES = 4096 };

void scoop_match_flags_free(struct scoop_match_flags *flags) {
    scoop_free(flags->bits);
    *flags = (struct scoop_match_flags){0};
}

int scoop_match_flags_reserve(struct scoop_match_flags *flags, uint64_t count,
                              struct scoop_error *error) {
    size_t needed = count / 4 + 1;
    size_t bytes = flags->bytes + flags->bytes / 2;
    if (needed <= flags->bytes)
        return 0;
    if (bytes < needed)
        bytes = needed < FIRST_BYTES ? FIRST_BYTES : needed;
    unsigned char *grown = scoop_realloc(flags->bits, bytes);
    if (grown == NULL)
        return scoop_fail_memory(error);
    memset(grown + flags->bytes, 0, bytes - flags->bytes);
    flags->bits = grown;
    flags->bytes = bytes;
    return 0;
}
