#include "stage/json/keys.h"

#include <stdlib.h>
#include <string.h>

#include "scoop/memory.h"
#include "text/escapes.h"
#include "text/example.h"
#include "text/text.h"
#include "text/utf8.h"

enum { FIRST_ENTRIES = 64, FEW_KEYS = 24, SHOWN_SIZE = 64 };
#define ESCAPED 0x80000000u
#define FOLD_ALL 0x2020202020202020u /* folds letters, and for a hash it may fold more */

/* Reads a key's text, byte by byte. */
struct reader {
    const unsigned char *at, *end;
    bool escaped;
    unsigned char decoded[SCOOP_UTF8_MOST]; /* what is left of an escape */
    size_t decoded_length, decoded_at;
};

/* A half of a pair alone, and NUL, will become U+FFFD. */
static long read_escape(struct reader *reader) {
    size_t length;
    long code = scoop_escape_read(reader->at, &length);
    reader->at += length;
    return scoop_is_storable(code) ? code : SCOOP_REPLACEMENT;
}

/* The next byte, or -1. */
static int read_byte(struct reader *reader) {
    if (reader->decoded_at < reader->decoded_length)
        return reader->decoded[reader->decoded_at++];
    if (reader->at == reader->end)
        return -1;
    if (*reader->at != '\\' || !reader->escaped)
        return *reader->at++;
    reader->decoded_length = scoop_utf8_encode((unsigned long)read_escape(reader), reader->decoded);
    reader->decoded_at = 1;
    return reader->decoded[0];
}

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ (word | FOLD_ALL)) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t load(const unsigned char *p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* The last 0 to 7 of `length` bytes, zeros above. */
static uint64_t load_rest(const unsigned char *p, size_t length) {
    size_t rest = length % 8;
    const unsigned char *end = p + length;
    if (rest == 0)
        return 0;
    if (length > 8)
        return load(end - 8) >> 8 * (8 - rest);
    uint64_t word = 0;
    if (rest >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, end - 4, 4);
        return low | (uint64_t)high << 8 * (rest - 4);
    }
    for (size_t i = 0; i < rest; i++)
        word |= (uint64_t)p[i] << 8 * i;
    return word;
}

static uint32_t hash_escaped(struct scoop_json_key key) {
    struct reader reader = {.at = key.text, .end = key.text + key.length, .escaped = true};
    uint64_t hash = 0, word = 0;
    unsigned held = 0;
    for (int byte = read_byte(&reader); byte >= 0; byte = read_byte(&reader)) {
        word |= (uint64_t)byte << 8 * held;
        if (++held == 8) {
            hash = mix(hash, word);
            word = held = 0;
        }
    }
    return (uint32_t)(mix(hash, word) >> 32);
}

uint32_t scoop_json_key_hash(struct scoop_json_key key) {
    uint64_t hash = 0;
    if (key.escaped)
        return hash_escaped(key);
    for (size_t at = 0; at + 8 <= key.length; at += 8)
        hash = mix(hash, load(key.text + at));
    return (uint32_t)(mix(hash, load_rest(key.text, key.length)) >> 32);
}

