/* The one rule for the case of names of columns and tables, in all verbs: a name is the one that is
 * written like it, else the only one that is equal but for the case of A to Z. */
#ifndef SCOOP_TEXT_NAME_CASE_H
#define SCOOP_TEXT_NAME_CASE_H

#include <stddef.h>

enum { SCOOP_NO_NAME = -1 };

/* The place among `count` names, of which `at` gives each (NULL: none); SCOOP_NO_NAME where there
 * is none, or more than one and none written like it. */
long scoop_find_name(const char *name, const char *(*at)(const void *from, size_t place),
                     const void *from, size_t count);
/* The same in an array of texts. */
long scoop_find_name_in(const char *name, const char *const *names, size_t count);

#endif
