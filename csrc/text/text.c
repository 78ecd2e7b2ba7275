#include "text/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

enum { SPEC_SIZE = 16, NUMBER_SIZE = 64, ESCAPE_SIZE = 8 };

struct writer {
    char *to;
    size_t size, used;
    bool full;
};

/* Only what is within the bounds is looked at: the text may be a part of another, without a NUL. */
size_t scoop_text_fit(const char *text, size_t most) {
    unsigned char low, high;
    size_t length = strnlen(text, most), tail = 1;
    if (length == 0 || length < most)
        return length;
    while (tail < SCOOP_UTF8_MOST && tail < length &&
           scoop_utf8_continues((unsigned char)text[length - tail]))
        tail++;
    bool cut = scoop_utf8_wanted((unsigned char)text[length - tail], &low, &high) > tail;
    return cut ? length - tail : length;
}

/* Once a character does not fit, none that follows is written. */
static void put(struct writer *writer, const char *text, size_t length) {
    while (length > 0 && !writer->full) {
        bool valid;
        char escape[ESCAPE_SIZE];
        size_t taken = scoop_utf8_take(text, length, &valid), written = taken;
        if (!valid) {
            taken = 1;
            written = (size_t)snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)*text);
        }
        writer->full = writer->used + written >= writer->size;
        if (!writer->full) {
            memcpy(writer->to + writer->used, valid ? text : escape, written);
            writer->used += written;
        }
        text += taken;
        length -= taken;
    }
}

/* One conversion of the format. */
struct spec {
    char text[SPEC_SIZE]; /* as snprintf takes it */
    char length;          /* of its argument: 'l', 'L' (ll), 'z', or 0 */
    char kind;
    bool asks;     /* the precision is an argument */
    int precision; /* -1: none */
};

static const char *read_spec(const char *start, struct spec *spec) {
    const char *at = start + 1;
    *spec = (struct spec){.precision = -1};
    at += strspn(at, "-+ #0123456789");
    if (*at == '.') {
        spec->asks = at[1] == '*';
        spec->precision = atoi(at + 1);
        at += 1 + strspn(at + 1, "*0123456789");
    }
    size_t longs = strspn(at, "l");
    spec->length = longs > 1 ? 'L' : longs == 1 ? 'l' : *at == 'z' ? 'z' : 0;
    at += longs > 0 ? longs : spec->length == 'z';
    spec->kind = *at++;
    snprintf(spec->text, sizeof spec->text, "%.*s", (int)(at - start), start);
    return at;
}

static void put_text(struct writer *writer, const char *text, int precision) {
    const char *shown = text == NULL ? "(null)" : text;
    put(writer, shown, precision < 0 ? strlen(shown) : scoop_text_fit(shown, (size_t)precision));
}

static void put_number(struct writer *writer, const struct spec *spec, va_list *arguments) {
    char text[NUMBER_SIZE];
    bool real = strchr("fge", spec->kind) != NULL;
    if (real)
        snprintf(text, sizeof text, spec->text, va_arg(*arguments, double));
    else if (spec->kind == 'p')
        snprintf(text, sizeof text, spec->text, va_arg(*arguments, void *));
    else if (spec->length == 'L')
        snprintf(text, sizeof text, spec->text, va_arg(*arguments, long long));
    else if (spec->length == 'l')
        snprintf(text, sizeof text, spec->text, va_arg(*arguments, long));
    else if (spec->length == 'z')
        snprintf(text, sizeof text, spec->text, va_arg(*arguments, size_t));
    else
        snprintf(text, sizeof text, spec->text, va_arg(*arguments, int));
    put(writer, text, strlen(text));
}

static void put_all(struct writer *writer, const char *format, va_list *arguments) {
    while (*format != 0) {
        struct spec spec;
        size_t plain = strcspn(format, "%");
        put(writer, format, plain);
        format += plain;
        if (*format == 0)
            return;
        format = read_spec(format, &spec);
        if (spec.asks)
            spec.precision = va_arg(*arguments, int);
        if (spec.kind == '%')
            put(writer, "%", 1);
        else if (spec.kind == 's')
            put_text(writer, va_arg(*arguments, const char *), spec.precision);
        else
            put_number(writer, &spec, arguments);
    }
}

size_t scoop_text_vprint(char *to, size_t size, const char *format, va_list arguments) {
    struct writer writer = {.to = to, .size = size};
    va_list own;
    va_copy(own, arguments);
    put_all(&writer, format, &own);
    va_end(own);
    to[writer.used] = 0;
    return writer.used;
}

size_t scoop_text_print(char *to, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t used = scoop_text_vprint(to, size, format, arguments);
    va_end(arguments);
    return used;
}
