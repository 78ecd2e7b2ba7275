/* A change file: a transfer to memory, the JSON check behind it, then line by line. */
#include "warehouse/load/change_source.h"

#include <string.h>

#include "base/crypto.h"
#include "scoop/memory.h"
#include "stage/stage.h"
#include "table/changes/line.h"
#include "text/hex.h"
#include "warehouse/load/apply_version.h"
#include "warehouse/load/content.h"

enum { MEMORY_CEILING = 64 * 1024 * 1024, SLICE_MS = 100 };
enum { MEMORY_BYTES = 16 * 1024 * 1024, MAX_RECORD_BYTES = 16 * 1024 * 1024 };

struct scoop_change_source {
    struct scoop_transfer *transfer;
    struct scoop_buf arrived; /* what the transfer has read */
    struct scoop_counters counters;
    struct scoop_stage *check; /* ends in `end` */
    struct lines_stage {
        struct scoop_stage base;
        struct scoop_change_source *source;
    } end;
    struct scoop_buf text; /* checked lines; the first `used` bytes are read */
    size_t used;
    uint64_t number; /* of the last change that was read */
    struct scoop_change_line line;
    struct scoop_content *content;
    struct scoop_apply_version version;
    struct scoop_digest *digest;
    char digest_hex[SCOOP_SHA256_HEX_SIZE];
    bool arrived_all;
};

static int lines_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                       size_t *consumed, struct scoop_error *error) {
    *consumed = length;
    return scoop_buf_append(&((struct lines_stage *)stage)->source->text, data, length, error);
}

static int lines_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct scoop_buf *text = &((struct lines_stage *)stage)->source->text;
    bool ended = text->length == 0 || text->data[text->length - 1] == '\n';
    return ended ? 0 : scoop_buf_append(text, "\n", 1, error);
}

static void lines_free(struct scoop_stage *stage) {
    (void)stage; /* a part of the source */
}

static const struct scoop_stage_type lines_type = {
    .name = "change lines", .write = lines_write, .finish = lines_finish, .free = lines_free};

static int fill(struct scoop_change_source *source, const struct scoop_transfer_options *options,
                struct scoop_error *error) {
    size_t most = options->max_record_bytes == 0 ? MAX_RECORD_BYTES : options->max_record_bytes;
    const struct scoop_record_options records = {.max_record_bytes = most,
                                                 .replace_invalid = options->replace_invalid,
                                                 .key_case = options->key_case};
    struct scoop_transfer_options transfer = *options;
    transfer.destination = (struct scoop_place){0};
    transfer.memory = &source->arrived;
    transfer.format = SCOOP_FORMAT_RAW;
    transfer.compression = SCOOP_COMPRESSION_NONE;
    transfer.allow_plain = true;
    transfer.memory_limit_bytes = MEMORY_BYTES;
    source->check = scoop_json_check_new(&records, &source->counters, error);
    source->digest = scoop_digest_new(SCOOP_DIGEST_SHA256, error);
    source->content = scoop_content_new(error);
    if (source->check == NULL || source->digest == NULL || source->content == NULL)
        return -1;
    source->check->next = &source->end.base;
    source->transfer = scoop_transfer_new(&transfer, error);
    return source->transfer == NULL ? -1 : 0;
}

struct scoop_change_source *scoop_change_source_new(const struct scoop_transfer_options *options,
                                                    struct scoop_error *error) {
    struct scoop_change_source *source = scoop_calloc(1, sizeof *source);
    if (source == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    scoop_buf_init(&source->arrived, MEMORY_CEILING);
    scoop_buf_init(&source->text, SIZE_MAX); /* a record and what arrives at once */
    scoop_change_line_init(&source->line);
    source->end.base.type = &lines_type;
    source->end.base.counters = &source->counters;
    source->end.source = source;
    if (fill(source, options, error) == 0)
        return source;
    scoop_change_source_free(source);
    return NULL;
}

/* Lets the transfer go on for a slice, and checks what has arrived. */
static int read_on(struct scoop_change_source *source, struct scoop_error *error) {
    scoop_buf_consume(&source->text, source->used);
    source->used = 0;
    enum scoop_transfer_state state = scoop_transfer_run(source->transfer, SLICE_MS, error);
    if (state == SCOOP_TRANSFER_FAILED ||
        scoop_stage_push(source->check, source->arrived.data, source->arrived.length, error) != 0)
        return -1;
    source->arrived.length = 0;
    if (state != SCOOP_TRANSFER_DONE)
        return 0;
    source->arrived_all = true;
    return scoop_stage_finish_chain(source->check, error);
}

static int finish_digest(struct scoop_change_source *source, struct scoop_error *error) {
    unsigned char hash[SCOOP_SHA256_BYTES];
    if (source->digest_hex[0] != 0)
        return 0;
    if (scoop_digest_finish(source->digest, hash, error) != 0)
        return -1;
    scoop_hex_encode(hash, sizeof hash, source->digest_hex);
    return 0;
}

static enum scoop_change_read read_line(struct scoop_change_source *source,
                                        struct scoop_change_record *record,
                                        struct scoop_error *error) {
    const unsigned char *from = source->text.data + source->used;
    size_t left = source->text.length - source->used;
    const unsigned char *newline = left == 0 ? NULL : memchr(from, '\n', left);
    if (newline == NULL)
        return SCOOP_CHANGE_READ_NONE;
    size_t length = (size_t)(newline - from) + 1;
    source->used += length;
    if (scoop_digest_update(source->digest, from, length, error) != 0 ||
        scoop_change_line_read(&source->line, from, length, ++source->number, record, error) != 0 ||
        scoop_apply_version_take(&source->version, record, error) != 0 ||
        scoop_content_add(source->content, record, error) != 0)
        return SCOOP_CHANGE_READ_FAILED;
    return SCOOP_CHANGE_READ_ONE;
}

enum scoop_change_read scoop_change_source_next(struct scoop_change_source *source,
                                                struct scoop_change_record *record,
                                                struct scoop_error *error) {
    enum scoop_change_read found = read_line(source, record, error);
    if (found != SCOOP_CHANGE_READ_NONE)
        return found;
    if (source->arrived_all)
        return finish_digest(source, error) == 0 ? SCOOP_CHANGE_READ_END : SCOOP_CHANGE_READ_FAILED;
    return read_on(source, error) == 0 ? SCOOP_CHANGE_READ_NONE : SCOOP_CHANGE_READ_FAILED;
}

void scoop_change_source_facts(const struct scoop_change_source *source,
                               struct scoop_change_source_facts *facts) {
    struct scoop_transfer_facts transfer;
    scoop_transfer_facts(source->transfer, &transfer);
    facts->source_bytes = transfer.counters.source_bytes;
    facts->text_bytes = transfer.counters.text_bytes;
    facts->retries = transfer.retries;
    memcpy(facts->etag, transfer.source_etag, sizeof facts->etag);
    memcpy(facts->digest, source->digest_hex, sizeof facts->digest);
    scoop_content_show(source->content, facts->content);
    facts->version = source->version;
}

void scoop_change_source_free(struct scoop_change_source *source) {
    if (source == NULL)
        return;
    scoop_transfer_free(source->transfer);
    scoop_stage_free_chain(source->check);
    scoop_digest_free(source->digest);
    scoop_content_free(source->content);
    scoop_change_line_free(&source->line);
    scoop_buf_free(&source->text);
    scoop_buf_free(&source->arrived);
    scoop_free(source);
}
