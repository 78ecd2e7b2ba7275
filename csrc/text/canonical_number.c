#include "text/canonical_number.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MOST_EXPONENT_DIGITS = 15, MOST_ZEROS_BEHIND = 20, MOST_ZEROS_BEFORE = 5 };

/* 0.DIGITS times ten to the power of `point`; the digits stand in the text, perhaps with a point
 * between them. */
struct number {
    const unsigned char *first, *end; /* of the digits that count: none is 0 at either end */
    int64_t count, point;
};

static bool is_digit(unsigned char byte) {
    return byte >= '0' && byte <= '9';
}

/* The exponent behind its e; false: too long to count with. */
static bool read_exponent(const unsigned char *at, const unsigned char *end, int64_t *exponent) {
    bool negative = at < end && *at == '-';
    *exponent = 0;
    if (at < end && !is_digit(*at))
        at++;
    while (at < end && *at == '0')
        at++;
    if (end - at > MOST_EXPONENT_DIGITS)
        return false;
    for (; at < end; at++)
        *exponent = *exponent * 10 + (*at - '0');
    if (negative)
        *exponent = -*exponent;
    return true;
}

/* Finds the digits that count between `at` and `end`, where a point may be. */
static void find_digits(struct number *number, const unsigned char *at, const unsigned char *end) {
    const unsigned char *dot = memchr(at, '.', (size_t)(end - at));
    const unsigned char *whole_end = dot == NULL ? end : dot;
    number->first = at;
    while (number->first < end && (*number->first == '0' || *number->first == '.'))
        number->first++;
    number->end = end;
    while (number->end > number->first && (number->end[-1] == '0' || number->end[-1] == '.'))
        number->end--;
    bool has_dot = dot != NULL && dot >= number->first && dot < number->end;
    number->count = number->end - number->first - has_dot;
    number->point = whole_end - number->first + (number->first > whole_end);
}

static unsigned char *put_zeros(unsigned char *out, int64_t count) {
    memset(out, '0', (size_t)count);
    return out + count;
}

/* All digits, a point behind the first `whole` of them unless no others follow. */
static unsigned char *put_digits(unsigned char *out, const struct number *number, int64_t whole) {
    int64_t written = 0;
    for (const unsigned char *at = number->first; at < number->end; at++) {
        if (*at == '.')
            continue;
        if (written == whole)
            *out++ = '.';
        *out++ = *at;
        written++;
    }
    return out;
}

unsigned char *scoop_canonical_number(unsigned char *out, const unsigned char *text,
                                      size_t length) {
    const unsigned char *end = text + length, *at = text, *mark = text;
    struct number number;
    int64_t exponent;
    while (mark < end && *mark != 'e' && *mark != 'E')
        mark++;
    if (*at == '-')
        at++;
    find_digits(&number, at, mark);
    if (number.count == 0) {
        *out++ = '0';
        return out;
    }
    if (!read_exponent(mark < end ? mark + 1 : end, end, &exponent))
        return (unsigned char *)mempcpy(out, text, length);
    if (*text == '-')
        *out++ = '-';
    int64_t point = number.point + exponent;
    if (point >= number.count && point - number.count <= MOST_ZEROS_BEHIND)
        return put_zeros(put_digits(out, &number, number.count), point - number.count);
    if (point > 0 && point < number.count)
        return put_digits(out, &number, point);
    if (point <= 0 && -point <= MOST_ZEROS_BEFORE) {
        *out++ = '0';
        *out++ = '.';
        return put_digits(put_zeros(out, -point), &number, number.count);
    }
    char power[24];
    int digits = snprintf(power, sizeof power, "e%lld", (long long)point - 1);
    return (unsigned char *)mempcpy(put_digits(out, &number, 1), power, (size_t)digits);
}
