#include "text/secret_name.h"

#include <string.h>
#include <strings.h>

#include "text/hex.h"

enum { MOST_NAME = 256 };

bool scoop_secret_name(const char *name, size_t length) {
    static const char *const parts[] = {"secret", "token", "key",  "sig",    "pass",
                                        "pwd",    "auth",  "cred", "session"};
    char decoded[MOST_NAME];
    size_t used = 0;
    for (size_t i = 0; i < length && used < sizeof decoded; i++, used++) {
        decoded[used] = name[i];
        if (name[i] == '%' && length - i > 2 &&
            scoop_hex_decode(name + i + 1, 2, (unsigned char *)decoded + used, 1) == 0)
            i += 2;
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (size_t at = 0, size = strlen(parts[i]); at + size <= used; at++)
            if (strncasecmp(decoded + at, parts[i], size) == 0)
                return true;
    return false;
}

const char *scoop_secret_in_path(const char *path, size_t length, size_t *value_length) {
    const char *end = path + length;
    while ((path = memchr(path, ';', (size_t)(end - path))) != NULL) {
        const char *name = ++path;
        while (path < end && strchr("=;/", *path) == NULL)
            path++;
        if (path == end || *path != '=' || !scoop_secret_name(name, (size_t)(path - name)))
            continue;
        const char *value = path + 1;
        while (++path < end && *path != ';' && *path != '/')
            ;
        *value_length = (size_t)(path - value);
        return value;
    }
    return NULL;
}
