/* What a transfer tells of itself. */
#include <stdio.h>
#include <string.h>

#include "copy/compression.h"
#include "copy/transfer_internal.h"

/* Field by field: stages on other threads may be counting. */
static void copy_counters(struct scoop_counters *to, const struct scoop_counters *from) {
    to->source_bytes = from->source_bytes;
    to->text_bytes = from->text_bytes;
    to->records_in = from->records_in;
    to->records_out = from->records_out;
    to->records_rejected = from->records_rejected;
    to->records_changed = from->records_changed;
    to->blank_lines = from->blank_lines;
    to->gzip_members = from->gzip_members;
    to->destination_bytes = from->destination_bytes;
    to->garbage_bytes = from->garbage_bytes;
    to->gzip_inside = from->gzip_inside;
    to->bom_stripped = from->bom_stripped;
}

/* Of the server's copy, or of the source, which may be gone. */
static void tell_source(const struct scoop_attempt *attempt, struct scoop_transfer_facts *facts) {
    const struct scoop_source *source = attempt->source;
    if (scoop_attempt_server_copies(attempt)) {
        struct scoop_server_copy_facts server;
        scoop_server_copy_facts(attempt->server_copy, &server);
        facts->source_total_bytes = server.source_bytes;
        snprintf(facts->metadata_lost, sizeof facts->metadata_lost, "%s", server.lost);
        memcpy(facts->source_etag, server.source_etag, sizeof facts->source_etag);
    } else if (source != NULL) {
        facts->source_total_bytes = source->total_bytes;
        facts->retries += source->retries;
        memcpy(facts->source_etag, source->etag, sizeof facts->source_etag);
        memcpy(facts->source_identity, source->identity, sizeof facts->source_identity);
        facts->source_seekable = source->seekable && attempt->unchanged;
    } else {
        facts->source_total_bytes = attempt->read.total_bytes;
        facts->retries += attempt->read.retries;
        memcpy(facts->source_etag, attempt->read.etag, sizeof facts->source_etag);
        memcpy(facts->source_identity, attempt->read.identity, sizeof facts->source_identity);
        facts->source_seekable = attempt->read.seekable && attempt->unchanged;
    }
}

/* Records of plain text may have been written anew: that is no word about gzip. */
static enum scoop_handling handling_of(const struct scoop_transfer *transfer) {
    const struct scoop_attempt *attempt = &transfer->attempt;
    if (attempt->unchanged)
        return SCOOP_KEPT;
    bool plain = attempt->handling == SCOOP_KEPT && !attempt->gzip;
    return plain && transfer->options.format != SCOOP_FORMAT_RAW ? SCOOP_HANDLING_NONE
                                                                 : attempt->handling;
}

/* Twice packed is what some servers make of a file that they send encoded, and say so; what
 * is inflated has lost that word. */
static void tell_handling(const struct scoop_transfer *transfer,
                          struct scoop_transfer_facts *facts) {
    const struct scoop_attempt *attempt = &transfer->attempt;
    const char *destination = transfer->options.destination.uri;
    bool gzip = attempt->gzip || attempt->seems_gzip;
    if (scoop_attempt_server_copies(attempt)) {
        struct scoop_server_copy_facts server;
        scoop_server_copy_facts(attempt->server_copy, &server);
        gzip = server.gzip;
    }
    facts->handling = handling_of(transfer);
    facts->gzip_unnamed = gzip && facts->handling == SCOOP_KEPT && destination != NULL &&
                          !scoop_name_is_gzip(destination);
    facts->decoded = attempt->decodes;
    if (attempt->source != NULL && attempt->source->content_encoding[0] != 0 &&
        attempt->handling != SCOOP_INFLATED)
        facts->counters.gzip_inside = false;
}

const char *scoop_transfer_source_name(const struct scoop_transfer *transfer) {
    return transfer->source_name;
}

void scoop_transfer_facts(const struct scoop_transfer *transfer,
                          struct scoop_transfer_facts *facts) {
    static const char *const kept[] = {"", "memory", "source", "file"};
    const struct scoop_attempt *attempt = &transfer->attempt;
    struct scoop_sink_facts sink;
    memset(facts, 0, sizeof *facts);
    copy_counters(&facts->counters, &attempt->counters);
    if (attempt->decodes && !attempt->gzip)
        facts->counters.text_bytes = attempt->coding.text_bytes;
    facts->unchanged = attempt->unchanged;
    tell_handling(transfer, facts);
    facts->restarted = transfer->kind == SCOOP_ATTEMPT_TRANSFORM;
    facts->rejects_written = transfer->rejects.written;
    if (transfer->phase == DONE) /* the thread that rejects has ended */
        memcpy(facts->first_reject, transfer->rejects.first, sizeof facts->first_reject);
    scoop_attempt_sink_facts(attempt, &sink);
    facts->parts = sink.parts;
    facts->resumed = scoop_transfer_resumed(transfer);
    facts->resumed_bytes = sink.resumed_bytes;
    facts->retries = sink.retries + transfer->earlier_retries;
    facts->restarts = transfer->restarts;
    facts->parts_kept = kept[sink.parts_kept];
    memcpy(facts->destination_etag, sink.etag, sizeof sink.etag);
    memcpy(facts->checksum, sink.checksum, sizeof sink.checksum);
    memcpy(facts->metadata_lost, attempt->kept.lost, sizeof facts->metadata_lost);
    facts->server_side = scoop_attempt_server_copies(attempt);
    if (!facts->server_side)
        memcpy(facts->server_side_refused, transfer->server_side_refused,
               sizeof facts->server_side_refused);
    tell_source(attempt, facts);
}

void scoop_transfer_take_shown(struct scoop_transfer *transfer, struct scoop_buf *lines) {
    bool over = transfer->phase == DONE || transfer->phase == FAILED;
    if (!over || transfer->options.show_rejects == 0)
        return;
    scoop_buf_free(lines);
    *lines = transfer->rejects.lines;
    scoop_buf_init(&transfer->rejects.lines, 0);
}
