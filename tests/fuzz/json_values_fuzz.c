/* Concatenated JSON values: no cut changes the outcome, and what comes out passes unchanged. */
#include "fuzz_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_records(scoop_json_values_new, data, size);
}
