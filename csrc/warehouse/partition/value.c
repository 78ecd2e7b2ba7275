/* One spelling for each value of a partition column, so that texts can be compared. Pure. */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "warehouse/partition/partition_internal.h"

enum { NAME_BYTES = 32, DIGITS_MOST = 38, FRACTION_DIGITS = 6 };

static const char digits[] = "0123456789";

/* A type as svv_external_columns shows it: "numeric(10,2)". */
struct type {
    char name[NAME_BYTES];
    size_t count; /* of numbers in brackets */
    size_t numbers[2];
};

/* One value on its way; what `at` points to is behind leading spaces, `end` before those behind. */
struct value {
    const struct type *type;
    const char *at;
    const char *end;
    struct scoop_buf *normal;
    struct scoop_error *error;
};

static void read_type(const char *text, struct type *type) {
    size_t length = strcspn(text, "(");
    const char *at = text + length;
    memset(type, 0, sizeof *type);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    for (size_t i = 0; i < length && i < NAME_BYTES - 1; i++)
        type->name[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
    while (*at != 0 && type->count < 2) {
        at += strcspn(at, digits);
        if (*at != 0)
            type->numbers[type->count++] = strtoul(at, NULL, 10);
        at += strspn(at, digits);
    }
}

static int refuse(const struct value *value, const char *form) {
    return scoop_fail(value->error, SCOOP_USAGE, "it is not of the column's type %s; write %s",
                      value->type->name, form);
}

static size_t left(const struct value *value) {
    return (size_t)(value->end - value->at);
}

static size_t digits_at(const struct value *value) {
    size_t count = 0;
    while (count < left(value) && strchr(digits, value->at[count]) != NULL)
        count++;
    return count;
}

/* Steps over a sign; true for a minus. */
static bool take_sign(struct value *value) {
    if (left(value) == 0 || (*value->at != '-' && *value->at != '+'))
        return false;
    return *value->at++ == '-';
}

/* Takes between `least` and `most` digits as a number. */
static bool take_number(struct value *value, size_t least, size_t most, int *number) {
    size_t count = digits_at(value);
    if (count < least || count > most)
        return false;
    for (*number = 0; count > 0; count--)
        *number = *number * 10 + (*value->at++ - '0');
    return true;
}

static bool take_one_of(struct value *value, const char *set) {
    if (left(value) == 0 || strchr(set, *value->at) == NULL)
        return false;
    value->at++;
    return true;
}

static int put_integer(struct value *value) {
    bool negative = take_sign(value);
    size_t count = digits_at(value);
    if (count == 0 || count != left(value))
        return refuse(value, "a whole number");
    while (count > 1 && *value->at == '0')
        value->at++, count--;
    const char *name = value->type->name;
    uint64_t most = strcmp(name, "smallint") == 0 || strcmp(name, "int2") == 0 ? INT16_MAX
                    : strcmp(name, "bigint") == 0 || strcmp(name, "int8") == 0 ? INT64_MAX
                                                                               : INT32_MAX;
    if (count > 19 || strtoull(value->at, NULL, 10) > most + negative)
        return refuse(value, "a number within its range");
    negative = negative && *value->at != '0';
    return scoop_buf_printf(value->normal, value->error, "%s%.*s", negative ? "-" : "", (int)count,
                            value->at);
}

/* With as many digits behind the point as the column has. */
static int put_decimal(struct value *value) {
    size_t precision = value->type->count > 0 ? value->type->numbers[0] : 18;
    size_t scale = value->type->count > 1 ? value->type->numbers[1] : 0;
    bool negative = take_sign(value);
    const char *whole = value->at;
    size_t before = digits_at(value), behind = 0;
    value->at += before;
    bool point = take_one_of(value, ".");
    const char *fraction = value->at;
    if (point) {
        behind = digits_at(value);
        value->at += behind;
    }
    if (before + behind == 0 || left(value) > 0)
        return refuse(value, "a number like 12.5");
    while (before > 0 && *whole == '0')
        whole++, before--;
    while (behind > scale && fraction[behind - 1] == '0')
        behind--;
    if (behind > scale || precision > DIGITS_MOST || scale > precision ||
        before > precision - scale)
        return refuse(value, "a number with fewer digits");
    bool zero = before == 0 && strspn(fraction, "0") >= behind;
    if (scoop_buf_printf(value->normal, value->error, "%s%.*s", negative && !zero ? "-" : "",
                         before == 0 ? 1 : (int)before, before == 0 ? "0" : whole) != 0)
        return -1;
    if (scale == 0)
        return 0;
    return scoop_buf_printf(value->normal, value->error, ".%.*s%.*s", (int)behind, fraction,
                            (int)(scale - behind), "00000000000000000000000000000000000000");
}

/* The shortest text that is read as the same number. */
static int put_float(struct value *value, bool single) {
    static const char set[] = "0123456789+-.eE";
    char text[64], *stop = text;
    size_t length = left(value);
    if (length == 0 || length >= sizeof text || strspn(value->at, set) < length)
        return refuse(value, "a number like 12.5");
    memcpy(text, value->at, length);
    text[length] = 0;
    double number = strtod(text, &stop);
    if (*stop != 0 || !isfinite(single ? (float)number : number))
        return refuse(value, "a number like 12.5");
    number = single ? (float)number : number;
    number = number == 0 ? 0 : number;
    for (int precision = single ? 6 : 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, number);
        double again = strtod(text, NULL);
        if ((single ? (float)again : again) == number)
            break;
    }
    return scoop_buf_append_text(value->normal, text, value->error);
}

