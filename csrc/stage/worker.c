/* A chain on a thread of its own, behind a bounded queue of chunks. */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "scoop/memory.h"
#include "scoop/stage.h"

struct chunk {
    size_t length;
    unsigned char data[SCOOP_STEP_BYTES];
};

struct worker_stage {
    struct scoop_stage base;
    struct scoop_stage *inner;
    pthread_t thread;
    bool started;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct chunk *chunks[SCOOP_QUEUE_CHUNKS]; /* a ring; allocated on first use */
        size_t first, count;
        bool ended;   /* no more chunks follow: finish inner */
        bool stopped; /* give up */
        bool failed;  /* inner did, with error; later chunks are not taken */
        bool done;    /* inner is finished */
        struct scoop_error error;
    } synced;
};

/* The next chunk, left in its place until it is released; NULL at the end. */
static struct chunk *next_chunk(struct worker_stage *stage) {
    pthread_mutex_lock(&stage->synced.lock);
    while (stage->synced.count == 0 && !stage->synced.ended && !stage->synced.stopped)
        pthread_cond_wait(&stage->synced.changed, &stage->synced.lock);
    bool any = stage->synced.count > 0 && !stage->synced.stopped;
    struct chunk *chunk = any ? stage->synced.chunks[stage->synced.first] : NULL;
    pthread_mutex_unlock(&stage->synced.lock);
    return chunk;
}

static void release_chunk(struct worker_stage *stage) {
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.first = (stage->synced.first + 1) % SCOOP_QUEUE_CHUNKS;
    stage->synced.count--;
    pthread_cond_broadcast(&stage->synced.changed);
    pthread_mutex_unlock(&stage->synced.lock);
}

static void end_inner(struct worker_stage *stage, const struct scoop_error *error) {
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.failed = error->code != SCOOP_OK;
    stage->synced.done = true;
    stage->synced.error = *error;
    pthread_cond_broadcast(&stage->synced.changed);
    pthread_mutex_unlock(&stage->synced.lock);
}

static bool is_stopped(struct worker_stage *stage) {
    pthread_mutex_lock(&stage->synced.lock);
    bool stopped = stage->synced.stopped;
    pthread_mutex_unlock(&stage->synced.lock);
    return stopped;
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
    if (status == 0 && !is_stopped(stage))
        status = scoop_stage_finish_chain(stage->inner, &error);
    end_inner(stage, &error);
    return NULL;
}

/* Signals are for the thread that has an interpreter. */
static int start(struct worker_stage *stage, struct scoop_error *error) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&stage->thread, NULL, run_inner, stage);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return scoop_fail_errno(error, failed, "starting a thread");
    stage->started = true;
    return 0;
}

/* Copies into the last chunk of the ring, which has room. Under the lock. */
static int append_synced(struct worker_stage *stage, const unsigned char *data, size_t length,
                         struct scoop_error *error) {
    size_t last = (stage->synced.first + stage->synced.count) % SCOOP_QUEUE_CHUNKS;
    if (stage->synced.chunks[last] == NULL)
        stage->synced.chunks[last] = scoop_malloc(sizeof *stage->synced.chunks[last]);
    if (stage->synced.chunks[last] == NULL)
        return scoop_fail_memory(error);
    memcpy(stage->synced.chunks[last]->data, data, length);
    stage->synced.chunks[last]->length = length;
    stage->synced.count++;
    pthread_cond_broadcast(&stage->synced.changed);
    return 0;
}

static int worker_write(struct scoop_stage *base, const unsigned char *data, size_t length,
                        size_t *consumed, struct scoop_error *error) {
    struct worker_stage *stage = (struct worker_stage *)base;
    *consumed = length < SCOOP_STEP_BYTES ? length : SCOOP_STEP_BYTES;
    if (!stage->started && start(stage, error) != 0)
        return -1;
    int status = -1;
    pthread_mutex_lock(&stage->synced.lock);
    while (stage->synced.count == SCOOP_QUEUE_CHUNKS && !stage->synced.failed &&
           !stage->synced.stopped)
        pthread_cond_wait(&stage->synced.changed, &stage->synced.lock);
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

static int worker_finish(struct scoop_stage *base, struct scoop_error *error) {
    struct worker_stage *stage = (struct worker_stage *)base;
    if (!stage->started && start(stage, error) != 0)
        return -1;
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.ended = true;
    pthread_cond_broadcast(&stage->synced.changed);
    while (!stage->synced.done)
        pthread_cond_wait(&stage->synced.changed, &stage->synced.lock);
    bool failed = stage->synced.failed;
    if (failed)
        *error = stage->synced.error;
    pthread_mutex_unlock(&stage->synced.lock);
    return failed ? -1 : 0;
}

/* Stops the threads from the outermost in: an inner worker may be waiting for a queue of its own.
 */
static void stop(struct worker_stage *stage);

static void stop_workers_within(struct scoop_stage *inner);

static const struct scoop_stage_type worker_type;

static void stop(struct worker_stage *stage) {
    pthread_mutex_lock(&stage->synced.lock);
    stage->synced.stopped = true;
    pthread_cond_broadcast(&stage->synced.changed);
    pthread_mutex_unlock(&stage->synced.lock);
    stop_workers_within(stage->inner);
}

static void stop_workers_within(struct scoop_stage *inner) {
    for (; inner != NULL; inner = inner->next)
        if (inner->type == &worker_type)
            stop((struct worker_stage *)inner);
}

static void worker_free(struct scoop_stage *base) {
    struct worker_stage *stage = (struct worker_stage *)base;
    stop(stage);
    if (stage->started)
        pthread_join(stage->thread, NULL);
    scoop_stage_free_chain(stage->inner);
    for (size_t i = 0; i < SCOOP_QUEUE_CHUNKS; i++)
        scoop_free(stage->synced.chunks[i]);
    pthread_cond_destroy(&stage->synced.changed);
    pthread_mutex_destroy(&stage->synced.lock);
    scoop_free(stage);
}

static const struct scoop_stage_type worker_type = {"worker", worker_write, worker_finish,
                                                    worker_free};

struct scoop_stage *scoop_worker_new(struct scoop_stage *inner, struct scoop_counters *counters,
                                     struct scoop_error *error) {
    struct worker_stage *stage = scoop_calloc(1, sizeof *stage);
    if (stage == NULL) {
        scoop_fail_memory(error);
        scoop_stage_free_chain(inner);
        return NULL;
    }
    stage->base.type = &worker_type;
    stage->base.counters = counters;
    stage->inner = inner;
    pthread_mutex_init(&stage->synced.lock, NULL);
    pthread_cond_init(&stage->synced.changed, NULL);
    return &stage->base;
}
