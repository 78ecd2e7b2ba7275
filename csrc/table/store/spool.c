#include "table/store/spool.h"

#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"

enum { BLOCK_CEILING = 1 << 30, MOST_HEADER_BYTES = 1 + 4 * 5 + 16 + 10, HASHED = 128 };

void scoop_spool_init(struct scoop_spool *spool, struct scoop_scratch *scratch,
                      size_t block_bytes) {
    memset(spool, 0, sizeof *spool);
    spool->scratch = scratch;
    spool->block_bytes = block_bytes;
    scoop_buf_init(&spool->tail, BLOCK_CEILING);
}

void scoop_spool_free(struct scoop_spool *spool) {
    scoop_buf_free(&spool->tail);
    scoop_free(spool->blocks);
    spool->blocks = NULL;
    spool->count = spool->capacity = 0;
}

void scoop_spool_clear(struct scoop_spool *spool) {
    spool->tail.length = spool->count = 0;
    spool->records = 0;
}

static struct scoop_scratch_block *new_block(struct scoop_spool *spool, struct scoop_error *error) {
    if (spool->count == spool->capacity) {
        size_t capacity = spool->capacity == 0 ? 16 : spool->capacity * 2;
        struct scoop_scratch_block *grown = scoop_realloc(spool->blocks, capacity * sizeof *grown);
        if (grown == NULL) {
            scoop_fail_memory(error);
            return NULL;
        }
        spool->blocks = grown;
        spool->capacity = capacity;
    }
    return &spool->blocks[spool->count];
}

static int flush(struct scoop_spool *spool, struct scoop_error *error) {
    struct iovec piece = {spool->tail.data, spool->tail.length};
    struct scoop_scratch_block *block = new_block(spool, error);
    if (block == NULL || scoop_scratch_write_block(spool->scratch, &piece, 1, block, error) != 0)
        return -1;
    spool->count++;
    spool->tail.length = 0;
    if (spool->tail.capacity > 2 * spool->block_bytes)
        scoop_buf_free(&spool->tail); /* it had a long record: there are hundreds of spools */
    return 0;
}

int scoop_spool_flush(struct scoop_spool *spool, struct scoop_error *error) {
    if (spool->tail.length > 0 && flush(spool, error) != 0)
        return -1;
    scoop_buf_free(&spool->tail);
    return 0;
}

static unsigned char *put_number(unsigned char *at, uint64_t number) {
    for (; number >= 128; number >>= 7)
        *at++ = (unsigned char)(number | 128);
    *at++ = (unsigned char)number;
    return at;
}

static const unsigned char *get_long(const unsigned char *at, uint64_t *number) {
    unsigned shift = 0;
    for (*number = 0; *at >= 128; shift += 7)
        *number |= (uint64_t)(*at++ & 127) << shift;
    *number |= (uint64_t)*at++ << shift;
    return at;
}

static const unsigned char *get_number(const unsigned char *at, uint32_t *number) {
    uint64_t value;
    at = get_long(at, &value);
    *number = (uint32_t)value;
    return at;
}

static unsigned char *put_bytes(unsigned char *at, const void *data, size_t length) {
    if (length > 0)
        memcpy(at, data, length);
    return at + length;
}

static unsigned char *put_row_size(unsigned char *at, const struct scoop_row_bytes *row) {
    return put_number(put_number(at, row->length), row->length - row->compared);
}

/* Room for a record of at most `most` bytes; NULL with *error. */
static unsigned char *make_room(struct scoop_spool *spool, size_t most, struct scoop_error *error) {
    if (spool->tail.length > 0 && spool->tail.length + most > spool->block_bytes &&
        flush(spool, error) != 0)
        return NULL;
    if (scoop_buf_reserve(&spool->tail, most, error) != 0)
        return NULL;
    return spool->tail.data + spool->tail.length;
}

static int end_record(struct scoop_spool *spool, const unsigned char *at,
                      struct scoop_error *error) {
    spool->tail.length = (size_t)(at - spool->tail.data);
    if (!SCOOP_INVARIANT(spool->tail.length <= spool->tail.capacity, error))
        return -1;
    spool->records++;
    return spool->tail.length > spool->block_bytes ? flush(spool, error) : 0;
}

