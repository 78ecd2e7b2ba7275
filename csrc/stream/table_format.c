#include "table_format.h"

#include <stdbool.h>
#include <string.h>

static bool ends_with(const char *name, const char *suffix) {
    size_t length = strlen(name), most = strlen(suffix);
    return length >= most && strcmp(name + length - most, suffix) == 0;
}

enum scoop_table_format scoop_table_format_by_name(const char *uri) {
    char name[512];
    size_t length = strcspn(uri, "?#");
    if (length >= sizeof name)
        return SCOOP_TABLE_FORMAT_AUTO;
    memcpy(name, uri, length);
    name[length] = 0;
    if (ends_with(name, ".gz"))
        name[length - 3] = 0;
    if (ends_with(name, ".csv"))
        return SCOOP_TABLE_FORMAT_CSV;
    if (ends_with(name, ".jsonl") || ends_with(name, ".ndjson") || ends_with(name, ".json"))
        return SCOOP_TABLE_FORMAT_JSONL;
    return SCOOP_TABLE_FORMAT_AUTO;
}
