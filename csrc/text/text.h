/* Texts for people, made of what users and servers gave: always whole characters of UTF-8. Pure,
 * any thread. */
#ifndef SCOOP_TEXT_TEXT_H
#define SCOOP_TEXT_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* The bytes of a text that fit into `most`, without a character that would be cut. */
size_t scoop_text_fit(const char *text, size_t most);

/* As snprintf, for %s %c %d %i %u %x %f %g %p with their lengths and precisions: but a text that is
 * cut, by a precision too, ends with a whole character, and each byte that is no UTF-8 becomes
 * \xNN. Returns the bytes written, without the NUL; size is at least 1. */
size_t scoop_text_print(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t scoop_text_vprint(char *to, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
