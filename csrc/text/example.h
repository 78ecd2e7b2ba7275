/* A value of someone's data, shown in a message. Pure, any thread. */
#ifndef SCOOP_TEXT_EXAMPLE_H
#define SCOOP_TEXT_EXAMPLE_H

#include <stddef.h>

/* Writes whole characters of UTF-8 and a NUL; what is none, and control characters, as \n, \r, \t
 * or \xNN; … at the end if it does not fit. Returns the bytes written, without the NUL; size is at
 * least 4. */
size_t scoop_example(char *to, size_t size, const void *data, size_t length);

#endif
