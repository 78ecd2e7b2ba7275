#include "warehouse/sql/arrow_columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "warehouse/sql/moments.h"

enum { MOST_DIGITS = 38 };

/* Two halves of a 128-bit number, the lower first, as Arrow keeps a decimal. */
__extension__ typedef __int128 wide;

static const struct {
    uint32_t type;
    enum scoop_arrow_kind kind;
} kinds[] = {
    {16, SCOOP_ARROW_BOOL},      {17, SCOOP_ARROW_BYTES},       {20, SCOOP_ARROW_INT64},
    {21, SCOOP_ARROW_INT16},     {23, SCOOP_ARROW_INT32},       {26, SCOOP_ARROW_UINT32},
    {700, SCOOP_ARROW_FLOAT32},  {701, SCOOP_ARROW_FLOAT64},    {1082, SCOOP_ARROW_DATE},
    {1083, SCOOP_ARROW_TIME},    {1114, SCOOP_ARROW_TIMESTAMP}, {1184, SCOOP_ARROW_INSTANT},
    {1700, SCOOP_ARROW_DECIMAL},
};

/* A numeric without precision, or with more digits than Arrow's, stays a text: nothing is lost. */
struct scoop_arrow_type scoop_arrow_type_of(uint32_t type, int modifier) {
    struct scoop_arrow_type found = {.kind = SCOOP_ARROW_TEXT};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].type == type)
            found.kind = kinds[i].kind;
    if (found.kind != SCOOP_ARROW_DECIMAL)
        return found;
    found.precision = modifier < 4 ? 0 : (modifier - 4) >> 16;
    found.scale = modifier < 4 ? 0 : (modifier - 4) & 0x7ff;
    if (found.precision < 1 || found.precision > MOST_DIGITS || found.scale > found.precision)
        found.kind = SCOOP_ARROW_TEXT;
    return found;
}

static const char *format_of(enum scoop_arrow_kind kind) {
    static const char *const formats[] = {
        [SCOOP_ARROW_TEXT] = "u",          [SCOOP_ARROW_BOOL] = "b",
        [SCOOP_ARROW_INT16] = "s",         [SCOOP_ARROW_INT32] = "i",
        [SCOOP_ARROW_INT64] = "l",         [SCOOP_ARROW_UINT32] = "I",
        [SCOOP_ARROW_FLOAT32] = "f",       [SCOOP_ARROW_FLOAT64] = "g",
        [SCOOP_ARROW_BYTES] = "z",         [SCOOP_ARROW_DATE] = "tdD",
        [SCOOP_ARROW_TIME] = "ttu",        [SCOOP_ARROW_TIMESTAMP] = "tsu:",
        [SCOOP_ARROW_INSTANT] = "tsu:UTC",
    };
    return formats[kind];
}

int scoop_arrow_type_field(const struct scoop_arrow_type *type, const char *name,
                           struct ArrowSchema *field, struct scoop_error *error) {
    if (type->kind != SCOOP_ARROW_DECIMAL)
        return scoop_arrow_field(field, format_of(type->kind), name, 0, error);
    return scoop_arrow_decimal_field(field, type->precision, type->scale, name, error);
}

/* The number of a decimal, without its point. */
static int read_decimal(const char *text, int scale, wide *number) {
    bool negative = *text == '-';
    int digits = 0, behind = -1;
    text += negative;
    for (*number = 0; *text != 0; text++) {
        if (*text == '.' && behind < 0) {
            behind = 0;
            continue;
        }
        if (*text < '0' || *text > '9' || digits == MOST_DIGITS)
            return -1;
        *number = *number * 10 + (*text - '0');
        digits += digits > 0 || *text != '0';
        behind += behind >= 0;
    }
    for (behind = behind < 0 ? 0 : behind; behind < scale; behind++)
        *number *= 10;
    *number = negative ? -*number : *number;
    return behind == scale ? 0 : -1;
}

static int read_integer(const char *text, int64_t *number) {
    char *end = NULL;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == 0 ? 0 : -1;
}

static int read_float(const char *text, double *number) {
    char *end = NULL;
    *number = strtod(text, &end);
    return end != text && *end == 0 ? 0 : -1;
}

static int append(struct scoop_text_column *column, const void *data, size_t length,
                  struct scoop_error *error) {
    return scoop_buf_append(&column->data, data, length, error);
}

