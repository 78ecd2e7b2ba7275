#include "table/groups/group_number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "text/canonical_number.h"
#include "text/json_reader.h"

enum { SURE_DIGITS = 18, MOST_TEXT = 400 };

bool scoop_is_json_number(const unsigned char *text, size_t length) {
    struct scoop_json_reader reader = {text, text + length};
    struct scoop_json_span value;
    bool begins = length > 0 && (*text == '-' || (*text >= '0' && *text <= '9'));
    return begins && scoop_json_skip(&reader, &value) && value.length == length;
}

/* Digits alone, perhaps behind a minus, of 64 bits. */
static bool read_digits(const unsigned char *at, const unsigned char *end, int64_t *value) {
    bool negative = at < end && *at == '-';
    at += negative;
    if (at == end || end - at > SURE_DIGITS + 1)
        return false;
    uint64_t sum = 0;
    for (; at < end; at++) {
        unsigned digit = (unsigned)*at - '0';
        if (digit > 9)
            return false;
        sum = sum * 10 + digit; /* 19 digits fit into 64 bits */
    }
    if (sum > (uint64_t)INT64_MAX + negative)
        return false;
    *value = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

bool scoop_number_integer(const unsigned char *text, size_t length, int64_t *value) {
    unsigned char canonical[MOST_TEXT + SCOOP_NUMBER_GROWTH];
    if (read_digits(text, text + length, value))
        return true;
    if (length > MOST_TEXT)
        return false;
    return read_digits(canonical, scoop_canonical_number(canonical, text, length), value);
}

static locale_t plain;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_locale(void) {
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Whatever locale the program has set, a point is a point. */
bool scoop_number_double(const unsigned char *text, size_t length, double *value) {
    char copy[MOST_TEXT + 1];
    if (length > MOST_TEXT)
        return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    pthread_once(&once, make_locale);
    *value = plain == (locale_t)0 ? strtod(copy, NULL) : strtod_l(copy, NULL, plain);
    return isfinite(*value);
}
