#include "table/compare/row_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/invariant.h"
#include "scoop/memory.h"

enum {
    BLOCK_BYTES = 256 * 1024, /* of compacted rows */
    LEAST_BLOCK_BYTES = 16 * 1024,
    BUFFER_CEILING = 1 << 30, /* as a batch's: they change places */
    LONG_BYTES = 4 * BLOCK_BYTES,
    MOST_RECENT = 4096,
    FEW_GONE = 4, /* a block is not compacted when less than this part of its rows would go */
};

static void init_block(struct scoop_log_block *block) {
    memset(block, 0, sizeof *block);
    scoop_buf_init(&block->text, BUFFER_CEILING);
    scoop_buf_init(&block->extra, BUFFER_CEILING);
}

static void free_block(struct scoop_log_block *block) {
    scoop_buf_free(&block->text);
    scoop_buf_free(&block->extra);
    scoop_free(block->rows);
    block->rows = NULL;
    block->room = block->head.count = 0;
}

static void clear_block(struct scoop_log_block *block) {
    block->text.length = block->extra.length = 0;
    block->head.count = 0;
    if (block->text.capacity > LONG_BYTES || block->extra.capacity > LONG_BYTES)
        free_block(block); /* it had a very long row */
}

static size_t block_bytes(const struct scoop_log_block *block) {
    return block->text.length + block->extra.length + block->head.count * sizeof *block->rows;
}

int scoop_row_log_init(struct scoop_row_log *log, struct scoop_scratch *scratch,
                       const struct scoop_match_flags *flags, size_t memory_bytes,
                       struct scoop_error *error) {
    size_t blocks = memory_bytes / LEAST_BLOCK_BYTES;
    *log = (struct scoop_row_log){.scratch = scratch, .flags = flags};
    log->most_bytes = memory_bytes;
    log->recent_most = blocks == 0 ? 1 : blocks < MOST_RECENT ? blocks : MOST_RECENT;
    init_block(&log->spare);
    for (size_t side = 0; side < 2; side++)
        init_block(&log->compacted[side]);
    log->recent = scoop_calloc(log->recent_most, sizeof *log->recent);
    if (log->recent == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < log->recent_most; i++)
        init_block(&log->recent[i]);
    return 0;
}

void scoop_row_log_free(struct scoop_row_log *log) {
    for (size_t i = 0; log->recent != NULL && i < log->recent_most; i++)
        free_block(&log->recent[i]);
    for (size_t side = 0; side < 2; side++)
        free_block(&log->compacted[side]);
    free_block(&log->spare);
    scoop_free(log->recent);
    scoop_free(log->older);
    scoop_free(log->lengths);
    *log = (struct scoop_row_log){0};
}

static struct scoop_log_block *recent_block(const struct scoop_row_log *log, size_t index) {
    return &log->recent[(log->recent_first + index) % log->recent_most];
}

size_t scoop_row_log_bytes(const struct scoop_row_log *log) {
    return log->recent_bytes + block_bytes(&log->compacted[0]) + block_bytes(&log->compacted[1]) +
           log->older_room * sizeof *log->older;
}

bool scoop_row_log_has_room(const struct scoop_row_log *log, const struct scoop_batch *batch) {
    size_t more =
        batch->text.length + batch->extra.length + batch->count * sizeof *log->recent->rows;
    return log->recent_count == 0 ||
           (log->recent_count < log->recent_most && log->recent_bytes + more <= log->most_bytes);
}

/* Rows of one line each, with nothing but the end of a line between them, as most are: their
 * lengths tell all. */
static bool is_plain(const struct scoop_log_block *block, uint32_t *gap) {
    const struct scoop_log_row *rows = block->rows;
    size_t count = block->head.count;
    *gap = count > 1 ? rows[1].at - rows[0].at - rows[0].length : 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i].compared != rows[i].length || rows[i].length > UINT16_MAX ||
            rows[i].index != i || rows[i].line != rows[0].line + i ||
            (i > 0 && rows[i].at - rows[i - 1].at - rows[i - 1].length != *gap))
            return false;
    return rows[0].line != SCOOP_NO_LINE && count > 0;
}

static int note_lengths(struct scoop_row_log *log, const struct scoop_log_block *block,
                        struct scoop_error *error) {
    size_t count = block->head.count;
    if (count > log->length_room) {
        uint16_t *grown = scoop_realloc(log->lengths, count * sizeof *grown);
        if (grown == NULL)
            return scoop_fail_memory(error);
        log->lengths = grown;
        log->length_room = count;
    }
    for (size_t i = 0; i < count; i++)
        log->lengths[i] = (uint16_t)block->rows[i].length;
    return 0;
}

