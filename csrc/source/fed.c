/* A source that its owner feeds. */
#include "scoop/memory.h"
#include "source/source.h"

struct fed_source {
    struct scoop_source base;
    const unsigned char *data;
    size_t length;
    bool ended;
};

static int fed_open(struct scoop_source *base, struct scoop_error *error) {
    (void)base;
    (void)error;
    return 0;
}

static enum scoop_source_state fed_peek(struct scoop_source *base, const unsigned char **data,
                                        size_t *length, struct scoop_error *error) {
    struct fed_source *source = (struct fed_source *)base;
    (void)error;
    *data = source->data;
    *length = source->length;
    if (source->length > 0)
        return SCOOP_SOURCE_READY;
    return source->ended ? SCOOP_SOURCE_ENDED : SCOOP_SOURCE_WAITING;
}

static void fed_consume(struct scoop_source *base, size_t length) {
    struct fed_source *source = (struct fed_source *)base;
    source->data += length;
    source->length -= length;
}

static void fed_free(struct scoop_source *base) {
    scoop_free(base);
}

static const struct scoop_source_type fed_type = {
    "fed", fed_open, fed_peek, fed_consume, fed_free, NULL,
};

struct scoop_source *scoop_fed_source_new(struct scoop_error *error) {
    struct fed_source *source = scoop_calloc(1, sizeof *source);
    if (source == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    source->base.type = &fed_type;
    source->base.wait_fd = -1;
    source->base.length_known = true;
    source->base.total_bytes = -1;
    return &source->base;
}

void scoop_fed_source_feed(struct scoop_source *base, const void *data, size_t length) {
    struct fed_source *source = (struct fed_source *)base;
    source->data = data;
    source->length = length;
}

void scoop_fed_source_end(struct scoop_source *base) {
    ((struct fed_source *)base)->ended = true;
}

bool scoop_fed_source_is_empty(const struct scoop_source *base) {
    const struct fed_source *source = (const struct fed_source *)base;
    return source->length == 0 && !source->ended;
}