/* Zeros for a NULL. */
static size_t width_of(enum scoop_arrow_kind kind) {
    switch (kind) {
    case SCOOP_ARROW_INT16:
        return 2;
    case SCOOP_ARROW_INT32:
    case SCOOP_ARROW_UINT32:
    case SCOOP_ARROW_FLOAT32:
    case SCOOP_ARROW_DATE:
        return 4;
    case SCOOP_ARROW_DECIMAL:
        return 16;
    default:
        return 8;
    }
}

/* 0, 1 for a value that is none of the type's, or -1. */
static int put_number(const struct scoop_arrow_type *type, struct scoop_text_column *column,
                      const char *value, struct scoop_error *error) {
    union {
        int64_t integer;
        int32_t days;
        double real;
        float half;
        wide decimal;
    } number = {0};
    int read = 0;
    switch (type->kind) {
    case SCOOP_ARROW_FLOAT32:
        read = read_float(value, &number.real);
        number.half = (float)number.real;
        break;
    case SCOOP_ARROW_FLOAT64:
        read = read_float(value, &number.real);
        break;
    case SCOOP_ARROW_DECIMAL:
        read = read_decimal(value, type->scale, &number.decimal);
        break;
    case SCOOP_ARROW_DATE:
        read = scoop_read_date(value, &number.days);
        break;
    case SCOOP_ARROW_TIME:
        read = scoop_read_time(value, &number.integer);
        break;
    case SCOOP_ARROW_TIMESTAMP:
    case SCOOP_ARROW_INSTANT:
        read = scoop_read_timestamp(value, type->kind == SCOOP_ARROW_INSTANT, &number.integer);
        break;
    default:
        read = read_integer(value, &number.integer);
    }
    /* The machine keeps the lower bytes first, as Arrow does. */
    return read != 0 ? 1 : append(column, &number, width_of(type->kind), error);
}

static int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static int put_bytes(struct scoop_text_column *column, const char *value, size_t length,
                     struct scoop_error *error) {
    if (length < 2 || length % 2 != 0 || value[0] != '\\' || value[1] != 'x')
        return 1;
    for (size_t i = 2; i < length; i += 2) {
        int high = hex_digit(value[i]), low = hex_digit(value[i + 1]);
        unsigned char byte = (unsigned char)(high * 16 + low);
        if (high < 0 || low < 0)
            return 1;
        if (append(column, &byte, 1, error) != 0)
            return -1;
    }
    return 0;
}

static int put_value(const struct scoop_arrow_type *type, struct scoop_text_column *column,
                     const char *value, size_t length, struct scoop_error *error) {
    switch (type->kind) {
    case SCOOP_ARROW_TEXT:
        return append(column, value, length, error);
    case SCOOP_ARROW_BYTES:
        return put_bytes(column, value, length, error);
    case SCOOP_ARROW_BOOL:
        return scoop_bitmap_add(&column->data, column->rows, value[0] == 't', error);
    default:
        return put_number(type, column, value, error);
    }
}

static int put_null(const struct scoop_arrow_type *type, struct scoop_text_column *column,
                    struct scoop_error *error) {
    static const unsigned char zeros[16];
    if (type->kind == SCOOP_ARROW_TEXT || type->kind == SCOOP_ARROW_BYTES)
        return 0;
    if (type->kind == SCOOP_ARROW_BOOL)
        return scoop_bitmap_add(&column->data, column->rows, false, error);
    return append(column, zeros, width_of(type->kind), error);
}

int scoop_arrow_put(const struct scoop_arrow_type *type, struct scoop_text_column *column,
                    const char *value, size_t length, struct scoop_error *error) {
    int status = value == NULL ? put_null(type, column, error)
                               : put_value(type, column, value, length, error);
    if (status > 0)
        return scoop_fail(error, SCOOP_UNSUPPORTED,
                          "Arrow's type has no value '%.60s'; cast the column to text", value);
    return status < 0 ? -1 : scoop_text_column_end_row(column, value == NULL, error);
}

int scoop_arrow_finish(const struct scoop_arrow_type *type, struct scoop_text_column *column,
                       struct ArrowArray *array, struct scoop_error *error) {
    if (type->kind == SCOOP_ARROW_TEXT || type->kind == SCOOP_ARROW_BYTES)
        return scoop_arrow_texts(column, array, error);
    return scoop_arrow_fixed(column, array, error);
}
