/* Heads of HTTP answers and the values in them: what is found ends where it says, lies in the head,
 * and numbers hold what they must. The input is a head. */
#include "fuzz_run.h"
#include "text/header.h"

static void read_value(const char *value) {
    struct scoop_content_range range;
    if (scoop_header_content_range(value, &range)) {
        char again[80];
        MUST(range.first <= range.last && range.last < range.total);
        snprintf(again, sizeof again, "bytes %llu-%llu/%llu", (unsigned long long)range.first,
                 (unsigned long long)range.last, (unsigned long long)range.total);
        struct scoop_content_range other;
        MUST(scoop_header_content_range(again, &other));
        MUST(memcmp(&range, &other, sizeof range) == 0);
    }
    MUST(!scoop_header_is_strong(value) || (strlen(value) >= 2 && value[0] == '"'));
    MUST(!scoop_header_ends_in_chunked(value) || strlen(value) >= strlen("chunked"));
    MUST(scoop_header_milliseconds(value) == 0 || strspn(value, "0123456789") == strlen(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {
        "Content-Range",         "ETag",          "Transfer-Encoding", "x-amz-retry-after",
        "x-amz-checksum-crc32c", "Last-Modified", "Content-Length",    "Accept-Ranges",
    };
    char value[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool found = scoop_header_find(data, size, names[i], value, sizeof value);
        MUST(strlen(value) < sizeof value && (found || value[0] == 0));
        MUST(!scoop_header_conflicts(data, size, names[i]) || found);
        read_value(value);
    }
    char *text = calloc(1, size + 1);
    MUST(text != NULL);
    memcpy(text, data, size);
    read_value(text);
    free(text);
    return 0;
}
