/* Names of parameters that say that their value is a secret. Pure, any thread. */
#ifndef SCOOP_TEXT_SECRET_NAME_H
#define SCOOP_TEXT_SECRET_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Of a parameter in an address: an escape %XX in it is what it stands for. */
bool scoop_secret_name(const char *name, size_t length);

/* The value of the first matrix parameter (;name=value) of a path that is named so, and its length;
 * NULL: there is none. */
const char *scoop_secret_in_path(const char *path, size_t length, size_t *value_length);

#endif
