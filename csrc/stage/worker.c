/* A chain on a thread of its own, behind a bounded queue of chunks. */
#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"
#include "stage/stage.h"

/* Until this much has come, the chain runs on its caller's thread: small texts start none. */
#define INLINE_BYTES SCOOP_STEP_BYTES

struct chunk {
    size_t length;
    unsigned char data[SCOOP_STEP_BYTES];
};

struct worker_stage {
    struct scoop_stage base;
    struct scoop_stage *inner;
    struct worker_stage *outer; /* whose inner chain this one is in; NULL: none */
    struct scoop_waker *waker;
    pthread_t thread;
    bool started;
    bool alone;     /* there was no thread to be had */
    size_t offered; /* bytes so far, while they count */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t filled;
        pthread_cond_t emptied;
        pthread_cond_t finished;
        struct chunk *chunks[SCOOP_QUEUE_CHUNKS]; /* a ring; allocated on first use */
        size_t first, count;
        bool ended;     /* no more chunks follow: finish inner */
        bool abandoned; /* ... or, when they are used up, end with `fault` */
        bool stopped;   /* give up */
        bool failed;    /* inner did, with error; later chunks are not taken */
        bool done;      /* inner is finished */
        struct scoop_error fault;
        struct scoop_error error;
    } synced;
};

static const struct scoop_stage_type worker_type;

/* The next chunk, left in its place until it is released; NULL at the end. */
static struct chunk *next_chunk(struct worker_stage *stage) {
    pthread_mutex_lock(&stage->synced.lock);
    while (stage->synced.count == 0 && !stage->synced.ended && !stage->synced.stopped)
        pthread_cond_wait(&stage->synced.filled, &stage->synced.lock);
    bool any = stage->synced.count > 0 && !stage->synced.stopped;
    struct chunk *chunk = any ? stage->synced.chunks[stage->synced.first] : NULL;
    pthread_mutex_unlock(&stage->synced.lock);
    return chunk;
}

/* Who waits for room is woken when half of it is there: a switch of threads costs. */
static void release_chunk(struct worker_stage *stage) {
    pthread_mutex_lock(&stage->synced.lock);
    bool any = SCOOP_INVARIANT(stage->synced.count > 0, NULL);
    stage->synced.first = (stage->synced.first + any) % SCOOP_QUEUE_CHUNKS;
    stage->synced.count -= any;
    bool wake = stage->synced.count == SCOOP_QUEUE_CHUNKS / 2;
    if (wake)
        pthread_cond_signal(&stage->synced.emptied);
    pthread_mutex_unlock(&stage->synced.lock);
    if (wake)
        scoop_waker_wake(stage->waker);
}

static void end_inner(struct worker_stage *stage, const struct scoop_error *error) {
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.failed = error->code != SCOOP_OK;
    stage->synced.done = true;
    stage->synced.error = *error;
    pthread_cond_signal(&stage->synced.emptied);
    pthread_cond_signal(&stage->synced.finished);
    pthread_mutex_unlock(&stage->synced.lock);
    scoop_waker_wake(stage->waker);
}

/* The fault that its chain ended with, or that it is to end with. False: none so far. */
static bool take_fault(struct worker_stage *stage, bool *stopped, struct scoop_error *fault) {
    pthread_mutex_lock(&stage->synced.lock);
    bool abandoned = stage->synced.abandoned;
    *stopped = stage->synced.stopped;
    if (abandoned)
        *fault = stage->synced.fault;
    pthread_mutex_unlock(&stage->synced.lock);
    return abandoned;
}

static int wait_done(struct worker_stage *stage, struct scoop_error *error) {
    pthread_mutex_lock(&stage->synced.lock);
    while (!stage->synced.done)
        pthread_cond_wait(&stage->synced.finished, &stage->synced.lock);
    bool failed = stage->synced.failed;
    if (failed)
        *error = stage->synced.error;
    pthread_mutex_unlock(&stage->synced.lock);
    return failed ? -1 : 0;
}

/* Bytes that came before a fault may hold another one, further on: that one came first, and is the
 * one to tell, whoever of the threads was faster. */
static void settle_fault(struct worker_stage *stage, struct scoop_error *error) {
    for (struct scoop_stage *inner = stage->inner; inner != NULL; inner = inner->next)
        if (inner->type == &worker_type && ((struct worker_stage *)inner)->started) {
            scoop_worker_abandon(inner, error);
            wait_done((struct worker_stage *)inner, error);
        }
}

