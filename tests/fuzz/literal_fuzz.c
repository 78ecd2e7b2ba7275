/* Python literals: no cut changes the outcome, and what comes out is JSON lines. */
#include "fuzz_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return fuzz_records(scoop_literal_new, data, size);
}