int scoop_spool_add_suffix(struct scoop_spool *spool, uint32_t number, const void *data,
                           uint32_t length, struct scoop_error *error) {
    unsigned char *at = make_room(spool, MOST_HEADER_BYTES + length, error);
    if (at == NULL)
        return -1;
    *at++ = SCOOP_RECORD_SUFFIX;
    at = put_number(put_number(at, length), number);
    return end_record(spool, put_bytes(at, data, length), error);
}

int scoop_spool_add(struct scoop_spool *spool, const struct scoop_record *record,
                    struct scoop_error *error) {
    bool two = record->kind == SCOOP_RECORD_UPDATED;
    bool one = record->kind != SCOOP_RECORD_MATCHED;
    size_t most = MOST_HEADER_BYTES + (one ? record->row.length : 0) +
                  (two ? (size_t)record->row_now.length : 0);
    unsigned char *at = make_room(spool, most, error);
    if (at == NULL)
        return -1;
    bool hashed = !two && (record->hash.high | record->hash.low) != 0;
    *at++ = (unsigned char)(record->kind | (hashed ? HASHED : 0));
    if (hashed)
        at = put_bytes(at, &record->hash, sizeof record->hash);
    if (one)
        at = put_row_size(put_number(at, record->number), &record->row);
    if (two)
        at = put_row_size(at, &record->row_now);
    if (one)
        at = put_bytes(at, record->row.data, record->row.length);
    if (two)
        at = put_bytes(at, record->row_now.data, record->row_now.length);
    return end_record(spool, at, error);
}

void scoop_spool_reader_init(struct scoop_spool_reader *reader, const struct scoop_spool *spool) {
    memset(reader, 0, sizeof *reader);
    reader->spool = spool;
    scoop_buf_init(&reader->block, BLOCK_CEILING);
}

void scoop_spool_reader_free(struct scoop_spool_reader *reader) {
    scoop_buf_free(&reader->block);
}

static int load(struct scoop_spool_reader *reader, const struct scoop_scratch_block *block,
                struct scoop_error *error) {
    if (scoop_scratch_read_block(reader->spool->scratch, block, &reader->block, error) != 0)
        return -1;
    reader->at = reader->block.data;
    reader->end = reader->at + reader->block.length;
    return 1;
}

static int next_block(struct scoop_spool_reader *reader, struct scoop_error *error) {
    const struct scoop_spool *spool = reader->spool;
    if (reader->next_block < spool->count)
        return load(reader, &spool->blocks[reader->next_block++], error);
    if (reader->next_block > spool->count || spool->tail.length == 0)
        return 0;
    reader->next_block = spool->count + 1;
    reader->at = spool->tail.data;
    reader->end = reader->at + spool->tail.length;
    return 1;
}

static const unsigned char *get_row_size(const unsigned char *at, struct scoop_row_bytes *row) {
    uint32_t beyond;
    at = get_number(get_number(at, &row->length), &beyond);
    row->compared = row->length - beyond;
    return at;
}

uint64_t scoop_spool_bytes(const struct scoop_spool *spool) {
    uint64_t bytes = spool->tail.length;
    for (size_t i = 0; i < spool->count; i++)
        bytes += spool->blocks[i].bytes;
    return bytes;
}

const unsigned char *scoop_spool_decode(const unsigned char *at, struct scoop_record *record) {
    memset(record, 0, sizeof *record);
    bool hashed = (*at & HASHED) != 0;
    record->kind = (enum scoop_record_kind)(*at++ & ~HASHED);
    if (hashed) {
        memcpy(&record->hash, at, sizeof record->hash);
        at += sizeof record->hash;
    }
    if (record->kind == SCOOP_RECORD_SUFFIX)
        at = get_number(get_number(at, &record->row.length), &record->row.compared);
    else if (record->kind != SCOOP_RECORD_MATCHED)
        at = get_row_size(get_long(at, &record->number), &record->row);
    if (record->kind == SCOOP_RECORD_UPDATED)
        at = get_row_size(at, &record->row_now);
    record->row.data = at;
    record->row_now.data = at + record->row.length;
    return record->row_now.data + record->row_now.length;
}

int scoop_spool_reader_next(struct scoop_spool_reader *reader, struct scoop_record *record,
                            struct scoop_error *error) {
    if (reader->at == reader->end) {
        int status = next_block(reader, error);
        if (status <= 0)
            return status;
    }
    reader->record = reader->at;
    reader->at = scoop_spool_decode(reader->at, record);
    return SCOOP_INVARIANT(reader->at <= reader->end, error) ? 1 : -1;
}
