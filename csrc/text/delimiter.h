/* What may part the values of a CSV where commas do not. */
#ifndef SCOOP_TEXT_DELIMITER_H
#define SCOOP_TEXT_DELIMITER_H

#include <stddef.h>
#include <string.h>

/* To people, of a header that is one name; NULL: nothing likely is in it. */
static inline const char *scoop_likely_delimiter(const void *name, size_t length) {
    static const char *const likely[] = {"';'", "a tab", "'|'"};
    static const char marks[] = ";\t|";
    for (size_t i = 0; i < sizeof likely / sizeof *likely; i++)
        if (memchr(name, marks[i], length) != NULL)
            return likely[i];
    return NULL;
}

#endif