static int fold(int byte) {
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static int compare(struct scoop_json_key a, struct scoop_json_key b, bool folded) {
    struct reader one = {.at = a.text, .end = a.text + a.length, .escaped = a.escaped};
    struct reader other = {.at = b.text, .end = b.text + b.length, .escaped = b.escaped};
    for (;;) {
        int x = read_byte(&one), y = read_byte(&other);
        int difference = folded ? fold(x) - fold(y) : x - y;
        if (difference != 0 || x < 0)
            return difference;
    }
}

int scoop_json_key_compare(struct scoop_json_key a, struct scoop_json_key b) {
    return compare(a, b, true);
}

bool scoop_json_key_equals(struct scoop_json_key a, struct scoop_json_key b) {
    return compare(a, b, false) == 0;
}

void scoop_json_keys_free(struct scoop_json_keys *keys) {
    scoop_free(keys->entries);
    memset(keys, 0, sizeof *keys);
}

static int grow(struct scoop_json_keys *keys) {
    size_t capacity = keys->capacity == 0 ? FIRST_ENTRIES : 2 * keys->capacity;
    struct scoop_json_keys_entry *grown =
        scoop_realloc(keys->entries, capacity * sizeof *keys->entries);
    if (grown == NULL)
        return -1;
    keys->entries = grown;
    keys->capacity = capacity;
    return 0;
}

int scoop_json_keys_add(struct scoop_json_keys *keys, struct scoop_json_key key, size_t offset) {
    if (keys->count == keys->capacity && grow(keys) != 0)
        return -1;
    keys->entries[keys->count++] = (struct scoop_json_keys_entry){
        .hash = scoop_json_key_hash(key),
        .length = (uint32_t)key.length | (key.escaped ? ESCAPED : 0),
        .offset = offset,
    };
    return 0;
}

static struct scoop_json_key key_of(const struct scoop_json_keys_entry *entry,
                                    const struct scoop_json_halves *record) {
    const unsigned char *text = entry->offset < record->first_length
                                    ? record->first + entry->offset
                                    : record->second + (entry->offset - record->first_length);
    return (struct scoop_json_key){text, entry->length & ~ESCAPED, (entry->length & ESCAPED) != 0};
}

/* By hash, then by text, then by place. */
static int order(const void *a, const void *b, void *record) {
    const struct scoop_json_keys_entry *one = a, *other = b;
    if (one->hash != other->hash)
        return one->hash < other->hash ? -1 : 1;
    int difference = scoop_json_key_compare(key_of(one, record), key_of(other, record));
    if (difference != 0)
        return difference;
    return one->offset < other->offset ? -1 : one->offset > other->offset;
}

/* Whether some hashes may be equal; never wrong in its "no". */
static bool may_clash(const struct scoop_json_keys_entry *entries, size_t count) {
    uint64_t seen[4] = {0};
    if (count > FEW_KEYS)
        return true;
    for (size_t i = 0; i < count; i++) {
        uint64_t *word = &seen[entries[i].hash >> 6 & 3],
                 bit = (uint64_t)1 << (entries[i].hash & 63);
        if (*word & bit)
            return true;
        *word |= bit;
    }
    return false;
}

static void say_fault(struct scoop_json_keys *keys, struct scoop_json_key earlier,
                      struct scoop_json_key later) {
    char one[SHOWN_SIZE], other[SHOWN_SIZE];
    scoop_example(one, sizeof one, earlier.text, earlier.length);
    scoop_example(other, sizeof other, later.text, later.length);
    if (scoop_json_key_equals(earlier, later))
        scoop_text_print(keys->fault, sizeof keys->fault,
                         "the key \"%s\" stands twice in its object", other);
    else
        scoop_text_print(keys->fault, sizeof keys->fault,
                         "the key \"%s\" is equal but for case to \"%s\" in the same object", other,
                         one);
}

bool scoop_json_keys_close(struct scoop_json_keys *keys, size_t base,
                           struct scoop_json_halves record, bool says, size_t *at) {
    size_t count = keys->count - base;
    bool good = true;
    keys->count = base;
    if (count < 2)
        return true;
    struct scoop_json_keys_entry *entries = keys->entries + base;
    if (!may_clash(entries, count))
        return true;
    qsort_r(entries, count, sizeof *entries, order, &record);
    for (size_t i = 1; i < count; i++) {
        struct scoop_json_key one = key_of(&entries[i - 1], &record);
        struct scoop_json_key other = key_of(&entries[i], &record);
        if (entries[i - 1].hash != entries[i].hash || scoop_json_key_compare(one, other) != 0 ||
            (!good && entries[i].offset > *at))
            continue;
        good = false;
        *at = entries[i].offset;
        if (says)
            say_fault(keys, one, other);
    }
    return good;
}