static struct scoop_stored_rows *new_older(struct scoop_row_log *log, struct scoop_error *error) {
    if (log->older_count == log->older_room) {
        size_t room = log->older_room == 0 ? 64 : log->older_room * 2;
        struct scoop_stored_rows *grown = scoop_realloc(log->older, room * sizeof *grown);
        if (grown == NULL) {
            scoop_fail_memory(error);
            return NULL;
        }
        log->older = grown;
        log->older_room = room;
    }
    return &log->older[log->older_count];
}

static int store(struct scoop_row_log *log, const struct scoop_log_block *block,
                 struct scoop_error *error) {
    struct scoop_stored_rows *older = new_older(log, error);
    if (older == NULL)
        return -1;
    *older = (struct scoop_stored_rows){.head = block->head};
    older->plain = is_plain(block, &older->gap);
    if (older->plain && note_lengths(log, block, error) != 0)
        return -1;
    older->first_at = block->rows[0].at;
    older->head.first_line += older->plain ? block->rows[0].line : 0;
    struct iovec pieces[] = {
        {block->rows, block->head.count * sizeof *block->rows},
        {block->text.data, block->text.length},
        {block->extra.data, block->extra.length},
    };
    if (older->plain)
        pieces[0] = (struct iovec){log->lengths, block->head.count * sizeof *log->lengths};
    if (scoop_scratch_write_block(log->scratch, pieces, sizeof pieces / sizeof *pieces, &older->at,
                                  error) != 0)
        return -1;
    log->older_count++;
    return 0;
}

static int grow_rows(struct scoop_log_block *block, size_t room, struct scoop_error *error) {
    if (room <= block->room)
        return 0;
    struct scoop_log_row *grown = scoop_realloc(block->rows, room * sizeof *grown);
    if (grown == NULL)
        return scoop_fail_memory(error);
    block->rows = grown;
    block->room = room;
    return 0;
}

static const unsigned char *data_of(const struct scoop_log_block *block,
                                    const struct scoop_log_row *row) {
    return row->at < block->text.length ? block->text.data + row->at
                                        : block->extra.data + (row->at - block->text.length);
}

/* Whether a row so far behind the first one still counts from it. */
static bool reaches(const struct scoop_log_block *compacted, const struct scoop_log_block *block) {
    return block->head.number + block->head.count - compacted->head.number < UINT32_MAX &&
           block->head.first_line - compacted->head.first_line < UINT32_MAX / 2;
}

static int copy_row(struct scoop_log_block *compacted, const struct scoop_log_block *block,
                    const struct scoop_log_row *row, struct scoop_error *error) {
    struct scoop_log_head *head = &compacted->head;
    uint64_t lines = block->head.first_line - head->first_line;
    if (head->count == compacted->room &&
        grow_rows(compacted, compacted->room == 0 ? 512 : 2 * compacted->room, error) != 0)
        return -1;
    compacted->rows[head->count++] = (struct scoop_log_row){
        .at = (uint32_t)compacted->text.length,
        .length = row->length,
        .compared = row->compared,
        .line = row->line == SCOOP_NO_LINE ? row->line : (uint32_t)lines + row->line,
        .index = (uint32_t)(block->head.number - head->number) + row->index,
    };
    return scoop_buf_append(&compacted->text, data_of(block, row), row->length, error);
}

static int store_compacted(struct scoop_row_log *log, enum scoop_side side,
                           struct scoop_error *error) {
    struct scoop_log_block *compacted = &log->compacted[side];
    if (compacted->head.count > 0 && store(log, compacted, error) != 0)
        return -1;
    clear_block(compacted);
    log->closed[side] = false;
    return 0;
}

/* Copies the rows of a block that are not known to be the same. */
static int compact(struct scoop_row_log *log, const struct scoop_log_block *block,
                   struct scoop_error *error) {
    struct scoop_log_block *compacted = &log->compacted[block->head.side];
    if (log->closed[block->head.side] && store_compacted(log, block->head.side, error) != 0)
        return -1;
    for (size_t i = 0; i < block->head.count; i++) {
        const struct scoop_log_row *row = &block->rows[i];
        if (scoop_match_of(log->flags, block->head.number + row->index) == SCOOP_MATCH_EQUAL)
            continue;
        if ((compacted->text.length + row->length > BLOCK_BYTES || !reaches(compacted, block)) &&
            store_compacted(log, block->head.side, error) != 0)
            return -1;
        if (compacted->head.count == 0) {
            compacted->head = block->head;
            compacted->head.count = 0;
        }
        if (copy_row(compacted, block, row, error) != 0)
            return -1;
    }
    return 0;
}

