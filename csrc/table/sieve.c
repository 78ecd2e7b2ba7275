#include "sieve.h"

#include <string.h>

#include "scoop/memory.h"

enum {
    BLOCK_BYTES = 256 * 1024,
    RECENT_PART = 4, /* of the memory, for recent rows */
    FEW_GONE = 4,    /* a block is not sifted when less than this part of its rows would go */
    ROWS_A_CALL = 4096,
    FIRST_VERDICT_BYTES = 4096,
    MOST_EXTRAS = 3, /* that are told */
    MOST_RECENT = 4096,
};

/* Of a row that has a number: two bits, four rows a byte. */
enum verdict {
    SAME,  /* the other export has it, too */
    GONE,  /* so it was not written to the log */
    ALONE, /* the other export has no row of its key, as far as is known */
    PAIR,  /* the other export has another row of its key */
};

/* What stands for a row in the join of keys; it is compared by its digest. */
struct stub {
    struct scoop_key_hash digest;
    uint64_t number; /* of the row in the log */
};

enum phase { MATCHING, READING, PAIRING };

struct scoop_sieve {
    struct scoop_join_options options;
    enum phase phase;
    struct scoop_join *keys;    /* until READING */
    struct scoop_join *pairs;   /* from READING on: rows whose counterpart differs */
    struct scoop_spool log;     /* older rows, but for those that were GONE by then */
    struct scoop_spool *recent; /* a ring of blocks in memory, of the rows after them */
    size_t recent_most, recent_first, recent_count;
    size_t recent_bytes;
    uint64_t oldest; /* the number of the first recent row */
    unsigned char *verdicts;
    size_t verdict_bytes;
    size_t beside_bytes; /* of the memory: all but the joins' */
    uint64_t now;        /* the number of the row under way */
    struct scoop_row_bytes row;
    uint64_t extras[MOST_EXTRAS]; /* rows with a key of their own export, found after the log */
    unsigned extra_count;
    uint64_t spilled_rows;
    size_t next_recent; /* block to be read */
    struct scoop_spool_reader reader;
};

static enum verdict verdict_of(const struct scoop_sieve *sieve, uint64_t number) {
    return (enum verdict)(sieve->verdicts[number / 4] >> number % 4 * 2 & 3);
}

static void set_verdict(struct scoop_sieve *sieve, uint64_t number, enum verdict verdict) {
    unsigned shift = number % 4 * 2;
    unsigned char *byte = &sieve->verdicts[number / 4];
    *byte = (unsigned char)((*byte & ~(3u << shift)) | (unsigned)verdict << shift);
}

static uint64_t number_of(const struct scoop_row_bytes *bytes) {
    struct stub stub;
    memcpy(&stub, bytes->data, sizeof stub);
    return stub.number;
}

static void on_pair(void *user, const struct scoop_row_bytes *before,
                    const struct scoop_row_bytes *now, bool equal) {
    struct scoop_sieve *sieve = user;
    set_verdict(sieve, number_of(before), equal ? SAME : PAIR);
    set_verdict(sieve, number_of(now), equal ? SAME : PAIR);
    if (equal)
        sieve->options.counts->unchanged++;
}

/* The row under way is told at once, and not kept; of one in the log the text is read later. */
static void on_extra(void *user, enum scoop_side side, const struct scoop_row_bytes *bytes,
                     uint64_t line) {
    struct scoop_sieve *sieve = user;
    uint64_t number = number_of(bytes);
    set_verdict(sieve, number, SAME);
    if (sieve->row.data == NULL) {
        if (sieve->extra_count < MOST_EXTRAS)
            sieve->extras[sieve->extra_count++] = number;
    } else if (sieve->options.on_duplicate != NULL) {
        sieve->options.on_duplicate(sieve->options.user, side, &sieve->row, line);
    }
}

static void count_beside(struct scoop_sieve *sieve) {
    sieve->beside_bytes = sieve->recent_bytes + sieve->verdict_bytes;
}

static struct scoop_spool *recent_block(const struct scoop_sieve *sieve, size_t index) {
    return &sieve->recent[(sieve->recent_first + index) % sieve->recent_most];
}

/* Copies the rows of a block that are not gone. */
static int sift(struct scoop_sieve *sieve, struct scoop_spool *block, struct scoop_error *error) {
    struct scoop_spool_reader reader;
    struct scoop_record record;
    uint64_t number = sieve->oldest;
    int status;
    scoop_spool_reader_init(&reader, block);
    while ((status = scoop_spool_reader_next(&reader, &record, error)) > 0) {
        if (verdict_of(sieve, number) == SAME)
            set_verdict(sieve, number, GONE);
        else if (scoop_spool_add(&sieve->log, &record, error) != 0)
            status = -1;
        if (status < 0)
            break;
        number++;
    }
    scoop_spool_reader_free(&reader);
    scoop_spool_clear(block);
    return status;
}

