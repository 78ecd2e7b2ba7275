/* Python's numbers -> JSON's, digits kept. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage/literal/state.h"

enum {
    /* Below this decimal exponent a number surely fits a double, above OVERFLOWS surely not. */
    SURELY_FINITE = 300,
    OVERFLOWS = 310,
    /* No point halfway between two doubles has more digits than this. */
    DECISIVE_DIGITS = 800,
    EXPONENT_CAP = 100000000
};

int scoop_literal_nonfinite(struct literal *literal, const unsigned char *at) {
    literal->kind = LITERAL_NONFINITE;
    if (!literal->parser->nonfinite_null)
        return scoop_literal_bad(literal, at, "nan, inf or a float beyond the doubles is not JSON");
    return scoop_literal_append(literal, "null", 4);
}

/* Appends the digits at `at`, single underscores between them left out; *count is how many. */
static int append_digits(struct literal *literal, size_t *count) {
    *count = 0;
    while (scoop_literal_is_digit(*literal->at)) {
        const unsigned char *start = literal->at;
        while (scoop_literal_is_digit(*literal->at))
            literal->at++;
        *count += (size_t)(literal->at - start);
        if (scoop_literal_append(literal, start, (size_t)(literal->at - start)) != 0)
            return -1;
        if (*literal->at == '_') {
            literal->at++;
            if (!scoop_literal_is_digit(*literal->at))
                return scoop_literal_bad(literal, literal->at, "a misplaced _ in a number");
        }
    }
    return 0;
}

/* What may not follow a number: a letter, or a suffix of Python 2 or of complex numbers. */
static int check_number_end(struct literal *literal) {
    unsigned char byte = *literal->at;
    if (byte == 'j' || byte == 'J')
        return scoop_literal_bad(literal, literal->at, "a complex number has no JSON form");
    if (scoop_literal_is_name(byte) || byte == '.')
        return scoop_literal_bad(literal, literal->at, "a malformed number");
    return 0;
}

/* Python 2 wrote long integers with an L. */
static int end_integer(struct literal *literal) {
    literal->kind = LITERAL_INTEGER;
    if (*literal->at == 'L' || *literal->at == 'l')
        literal->at++;
    return check_number_end(literal);
}

static int digit_value(unsigned char byte) {
    if (scoop_literal_is_digit(byte))
        return byte - '0';
    if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
        return (byte | 0x20) - 'a' + 10;
    return 99;
}

/* 0x.., 0o.. or 0b.. -> decimal. */
static int parse_radix(struct literal *literal, bool negative, unsigned radix) {
    uint64_t value = 0;
    const unsigned char *start = literal->at;
    literal->at += 2;
    do {
        if (*literal->at == '_')
            literal->at++;
        unsigned digit = (unsigned)digit_value(*literal->at);
        if (digit >= radix)
            return scoop_literal_bad(literal, start, "a malformed number");
        if (value > (UINT64_MAX - digit) / radix)
            return scoop_literal_bad(literal, start,
                                     "a hexadecimal, octal or binary number beyond 64 bits");
        value = value * radix + digit;
        literal->at++;
    } while (digit_value(*literal->at) < 16 || *literal->at == '_');
    char text[24];
    snprintf(text, sizeof text, "%s%llu", negative && value > 0 ? "-" : "",
             (unsigned long long)value);
    if (scoop_literal_append(literal, text, strlen(text)) != 0)
        return -1;
    return end_integer(literal);
}

/* Takes the zeros off the front of the digits that begin at `start`; keeps one. */
static void strip_zeros(struct scoop_buf *out, size_t start) {
    size_t zeros = 0;
    while (start + zeros + 1 < out->length && out->data[start + zeros] == '0' &&
           scoop_literal_is_digit(out->data[start + zeros + 1]))
        zeros++;
    if (zeros == 0)
        return;
    memmove(out->data + start, out->data + start + zeros, out->length - start - zeros);
    out->length -= zeros;
}

/* A JSON number as digits and a power of ten, in a form that strtod reads in every locale. */
struct decimal {
    char text[DECISIVE_DIGITS + 32];
    long magnitude; /* the value is 0.DIGITS times ten to this */
};

static long written_exponent(const unsigned char *p, const unsigned char *end) {
    bool negative = p < end && *p == '-';
    long value = 0;
    for (; p < end; p++)
        if (scoop_literal_is_digit(*p) && value < EXPONENT_CAP)
            value = value * 10 + (*p - '0');
    return negative ? -value : value;
}

static void read_decimal(const unsigned char *number, size_t length, struct decimal *decimal) {
    const unsigned char *end = number + length;
    size_t kept = 0;
    long exponent = 0; /* of the kept digits read as an integer */
    bool fraction = false;
    bool more = false; /* a digit other than 0 was left out */
    for (; number < end && (*number | 0x20) != 'e'; number++) {
        if (!scoop_literal_is_digit(*number)) {
            fraction |= *number == '.';
        } else if (kept < DECISIVE_DIGITS) {
            if (kept > 0 || *number != '0')
                decimal->text[kept++] = (char)*number;
            exponent -= fraction;
        } else {
            more |= *number != '0';
            exponent += !fraction;
        }
    }
    if (number < end)
        exponent += written_exponent(number + 1, end);
    if (more) { /* so that strtod sees which side of a half the value is on */
        decimal->text[kept++] = '1';
        exponent--;
    }
    decimal->magnitude = exponent + (long)kept;
    if (kept == 0) {
        decimal->text[kept++] = '0';
        decimal->magnitude = 0;
    }
    snprintf(decimal->text + kept, sizeof decimal->text - kept, "e%ld", exponent);
}

