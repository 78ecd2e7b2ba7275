/* The lines of changes for one who writes them: blocks of changes are made into lines by the
 * owner's thread and another one, and come out in order. */
#include <pthread.h>

#include "base/invariant.h"
#include "base/thread.h"
#include "scoop/memory.h"
#include "table/changes/changes.h"

enum {
    SLOTS = 4,
    PART_BYTES = 1024 * 1024, /* more lines of one block come in parts */
    JSON_CEILING = 1 << 30,
    BLOCKS_FOR_A_THREAD = 3,
};

enum slot_state { IDLE, TO_MAKE, MAKING, MADE };

/* One block on its way. Whoever makes it has all but the state to himself meanwhile. */
struct slot {
    enum slot_state state;
    int status; /* MADE: 1, the block has more; 0, that was all of it; -1 with the error */
    struct scoop_changes_reader *reader;
    struct scoop_buf json;
    struct scoop_error error;
};

struct scoop_change_blocks {
    size_t count; /* of blocks */
    bool lent;    /* the first slot's lines */
    bool started;
    pthread_t thread;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t wanted; /* there is one to make */
        pthread_cond_t made;
        struct slot slots[SLOTS]; /* a ring: block n is in slot n % SLOTS */
        size_t first;             /* the block that comes out next */
        bool stopped;
    } synced;
};

static struct slot *slot_of(struct scoop_change_blocks *blocks, size_t block) {
    return &blocks->synced.slots[block % SLOTS];
}

/* The first one that nobody makes yet, or NULL. */
static struct slot *next_to_make_synced(struct scoop_change_blocks *blocks) {
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = slot_of(blocks, blocks->synced.first + i);
        if (slot->state == TO_MAKE)
            return slot;
    }
    return NULL;
}

static void make_synced(struct scoop_change_blocks *blocks, struct slot *slot) {
    slot->state = MAKING;
    pthread_mutex_unlock(&blocks->synced.lock);
    slot->json.length = 0;
    slot->status = scoop_changes_read_json(slot->reader, PART_BYTES, &slot->json, &slot->error);
    pthread_mutex_lock(&blocks->synced.lock);
    slot->state = MADE;
}

static void *make_blocks(void *user) {
    struct scoop_change_blocks *blocks = user;
    pthread_mutex_lock(&blocks->synced.lock);
    while (!blocks->synced.stopped) {
        struct slot *slot = next_to_make_synced(blocks);
        if (slot == NULL) {
            pthread_cond_wait(&blocks->synced.wanted, &blocks->synced.lock);
            continue;
        }
        make_synced(blocks, slot);
        pthread_cond_signal(&blocks->synced.made);
    }
    pthread_mutex_unlock(&blocks->synced.lock);
    return NULL;
}

static void take_block(struct scoop_change_blocks *blocks, size_t block) {
    struct slot *slot = slot_of(blocks, block);
    slot->state = block < blocks->count ? TO_MAKE : IDLE;
    if (slot->state == TO_MAKE)
        scoop_changes_reader_take(slot->reader, block);
}

static int set_up(struct scoop_change_blocks *blocks, struct scoop_changes *changes,
                  struct scoop_error *error) {
    blocks->count = scoop_changes_blocks(changes);
    for (size_t i = 0; i < SLOTS && i < blocks->count; i++) {
        struct slot *slot = slot_of(blocks, i);
        slot->reader = scoop_changes_reader_new(changes, error);
        if (slot->reader == NULL)
            return -1;
        take_block(blocks, i);
    }
    if (blocks->count < BLOCKS_FOR_A_THREAD || scoop_processors() == 1)
        return 0;
    /* Without it, it takes longer. */
    blocks->started = scoop_thread_start(&blocks->thread, make_blocks, blocks);
    return 0;
}

struct scoop_change_blocks *scoop_change_blocks_new(struct scoop_changes *changes,
                                                    struct scoop_error *error) {
    struct scoop_change_blocks *blocks = scoop_calloc(1, sizeof *blocks);
    if (blocks == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    pthread_mutex_init(&blocks->synced.lock, NULL);
    pthread_cond_init(&blocks->synced.wanted, NULL);
    pthread_cond_init(&blocks->synced.made, NULL);
    for (size_t i = 0; i < SLOTS; i++)
        scoop_buf_init(&blocks->synced.slots[i].json, JSON_CEILING);
    if (set_up(blocks, changes, error) == 0)
        return blocks;
    scoop_change_blocks_free(blocks);
    return NULL;
}

void scoop_change_blocks_free(struct scoop_change_blocks *blocks) {
    if (blocks == NULL)
        return;
    if (blocks->started) {
        pthread_mutex_lock(&blocks->synced.lock);
        blocks->synced.stopped = true;
        pthread_cond_signal(&blocks->synced.wanted);
        pthread_mutex_unlock(&blocks->synced.lock);
        pthread_join(blocks->thread, NULL);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        scoop_changes_reader_free(blocks->synced.slots[i].reader);
        scoop_buf_free(&blocks->synced.slots[i].json);
    }
    pthread_cond_destroy(&blocks->synced.made);
    pthread_cond_destroy(&blocks->synced.wanted);
    pthread_mutex_destroy(&blocks->synced.lock);
    scoop_free(blocks);
}

/* The first slot's lines are used: it makes the block's next ones, or those of a block ahead. */
static void give_back_synced(struct scoop_change_blocks *blocks) {
    struct slot *slot = slot_of(blocks, blocks->synced.first);
    if (!SCOOP_INVARIANT(slot->state == MADE, NULL))
        return;
    if (slot->status == 1)
        slot->state = TO_MAKE;
    else
        take_block(blocks, blocks->synced.first++ + SLOTS);
    pthread_cond_signal(&blocks->synced.wanted);
}

/* Makes lines until the first slot's are there. */
static void await_first_synced(struct scoop_change_blocks *blocks) {
    while (slot_of(blocks, blocks->synced.first)->state != MADE) {
        struct slot *slot = next_to_make_synced(blocks);
        if (slot != NULL)
            make_synced(blocks, slot);
        else
            pthread_cond_wait(&blocks->synced.made, &blocks->synced.lock);
    }
}

int scoop_change_blocks_next(struct scoop_change_blocks *blocks, const unsigned char **data,
                             size_t *length, struct scoop_error *error) {
    struct slot *slot = NULL;
    pthread_mutex_lock(&blocks->synced.lock);
    if (blocks->lent)
        give_back_synced(blocks);
    blocks->lent = false;
    while (blocks->synced.first < blocks->count) {
        await_first_synced(blocks);
        slot = slot_of(blocks, blocks->synced.first);
        if (slot->status < 0 || slot->json.length > 0)
            break;
        give_back_synced(blocks); /* the part before ended with the block */
        slot = NULL;
    }
    blocks->lent = slot != NULL && slot->status >= 0;
    pthread_mutex_unlock(&blocks->synced.lock);
    if (slot == NULL)
        return 0;
    if (!blocks->lent) {
        *error = slot->error;
        return -1;
    }
    *data = slot->json.data;
    *length = slot->json.length;
    return 1;
}
