/* Numbers as JSON writes them, read by their value. */
#ifndef SCOOP_TABLE_GROUPS_GROUP_NUMBER_H
#define SCOOP_TABLE_GROUPS_GROUP_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a text is a number of JSON. */
bool scoop_is_json_number(const unsigned char *text, size_t length);
/* Of such a number: whether it is a whole one of 64 bits. 1.0 and 1e2 are whole. */
bool scoop_number_integer(const unsigned char *text, size_t length, int64_t *value);
/* The nearest double; false: it is beyond all of them. */
bool scoop_number_double(const unsigned char *text, size_t length, double *value);

#endif
