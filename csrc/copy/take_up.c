/* How a transfer goes on with the upload of an earlier try, and leaves its own to a later one. */
#include <string.h>

#include "copy/transfer_internal.h"
#include "scoop/trace.h"

void scoop_transfer_take_up(struct scoop_transfer *transfer, const struct scoop_resume *resume) {
    SCOOP_TRACE("transfer", "goes on with upload %s: %u parts, %llu bytes are kept",
                resume->upload_id, resume->kept_parts, (unsigned long long)resume->kept_bytes);
    transfer->resume = resume;
    transfer->took_up = true;
    transfer->upload_told = true;
}

void scoop_transfer_watch_upload(struct scoop_transfer *transfer) {
    transfer->upload_watched = true;
}

void scoop_transfer_keep_upload(struct scoop_transfer *transfer) {
    transfer->upload_kept = true;
}

uint64_t scoop_transfer_start_bytes(const struct scoop_transfer *transfer) {
    return transfer->resume == NULL ? 0 : transfer->resume->kept_bytes;
}

bool scoop_transfer_takes_up(const struct scoop_transfer *transfer) {
    return transfer->resume != NULL && transfer->resume != transfer->kept;
}

bool scoop_transfer_misfits(const struct scoop_transfer *transfer, enum scoop_source_state state,
                            const struct scoop_error *error) {
    const struct scoop_attempt *attempt = &transfer->attempt;
    if (!scoop_transfer_takes_up(transfer) || state == SCOOP_SOURCE_WAITING)
        return false;
    if (state != SCOOP_SOURCE_FAILED)
        return strcmp(attempt->source->identity, transfer->resume->source) != 0;
    /* CONNECTION: the server no longer answers in ranges. */
    return attempt->prefix_length == 0 &&
           (error->code == SCOOP_SOURCE_CHANGED ||
            (attempt->source->restartable && scoop_transfer_start_bytes(transfer) > 0));
}

void scoop_transfer_drop_upload(struct scoop_transfer *transfer) {
    bool earlier = scoop_transfer_takes_up(transfer);
    transfer->resume_dropped = transfer->resume_dropped || earlier;
    if (earlier)
        SCOOP_TRACE("transfer", "what an earlier try left does not fit: it is taken back");
    transfer->resume = NULL;
    transfer->upload_told = transfer->upload_kept = false;
}

static bool resumable(const struct scoop_transfer *transfer) {
    const struct scoop_attempt *attempt = &transfer->attempt;
    return scoop_transfer_takes_up(transfer) ||
           (attempt->unchanged && attempt->source != NULL && attempt->source->identity[0] != 0);
}

bool scoop_transfer_leaves(const struct scoop_transfer *transfer, const struct scoop_error *error) {
    return transfer->upload_kept && error->retryable && resumable(transfer);
}

bool scoop_transfer_owes_upload(const struct scoop_transfer *transfer) {
    return transfer->attempt.sink == NULL && transfer->kept != NULL &&
           transfer->resume == transfer->kept;
}

bool scoop_transfer_tells_upload(struct scoop_transfer *transfer) {
    struct scoop_attempt *attempt = &transfer->attempt;
    if (!transfer->upload_watched || transfer->upload_told || attempt->sink == NULL ||
        (transfer->phase != STREAMING && transfer->phase != SEALING) ||
        scoop_sink_upload_id(attempt->sink) == NULL)
        return false;
    transfer->upload_told = true;
    return true;
}

void scoop_transfer_upload(struct scoop_transfer *transfer, struct scoop_transfer_upload *upload) {
    struct scoop_attempt *attempt = &transfer->attempt;
    const struct scoop_source *source = attempt->source;
    upload->upload_id = scoop_sink_upload_id(attempt->sink);
    upload->source = source == NULL ? "" : source->identity;
    upload->resumable = resumable(transfer);
    upload->seekable = upload->resumable && attempt->bare && source->seekable;
}

int scoop_transfer_mark(struct scoop_transfer *transfer, struct scoop_upload_mark *mark,
                        struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    memset(mark, 0, sizeof *mark);
    if (!attempt->bare || attempt->sink == NULL)
        return 0;
    return scoop_sink_mark(attempt->sink, mark, error);
}

enum scoop_resumed scoop_transfer_resumed(const struct scoop_transfer *transfer) {
    if (transfer->resume_dropped)
        return SCOOP_RESUMED_OVER;
    if (transfer->resume == NULL || transfer->resume == transfer->kept)
        return transfer->took_up ? SCOOP_RESUMED_PARTS : SCOOP_RESUMED_NOT;
    if (scoop_attempt_server_copies(&transfer->attempt))
        return SCOOP_RESUMED_NOT;
    return transfer->resume->kept_parts > 0 ? SCOOP_RESUMED_BYTES : SCOOP_RESUMED_PARTS;
}
