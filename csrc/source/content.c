#include <string.h>
#include <strings.h>

#include "source/content_internal.h"

/* Behind what is there already, with a comma between: a list goes on in the next header. */
static void append(char *text, size_t size, const char *value, size_t length) {
    size_t used = strlen(text);
    if (used > 0 && used + 2 < size) {
        memcpy(text + used, ", ", 3);
        used += 2;
    }
    for (size_t i = 0; i < length && used + 1 < size; i++)
        text[used++] = value[i] >= ' ' && value[i] <= '~' ? value[i] : '?';
    text[used] = 0;
}

static bool is_named(const char *name, size_t length, const char *wanted) {
    return length == strlen(wanted) && strncasecmp(name, wanted, length) == 0;
}

static int note(void *user, const char *name, size_t name_length, const char *value,
                size_t value_length) {
    struct scoop_source *source = user;
    if (is_named(name, name_length, "Content-Type"))
        append(source->content_type, sizeof source->content_type, value, value_length);
    else if (is_named(name, name_length, "Content-Encoding"))
        append(source->content_encoding, sizeof source->content_encoding, value, value_length);
    return 0;
}

void scoop_source_note_content(struct scoop_source *source, struct scoop_http_exchange *exchange) {
    source->content_type[0] = source->content_encoding[0] = 0;
    scoop_http_each_header(exchange, note, source);
}
