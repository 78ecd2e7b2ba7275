/* When a server asks to be asked again (RFC 9110, 10.2.3): in seconds, or at a time. */
#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "net/http.h"

enum { MOST_SECONDS = 1000000000 };

/* -1: the text is no number. */
static int64_t whole_number(const char *text) {
    int64_t number = 0;
    if (text[0] == 0 || text[strspn(text, "0123456789")] != 0)
        return -1;
    for (; *text != 0 && number < MOST_SECONDS; text++)
        number = 10 * number + (*text - '0');
    return number < MOST_SECONDS ? number : MOST_SECONDS;
}

int64_t scoop_http_retry_after_ms(struct scoop_http_exchange *exchange) {
    const char *text = scoop_http_header(exchange, "Retry-After");
    int64_t seconds = text == NULL ? -1 : whole_number(text);
    /* A date has a day's name in front. */
    if (seconds < 0 && text != NULL && isalpha((unsigned char)text[0]) != 0) {
        int64_t until = scoop_http_parse_date(text), now = scoop_http_date(exchange);
        if (now < 0)
            now = scoop_unix_seconds();
        if (until >= 0)
            seconds = until > now ? until - now : 0;
    }
    return seconds < 0 ? -1 : seconds * 1000;
}
