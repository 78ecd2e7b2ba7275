#include "warehouse/sql/moments.h"

#include <stddef.h>

enum { MOST_YEARS = 294276 }; /* PostgreSQL's last one, which 64 bits of microseconds hold */

static const int64_t SECOND = 1000000;

/* At least `least` digits, as many as there are up to 6. */
static int take_number(const char **at, int least, int *number) {
    int digits = 0;
    for (*number = 0; **at >= '0' && **at <= '9' && digits < 6; digits++)
        *number = *number * 10 + (*(*at)++ - '0');
    return digits >= least ? 0 : -1;
}

static int take_sign(const char **at, char sign) {
    return *(*at)++ == sign ? 0 : -1;
}

/* Days of a date of the Gregorian calendar, by Howard Hinnant's count of days from civil. */
static int32_t days_of(int year, int month, int day) {
    year -= month <= 2;
    int era = year / 400, of_era = year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int take_date(const char **at, int32_t *days) {
    int year, month, day;
    if (take_number(at, 4, &year) != 0 || take_sign(at, '-') != 0 ||
        take_number(at, 2, &month) != 0 || take_sign(at, '-') != 0 || take_number(at, 2, &day) != 0)
        return -1;
    if (year < 1 || year > MOST_YEARS || month < 1 || month > 12 || day < 1 || day > 31)
        return -1;
    *days = days_of(year, month, day);
    return 0;
}

static int take_time(const char **at, int64_t *microseconds) {
    int hour, minute, second;
    if (take_number(at, 2, &hour) != 0 || take_sign(at, ':') != 0 ||
        take_number(at, 2, &minute) != 0 || take_sign(at, ':') != 0 ||
        take_number(at, 2, &second) != 0 || hour > 24 || minute > 59 || second > 60)
        return -1;
    *microseconds = ((int64_t)(hour * 60 + minute) * 60 + second) * SECOND;
    if (**at != '.')
        return 0;
    int64_t unit = SECOND / 10;
    for (++*at; **at >= '0' && **at <= '9'; ++*at, unit /= 10)
        *microseconds += (**at - '0') * unit;
    return 0;
}

/* Seconds east of Greenwich: "+02", "-03:30", "+00:19:32". */
static int take_zone(const char **at, int *seconds) {
    int part, unit = 3600, sign = **at == '-' ? -1 : 1;
    if (**at != '+' && **at != '-')
        return -1;
    *seconds = 0;
    do {
        ++*at;
        if (take_number(at, 2, &part) != 0 || part > 59)
            return -1;
        *seconds += sign * part * unit;
        unit /= 60;
    } while (**at == ':' && unit > 0);
    return 0;
}

int scoop_read_date(const char *text, int32_t *days) {
    return take_date(&text, days) == 0 && *text == 0 ? 0 : -1;
}

int scoop_read_time(const char *text, int64_t *microseconds) {
    return take_time(&text, microseconds) == 0 && *text == 0 ? 0 : -1;
}

int scoop_read_timestamp(const char *text, int zoned, int64_t *microseconds) {
    int32_t days;
    int64_t time;
    int east = 0;
    if (take_date(&text, &days) != 0 || take_sign(&text, ' ') != 0 || take_time(&text, &time) != 0)
        return -1;
    if (zoned && take_zone(&text, &east) != 0)
        return -1;
    *microseconds = days * (86400 * SECOND) + time - east * SECOND;
    return *text == 0 ? 0 : -1;
}
