/* Masks secrets in a text that someone else wrote, in time that grows with the bytes of both. Pure;
 * one thread at a time. */
#ifndef SCOOP_TEXT_MASK_H
#define SCOOP_TEXT_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SCOOP_MASK_SIZE = 2048, /* of the text, with its NUL */
    SCOOP_MASK_BUCKETS = 512,
    SCOOP_MASK_STARTS = 1024,
};

/* The text as one reads it, and where in it stands what. */
struct scoop_mask_view {
    char text[SCOOP_MASK_SIZE];
    size_t length;
    uint16_t at[SCOOP_MASK_SIZE + 1];                          /* in the text itself */
    uint16_t first[SCOOP_MASK_BUCKETS], next[SCOOP_MASK_SIZE]; /* runs by hash; 1 + place */
    bool starts[SCOOP_MASK_STARTS]; /* hashes of its four bytes in a row */
};
struct scoop_mask {
    char *text;
    size_t size;
    bool hidden[SCOOP_MASK_SIZE];
    struct scoop_mask_view plain, decoded; /* decoded: without %XX and backslashes */
};

/* The text has `size` bytes of room, at most SCOOP_MASK_SIZE; it stays as it is until the end. */
void scoop_mask_begin(struct scoop_mask *mask, char *text, size_t size);
/* Hides the secret wherever it stands, and any twelve bytes in a row of it; one of less than four
 * bytes where it is a word. */
void scoop_mask_secret(struct scoop_mask *mask, const char *secret, size_t length);
/* Puts *** where something is hidden; what has no room any more is cut. */
void scoop_mask_end(struct scoop_mask *mask);

#endif