static int days_of(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* 20270105, or 2027-01-05 with -, / or . between; the orders of other regions are not guessed. */
static bool take_date(struct value *value, int date[3]) {
    size_t count = digits_at(value);
    if (count == 8) {
        int number = 0;
        take_number(value, 8, 8, &number);
        date[0] = number / 10000, date[1] = number / 100 % 100, date[2] = number % 100;
    } else {
        char separator[2] = {count == 4 && left(value) > 4 ? value->at[4] : '-', 0};
        if (strchr("-/.", separator[0]) == NULL || !take_number(value, 4, 4, &date[0]) ||
            !take_one_of(value, separator) || !take_number(value, 1, 2, &date[1]) ||
            !take_one_of(value, separator) || !take_number(value, 1, 2, &date[2]))
            return false;
    }
    return date[0] > 0 && date[1] >= 1 && date[1] <= 12 && date[2] >= 1 &&
           date[2] <= days_of(date[0], date[1]);
}

/* 07:00, 07:00:00, 07:00:00.5 or nothing; *fraction in millionths. */
static bool take_time(struct value *value, int time[3], int *fraction) {
    if (left(value) == 0)
        return true;
    if (!take_one_of(value, " tT") || !take_number(value, 1, 2, &time[0]) ||
        !take_one_of(value, ":") || !take_number(value, 2, 2, &time[1]))
        return false;
    if (take_one_of(value, ":") && !take_number(value, 2, 2, &time[2]))
        return false;
    if (take_one_of(value, ".")) {
        size_t count = digits_at(value);
        while (count > FRACTION_DIGITS && value->at[count - 1] == '0' && left(value) == count)
            value->end--, count--;
        if (!take_number(value, 1, FRACTION_DIGITS, fraction))
            return false;
        for (; count < FRACTION_DIGITS; count++)
            *fraction *= 10;
    }
    return left(value) == 0 && time[0] < 24 && time[1] < 60 && time[2] < 60;
}

static int put_moment(struct value *value, bool with_time) {
    int date[3] = {0}, time[3] = {0}, fraction = 0;
    if (!take_date(value, date) || !take_time(value, time, &fraction))
        return refuse(value, with_time ? "YYYY-MM-DD HH:MM:SS" : "YYYY-MM-DD");
    if (scoop_buf_printf(value->normal, value->error, "%04d-%02d-%02d", date[0], date[1],
                         date[2]) != 0)
        return -1;
    if (!with_time)
        return time[0] + time[1] + time[2] + fraction == 0 ? 0 : refuse(value, "YYYY-MM-DD");
    if (scoop_buf_printf(value->normal, value->error, " %02d:%02d:%02d", time[0], time[1],
                         time[2]) != 0)
        return -1;
    if (fraction == 0)
        return 0;
    char text[16];
    size_t length = (size_t)snprintf(text, sizeof text, ".%06d", fraction);
    while (text[length - 1] == '0')
        text[--length] = 0;
    return scoop_buf_append_text(value->normal, text, value->error);
}

static int put_boolean(struct value *value) {
    static const char *const words[][2] = {{"true", "true"},   {"t", "true"},    {"yes", "true"},
                                           {"y", "true"},      {"on", "true"},   {"1", "true"},
                                           {"false", "false"}, {"f", "false"},   {"no", "false"},
                                           {"n", "false"},     {"off", "false"}, {"0", "false"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i][0]) == left(value) &&
            strncasecmp(words[i][0], value->at, left(value)) == 0)
            return scoop_buf_append_text(value->normal, words[i][1], value->error);
    return refuse(value, "true or false");
}

/* `padded`: blanks behind a char are not part of it. */
static int put_text(struct value *value, const char *text, bool padded) {
    size_t length = strlen(text);
    while (padded && length > 0 && text[length - 1] == ' ')
        length--;
    if (value->type->count > 0 && length > value->type->numbers[0])
        return scoop_fail(value->error, SCOOP_USAGE,
                          "it has %zu bytes, and the column is a %s of %zu", length,
                          value->type->name, value->type->numbers[0]);
    return scoop_buf_append(value->normal, text, length, value->error);
}

static bool among(const char *name, const char *const *names) {
    while (*names != NULL && strcmp(name, *names) != 0)
        names++;
    return *names != NULL;
}

int scoop_partition_normal(const char *type_text, const char *text, struct scoop_buf *normal,
                           struct scoop_error *error) {
    static const char *const integers[] = {"smallint", "int2",   "integer", "int",
                                           "int4",     "bigint", "int8",    NULL};
    static const char *const decimals[] = {"decimal", "numeric", NULL};
    static const char *const doubles[] = {"double precision", "double", "float8", "float", NULL};
    static const char *const chars[] = {"char", "character", "nchar", "bpchar", NULL};
    struct type type;
    struct value value = {&type, text + strspn(text, " "), text + strlen(text), normal, error};
    read_type(type_text, &type);
    while (value.end > value.at && value.end[-1] == ' ')
        value.end--;
    if (among(type.name, integers))
        return put_integer(&value);
    if (among(type.name, decimals))
        return put_decimal(&value);
    if (among(type.name, doubles))
        return put_float(&value, false);
    if (strcmp(type.name, "real") == 0 || strcmp(type.name, "float4") == 0)
        return put_float(&value, true);
    if (strcmp(type.name, "date") == 0)
        return put_moment(&value, false);
    if (strncmp(type.name, "timestamp", 9) == 0)
        return put_moment(&value, true);
    if (strncmp(type.name, "bool", 4) == 0)
        return put_boolean(&value);
    return put_text(&value, text, among(type.name, chars));
}