/* After the last chunk. */
static int finish_inner(struct worker_stage *stage, struct scoop_error *error) {
    bool stopped;
    if (take_fault(stage, &stopped, error))
        return -1;
    return stopped ? 0 : scoop_stage_finish_chain(stage->inner, error);
}

static void *run_inner(void *user) {
    struct worker_stage *stage = user;
    struct scoop_error error = {0};
    struct chunk *chunk;
    int status = 0;
    while (status == 0 && (chunk = next_chunk(stage)) != NULL) {
        status = scoop_stage_push(stage->inner, chunk->data, chunk->length, &error);
        if (status == 0)
            release_chunk(stage);
    }
    if (status == 0)
        status = finish_inner(stage, &error);
    if (status != 0)
        settle_fault(stage, &error);
    end_inner(stage, &error);
    return NULL;
}

/* Where the chain ends is emptied by the thread that now fills it. */
static void tell_outlet(struct scoop_stage *inner) {
    for (; inner != NULL; inner = inner->next)
        if (inner->type == &worker_type)
            tell_outlet(((struct worker_stage *)inner)->inner);
        else if (strcmp(inner->type->name, "outlet") == 0)
            scoop_outlet_go_alone(inner);
}

/* Without a thread everything goes on here. */
static void start(struct worker_stage *stage) {
    stage->started = true; /* before the thread looks */
    if (scoop_thread_start(&stage->thread, run_inner, stage))
        return;
    stage->started = false;
    stage->alone = true;
    if (stage->outer == NULL)
        tell_outlet(stage->inner);
}

void scoop_worker_begin_threaded(struct scoop_stage *base) {
    ((struct worker_stage *)base)->offered = INLINE_BYTES + 1;
}

/* What is offered may still be worked on here. An inner worker goes with its outer one. */
static bool is_inline(const struct worker_stage *stage) {
    if (stage->started || stage->alone)
        return stage->alone;
    if (stage->outer != NULL)
        return !stage->outer->started;
    return stage->offered <= INLINE_BYTES && stage->base.counters->text_bytes <= INLINE_BYTES;
}

static int write_inline(struct worker_stage *stage, const unsigned char *data, size_t length,
                        size_t *consumed, struct scoop_error *error) {
    stage->offered += length;
    if (stage->inner->type->write(stage->inner, data, length, consumed, error) == 0)
        return 0;
    end_inner(stage, error);
    return -1;
}

/* The chunk to append to: the last one if nobody reads it yet and it has room, or a new one. Under
 * the lock. */
