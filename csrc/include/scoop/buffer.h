/* A growing byte buffer with a hard ceiling set at birth. */
#ifndef SCOOP_BUFFER_H
#define SCOOP_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "scoop/error.h"

struct scoop_buf {
    unsigned char *data; /* NULL while capacity is 0 */
    size_t length;
    size_t capacity;
    size_t ceiling; /* no append may make length exceed it */
    bool whole;     /* the first append allocates all of it */
};

/* No allocation happens until the first append. */
void scoop_buf_init(struct scoop_buf *buf, size_t ceiling_bytes);
/* The same for one that will be filled to its ceiling: it is allocated once, and never moved. */
void scoop_buf_init_whole(struct scoop_buf *buf, size_t ceiling_bytes);
/* Releases the memory; the buffer may be used again (same ceiling). Safe to repeat. */
void scoop_buf_free(struct scoop_buf *buf);
/* Makes room for `more` bytes after length. 0, or -1 with NO_MEMORY or TOO_LARGE (contents kept).
 */
int scoop_buf_reserve(struct scoop_buf *buf, size_t more, struct scoop_error *error);
/* 0, or -1 with NO_MEMORY or TOO_LARGE; then the buffer keeps what it held. */
int scoop_buf_append(struct scoop_buf *buf, const void *data, size_t length,
                     struct scoop_error *error);
int scoop_buf_append_text(struct scoop_buf *buf, const char *text, struct scoop_error *error);
int scoop_buf_printf(struct scoop_buf *buf, struct scoop_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Removes the first `length` bytes. */
void scoop_buf_consume(struct scoop_buf *buf, size_t length);
/* The contents as a C string (a NUL is kept after length); valid until the next change. NULL and
 * error NO_MEMORY when there is no room for the NUL. */
const char *scoop_buf_text(struct scoop_buf *buf, struct scoop_error *error);

#endif