/* The oldest block goes to the log. */
static int retire(struct scoop_sieve *sieve, struct scoop_error *error) {
    struct scoop_spool *block = recent_block(sieve, 0);
    uint64_t end = sieve->oldest + block->records, same = 0;
    for (uint64_t number = sieve->oldest; number < end; number++)
        same += verdict_of(sieve, number) == SAME;
    sieve->recent_bytes -= block->tail.length;
    int status = same < block->records / FEW_GONE ? scoop_spool_take_over(&sieve->log, block, error)
                                                  : sift(sieve, block, error);
    sieve->oldest = end;
    if (block->tail.capacity > 2 * BLOCK_BYTES)
        scoop_spool_free(block); /* it had a very long row */
    if (sieve->recent_count-- > 1)
        sieve->recent_first = (sieve->recent_first + 1) % sieve->recent_most;
    count_beside(sieve);
    return status;
}

/* Recent rows give way to keys. */
static int give_room(void *user, struct scoop_error *error) {
    struct scoop_sieve *sieve = user;
    while (sieve->recent_count > 0)
        if (retire(sieve, error) != 0)
            return -1;
    for (size_t i = 0; i < sieve->recent_most; i++)
        scoop_spool_free(&sieve->recent[i]);
    sieve->recent_most = 1;
    sieve->recent_first = 0;
    return 1;
}

static int make_recent(struct scoop_sieve *sieve, struct scoop_error *error) {
    size_t blocks = sieve->options.memory_bytes / RECENT_PART / BLOCK_BYTES;
    sieve->recent_most = blocks == 0 ? 1 : blocks < MOST_RECENT ? blocks : MOST_RECENT;
    sieve->recent = scoop_calloc(sieve->recent_most, sizeof *sieve->recent);
    if (sieve->recent == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < sieve->recent_most; i++)
        scoop_spool_init(&sieve->recent[i], sieve->options.scratch, SIZE_MAX);
    return 0;
}

