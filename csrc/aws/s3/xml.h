/* Reads a small XML document from memory: the fence around expat. */
#ifndef SCOOP_AWS_S3_XML_H
#define SCOOP_AWS_S3_XML_H

#include <stddef.h>

#include "scoop/error.h"

#define SCOOP_XML_MAX_BYTES ((size_t)8 * 1024 * 1024)
enum {
    SCOOP_XML_MAX_DEPTH = 32,
    SCOOP_XML_MAX_TEXT_BYTES = 65536,
    SCOOP_XML_MAX_PATH_BYTES = 1024
};

/* path is "/ListBucketResult/Contents/Key": local names, without namespace prefixes. Both callbacks
 * may be NULL; they return 0, or -1 with *error filled, which ends the reading. Pointers are valid
 * during the call. */
struct scoop_xml_handler {
    int (*on_start)(void *user, const char *path, struct scoop_error *error);
    /* At the element's end; text is its own character data (that after its last child element, if
     * it has any), NUL-terminated UTF-8. */
    int (*on_end)(void *user, const char *path, const char *text, size_t length,
                  struct scoop_error *error);
    void *user;
};

/* Reads one whole document. 0, or -1 with PROTOCOL (not well-formed, cut short, a DOCTYPE, deeper
 * than the limits), TOO_LARGE (text, path or document), NO_MEMORY, or what a callback gave.
 * Callbacks may have run before a fault is seen. Any thread. */
int scoop_xml_read(const void *data, size_t length, const struct scoop_xml_handler *handler,
                   struct scoop_error *error);

#endif
