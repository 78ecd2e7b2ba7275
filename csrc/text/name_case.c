#include "text/name_case.h"

#include <stdbool.h>
#include <string.h>

static unsigned char folded(char letter) {
    return (unsigned char)(letter >= 'A' && letter <= 'Z' ? letter + 'a' - 'A' : letter);
}

static bool same_name(const char *left, const char *right) {
    while (*left != 0 && folded(*left) == folded(*right))
        left++, right++;
    return folded(*left) == folded(*right);
}

long scoop_find_name(const char *name, const char *(*at)(const void *from, size_t place),
                     const void *from, size_t count) {
    long found = SCOOP_NO_NAME;
    size_t hits = 0;
    for (size_t i = 0; i < count; i++) {
        const char *other = at(from, i);
        if (other == NULL || !same_name(name, other))
            continue;
        if (strcmp(name, other) == 0)
            return (long)i;
        found = (long)i;
        hits++;
    }
    return hits == 1 ? found : SCOOP_NO_NAME;
}

static const char *text_at(const void *from, size_t place) {
    const char *const *names = from;
    return names[place];
}

long scoop_find_name_in(const char *name, const char *const *names, size_t count) {
    return scoop_find_name(name, text_at, names, count);
}
