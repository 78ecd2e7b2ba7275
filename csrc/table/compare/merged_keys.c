#include "table/compare/merged_keys.h"

#include <string.h>

enum { BLOCK_BYTES = 64 * 1024, KEY_CEILING = 1 << 30 };

void scoop_merged_keys_init(struct scoop_merged_keys *keys, struct scoop_scratch *scratch) {
    scoop_spool_init(&keys->spool, scratch, BLOCK_BYTES);
    scoop_buf_init(&keys->last, KEY_CEILING);
}

void scoop_merged_keys_free(struct scoop_merged_keys *keys) {
    scoop_spool_free(&keys->spool);
    scoop_buf_free(&keys->last);
}

static size_t shared_length(const struct scoop_buf *last, const unsigned char *key, size_t length) {
    size_t most = last->length < length ? last->length : length, same = 0;
    while (same < most && last->data[same] == key[same])
        same++;
    return same;
}

int scoop_merged_keys_add(struct scoop_merged_keys *keys, const unsigned char *key, size_t length,
                          struct scoop_error *error) {
    size_t same = shared_length(&keys->last, key, length);
    keys->last.length = same;
    if (scoop_spool_add_suffix(&keys->spool, (uint32_t)same, key + same, (uint32_t)(length - same),
                               error) != 0)
        return -1;
    return scoop_buf_append(&keys->last, key + same, length - same, error);
}

int scoop_merged_keys_replay(const struct scoop_merged_keys *keys,
                             int (*take)(void *user, const unsigned char *key, size_t length,
                                         struct scoop_error *error),
                             void *user, struct scoop_error *error) {
    struct scoop_spool_reader reader;
    struct scoop_buf key;
    struct scoop_record record;
    int status;
    scoop_buf_init(&key, KEY_CEILING);
    scoop_spool_reader_init(&reader, &keys->spool);
    while ((status = scoop_spool_reader_next(&reader, &record, error)) > 0) {
        key.length = record.row.compared; /* what the key shares with the one before */
        if (scoop_buf_append(&key, record.row.data, record.row.length, error) != 0 ||
            take(user, key.data, key.length, error) != 0) {
            status = -1;
            break;
        }
    }
    scoop_spool_reader_free(&reader);
    scoop_buf_free(&key);
    return status;
}
