#include "warehouse/sql/moment.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* date, time, timestamp, timestamptz, timetz, abstime, and PostgreSQL's arrays, ranges and
 * multiranges of them. */
static const uint32_t moments[] = {1082, 1083, 1114, 1184, 1266, 702,  1182, 1183,
                                   1115, 1185, 1270, 1023, 3908, 3910, 3912, 3909,
                                   3911, 3913, 4533, 4534, 4535, 6152, 6153, 6155};
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool scoop_is_moment(uint32_t type) {
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++)
        if (moments[i] == type)
            return true;
    return false;
}

const char *scoop_moment_word(const char *text) {
    static const char *const words[] = {"now",   "today",    "tomorrow", "yesterday",
                                        "epoch", "infinity", "allballs"};
    for (;;) {
        text += strcspn(text, letters);
        size_t length = strspn(text, letters);
        if (length == 0)
            return NULL;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (strlen(words[i]) == length && strncasecmp(words[i], text, length) == 0)
                return words[i];
        text += length;
    }
}
