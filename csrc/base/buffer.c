#include "scoop/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"

enum { FIRST_CAPACITY = 256, HUGE_BYTES = 1024 * 1024 };

void scoop_buf_init(struct scoop_buf *buf, size_t ceiling_bytes) {
    memset(buf, 0, sizeof *buf);
    buf->ceiling = ceiling_bytes;
}

void scoop_buf_init_whole(struct scoop_buf *buf, size_t ceiling_bytes) {
    scoop_buf_init(buf, ceiling_bytes);
    buf->whole = true;
}

void scoop_buf_free(struct scoop_buf *buf) {
    bool whole = buf->whole;
    scoop_free(buf->data);
    scoop_buf_init(buf, buf->ceiling);
    buf->whole = whole;
}

static int allocate_whole(struct scoop_buf *buf, struct scoop_error *error) {
    size_t capacity = buf->ceiling + 1;
    buf->data = capacity < HUGE_BYTES ? scoop_malloc(capacity) : scoop_malloc_huge(capacity);
    if (buf->data == NULL)
        return scoop_fail_memory(error);
    buf->capacity = capacity;
    return 0;
}

/* Room for `more` bytes and one NUL that never counts against the ceiling. */
int scoop_buf_reserve(struct scoop_buf *buf, size_t more, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(buf->length <= buf->ceiling, error))
        return -1;
    if (more > buf->ceiling - buf->length)
        return scoop_fail(error, SCOOP_TOO_LARGE, "a buffer would exceed its limit of %zu bytes",
                          buf->ceiling);
    size_t needed = buf->length + more + 1;
    if (needed <= buf->capacity)
        return 0;
    if (buf->whole)
        return allocate_whole(buf, error);
    size_t capacity = buf->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : buf->capacity;
    while (capacity < needed)
        capacity = capacity > buf->ceiling / 2 ? buf->ceiling + 1 : capacity * 2;
    unsigned char *grown = scoop_realloc(buf->data, capacity);
    if (grown == NULL)
        return scoop_fail_memory(error);
    buf->data = grown;
    buf->capacity = capacity;
    return 0;
}

int scoop_buf_append(struct scoop_buf *buf, const void *data, size_t length,
                     struct scoop_error *error) {
    if (scoop_buf_reserve(buf, length, error) != 0)
        return -1;
    if (length > 0)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    return 0;
}

int scoop_buf_append_text(struct scoop_buf *buf, const char *text, struct scoop_error *error) {
    return scoop_buf_append(buf, text, strlen(text), error);
}

int scoop_buf_printf(struct scoop_buf *buf, struct scoop_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return scoop_fail(error, SCOOP_INTERNAL, "a text could not be formatted");
    if (scoop_buf_reserve(buf, (size_t)length, error) != 0)
        return -1;
    va_start(arguments, format);
    vsnprintf((char *)buf->data + buf->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buf->length += (size_t)length;
    return 0;
}

void scoop_buf_consume(struct scoop_buf *buf, size_t length) {
    if (length > buf->length)
        length = buf->length;
    buf->length -= length;
    if (buf->length > 0)
        memmove(buf->data, buf->data + length, buf->length);
}

const char *scoop_buf_text(struct scoop_buf *buf, struct scoop_error *error) {
    if (scoop_buf_reserve(buf, 0, error) != 0)
        return NULL;
    buf->data[buf->length] = 0;
    return (const char *)buf->data;
}
