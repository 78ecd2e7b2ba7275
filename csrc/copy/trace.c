/* What is told of a transfer: its phases, and what it has moved. */
#include "copy/transfer_internal.h"
#include "net/http.h"
#include "scoop/url_display.h"
#include "scoop/trace.h"

static const char *name_of(enum scoop_transfer_phase phase) {
    static const char *const names[] = {
        [OPENING] = "opening",     [LOOKING] = "looking",
        [SNIFFING] = "sniffing",   [STREAMING] = "streaming",
        [FINISHING] = "finishing", [RESTARTING] = "restarting",
        [SEALING] = "sealing",     [HOLDING] = "holding",
        [REJECTS] = "rejects",     [COMMITTING] = "committing",
        [CLEANING] = "cleaning",   [ABORTING] = "aborting",
        [DONE] = "done",           [FAILED] = "failed",
    };
    return names[phase];
}

static void tell(const struct scoop_transfer *transfer) {
    const struct scoop_attempt *attempt = &transfer->attempt;
    const struct scoop_counters *counters = &attempt->counters;
    char to[160];
    bool failed = transfer->phase >= ABORTING && transfer->error.code != SCOOP_OK;
    scoop_url_display(transfer->options.destination.uri != NULL ? transfer->options.destination.uri
                                                                : "memory",
                      to, sizeof to);
    SCOOP_TRACE("transfer", "%s: %.130s to %s, %llu bytes read, %llu written%s%s%s",
                name_of(transfer->phase), transfer->source_name, to,
                (unsigned long long)counters->source_bytes,
                (unsigned long long)counters->destination_bytes,
                attempt->unchanged ? ", unchanged" : "", failed ? ", " : "",
                failed ? scoop_code_name(transfer->error.code) : "");
}

void scoop_transfer_trace_phase(struct scoop_transfer *transfer) {
    if (transfer->told_phase == transfer->phase)
        return;
    transfer->told_phase = transfer->phase;
    if (scoop_trace_is_on())
        tell(transfer);
}