static struct chunk *room_synced(struct worker_stage *stage, size_t length,
                                 struct scoop_error *error) {
    size_t last = (stage->synced.first + stage->synced.count - 1) % SCOOP_QUEUE_CHUNKS;
    if (stage->synced.count > 1 && SCOOP_STEP_BYTES - stage->synced.chunks[last]->length >= length)
        return stage->synced.chunks[last];
    if (!SCOOP_INVARIANT(stage->synced.count < SCOOP_QUEUE_CHUNKS, error))
        return NULL;
    last = (stage->synced.first + stage->synced.count) % SCOOP_QUEUE_CHUNKS;
    if (stage->synced.chunks[last] == NULL)
        stage->synced.chunks[last] = scoop_malloc(sizeof *stage->synced.chunks[last]);
    if (stage->synced.chunks[last] == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    stage->synced.chunks[last]->length = 0;
    stage->synced.count++;
    return stage->synced.chunks[last];
}

static int append_synced(struct worker_stage *stage, const unsigned char *data, size_t length,
                         struct scoop_error *error) {
    struct chunk *chunk = room_synced(stage, length, error);
    if (chunk == NULL || !SCOOP_INVARIANT(length <= SCOOP_STEP_BYTES - chunk->length, error))
        return -1;
    memcpy(chunk->data + chunk->length, data, length);
    chunk->length += length;
    pthread_cond_signal(&stage->synced.filled);
    return 0;
}

static int worker_write(struct scoop_stage *base, const unsigned char *data, size_t length,
                        size_t *consumed, struct scoop_error *error) {
    struct worker_stage *stage = (struct worker_stage *)base;
    *consumed = length < SCOOP_STEP_BYTES ? length : SCOOP_STEP_BYTES;
    if (!is_inline(stage) && !stage->started)
        start(stage);
    if (is_inline(stage))
        return write_inline(stage, data, *consumed, consumed, error);
    int status = -1;
    pthread_mutex_lock(&stage->synced.lock);
    if (stage->synced.count == SCOOP_QUEUE_CHUNKS)
        while (stage->synced.count > SCOOP_QUEUE_CHUNKS / 2 && !stage->synced.failed &&
               !stage->synced.stopped)
            pthread_cond_wait(&stage->synced.emptied, &stage->synced.lock);
    if (stage->synced.failed)
        *error = stage->synced.error;
    else if (stage->synced.stopped)
        scoop_fail(error, SCOOP_CANCELLED, "the transfer was cancelled");
    else
        status = append_synced(stage, data, *consumed, error);
    pthread_mutex_unlock(&stage->synced.lock);
    return status;
}

bool scoop_worker_ready(struct scoop_stage *base) {
    struct worker_stage *stage = (struct worker_stage *)base;
    pthread_mutex_lock(&stage->synced.lock);
    bool ready = stage->synced.count < SCOOP_QUEUE_CHUNKS || stage->synced.failed;
    pthread_mutex_unlock(&stage->synced.lock);
    return ready;
}

bool scoop_worker_done(struct scoop_stage *base, bool *failed) {
    struct worker_stage *stage = (struct worker_stage *)base;
    pthread_mutex_lock(&stage->synced.lock);
    bool done = stage->synced.done;
    *failed = stage->synced.failed;
    pthread_mutex_unlock(&stage->synced.lock);
    return done;
}

static void end_queue(struct worker_stage *stage) {
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.ended = true;
    bool done = stage->synced.done;
    pthread_cond_signal(&stage->synced.filled);
    pthread_mutex_unlock(&stage->synced.lock);
    if (stage->started || done)
        return;
    struct scoop_error error = {0};
    finish_inner(stage, &error);
    end_inner(stage, &error);
}

void scoop_worker_end(struct scoop_stage *base) {
    end_queue((struct worker_stage *)base);
}

void scoop_worker_abandon(struct scoop_stage *base, const struct scoop_error *fault) {
    struct worker_stage *stage = (struct worker_stage *)base;
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.abandoned = true;
    stage->synced.fault = *fault;
    pthread_mutex_unlock(&stage->synced.lock);
    end_queue(stage);
}

static int worker_finish(struct scoop_stage *base, struct scoop_error *error) {
    struct worker_stage *stage = (struct worker_stage *)base;
    end_queue(stage);
    return wait_done(stage, error);
}

/* The threads are told from the outermost in: an inner worker may be waiting for a queue of its
 * own. */
static void worker_stop(struct scoop_stage *base) {
    struct worker_stage *stage = (struct worker_stage *)base;
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.stopped = true;
    pthread_cond_signal(&stage->synced.filled);
    pthread_cond_signal(&stage->synced.emptied);
    pthread_mutex_unlock(&stage->synced.lock);
    for (struct scoop_stage *inner = stage->inner; inner != NULL; inner = inner->next)
        if (inner->type->stop != NULL)
            inner->type->stop(inner);
}

static void worker_free(struct scoop_stage *base) {
    struct worker_stage *stage = (struct worker_stage *)base;
    worker_stop(base);
    if (stage->started)
        pthread_join(stage->thread, NULL);
    scoop_stage_free_chain(stage->inner);
    for (size_t i = 0; i < SCOOP_QUEUE_CHUNKS; i++)
        scoop_free(stage->synced.chunks[i]);
    pthread_cond_destroy(&stage->synced.filled);
    pthread_cond_destroy(&stage->synced.emptied);
    pthread_cond_destroy(&stage->synced.finished);
    pthread_mutex_destroy(&stage->synced.lock);
    scoop_free(stage);
}

static const struct scoop_stage_type worker_type = {
    .name = "worker",
    .write = worker_write,
    .finish = worker_finish,
    .free = worker_free,
    .stop = worker_stop,
};

struct scoop_stage *scoop_worker_new(struct scoop_stage *inner, struct scoop_waker *waker,
                                     struct scoop_counters *counters, struct scoop_error *error) {
    struct worker_stage *stage = scoop_calloc(1, sizeof *stage);
    if (stage == NULL) {
        scoop_fail_memory(error);
        scoop_stage_free_chain(inner);
        return NULL;
    }
    stage->base.type = &worker_type;
    stage->base.counters = counters;
    stage->inner = inner;
    stage->waker = waker;
    for (; inner != NULL; inner = inner->next)
        if (inner->type == &worker_type)
            ((struct worker_stage *)inner)->outer = stage;
    pthread_mutex_init(&stage->synced.lock, NULL);
    pthread_cond_init(&stage->synced.filled, NULL);
    pthread_cond_init(&stage->synced.emptied, NULL);
    pthread_cond_init(&stage->synced.finished, NULL);
    return &stage->base;
}
