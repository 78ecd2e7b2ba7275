/* Words that a server reads as a date or a time: "today", "now", "infinity". Pure. */
#ifndef SCOOP_WAREHOUSE_SQL_MOMENT_H
#define SCOOP_WAREHOUSE_SQL_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a type, by its number in pg_type, is of dates or times: also of ranges and arrays. */
bool scoop_is_moment(uint32_t type);
/* The word in a text that stands for a moment, in lower case and for ever; NULL: there is none. */
const char *scoop_moment_word(const char *text);

#endif
