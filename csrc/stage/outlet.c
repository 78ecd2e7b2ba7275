/* Where a chain on another thread ends: a ring of bytes that the owner's thread takes from. */
#include <string.h>

#include "base/invariant.h"
#include "scoop/buffer.h"
#include "scoop/memory.h"
#include "stage/stage.h"

enum { BEYOND_CEILING = 1 << 30 }; /* what one step makes: a record, as long as one may be */

struct outlet_stage {
    struct scoop_stage base;
    struct scoop_waker *waker;
    bool alone;
    struct scoop_buf beyond; /* alone: what did not fit the ring */
    size_t beyond_taken;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t emptied;
        size_t first, length; /* what is to be taken; the producer writes behind it */
        bool stopped;
    } synced;
    unsigned char ring[SCOOP_OUTLET_BYTES];
};

/* Waits until there is room, half of the ring once it was full; 0 when it is stopped. */
static size_t wait_for_room(struct outlet_stage *stage, size_t *at) {
    pthread_mutex_lock(&stage->synced.lock);
    if (stage->synced.length == SCOOP_OUTLET_BYTES)
        while (stage->synced.length > SCOOP_OUTLET_BYTES / 2 && !stage->synced.stopped)
            pthread_cond_wait(&stage->synced.emptied, &stage->synced.lock);
    size_t room = stage->synced.stopped ? 0 : SCOOP_OUTLET_BYTES - stage->synced.length;
    *at = (stage->synced.first + stage->synced.length) % SCOOP_OUTLET_BYTES;
    pthread_mutex_unlock(&stage->synced.lock);
    return room < SCOOP_OUTLET_BYTES - *at ? room : SCOOP_OUTLET_BYTES - *at;
}

void scoop_outlet_go_alone(struct scoop_stage *base) {
    ((struct outlet_stage *)base)->alone = true;
}

bool scoop_outlet_is_alone(const struct scoop_stage *base) {
    return ((const struct outlet_stage *)base)->alone;
}

static int outlet_write(struct scoop_stage *base, const unsigned char *data, size_t length,
                        size_t *consumed, struct scoop_error *error) {
    struct outlet_stage *stage = (struct outlet_stage *)base;
    size_t at;
    if (stage->alone) {
        *consumed = length;
        return scoop_buf_append(&stage->beyond, data, length, error);
    }
    size_t room = wait_for_room(stage, &at);
    if (room == 0)
        return scoop_fail(error, SCOOP_CANCELLED, "the transfer was cancelled");
    *consumed = length < room ? length : room;
    memcpy(stage->ring + at, data, *consumed);
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.length += *consumed;
    bool fits = SCOOP_INVARIANT(stage->synced.length <= SCOOP_OUTLET_BYTES, error);
    pthread_mutex_unlock(&stage->synced.lock);
    scoop_waker_wake(stage->waker);
    return fits ? 0 : -1;
}

size_t scoop_outlet_peek(struct scoop_stage *base, const unsigned char **data) {
    struct outlet_stage *stage = (struct outlet_stage *)base;
    pthread_mutex_lock(&stage->synced.lock);
    size_t first = stage->synced.first, length = stage->synced.length;
    pthread_mutex_unlock(&stage->synced.lock);
    if (length == 0 && stage->alone) {
        *data = stage->beyond.data + stage->beyond_taken;
        return stage->beyond.length - stage->beyond_taken;
    }
    *data = stage->ring + first;
    return length < SCOOP_OUTLET_BYTES - first ? length : SCOOP_OUTLET_BYTES - first;
}

static void consume_beyond(struct outlet_stage *stage, size_t length) {
    stage->beyond_taken += length;
    if (stage->beyond_taken == stage->beyond.length)
        stage->beyond_taken = stage->beyond.length = 0;
}

void scoop_outlet_consume(struct scoop_stage *base, size_t length) {
    struct outlet_stage *stage = (struct outlet_stage *)base;
    if (stage->alone && stage->synced.length == 0) {
        consume_beyond(stage, length);
        return;
    }
    pthread_mutex_lock(&stage->synced.lock);
    if (!SCOOP_INVARIANT(length <= stage->synced.length, NULL))
        length = stage->synced.length;
    stage->synced.first = (stage->synced.first + length) % SCOOP_OUTLET_BYTES;
    stage->synced.length -= length;
    if (stage->synced.length <= SCOOP_OUTLET_BYTES / 2)
        pthread_cond_signal(&stage->synced.emptied);
    pthread_mutex_unlock(&stage->synced.lock);
}

static int outlet_finish(struct scoop_stage *base, struct scoop_error *error) {
    (void)base;
    (void)error;
    return 0;
}

static void outlet_stop(struct scoop_stage *base) {
    struct outlet_stage *stage = (struct outlet_stage *)base;
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.stopped = true;
    pthread_cond_signal(&stage->synced.emptied);
    pthread_mutex_unlock(&stage->synced.lock);
}

static void outlet_free(struct scoop_stage *base) {
    struct outlet_stage *stage = (struct outlet_stage *)base;
    scoop_buf_free(&stage->beyond);
    pthread_cond_destroy(&stage->synced.emptied);
    pthread_mutex_destroy(&stage->synced.lock);
    scoop_free(stage);
}

static const struct scoop_stage_type outlet_type = {
    .name = "outlet",
    .write = outlet_write,
    .finish = outlet_finish,
    .free = outlet_free,
    .stop = outlet_stop,
};

struct scoop_stage *scoop_outlet_new(struct scoop_waker *waker, struct scoop_counters *counters,
                                     struct scoop_error *error) {
    struct outlet_stage *stage = scoop_malloc(sizeof *stage); /* the ring is not touched */
    if (stage == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    memset(stage, 0, offsetof(struct outlet_stage, ring));
    stage->base.type = &outlet_type;
    stage->base.counters = counters;
    stage->waker = waker;
    scoop_buf_init(&stage->beyond, BEYOND_CEILING);
    pthread_mutex_init(&stage->synced.lock, NULL);
    pthread_cond_init(&stage->synced.emptied, NULL);
    return &stage->base;
}
