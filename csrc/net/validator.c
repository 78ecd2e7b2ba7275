/* What may be believed of a source's identity: nothing that two versions of it may share. */
#include <string.h>

#include "base/clock.h"
#include "net/http.h"
#include "text/header.h"

enum { CLOCK_DOUBT_SECONDS = 60 }; /* how far the server's clock and ours may be apart */

/* The one value of a header; "" and false when there is none, several, or one that does not fit. */
static bool take_one(struct scoop_http_exchange *exchange, const char *name,
                     char text[SCOOP_VALIDATOR_SIZE]) {
    const char *value = scoop_http_header(exchange, name);
    text[0] = 0;
    if (value == NULL || scoop_http_conflicts(exchange, name) ||
        strlen(value) >= SCOOP_VALIDATOR_SIZE || !scoop_header_is_value(value, strlen(value)))
        return false;
    memcpy(text, value, strlen(value) + 1);
    return true;
}

/* A source that changes twice in one second has one Last-Modified for both: it proves something
 * only if that second was over when the answer was made. */
static bool second_was_over(struct scoop_http_exchange *exchange, const char *modified) {
    int64_t changed = scoop_http_parse_date(modified);
    int64_t sent = scoop_http_header(exchange, "Date") == NULL
                       ? scoop_unix_seconds() - CLOCK_DOUBT_SECONDS
                       : scoop_http_date(exchange);
    return changed >= 0 && sent > changed && !scoop_http_conflicts(exchange, "Date");
}

bool scoop_http_validator(struct scoop_http_exchange *exchange, char text[SCOOP_VALIDATOR_SIZE]) {
    bool has_etag = scoop_http_header(exchange, "ETag") != NULL;
    bool proves =
        has_etag ? take_one(exchange, "ETag", text) && scoop_header_is_strong(text)
                 : take_one(exchange, "Last-Modified", text) && second_was_over(exchange, text);
    if (!proves)
        text[0] = 0;
    return proves;
}
