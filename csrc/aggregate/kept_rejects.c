#include "aggregate/kept_rejects.h"

#include <string.h>

struct header {
    uint64_t line, byte_offset, total_length;
    size_t reason_length, record_length;
};

int scoop_kept_reject_add(void *user, const struct scoop_reject *reject,
                          struct scoop_error *error) {
    struct scoop_buf *rejects = user;
    const struct header header = {reject->line, reject->byte_offset, reject->total_length,
                                  strlen(reject->reason) + 1, reject->record_length};
    if (scoop_buf_append(rejects, &header, sizeof header, error) != 0 ||
        scoop_buf_append(rejects, reject->reason, header.reason_length, error) != 0)
        return -1;
    return scoop_buf_append(rejects, reject->record, reject->record_length, error);
}

bool scoop_kept_reject_next(const struct scoop_buf *rejects, size_t *at,
                            struct scoop_reject *reject) {
    struct header header;
    if (*at == rejects->length)
        return false;
    memcpy(&header, rejects->data + *at, sizeof header);
    const unsigned char *texts = rejects->data + *at + sizeof header;
    *reject = (struct scoop_reject){.line = header.line,
                                    .byte_offset = header.byte_offset,
                                    .reason = (const char *)texts,
                                    .record = texts + header.reason_length,
                                    .record_length = header.record_length,
                                    .total_length = header.total_length};
    *at += sizeof header + header.reason_length + header.record_length;
    return true;
}
