#include "sieve.h"

#include <string.h>

#include "scoop/memory.h"

enum { LOG_BLOCK_BYTES = 256 * 1024, ROWS_A_CALL = 4096, FIRST_VERDICT_BYTES = 4096, LOG_PART = 4 };

/* Of a row in the log: two bits, four rows a byte. */
enum verdict {
    SAME,  /* the other export has it, too */
    ALONE, /* the other export has no row of its key, as far as is known */
    PAIR,  /* the other export has another row of its key */
    EXTRA, /* its own export has a row of its key */
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
    struct scoop_join *keys;  /* until READING */
    struct scoop_join *pairs; /* from READING on: rows whose counterpart differs */
    struct scoop_spool log;
    unsigned char *verdicts;
    size_t verdict_bytes;
    size_t beside_bytes; /* of the memory: all but the joins' */
    bool log_to_file;
    uint64_t now; /* the number of the row under way */
    struct scoop_row_bytes row;
    uint64_t line;
    uint64_t spilled_rows;
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

/* The row under way is told at once, and not kept; of one in the log its text is read later. */
static void on_extra(void *user, enum scoop_side side, const struct scoop_row_bytes *bytes,
                     uint64_t line) {
    struct scoop_sieve *sieve = user;
    uint64_t number = number_of(bytes);
    bool under_way = sieve->row.data != NULL && number == sieve->now;
    set_verdict(sieve, number, under_way ? SAME : EXTRA);
    if (under_way && sieve->options.on_duplicate != NULL)
        sieve->options.on_duplicate(sieve->options.user, side, &sieve->row, line);
}

static void count_beside(struct scoop_sieve *sieve) {
    sieve->beside_bytes = sieve->log.held_bytes + sieve->verdict_bytes;
}

/* The log gives way to keys. */
static int give_room(void *user, struct scoop_error *error) {
    struct scoop_sieve *sieve = user;
    bool any = sieve->log.held_bytes > 0;
    sieve->log_to_file = true;
    sieve->log.hold_bytes = 0;
    if (scoop_spool_write_held(&sieve->log, error) != 0)
        return -1;
    count_beside(sieve);
    return any;
}

struct scoop_sieve *scoop_sieve_new(const struct scoop_join_options *options,
                                    struct scoop_error *error) {
    struct scoop_sieve *sieve = scoop_calloc(1, sizeof *sieve);
    if (sieve == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    sieve->options = *options;
    scoop_spool_init(&sieve->log, options->scratch, LOG_BLOCK_BYTES);
    struct scoop_join_options keys = *options;
    keys.on_pair = on_pair;
    keys.on_duplicate = on_extra;
    keys.beside_bytes = &sieve->beside_bytes;
    keys.give_room = give_room;
    keys.user = sieve;
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

/* Into memory as far as there is room beside the keys. */
static int write_log(struct scoop_sieve *sieve, enum scoop_side side, struct scoop_key_hash hash,
                     const struct scoop_row_bytes *row, struct scoop_error *error) {
    const struct scoop_record record = {
        .kind = side == SCOOP_OLD ? SCOOP_RECORD_OLD : SCOOP_RECORD_NEW, .hash = hash, .row = *row};
    size_t taken = scoop_join_bytes(sieve->keys) + sieve->verdict_bytes;
    size_t most = sieve->options.memory_bytes / LOG_PART;
    bool fits = !sieve->log_to_file && taken + most <= sieve->options.memory_bytes;
    sieve->log.hold_bytes = fits ? most : 0;
    if (scoop_spool_add(&sieve->log, &record, error) != 0)
        return -1;
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
    return write_log(sieve, side, hash, row, error);
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

static int settle(struct scoop_sieve *sieve, const struct scoop_record *record,
                  struct scoop_error *error) {
    const struct scoop_join_options *options = &sieve->options;
    enum scoop_side side = record->kind == SCOOP_RECORD_OLD ? SCOOP_OLD : SCOOP_NEW;
    switch (verdict_of(sieve, sieve->now++)) {
    case SAME:
        break;
    case ALONE:
        return scoop_settle_one(options->changes, options->counts, side, record->hash, &record->row,
                                error);
    case PAIR:
        return scoop_join_add(sieve->pairs, side, record->hash, &record->row, 0, error);
    case EXTRA:
        if (options->on_duplicate != NULL)
            options->on_duplicate(options->user, side, &record->row, 0);
    }
    return 0;
}

static int read_some(struct scoop_sieve *sieve, struct scoop_error *error) {
    struct scoop_record record;
    for (int i = 0; i < ROWS_A_CALL; i++) {
        int status = scoop_spool_reader_next(&sieve->reader, &record, error);
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