static bool is_infinite(const unsigned char *number, size_t length) {
    struct decimal decimal;
    read_decimal(number, length, &decimal);
    if (decimal.magnitude < SURELY_FINITE || decimal.magnitude > OVERFLOWS)
        return decimal.magnitude > OVERFLOWS;
    return isinf(strtod(decimal.text, NULL));
}

static int parse_exponent(struct literal *literal) {
    size_t count;
    size_t head = literal->at[1] == '+' || literal->at[1] == '-' ? 2 : 1;
    if (!scoop_literal_is_digit(literal->at[head]))
        return scoop_literal_bad(literal, literal->at, "a malformed number");
    if (scoop_literal_append(literal, literal->at, head) != 0)
        return -1;
    literal->at += head;
    return append_digits(literal, &count);
}

/* From the point or the e on; the digits before stand in the output from `digits` on. */
static int parse_fraction(struct literal *literal, size_t start, size_t digits,
                          const unsigned char *at) {
    struct scoop_buf *out = literal->parser->out;
    size_t count;
    if (out->length == digits && scoop_literal_append(literal, "0", 1) != 0)
        return -1;
    strip_zeros(out, digits);
    if (*literal->at == '.') {
        literal->at++;
        if (scoop_literal_append(literal, ".", 1) != 0 || append_digits(literal, &count) != 0 ||
            (count == 0 && scoop_literal_append(literal, "0", 1) != 0))
            return -1;
    }
    bool exponent = *literal->at == 'e' || *literal->at == 'E';
    if (exponent && parse_exponent(literal) != 0)
        return -1;
    if (check_number_end(literal) != 0)
        return -1;
    literal->kind = LITERAL_FLOAT;
    if (!exponent && out->length - start < SURELY_FINITE)
        return 0;
    if (!is_infinite(out->data + start, out->length - start))
        return 0;
    out->length = start;
    return scoop_literal_nonfinite(literal, at);
}

int scoop_literal_number(struct literal *literal, bool negative) {
    struct scoop_buf *out = literal->parser->out;
    const unsigned char *at = literal->at;
    size_t start = out->length;
    size_t count;
    if (at[0] == '0') {
        unsigned char letter = at[1] | 0x20;
        if (letter == 'x' || letter == 'o' || letter == 'b')
            return parse_radix(literal, negative, letter == 'x' ? 16 : letter == 'o' ? 8 : 2);
    }
    if (negative && scoop_literal_append(literal, "-", 1) != 0)
        return -1;
    size_t digits = out->length;
    if (append_digits(literal, &count) != 0)
        return -1;
    if (*literal->at == '.' || *literal->at == 'e' || *literal->at == 'E')
        return parse_fraction(literal, start, digits, at);
    strip_zeros(out, digits);
    bool zero = out->data[digits] == '0';
    if (*at == '0' && !zero && check_number_end(literal) == 0)
        return scoop_literal_bad(literal, at,
                                 "a number with a leading zero: Python 2 read it as octal");
    if (zero && negative) { /* an integer has no -0 */
        out->length = start;
        if (scoop_literal_append(literal, "0", 1) != 0)
            return -1;
    }
    return end_integer(literal);
}

/* `text`, as "%e" writes it, without its point, which is the locale's: digits and their exponent.
 */
static uint64_t read_scientific(const char *text, int *exponent) {
    uint64_t digits = 0;
    int fraction = -1;
    for (; *text != 'e'; text++)
        if (scoop_literal_is_digit((unsigned char)*text)) {
            digits = digits * 10 + (uint64_t)(*text - '0');
            fraction++;
        }
    *exponent = atoi(text + 1) - fraction;
    return digits;
}

/* The fewest digits that give the same positive double, in `digits` of 24 bytes; returns the
 * exponent of their scientific form. printf rounds a tie to even, which may be the one neighbour
 * that does not give the double back, so both neighbours are tried. */
static int shortest(double value, char *digits) {
    static const int steps[] = {0, 1, -1};
    char text[40];
    for (int precision = 0;; precision++) {
        int exponent;
        snprintf(text, sizeof text, "%.*e", precision, value);
        uint64_t nearest = read_scientific(text, &exponent);
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            uint64_t candidate = nearest + (uint64_t)(int64_t)steps[i];
            snprintf(text, sizeof text, "%llue%d", (unsigned long long)candidate, exponent);
            if (strtod(text, NULL) != value && precision < 17)
                continue;
            int count = snprintf(digits, 24, "%llu", (unsigned long long)candidate);
            exponent += count - 1;
            while (count > 1 && digits[count - 1] == '0')
                digits[--count] = 0;
            return exponent;
        }
    }
}

/* repr's form: positional for exponents from -4 to 15. */
static void write_repr(const char *digits, int exponent, char *key, size_t size_bytes) {
    int count = (int)strlen(digits);
    if (exponent < -4 || exponent >= 16)
        snprintf(key, size_bytes, "%c%s%se%c%02d", digits[0], count > 1 ? "." : "", digits + 1,
                 exponent < 0 ? '-' : '+', abs(exponent));
    else if (exponent < 0)
        snprintf(key, size_bytes, "0.%.*s%s", -exponent - 1, "000", digits);
    else if (count <= exponent + 1)
        snprintf(key, size_bytes, "%s%.*s.0", digits, exponent + 1 - count, "000000000000000");
    else
        snprintf(key, size_bytes, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
}

void scoop_literal_float_key(const unsigned char *number, size_t length, char *key) {
    struct decimal decimal;
    char digits[24];
    bool negative = number[0] == '-';
    read_decimal(number, length, &decimal);
    int exponent = shortest(strtod(decimal.text, NULL), digits);
    key[0] = '-';
    write_repr(digits, exponent, key + negative, SCOOP_LITERAL_KEY_BYTES - 1);
}
