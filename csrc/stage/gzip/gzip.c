/* Text -> one gzip member. The text is cut into blocks, which threads of the stage's own compress
 * side by side, each with the 32 KiB before it as its window; they are joined in order. */
#include <string.h>

#include "base/crc_shift.h"
#include "base/invariant.h"
#include "scoop/memory.h"
#include "stage/gzip/encoder.h"
#include "stage/stage.h"

enum {
    DEFAULT_LEVEL = 6,
    FASTEST_LEVEL = 1,
    LAST_ISAL_LEVEL = 3,
    SPARE_BLOCKS = 2, /* one being filled, one waiting to be taken */
    MOST_BLOCKS = SCOOP_GZIP_MOST_THREADS + SPARE_BLOCKS,
    TRAILER_BYTES = 8,
};

static const struct scoop_crc_field gzip_crc = {0xedb88320, 32};
static const unsigned char header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};

struct block {
    unsigned char *memory; /* a window and a block; allocated on first use */
    struct gzip_piece piece;
    struct scoop_buf out;
    uint32_t crc;
    int status;
    struct scoop_error error;
    bool done; /* synced */
};

struct gzip {
    struct scoop_stage stage;
    int level;
    unsigned threads; /* at most; 0: all is done on the caller's thread */
    unsigned started; /* threads */
    unsigned block_count;
    struct block blocks[MOST_BLOCKS]; /* a ring */
    struct gzip_encoder *encoders[SCOOP_GZIP_MOST_THREADS];
    pthread_t pool[SCOOP_GZIP_MOST_THREADS];
    uint64_t emitted; /* blocks; the one that is being filled is number `synced.offered` */
    uint32_t crc;
    uint32_t text_bytes; /* modulo 2^32, as in the trailer */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t work;
        pthread_cond_t finished;
        uint64_t offered, taken; /* blocks */
        bool stopped;
    } synced;
};

static struct block *block_at(struct gzip *gzip, uint64_t number) {
    return &gzip->blocks[number % gzip->block_count];
}

static struct gzip_encoder *new_encoder(int level, struct scoop_error *error) {
    return level >= FASTEST_LEVEL && level <= LAST_ISAL_LEVEL ? scoop_gzip_isal_new(level, error)
                                                              : scoop_gzip_zlib_new(level, error);
}

static void encode(struct gzip_encoder *encoder, struct block *block) {
    block->crc = scoop_gzip_crc(block->piece.text, block->piece.length);
    block->status = encoder->type->encode(encoder, &block->piece, &block->out, &block->error);
}

/* The next block to compress; NULL when the stage is freed. */
static struct block *take_block(struct gzip *gzip) {
    struct block *block = NULL;
    pthread_mutex_lock(&gzip->synced.lock);
    while (gzip->synced.taken == gzip->synced.offered && !gzip->synced.stopped)
        pthread_cond_wait(&gzip->synced.work, &gzip->synced.lock);
    if (!gzip->synced.stopped && SCOOP_INVARIANT(gzip->synced.taken < gzip->synced.offered, NULL))
        block = block_at(gzip, gzip->synced.taken++);
    pthread_mutex_unlock(&gzip->synced.lock);
    return block;
}

struct pool_thread {
    struct gzip *gzip;
    struct gzip_encoder *encoder;
};

static void *run_pool_thread(void *user) {
    struct pool_thread self = *(struct pool_thread *)user;
    struct block *block;
    scoop_free(user);
    while ((block = take_block(self.gzip)) != NULL) {
        encode(self.encoder, block);
        pthread_mutex_lock(&self.gzip->synced.lock);
        block->done = true;
        pthread_cond_signal(&self.gzip->synced.finished);
        pthread_mutex_unlock(&self.gzip->synced.lock);
    }
    return NULL;
}

/* Where there is no thread to be had, those that there are do it all. */
static int start_one(struct gzip *gzip, struct scoop_error *error) {
    unsigned number = gzip->started;
    if (gzip->encoders[number] == NULL)
        gzip->encoders[number] = new_encoder(gzip->level, error);
    if (gzip->encoders[number] == NULL)
        return -1;
    struct pool_thread *thread = scoop_malloc(sizeof *thread);
    if (thread == NULL)
        return scoop_fail_memory(error);
    *thread = (struct pool_thread){gzip, gzip->encoders[number]};
    if (scoop_thread_start(&gzip->pool[number], run_pool_thread, thread)) {
        gzip->started++;
        return 0;
    }
    scoop_free(thread);
    gzip->threads = number;
    return 0;
}

/* Makes the block being filled ready for its first byte: the end of the one before is its window.
 */
