/* A JSON document's array: no cut changes the outcome, and what comes out passes unchanged. */
#include "fuzz_run.h"

static struct scoop_stage *make(const struct scoop_record_options *options,
                                struct scoop_counters *counters, struct scoop_error *error) {
    return scoop_json_array_new("a.b", options, counters, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_records(make, data, size);
}
