#include "base/canonical.h"

#include <stdlib.h>
#include <string.h>

#include "scoop/memory.h"
#include "text/canonical_number.h"
#include "text/escapes.h"
#include "text/utf8.h"

enum { FIRST_MEMBERS = 64, MOVED_CEILING = 1 << 30 };

/* Of an object under way: where it was written. */
struct scoop_canonical_member {
    size_t at, length;
    size_t name_length; /* with its quotes */
};

struct writer {
    struct scoop_canonical *canonical;
    bool by_value;
    unsigned char *start; /* of the whole value */
    unsigned char *out;
    struct scoop_error *error;
};

void scoop_canonical_init(struct scoop_canonical *canonical) {
    memset(canonical, 0, sizeof *canonical);
    scoop_buf_init(&canonical->moved, MOVED_CEILING);
}

void scoop_canonical_free(struct scoop_canonical *canonical) {
    scoop_free(canonical->members);
    scoop_buf_free(&canonical->moved);
    scoop_canonical_init(canonical);
}

size_t scoop_canonical_room(const unsigned char *text, size_t length) {
    size_t exponents = 0; /* or what looks like one */
    for (size_t i = 1; i < length; i++)
        exponents += (text[i] | 0x20) == 'e' && text[i - 1] >= '0' && text[i - 1] <= '9';
    return 2 * length + 2 + SCOOP_NUMBER_GROWTH * exponents;
}

static const unsigned char *skip_space(const unsigned char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')
        at++;
    return at;
}

/* A string as we write it: only what must be escaped is. */
static const unsigned char *write_string(struct writer *writer, const unsigned char *at) {
    *writer->out++ = *at++;
    while (*at != '"') {
        size_t length;
        if (*at != '\\') {
            *writer->out++ = *at++;
            continue;
        }
        long code = scoop_escape_read(at, &length);
        at += length;
        if (code < 0x80 && scoop_needs_escape((unsigned char)code))
            writer->out = scoop_escape_write_short(writer->out, (unsigned char)code);
        else
            writer->out += scoop_utf8_encode((unsigned long)code, writer->out);
    }
    *writer->out++ = '"';
    return at + 1;
}

/* What follows a number, true, false or null. */
static bool ends_bare(unsigned char byte) {
    return byte == ',' || byte == '}' || byte == ']' || byte == ' ' || byte == '\t' ||
           byte == '\r' || byte == '\n';
}

static const unsigned char *write_bare(struct writer *writer, const unsigned char *at) {
    const unsigned char *end = at;
    while (!ends_bare(*end))
        end++;
    bool word = *at == 't' || *at == 'f' || *at == 'n';
    if (writer->by_value && !word)
        writer->out = scoop_canonical_number(writer->out, at, (size_t)(end - at));
    else
        writer->out = (unsigned char *)mempcpy(writer->out, at, (size_t)(end - at));
    return end;
}

static const unsigned char *write_value(struct writer *writer, const unsigned char *at);

static const unsigned char *write_array(struct writer *writer, const unsigned char *at) {
    *writer->out++ = '[';
    for (at = skip_space(at + 1); *at != ']'; at = skip_space(at)) {
        if (*at == ',') {
            *writer->out++ = ',';
            at = skip_space(at + 1);
        }
        at = write_value(writer, at);
        if (at == NULL)
            return NULL;
    }
    *writer->out++ = ']';
    return at + 1;
}

static int add_member(struct writer *writer) {
    struct scoop_canonical *canonical = writer->canonical;
    if (canonical->count == canonical->capacity) {
        size_t capacity = canonical->capacity == 0 ? FIRST_MEMBERS : 2 * canonical->capacity;
        struct scoop_canonical_member *grown =
            scoop_realloc(canonical->members, capacity * sizeof *grown);
        if (grown == NULL)
            return scoop_fail_memory(writer->error);
        canonical->members = grown;
        canonical->capacity = capacity;
    }
    canonical->members[canonical->count++] =
        (struct scoop_canonical_member){.at = (size_t)(writer->out - writer->start)};
    return 0;
}

/* By the bytes of their names; of equal ones the earlier is first. */
static int compare(const void *a, const void *b, void *start) {
    const struct scoop_canonical_member *one = a, *other = b;
    const unsigned char *text = (const unsigned char *)start + 1; /* behind the quote */
    bool shorter = one->name_length < other->name_length;
    size_t length = (shorter ? one->name_length : other->name_length) - 2;
    int difference = memcmp(text + one->at, text + other->at, length);
    if (difference != 0)
        return difference;
    if (one->name_length != other->name_length)
        return shorter ? -1 : 1;
    return one->at < other->at ? -1 : one->at > other->at;
}

/* The members of the object that ends, from number `first` on, are written at `from`, each with a
 * comma behind it: brings them into order. */
static int sort_members(struct writer *writer, size_t first, const unsigned char *from) {
    struct scoop_canonical *canonical = writer->canonical;
    struct scoop_canonical_member *members = canonical->members + first;
    size_t count = canonical->count - first, length = (size_t)(writer->out - from);
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++)
        sorted = compare(&members[i - 1], &members[i], writer->start) < 0;
    if (sorted)
        return 0;
    qsort_r(members, count, sizeof *members, compare, writer->start);
    canonical->moved.length = 0;
    for (size_t i = 0; i < count; i++)
        if (scoop_buf_append(&canonical->moved, writer->start + members[i].at, members[i].length,
                             writer->error) != 0)
            return -1;
    memcpy(writer->out - length, canonical->moved.data, length);
    return 0;
}

static const unsigned char *write_object(struct writer *writer, const unsigned char *at) {
    struct scoop_canonical *canonical = writer->canonical;
    size_t first = canonical->count;
    *writer->out++ = '{';
    unsigned char *from = writer->out;
    for (at = skip_space(at + 1); *at != '}'; at = skip_space(at)) {
        if (*at == ',')
            at = skip_space(at + 1);
        if (add_member(writer) != 0)
            return NULL;
        size_t number = canonical->count - 1;
        unsigned char *member = writer->out;
        at = skip_space(write_string(writer, at));
        canonical->members[number].name_length = (size_t)(writer->out - member);
        *writer->out++ = ':';
        at = write_value(writer, skip_space(at + 1));
        if (at == NULL)
            return NULL;
        *writer->out++ = ',';
        canonical->members[number].length = (size_t)(writer->out - member);
    }
    if (canonical->count > first && sort_members(writer, first, from) != 0)
        return NULL;
    canonical->count = first;
    if (writer->out > from)
        writer->out--; /* the last comma */
    *writer->out++ = '}';
    return at + 1;
}

/* As deep as the check let it be: JSON's limit is 1000. */
static const unsigned char *write_value(struct writer *writer, const unsigned char *at) {
    return *at == '{'   ? write_object(writer, at)
           : *at == '[' ? write_array(writer, at)
           : *at == '"' ? write_string(writer, at)
                        : write_bare(writer, at);
}

const unsigned char *scoop_canonical_write(struct scoop_canonical *canonical,
                                           const unsigned char *at, bool by_value,
                                           unsigned char **out, struct scoop_error *error) {
    struct writer writer = {
        .canonical = canonical, .by_value = by_value, .start = *out, .out = *out, .error = error};
    canonical->count = 0;
    at = write_value(&writer, at);
    *out = writer.out;
    return at;
}
