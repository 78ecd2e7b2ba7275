/* Values of HTTP headers. Pure, any thread; nothing is trusted. */
#ifndef SCOOP_TEXT_HEADER_H
#define SCOOP_TEXT_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls visit for each header of a raw block of header lines, in order, values trimmed; pointers
 * are valid during the call. Returns what the first visit that is not 0 returned. */
int scoop_header_each(const void *head, size_t length,
                      int (*visit)(void *user, const char *name, size_t name_length,
                                   const char *value, size_t value_length),
                      void *user);

/* The value of the last header of that name (any case) in a raw block of header lines, trimmed and
 * cut to fit. False when there is none; then *value is "". */
bool scoop_header_find(const void *head, size_t length, const char *name, char *value, size_t size);

/* Whether two headers of that name disagree. */
bool scoop_header_conflicts(const void *head, size_t length, const char *name);

/* "bytes first-last/total", with first <= last < total. False for anything else. */
struct scoop_content_range {
    uint64_t first, last, total;
};
bool scoop_header_content_range(const char *value, struct scoop_content_range *range);

/* Whether an ETag is strong: one quoted text, without "W/". */
bool scoop_header_is_strong(const char *etag);

/* Whether a text can be a header's name (a token), and a header's value: without control
 * characters, of which a line break would begin a header of its own. */
bool scoop_header_is_name(const char *text, size_t length);
bool scoop_header_is_value(const char *text, size_t length);

/* Whether chunks, which show where a body ends, are the last of the transfer codings. */
bool scoop_header_ends_in_chunked(const char *codings);

/* x-amz-retry-after: milliseconds, cut to UINT32_MAX. 0 for NULL and for what is no number. */
uint32_t scoop_header_milliseconds(const char *value);

#endif