static int begin_block(struct gzip *gzip, struct scoop_error *error) {
    struct block *block = block_at(gzip, gzip->synced.offered);
    if (!SCOOP_INVARIANT(gzip->synced.offered - gzip->emitted < gzip->block_count, error))
        return -1;
    if (block->memory == NULL)
        block->memory = scoop_malloc(SCOOP_GZIP_WINDOW_BYTES + SCOOP_GZIP_BLOCK_BYTES);
    if (block->memory == NULL)
        return scoop_fail_memory(error);
    block->piece = (struct gzip_piece){.text = block->memory + SCOOP_GZIP_WINDOW_BYTES};
    block->out.length = 0;
    block->done = false;
    if (gzip->synced.offered == 0)
        return scoop_buf_append(&block->out, header, sizeof header, error);
    const struct gzip_piece *before = &block_at(gzip, gzip->synced.offered - 1)->piece;
    if (!SCOOP_INVARIANT(before->length >= SCOOP_GZIP_WINDOW_BYTES, error))
        return -1;
    block->piece.window = SCOOP_GZIP_WINDOW_BYTES;
    memcpy(block->memory, before->text + before->length - SCOOP_GZIP_WINDOW_BYTES,
           SCOOP_GZIP_WINDOW_BYTES);
    return 0;
}

/* Waits, if `wait`, until the oldest block is compressed. */
static bool oldest_is_done(struct gzip *gzip, bool wait, bool *stopped) {
    struct block *block = block_at(gzip, gzip->emitted);
    pthread_mutex_lock(&gzip->synced.lock);
    while (wait && !block->done && !gzip->synced.stopped)
        pthread_cond_wait(&gzip->synced.finished, &gzip->synced.lock);
    bool done = block->done;
    *stopped = gzip->synced.stopped;
    pthread_mutex_unlock(&gzip->synced.lock);
    return done;
}

static int emit_oldest(struct gzip *gzip, struct scoop_error *error) {
    struct block *block = block_at(gzip, gzip->emitted);
    if (!SCOOP_INVARIANT(block->done, error))
        return -1;
    if (block->status != 0) {
        *error = block->error;
        return -1;
    }
    gzip->crc = (uint32_t)scoop_crc_shift(gzip_crc, gzip->crc, block->piece.length) ^ block->crc;
    gzip->text_bytes += (uint32_t)block->piece.length;
    gzip->emitted++;
    return scoop_stage_push(gzip->stage.next, block->out.data, block->out.length, error);
}

/* Passes on what is compressed, in order; waits while more than `most` blocks are under way. */
static int emit(struct gzip *gzip, uint64_t most, struct scoop_error *error) {
    while (gzip->emitted < gzip->synced.offered) {
        bool stopped;
        if (!oldest_is_done(gzip, gzip->synced.offered - gzip->emitted > most, &stopped))
            return stopped ? scoop_fail(error, SCOOP_CANCELLED, "the transfer was cancelled") : 0;
        if (emit_oldest(gzip, error) != 0)
            return -1;
    }
    return 0;
}

static int encode_here(struct gzip *gzip, struct block *block, struct scoop_error *error) {
    if (gzip->encoders[0] == NULL)
        gzip->encoders[0] = new_encoder(gzip->level, error);
    if (gzip->encoders[0] == NULL)
        return -1;
    encode(gzip->encoders[0], block);
    block->done = true;
    gzip->synced.offered++;
    gzip->synced.taken++;
    return 0;
}

/* The block that was being filled is full, or the last. A text of one block starts no thread. */
static int offer_block(struct gzip *gzip, struct scoop_error *error) {
    struct block *block = block_at(gzip, gzip->synced.offered);
    if (gzip->threads == 0 || (block->piece.last && gzip->started == 0))
        return encode_here(gzip, block, error);
    if (gzip->started < gzip->threads && start_one(gzip, error) != 0)
        return -1;
    if (gzip->started == 0)
        return encode_here(gzip, block, error);
    pthread_mutex_lock(&gzip->synced.lock);
    gzip->synced.offered++;
    pthread_cond_signal(&gzip->synced.work);
    pthread_mutex_unlock(&gzip->synced.lock);
    return 0;
}

