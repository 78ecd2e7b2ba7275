/* For tests: files of the public suites, which are not part of the project. */
#ifndef VECTORS_H
#define VECTORS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { VECTORS_PATH_SIZE = 4096 };

/* Writes the place of `name`: below $AIRSCOOP_VECTORS, or ../shared/vectors beside the repository.
 * False when nothing is there. */
static inline bool vectors_find(const char *name, char path[VECTORS_PATH_SIZE]) {
    const char *vectors = getenv("AIRSCOOP_VECTORS"), *root = getenv("AIRSCOOP_ROOT");
    struct stat status;
    if (vectors != NULL)
        snprintf(path, VECTORS_PATH_SIZE, "%s/%s", vectors, name);
    else
        snprintf(path, VECTORS_PATH_SIZE, "%s/../shared/vectors/%s", root != NULL ? root : ".",
                 name);
    return stat(path, &status) == 0;
}

/* One line that says what a run did not cover. */
static inline void vectors_left_out(const char *name, unsigned cases) {
    fprintf(stderr, "%s is not here: %u cases left out\n", name, cases);
}

/* The whole file with a NUL after it, from malloc; NULL when it cannot be read. */
static inline char *vectors_read(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        rewind(file);
        text = size >= 0 ? malloc((size_t)size + 1) : NULL;
        *length = text != NULL ? fread(text, 1, (size_t)size, file) : 0;
        if (text != NULL)
            text[*length] = 0;
    }
    fclose(file);
    return text;
}

#endif
