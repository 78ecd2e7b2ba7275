#include "warehouse/load/log_row.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "text/text.h"

void scoop_log_put(struct scoop_log_row *row, size_t at, const char *value, size_t width) {
    if (value == NULL)
        return;
    scoop_text_print(row->texts[at], width + 1, "%s", value);
    row->values[at] = row->texts[at];
}

void scoop_log_put_number(struct scoop_log_row *row, size_t at, int64_t number) {
    snprintf(row->texts[at], sizeof row->texts[at], "%lld", (long long)number);
    row->values[at] = row->texts[at];
}

void scoop_log_put_time(struct scoop_log_row *row, size_t at) {
    struct tm parts;
    time_t now = scoop_unix_seconds();
    gmtime_r(&now, &parts);
    strftime(row->texts[at], sizeof row->texts[at], "%Y-%m-%d %H:%M:%S", &parts);
    row->values[at] = row->texts[at];
}