static int gzip_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error) {
    struct gzip *gzip = (struct gzip *)stage;
    struct gzip_piece *piece = &block_at(gzip, gzip->synced.offered)->piece;
    *consumed = 0;
    if (length == 0)
        return 0;
    if (piece->length == SCOOP_GZIP_BLOCK_BYTES) {
        if (offer_block(gzip, error) != 0 || emit(gzip, gzip->block_count - 1, error) != 0 ||
            begin_block(gzip, error) != 0)
            return -1;
        piece = &block_at(gzip, gzip->synced.offered)->piece;
    } else if (piece->text == NULL && begin_block(gzip, error) != 0) {
        return -1;
    }
    size_t room = SCOOP_GZIP_BLOCK_BYTES - piece->length;
    *consumed = length < room ? length : room;
    memcpy(piece->text + piece->length, data, *consumed);
    piece->length += *consumed;
    return 0;
}

static int emit_trailer(struct gzip *gzip, struct scoop_error *error) {
    unsigned char trailer[TRAILER_BYTES];
    for (int i = 0; i < TRAILER_BYTES / 2; i++) {
        trailer[i] = (unsigned char)(gzip->crc >> 8 * i);
        trailer[TRAILER_BYTES / 2 + i] = (unsigned char)(gzip->text_bytes >> 8 * i);
    }
    return scoop_stage_push(gzip->stage.next, trailer, sizeof trailer, error);
}

static int gzip_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct gzip *gzip = (struct gzip *)stage;
    struct gzip_piece *piece = &block_at(gzip, gzip->synced.offered)->piece;
    if (piece->text == NULL && begin_block(gzip, error) != 0)
        return -1;
    piece->last = true;
    if (offer_block(gzip, error) != 0 || emit(gzip, 0, error) != 0)
        return -1;
    return emit_trailer(gzip, error);
}

static void gzip_stop(struct scoop_stage *stage) {
    struct gzip *gzip = (struct gzip *)stage;
    pthread_mutex_lock(&gzip->synced.lock);
    gzip->synced.stopped = true;
    pthread_cond_broadcast(&gzip->synced.work);
    pthread_cond_signal(&gzip->synced.finished);
    pthread_mutex_unlock(&gzip->synced.lock);
}

static void gzip_free(struct scoop_stage *stage) {
    struct gzip *gzip = (struct gzip *)stage;
    gzip_stop(stage);
    for (unsigned i = 0; i < gzip->started; i++)
        pthread_join(gzip->pool[i], NULL);
    for (unsigned i = 0; i < SCOOP_GZIP_MOST_THREADS; i++)
        if (gzip->encoders[i] != NULL)
            gzip->encoders[i]->type->free(gzip->encoders[i]);
    for (unsigned i = 0; i < gzip->block_count; i++) {
        scoop_free(gzip->blocks[i].memory);
        scoop_buf_free(&gzip->blocks[i].out);
    }
    pthread_cond_destroy(&gzip->synced.work);
    pthread_cond_destroy(&gzip->synced.finished);
    pthread_mutex_destroy(&gzip->synced.lock);
    scoop_free(gzip);
}

static const struct scoop_stage_type gzip_type = {
    .name = "gzip",
    .write = gzip_write,
    .finish = gzip_finish,
    .free = gzip_free,
    .stop = gzip_stop,
};

struct scoop_stage *scoop_gzip_new(int level, unsigned threads, struct scoop_counters *counters,
                                   struct scoop_error *error) {
    if (level < -1 || level > 9) {
        scoop_fail(error, SCOOP_USAGE, "gzip level %d is not in 0..9 (-1: default)", level);
        return NULL;
    }
    struct gzip *gzip = scoop_calloc(1, sizeof *gzip);
    if (gzip == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    gzip->stage.type = &gzip_type;
    gzip->stage.counters = counters;
    gzip->level = level == -1 ? DEFAULT_LEVEL : level;
    gzip->threads = threads < SCOOP_GZIP_MOST_THREADS ? threads : SCOOP_GZIP_MOST_THREADS;
    gzip->block_count = gzip->threads + SPARE_BLOCKS;
    for (unsigned i = 0; i < gzip->block_count; i++)
        scoop_buf_init(&gzip->blocks[i].out, 2 * SCOOP_GZIP_BLOCK_BYTES);
    pthread_mutex_init(&gzip->synced.lock, NULL);
    pthread_cond_init(&gzip->synced.work, NULL);
    pthread_cond_init(&gzip->synced.finished, NULL);
    return &gzip->stage;
}

size_t scoop_gzip_memory_bytes(unsigned threads) {
    size_t block = SCOOP_GZIP_WINDOW_BYTES + 2 * SCOOP_GZIP_BLOCK_BYTES;
    size_t encoder = 512 * 1024;
    if (threads > SCOOP_GZIP_MOST_THREADS)
        threads = SCOOP_GZIP_MOST_THREADS;
    return (threads + SPARE_BLOCKS) * block + (threads + 1) * encoder;
}