static void exchange_blocks(struct scoop_log_block *a, struct scoop_log_block *b) {
    struct scoop_log_block kept = *a;
    *a = *b;
    *b = kept;
}

int scoop_row_log_evict(struct scoop_row_log *log, struct scoop_error *error) {
    struct scoop_log_block *block = recent_block(log, 0);
    size_t same = 0;
    if (!SCOOP_INVARIANT(log->recent_count > 0, error) ||
        !SCOOP_INVARIANT(log->recent_bytes >= block_bytes(block), error))
        return -1;
    for (size_t i = 0; i < block->head.count; i++)
        same += scoop_match_of(log->flags, block->head.number + i) == SCOOP_MATCH_EQUAL;
    log->recent_bytes -= block_bytes(block);
    log->recent_first = (log->recent_first + 1) % log->recent_most;
    log->recent_count--;
    bool whole = same < block->head.count / FEW_GONE + 1;
    log->closed[block->head.side] |= whole;
    int status = whole ? store(log, block, error) : compact(log, block, error);
    clear_block(block);
    free_block(&log->spare);
    exchange_blocks(block, &log->spare);
    return status;
}

static void exchange(struct scoop_buf *a, struct scoop_buf *b) {
    struct scoop_buf kept = *a;
    *a = *b;
    *b = kept;
}

int scoop_row_log_add(struct scoop_row_log *log, enum scoop_side side, struct scoop_batch *batch,
                      size_t first, struct scoop_error *error) {
    struct scoop_log_block *block = recent_block(log, log->recent_count);
    if (!SCOOP_INVARIANT(log->recent_count < log->recent_most, error) ||
        !SCOOP_INVARIANT(first <= batch->count, error))
        return -1;
    exchange_blocks(block, &log->spare);
    size_t count = batch->count - first, text_bytes = batch->text.length;
    bool in_text = false, in_extra = false;
    if (grow_rows(block, count, error) != 0)
        return -1;
    for (size_t i = first; i < batch->count; i++)
        in_text = in_text || !batch->rows[i].row_in_extra;
    if (!in_text)
        text_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct scoop_row *row = &batch->rows[first + i];
        in_extra = in_extra || row->row_in_extra;
        block->rows[i] = (struct scoop_log_row){
            .at = (row->row_in_extra ? (uint32_t)text_bytes : 0) + row->at,
            .length = row->length,
            .compared = row->compared,
            .line = row->line,
            .index = (uint32_t)i,
        };
    }
    block->head = (struct scoop_log_head){side, log->rows, batch->first_line, count};
    if (in_text)
        exchange(&block->text, &batch->text);
    if (in_extra)
        exchange(&block->extra, &batch->extra);
    log->recent_count++;
    log->recent_bytes += block_bytes(block);
    log->rows += count;
    return 0;
}

void scoop_row_reader_init(struct scoop_row_reader *reader, const struct scoop_row_log *log,
                           enum scoop_side side) {
    *reader = (struct scoop_row_reader){.log = log, .side = side};
    scoop_buf_init(&reader->loaded, (size_t)4 * BUFFER_CEILING);
}

void scoop_row_reader_free(struct scoop_row_reader *reader) {
    scoop_scratch_hide(&reader->view);
    scoop_buf_free(&reader->loaded);
    scoop_free(reader->rows);
    reader->rows = NULL;
}

static bool is_change(const struct scoop_row_reader *reader, uint32_t index) {
    return scoop_match_of(reader->log->flags, reader->head.number + index) >= SCOOP_MATCH_NONE;
}

/* What is not in the processor's caches is on its way there while the others are looked for. */
static void take_row(struct scoop_row_reader *reader, struct scoop_log_row row) {
    const unsigned char *data = scoop_row_reader_bytes(reader, &row).data;
    __builtin_prefetch(data);
    __builtin_prefetch(data + row.length - 1);
    reader->rows[reader->head.count++] = row;
}

