/* A file's bytes, gathered into blocks that a thread of their own writes: receiving goes on
 * meanwhile, and large writes cost the page cache a third of what libcurl's 16 KiB cost. */
#include "sink/file_blocks_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/invariant.h"
#include "base/thread.h"
#include "scoop/memory.h"
#include "sink/sink.h"

enum { BLOCKS = 4, WRITEBACK_BYTES = 8 * 1024 * 1024 };
#define BLOCK_BYTES (SCOOP_FILE_SINK_BYTES / BLOCKS)

enum block_state { FREE, FILLING, FULL };

struct block {
    enum block_state state; /* FULL: the thread's, until it is FREE again */
    uint64_t turn;          /* of the full ones, the lowest is written first */
    uint64_t offset;
    size_t length;
    unsigned char *data; /* allocated on first use */
};

struct scoop_file_blocks {
    int fd;
    const char *path;
    pthread_t thread;
    bool started;
    size_t unsynced; /* written since the disk was last asked to begin; the thread's */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t filled;
        pthread_cond_t freed;
        struct block blocks[BLOCKS];
        uint64_t turns;
        bool stopped;
        struct scoop_error error; /* the first; nothing is written after it */
    } synced;
};

/* The disk begins while the source still gives: the sync at the end has little left to wait for. */
static void begin_writeback(struct scoop_file_blocks *blocks, size_t length) {
    blocks->unsynced += length;
    if (blocks->unsynced < WRITEBACK_BYTES)
        return;
    blocks->unsynced = 0;
    sync_file_range(blocks->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static int write_block(struct scoop_file_blocks *blocks, const struct block *block,
                       struct scoop_error *error) {
    for (size_t done = 0; done < block->length;) {
        ssize_t wrote = pwrite(blocks->fd, block->data + done, block->length - done,
                               (off_t)(block->offset + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return scoop_fail_file(error, errno, "writing", blocks->path);
        done += (size_t)wrote;
    }
    begin_writeback(blocks, block->length);
    return 0;
}

static struct block *next_full_synced(struct scoop_file_blocks *blocks) {
    struct block *next = NULL;
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block *block = &blocks->synced.blocks[i];
        if (block->state == FULL && (next == NULL || block->turn < next->turn))
            next = block;
    }
    return next;
}

static void *write_blocks(void *user) {
    struct scoop_file_blocks *blocks = user;
    pthread_mutex_lock(&blocks->synced.lock);
    while (!blocks->synced.stopped) {
        struct block *block = next_full_synced(blocks);
        if (block == NULL) {
            pthread_cond_wait(&blocks->synced.filled, &blocks->synced.lock);
            continue;
        }
        if (blocks->synced.error.code == SCOOP_OK) {
            struct scoop_error error = {0};
            pthread_mutex_unlock(&blocks->synced.lock);
            write_block(blocks, block, &error);
            pthread_mutex_lock(&blocks->synced.lock);
            blocks->synced.error = error;
        }
        block->state = FREE;
        pthread_cond_signal(&blocks->synced.freed);
    }
    pthread_mutex_unlock(&blocks->synced.lock);
    return NULL;
}

struct scoop_file_blocks *scoop_file_blocks_new(int fd, const char *path,
                                                struct scoop_error *error) {
    struct scoop_file_blocks *blocks = scoop_calloc(1, sizeof *blocks);
    if (blocks == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    blocks->fd = fd;
    blocks->path = path;
    pthread_mutex_init(&blocks->synced.lock, NULL);
    pthread_cond_init(&blocks->synced.filled, NULL);
    pthread_cond_init(&blocks->synced.freed, NULL);
    return blocks;
}

void scoop_file_blocks_free(struct scoop_file_blocks *blocks) {
    if (blocks == NULL)
        return;
    if (blocks->started) {
        pthread_mutex_lock(&blocks->synced.lock);
        blocks->synced.stopped = true;
        pthread_cond_signal(&blocks->synced.filled);
        pthread_mutex_unlock(&blocks->synced.lock);
        pthread_join(blocks->thread, NULL);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        scoop_free(blocks->synced.blocks[i].data);
    pthread_cond_destroy(&blocks->synced.filled);
    pthread_cond_destroy(&blocks->synced.freed);
    pthread_mutex_destroy(&blocks->synced.lock);
    scoop_free(blocks);
}

/* Without a thread each block is waited for. */
static void start(struct scoop_file_blocks *blocks) {
    if (!blocks->started)
        blocks->started = scoop_thread_start(&blocks->thread, write_blocks, blocks);
}

/* To the thread, or to the disk where there is none. */
static int hand_over_synced(struct scoop_file_blocks *blocks, struct block *block,
                            struct scoop_error *error) {
    start(blocks);
    if (!blocks->started) {
        block->state = FREE;
        return write_block(blocks, block, error);
    }
    block->state = FULL;
    block->turn = blocks->synced.turns++;
    pthread_cond_signal(&blocks->synced.filled);
    return 0;
}

/* The block that ends at the offset, or a free one; without either NULL, and *fullest the one to
 * hand over, NULL when all are the thread's. */
static struct block *find_synced(struct scoop_file_blocks *blocks, uint64_t offset,
                                 struct block **fullest) {
    struct block *free_one = NULL;
    *fullest = NULL;
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block *block = &blocks->synced.blocks[i];
        if (block->state == FILLING && block->offset + block->length == offset)
            return block;
        if (block->state == FREE)
            free_one = block;
        else if (block->state == FILLING &&
                 (*fullest == NULL || block->length > (*fullest)->length))
            *fullest = block;
    }
    return free_one;
}

/* A block to append to at the offset. NULL with *error. */
static struct block *block_for_synced(struct scoop_file_blocks *blocks, uint64_t offset,
                                      struct scoop_error *error) {
    struct block *fullest, *block;
    while (blocks->synced.error.code == SCOOP_OK &&
           (block = find_synced(blocks, offset, &fullest)) == NULL) {
        if (fullest != NULL && hand_over_synced(blocks, fullest, error) != 0)
            return NULL;
        if (blocks->started)
            pthread_cond_wait(&blocks->synced.freed, &blocks->synced.lock);
    }
    if (blocks->synced.error.code != SCOOP_OK) {
        *error = blocks->synced.error;
        return NULL;
    }
    if (block->data == NULL && (block->data = scoop_malloc(BLOCK_BYTES)) == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    if (block->state == FREE) {
        block->state = FILLING;
        block->offset = offset;
        block->length = 0;
    }
    return block;
}

int scoop_file_blocks_put(struct scoop_file_blocks *blocks, uint64_t offset, const void *data,
                          size_t length, struct scoop_error *error) {
    const unsigned char *bytes = data;
    int status = 0;
    pthread_mutex_lock(&blocks->synced.lock);
    while (length > 0 && status == 0) {
        struct block *block = block_for_synced(blocks, offset, error);
        if (block == NULL) {
            status = -1;
            break;
        }
        if (!SCOOP_INVARIANT(block->state == FILLING && block->length < BLOCK_BYTES, error)) {
            status = -1;
            break;
        }
        size_t room = BLOCK_BYTES - block->length, count = length < room ? length : room;
        pthread_mutex_unlock(&blocks->synced.lock); /* a block that is FILLING is the caller's */
        memcpy(block->data + block->length, bytes, count);
        pthread_mutex_lock(&blocks->synced.lock);
        block->length += count;
        bytes += count;
        offset += count;
        length -= count;
        if (block->length == BLOCK_BYTES)
            status = hand_over_synced(blocks, block, error);
    }
    pthread_mutex_unlock(&blocks->synced.lock);
    return status;
}

/* Little that never filled a block needs no thread. */
static int write_here(struct scoop_file_blocks *blocks, struct scoop_error *error) {
    for (size_t i = 0; i < BLOCKS; i++) {
        struct block *block = &blocks->synced.blocks[i];
        if (block->state == FILLING && write_block(blocks, block, error) != 0)
            return -1;
        block->state = FREE;
    }
    return 0;
}

static bool any_full_synced(const struct scoop_file_blocks *blocks) {
    for (size_t i = 0; i < BLOCKS; i++)
        if (blocks->synced.blocks[i].state == FULL)
            return true;
    return false;
}

int scoop_file_blocks_flush(struct scoop_file_blocks *blocks, struct scoop_error *error) {
    if (!blocks->started)
        return write_here(blocks, error);
    pthread_mutex_lock(&blocks->synced.lock);
    for (size_t i = 0; i < BLOCKS; i++)
        if (blocks->synced.blocks[i].state == FILLING)
            hand_over_synced(blocks, &blocks->synced.blocks[i], error); /* it has its thread */
    while (any_full_synced(blocks))
        pthread_cond_wait(&blocks->synced.freed, &blocks->synced.lock);
    bool failed = blocks->synced.error.code != SCOOP_OK;
    if (failed)
        *error = blocks->synced.error;
    pthread_mutex_unlock(&blocks->synced.lock);
    return failed ? -1 : 0;
}
