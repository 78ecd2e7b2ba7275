/* What a transfer tells of itself. */
#include <string.h>

#include "copy/server_copy.h"
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
    to->bom_stripped = from->bom_stripped;
}

void scoop_transfer_facts(const struct scoop_transfer *transfer,
                          struct scoop_transfer_facts *facts) {
    static const char *const kept[] = {"", "memory", "source", "file"};
    struct scoop_sink_facts sink = {0};
    memset(facts, 0, sizeof *facts);
    copy_counters(&facts->counters, &transfer->counters);
    facts->unchanged = transfer->unchanged;
    facts->restarted = transfer->restarted;
    facts->source_total_bytes = -1;
    facts->rejects_written = transfer->rejects.written;
    if (transfer->sink != NULL)
        scoop_sink_facts(transfer->sink, &sink);
    facts->parts = sink.parts;
    facts->resumed = scoop_transfer_resumed(transfer);
    facts->resumed_bytes = sink.resumed_bytes;
    facts->retries = sink.retries;
    facts->parts_kept = kept[sink.parts_kept];
    memcpy(facts->destination_etag, sink.etag, sizeof sink.etag);
    memcpy(facts->checksum, sink.checksum, sizeof sink.checksum);
    if (!transfer->server_copies)
        memcpy(facts->server_side_refused, transfer->server_side_refused,
               sizeof facts->server_side_refused);
    else {
        struct scoop_server_copy_facts server;
        scoop_server_copy_facts(transfer->sink, &server);
        facts->server_side = true;
        facts->source_total_bytes = server.source_bytes;
        memcpy(facts->source_etag, server.source_etag, sizeof facts->source_etag);
    }
    if (transfer->source == NULL && !transfer->server_copies) {
        facts->source_total_bytes = transfer->read.total_bytes;
        facts->retries += transfer->read.retries;
        memcpy(facts->source_etag, transfer->read.etag, sizeof facts->source_etag);
    }
    if (transfer->source == NULL)
        return;
    facts->source_total_bytes = transfer->source->total_bytes;
    facts->retries += transfer->source->retries;
    memcpy(facts->source_etag, transfer->source->etag, sizeof facts->source_etag);
}
