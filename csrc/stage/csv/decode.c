#include "stage/csv/decode.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/record_place.h"
#include "scoop/buffer.h"
#include "scoop/memory.h"
#include "stage/stage.h"

enum {
    OUT_BYTES = 64 * 1024,
    MOST_NAME_BYTES = 40,
};

struct decode {
    struct scoop_stage stage;
    iconv_t converter;
    const char *encoding;   /* borrowed */
    struct scoop_buf waits; /* the beginning of a character */
    uint64_t offset;        /* of the first byte that is not decoded */
    uint64_t line;          /* where that stands, from 1 */
    bool after_return;      /* the last byte was a carriage return */
    unsigned char out[OUT_BYTES];
};

/* --- names --- */

/* What other programs call it, and iconv does not. */
static const struct alias {
    const char *name, *known;
} aliases[] = {
    {"latin-1", "ISO-8859-1"}, {"latin-2", "ISO-8859-2"}, {"latin-9", "ISO-8859-15"},
    {"utf-8-sig", "UTF-8"},    {"utf-16-le", "UTF-16LE"}, {"utf-16-be", "UTF-16BE"},
    {"utf-32-le", "UTF-32LE"}, {"utf-32-be", "UTF-32BE"}, {"mac-roman", "MACINTOSH"},
};

/* (iconv_t)-1 when there is no such encoding. A name with a slash has iconv do more than decode. */
static iconv_t open_converter(const char *encoding) {
    char name[MOST_NAME_BYTES + 1];
    size_t length = strlen(encoding);
    if (length == 0 || length > MOST_NAME_BYTES || strchr(encoding, '/') != NULL)
        return (iconv_t)-1;
    for (size_t i = 0; i <= length; i++)
        name[i] = encoding[i] == '_' ? '-' : encoding[i];
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcasecmp(aliases[i].name, name) == 0)
            return iconv_open("UTF-8", aliases[i].known);
    iconv_t found = iconv_open("UTF-8", encoding);
    return found == (iconv_t)-1 ? iconv_open("UTF-8", name) : found;
}

int scoop_decode_check(const char *encoding, struct scoop_error *error) {
    iconv_t converter = open_converter(encoding);
    if (converter == (iconv_t)-1)
        return scoop_fail(error, SCOOP_USAGE,
                          "csv: there is no encoding \"%.60s\" here; \"iconv -l\" lists those that "
                          "there are, such as latin-1, cp1252, utf-16",
                          encoding);
    iconv_close(converter);
    return 0;
}

/* --- the stage --- */

static void count_lines(struct decode *decode, const unsigned char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        decode->line += text[i] == '\r' || (text[i] == '\n' && !decode->after_return);
        decode->after_return = text[i] == '\r';
    }
}

static int fail_at(const struct decode *decode, unsigned char byte, struct scoop_error *error) {
    const struct scoop_record_place place = {decode->line, decode->offset};
    return scoop_fail_record(error, place, "byte 0x%02x begins no character of %s", byte,
                             decode->encoding);
}

/* Decodes what is whole; *used: its bytes. */
static int convert(struct decode *decode, const unsigned char *data, size_t length, size_t *used,
                   struct scoop_error *error) {
    char *in = (char *)data;
    size_t left = length;
    int why = E2BIG;
    while (left > 0 && why == E2BIG) {
        char *out = (char *)decode->out;
        size_t room = sizeof decode->out, before = left;
        why = iconv(decode->converter, &in, &left, &out, &room) == (size_t)-1 ? errno : 0;
        size_t made = sizeof decode->out - room;
        decode->offset += before - left;
        count_lines(decode, decode->out, made);
        if (scoop_stage_push(decode->stage.next, decode->out, made, error) != 0)
            return -1;
    }
    *used = length - left;
    return why == EILSEQ ? fail_at(decode, (unsigned char)*in, error) : 0;
}

static int decode_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                        size_t *consumed, struct scoop_error *error) {
    struct decode *decode = (struct decode *)stage;
    size_t used = 0;
    *consumed = length;
    if (decode->waits.length > 0) {
        if (scoop_buf_append(&decode->waits, data, length, error) != 0 ||
            convert(decode, decode->waits.data, decode->waits.length, &used, error) != 0)
            return -1;
        scoop_buf_consume(&decode->waits, used);
        return 0;
    }
    if (convert(decode, data, length, &used, error) != 0)
        return -1;
    return scoop_buf_append(&decode->waits, data + used, length - used, error);
}

/* An encoding with states may have kept something back. */
static int decode_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct decode *decode = (struct decode *)stage;
    char *out = (char *)decode->out;
    size_t room = sizeof decode->out;
    const struct scoop_record_place place = {decode->line, decode->offset};
    if (decode->waits.length > 0)
        return scoop_fail_record(error, place, "the text ends inside a character of %s",
                                 decode->encoding);
    iconv(decode->converter, NULL, NULL, &out, &room);
    return scoop_stage_push(stage->next, decode->out, sizeof decode->out - room, error);
}

static void decode_free(struct scoop_stage *stage) {
    struct decode *decode = (struct decode *)stage;
    if (decode->converter != (iconv_t)-1)
        iconv_close(decode->converter);
    scoop_buf_free(&decode->waits);
    scoop_free(decode);
}

static const struct scoop_stage_type decode_type = {"decode", decode_write, decode_finish,
                                                    decode_free, NULL};

struct scoop_stage *scoop_decode_new(const char *encoding, struct scoop_counters *counters,
                                     struct scoop_error *error) {
    struct decode *decode = scoop_calloc(1, sizeof *decode);
    if (decode == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    decode->stage.type = &decode_type;
    decode->stage.counters = counters;
    decode->encoding = encoding;
    decode->line = 1;
    scoop_buf_init(&decode->waits, SIZE_MAX / 2);
    decode->converter = open_converter(encoding);
    if (decode->converter != (iconv_t)-1)
        return &decode->stage;
    scoop_decode_check(encoding, error);
    decode_free(&decode->stage);
    return NULL;
}
