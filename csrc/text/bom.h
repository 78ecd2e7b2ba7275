/* The byte order mark that may stand before a text of UTF-8. */
#ifndef SCOOP_TEXT_BOM_H
#define SCOOP_TEXT_BOM_H

#include <stdbool.h>
#include <stddef.h>

enum { SCOOP_BOM_BYTES = 3 };

/* How many first bytes go on with a mark of which `seen` bytes came before. */
static inline size_t scoop_bom_match(size_t seen, const void *data, size_t length) {
    static const unsigned char mark[SCOOP_BOM_BYTES] = {0xef, 0xbb, 0xbf};
    const unsigned char *bytes = data;
    size_t count = 0;
    while (count < length && seen + count < SCOOP_BOM_BYTES && bytes[count] == mark[seen + count])
        count++;
    return count;
}

/* The bytes of the mark at the front: SCOOP_BOM_BYTES or 0. */
static inline size_t scoop_bom_length(const void *data, size_t length) {
    return scoop_bom_match(0, data, length) == SCOOP_BOM_BYTES ? SCOOP_BOM_BYTES : 0;
}

#endif