static void take_plain(struct scoop_row_reader *reader, const struct scoop_stored_rows *stored,
                       const unsigned char *lengths) {
    uint32_t at = stored->first_at;
    for (uint32_t i = 0; i < stored->head.count; i++) {
        uint16_t length;
        memcpy(&length, lengths + i * sizeof length, sizeof length);
        if (is_change(reader, i))
            take_row(reader, (struct scoop_log_row){at, length, length, i, i});
        at += length + stored->gap;
    }
}

static void take_rows(struct scoop_row_reader *reader, const void *rows, size_t count) {
    const unsigned char *at = rows;
    for (size_t i = 0; i < count; i++, at += sizeof(struct scoop_log_row)) {
        struct scoop_log_row row;
        memcpy(&row, at, sizeof row); /* in a view they lie anywhere */
        if (is_change(reader, row.index))
            take_row(reader, row);
    }
}

static int begin_block(struct scoop_row_reader *reader, const struct scoop_log_head *head,
                       struct scoop_error *error) {
    reader->head = *head;
    reader->head.count = 0;
    if (head->count <= reader->room)
        return 0;
    struct scoop_log_row *grown = scoop_realloc(reader->rows, head->count * sizeof *grown);
    if (grown == NULL)
        return scoop_fail_memory(error);
    reader->rows = grown;
    reader->room = head->count;
    return 0;
}

static int load(struct scoop_row_reader *reader, const struct scoop_stored_rows *stored,
                struct scoop_error *error) {
    const struct scoop_scratch *scratch = reader->log->scratch;
    const unsigned char *data = NULL;
    if (begin_block(reader, &stored->head, error) != 0)
        return -1;
    if (stored->at.stored_bytes == stored->at.bytes)
        data = scoop_scratch_show(scratch, &reader->view, stored->at.offset, stored->at.bytes);
    if (data == NULL) {
        if (scoop_scratch_read_block(scratch, &stored->at, &reader->loaded, error) != 0)
            return -1;
        data = reader->loaded.data;
    }
    size_t head_bytes =
        stored->head.count * (stored->plain ? sizeof(uint16_t) : sizeof(struct scoop_log_row));
    if (!SCOOP_INVARIANT(head_bytes <= stored->at.bytes, error))
        return -1;
    reader->text = data + head_bytes;
    reader->text_bytes = stored->at.bytes - head_bytes; /* and extra */
    if (stored->plain)
        take_plain(reader, stored, data);
    else
        take_rows(reader, data, stored->head.count);
    return 1;
}

static int show(struct scoop_row_reader *reader, const struct scoop_log_block *block,
                struct scoop_error *error) {
    if (begin_block(reader, &block->head, error) != 0)
        return -1;
    reader->text = block->text.data;
    reader->text_bytes = block->text.length;
    reader->extra = block->extra.data;
    take_rows(reader, block->rows, block->head.count);
    return 1;
}

static int by_number(const void *a, const void *b) {
    const struct scoop_stored_rows *one = a, *other = b;
    return one->head.number < other->head.number ? -1 : one->head.number > other->head.number;
}

void scoop_row_log_end(struct scoop_row_log *log) {
    if (log->older_count > 1)
        qsort(log->older, log->older_count, sizeof *log->older, by_number);
}

static const struct scoop_stored_rows *next_older(struct scoop_row_reader *reader) {
    const struct scoop_row_log *log = reader->log;
    while (reader->older < log->older_count && log->older[reader->older].head.side != reader->side)
        reader->older++;
    return reader->older < log->older_count ? &log->older[reader->older] : NULL;
}

/* The older blocks, with the compacted one between them, then the recent ones. 1, 0: there is none
 * any more, -1. */
static int read_block(struct scoop_row_reader *reader, struct scoop_error *error) {
    const struct scoop_row_log *log = reader->log;
    const struct scoop_stored_rows *older = next_older(reader);
    const struct scoop_log_block *compacted = &log->compacted[reader->side];
    if (!reader->compacted && (older == NULL || older->head.number > compacted->head.number)) {
        reader->compacted = true;
        return show(reader, compacted, error);
    }
    if (older != NULL) {
        reader->older++;
        return load(reader, older, error);
    }
    while (reader->recent < log->recent_count) {
        const struct scoop_log_block *block = recent_block(log, reader->recent++);
        if (block->head.side == reader->side)
            return show(reader, block, error);
    }
    return 0;
}

int scoop_row_reader_next(struct scoop_row_reader *reader, struct scoop_error *error) {
    int status;
    reader->head.count = 0;
    do
        status = read_block(reader, error);
    while (status > 0 && reader->head.count == 0);
    return status;
}