struct scoop_sieve *scoop_sieve_new(const struct scoop_join_options *options,
                                    struct scoop_error *error) {
    struct scoop_sieve *sieve = scoop_calloc(1, sizeof *sieve);
    if (sieve == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    sieve->options = *options;
    scoop_spool_init(&sieve->log, options->scratch, BLOCK_BYTES);
    struct scoop_join_options keys = *options;
    keys.on_pair = on_pair;
    keys.on_duplicate = on_extra;
    keys.beside_bytes = &sieve->beside_bytes;
    keys.give_room = give_room;
    keys.user = sieve;
    if (make_recent(sieve, error) == 0)
        sieve->keys = scoop_join_new(&keys, error);
    if (sieve->keys != NULL)
        return sieve;
    scoop_sieve_free(sieve);
    return NULL;
}

void scoop_sieve_free(struct scoop_sieve *sieve) {
    if (sieve == NULL)
        return;
    scoop_spool_reader_free(&sieve->reader);
    scoop_join_free(sieve->keys);
    scoop_join_free(sieve->pairs);
    scoop_spool_free(&sieve->log);
    for (size_t i = 0; sieve->recent != NULL && i < sieve->recent_most; i++)
        scoop_spool_free(&sieve->recent[i]);
    scoop_free(sieve->recent);
    scoop_free(sieve->verdicts);
    scoop_free(sieve);
}

struct scoop_join *scoop_sieve_keys(struct scoop_sieve *sieve) {
    return sieve->keys;
}

static int grow_verdicts(struct scoop_sieve *sieve, struct scoop_error *error) {
    size_t bytes = sieve->verdict_bytes == 0 ? FIRST_VERDICT_BYTES
                                             : sieve->verdict_bytes + sieve->verdict_bytes / 2;
    unsigned char *grown = scoop_realloc(sieve->verdicts, bytes);
    if (grown == NULL)
        return scoop_fail_memory(error);
    sieve->verdicts = grown;
    sieve->verdict_bytes = bytes;
    count_beside(sieve);
    return 0;
}

/* The block to write a row of so many bytes to. NULL with *error. */
static struct scoop_spool *ready_block(struct scoop_sieve *sieve, size_t row_bytes,
                                       struct scoop_error *error) {
    size_t others = scoop_join_bytes(sieve->keys) + sieve->verdict_bytes;
    if (sieve->recent_count > 0) {
        struct scoop_spool *block = recent_block(sieve, sieve->recent_count - 1);
        if (block->tail.length + row_bytes <= BLOCK_BYTES)
            return block;
    }
    while (sieve->recent_count > 0 &&
           (sieve->recent_count == sieve->recent_most ||
            others + sieve->recent_bytes + BLOCK_BYTES > sieve->options.memory_bytes))
        if (retire(sieve, error) != 0)
            return NULL;
    return recent_block(sieve, sieve->recent_count++);
}

static int keep_row(struct scoop_sieve *sieve, enum scoop_side side, struct scoop_key_hash hash,
                    const struct scoop_row_bytes *row, struct scoop_error *error) {
    const struct scoop_record record = {
        .kind = side == SCOOP_OLD ? SCOOP_RECORD_OLD : SCOOP_RECORD_NEW, .hash = hash, .row = *row};
    struct scoop_spool *block = ready_block(sieve, row->length, error);
    if (block == NULL)
        return -1;
    size_t before = block->tail.length;
    if (scoop_spool_add(block, &record, error) != 0)
        return -1;
    sieve->recent_bytes += block->tail.length - before;
    count_beside(sieve);
    return 0;
}

int scoop_sieve_add(struct scoop_sieve *sieve, enum scoop_side side, struct scoop_key_hash hash,
                    struct scoop_key_hash digest, const struct scoop_row_bytes *row, uint64_t line,
                    struct scoop_error *error) {
    struct stub stub = {digest, sieve->now};
    struct scoop_row_bytes bytes = {(const unsigned char *)&stub, sizeof stub, sizeof stub.digest};
    if (sieve->now / 4 == sieve->verdict_bytes && grow_verdicts(sieve, error) != 0)
        return -1;
    set_verdict(sieve, sieve->now, ALONE);
    sieve->row = *row;
    int status = scoop_join_add(sieve->keys, side, hash, &bytes, line, error);
    sieve->row.data = NULL;
    if (status != 0 || verdict_of(sieve, sieve->now) == SAME)
        return status;
    sieve->now++;
    return keep_row(sieve, side, hash, row, error);
}

static int begin_reading(struct scoop_sieve *sieve, struct scoop_error *error) {
    struct scoop_join_options options = sieve->options;
    sieve->spilled_rows = scoop_join_spilled(sieve->keys);
    scoop_join_free(sieve->keys);
    sieve->keys = NULL;
    options.beside_bytes = &sieve->beside_bytes;
    sieve->pairs = scoop_join_new(&options, error);
    sieve->phase = READING;
    sieve->now = 0;
    scoop_spool_reader_init(&sieve->reader, &sieve->log);
    return sieve->pairs == NULL ? -1 : 1;
}

static void tell_extra(const struct scoop_sieve *sieve, uint64_t number, enum scoop_side side,
                       const struct scoop_row_bytes *row) {
    for (unsigned i = 0; i < sieve->extra_count; i++)
        if (sieve->extras[i] == number && sieve->options.on_duplicate != NULL)
            sieve->options.on_duplicate(sieve->options.user, side, row, 0);
}

static int settle(struct scoop_sieve *sieve, const struct scoop_record *record,
                  struct scoop_error *error) {
    const struct scoop_join_options *options = &sieve->options;
    enum scoop_side side = record->kind == SCOOP_RECORD_OLD ? SCOOP_OLD : SCOOP_NEW;
    while (verdict_of(sieve, sieve->now) == GONE)
        sieve->now++;
    uint64_t number = sieve->now++;
    switch (verdict_of(sieve, number)) {
    case ALONE:
        return scoop_settle_one(options->changes, options->counts, side, record->hash, &record->row,
                                error);
    case PAIR:
        return scoop_join_add(sieve->pairs, side, record->hash, &record->row, 0, error);
    default:
        tell_extra(sieve, number, side, &record->row);
        return 0;
    }
}

/* The log, then the recent blocks. */
static int next_record(struct scoop_sieve *sieve, struct scoop_record *record,
                       struct scoop_error *error) {
    int status;
    while ((status = scoop_spool_reader_next(&sieve->reader, record, error)) == 0) {
        if (sieve->next_recent == sieve->recent_count)
            return 0;
        scoop_spool_reader_free(&sieve->reader);
        scoop_spool_reader_init(&sieve->reader, recent_block(sieve, sieve->next_recent++));
    }
    return status;
}

static int read_some(struct scoop_sieve *sieve, struct scoop_error *error) {
    struct scoop_record record;
    for (int i = 0; i < ROWS_A_CALL; i++) {
        int status = next_record(sieve, &record, error);
        if (status == 0)
            sieve->phase = PAIRING;
        if (status <= 0)
            return status < 0 ? -1 : 1;
        if (settle(sieve, &record, error) != 0)
            return -1;
    }
    return 1;
}

int scoop_sieve_finish(struct scoop_sieve *sieve, struct scoop_error *error) {
    int status;
    switch (sieve->phase) {
    case MATCHING:
        status = scoop_join_finish(sieve->keys, error);
        return status == 0 ? begin_reading(sieve, error) : status;
    case READING:
        return read_some(sieve, error);
    case PAIRING:
        break;
    }
    return scoop_join_finish(sieve->pairs, error);
}

uint64_t scoop_sieve_spilled(const struct scoop_sieve *sieve) {
    const struct scoop_join *join = sieve->keys != NULL ? sieve->keys : sieve->pairs;
    return sieve->spilled_rows + (join == NULL ? 0 : scoop_join_spilled(join));
}
