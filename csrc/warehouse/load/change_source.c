/* A change file: a transfer to memory, the JSON check behind it, then line by line. */
#include "warehouse/load/change_source.h"

#include <string.h>

#include "base/crypto.h"
#include "scoop/memory.h"
#include "stage/checked_lines.h"
#include "table/changes/line.h"
#include "text/hex.h"
#include "warehouse/load/apply_version.h"
#include "warehouse/load/content.h"

enum { MEMORY_CEILING = 64 * 1024 * 1024, SLICE_MS = 100 };
enum { MEMORY_BYTES = 16 * 1024 * 1024, MAX_RECORD_BYTES = 16 * 1024 * 1024 };

struct scoop_change_source {
    struct scoop_transfer *transfer;
    struct scoop_buf arrived; /* what the transfer has read */
    struct scoop_checked_lines lines;
    size_t used;                     /* bytes of the lines that are read */
    uint64_t number;                 /* of the last change that was read */
    struct scoop_record_place place; /* of the next one, if it follows at once */
    struct scoop_change_line line;
    struct scoop_content *content;
    struct scoop_apply_version version;
    struct scoop_digest *digest;
    char digest_hex[SCOOP_SHA256_HEX_SIZE];
    bool arrived_all;
};

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
    source->digest = scoop_digest_new(SCOOP_DIGEST_SHA256, error);
    source->content = scoop_content_new(error);
    if (source->digest == NULL || source->content == NULL ||
        scoop_checked_lines_init(&source->lines, &records, error) != 0)
        return -1;
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
    scoop_change_line_init(&source->line);
    if (fill(source, options, error) == 0)
        return source;
    scoop_change_source_free(source);
    return NULL;
}

const char *scoop_change_source_name(const struct scoop_change_source *source) {
    return scoop_transfer_source_name(source->transfer);
}

/* Lets the transfer go on for a slice, and checks what has arrived. */
static int read_on(struct scoop_change_source *source, struct scoop_error *error) {
    scoop_buf_consume(&source->lines.text, source->used);
    source->used = 0;
    enum scoop_transfer_state state = scoop_transfer_run(source->transfer, SLICE_MS, error);
    source->arrived_all = state == SCOOP_TRANSFER_DONE;
    if (state == SCOOP_TRANSFER_FAILED)
        return -1;
    if (scoop_checked_lines_add(&source->lines, &source->arrived, source->arrived_all, error) != 0)
        return -1;
    source->arrived.length = 0;
    return 0;
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

/* The next line: its length, and where it stands; 0: there is none yet. */
static size_t find_line(struct scoop_change_source *source, const unsigned char **line) {
    struct scoop_record_places *places = &source->lines.places;
    size_t left = source->lines.text.length - source->used;
    *line = source->lines.text.data + source->used;
    const unsigned char *newline = left == 0 ? NULL : memchr(*line, '\n', left);
    if (newline == NULL)
        return 0;
    scoop_record_places_look_up(places, &places->first, source->number, &source->place);
    return (size_t)(newline - *line) + 1;
}

static int read_line(struct scoop_change_source *source, const unsigned char *line, size_t length,
                     struct scoop_change_record *record, struct scoop_error *error) {
    const struct scoop_change_place place = {++source->number, source->place};
    source->used += length;
    source->place.line++;
    source->place.offset += length;
    if (scoop_digest_update(source->digest, line, length, error) != 0 ||
        scoop_change_line_read(&source->line, line, length, place, record, error) != 0 ||
        scoop_apply_version_take(&source->version, record, error) != 0 ||
        scoop_content_add(source->content, record, error) != 0)
        return -1;
    return 0;
}

enum scoop_change_read scoop_change_source_next(struct scoop_change_source *source,
                                                struct scoop_change_record *record,
                                                struct scoop_error *error) {
    const unsigned char *line;
    size_t length = find_line(source, &line);
    bool ended = source->arrived_all;
    int status = length > 0 ? read_line(source, line, length, record, error)
                 : ended    ? finish_digest(source, error)
                            : read_on(source, error);
    if (status == 0)
        return length > 0 ? SCOOP_CHANGE_READ_ONE
               : ended    ? SCOOP_CHANGE_READ_END
                          : SCOOP_CHANGE_READ_NONE;
    if (error->code == SCOOP_BAD_RECORD || error->code == SCOOP_UNSUPPORTED)
        scoop_error_name_source(error, scoop_change_source_name(source));
    return SCOOP_CHANGE_READ_FAILED;
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
    scoop_checked_lines_free(&source->lines);
    scoop_digest_free(source->digest);
    scoop_content_free(source->content);
    scoop_change_line_free(&source->line);
    scoop_buf_free(&source->arrived);
    scoop_free(source);
}
