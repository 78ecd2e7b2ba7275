/* Compares locations with what the catalog shows of them. */
#include <string.h>

#include "warehouse/partition/partition_internal.h"

static size_t without_slash(const char *text) {
    size_t length = strlen(text);
    return length > 0 && text[length - 1] == '/' ? length - 1 : length;
}

bool scoop_partition_same_location(const char *shown, const char *location) {
    size_t length = without_slash(shown);
    if (strlen(shown) >= SCOOP_LOCATION_SHOWN_BYTES)
        return false;
    return length == without_slash(location) && memcmp(shown, location, length) == 0;
}

bool scoop_partition_may_hold(const char *shown, const char *location) {
    size_t length = strlen(shown);
    if (length >= SCOOP_LOCATION_SHOWN_BYTES)
        return strncmp(shown, location, length) == 0;
    length = without_slash(shown);
    return strncmp(shown, location, length) == 0 &&
           (location[length] == '/' || location[length] == 0);
}
