/* Whether text is UTF-8. */
#ifndef SCOOP_TEXT_UTF8_H
#define SCOOP_TEXT_UTF8_H

#include <stddef.h>

/* How many first bytes are UTF-8: `length` when all are. */
size_t scoop_utf8_valid(const unsigned char *text, size_t length);

#endif
