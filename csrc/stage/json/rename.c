/* New names for keys that are equal but for case. The record is read twice: for its keys, and to
 * write it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scoop/memory.h"
#include "stage/json/keys.h"
#include "stage/json/scan.h"

enum { FIRST_KEYS = 256, SUFFIX_BYTES = 24 };

struct named_key {
    struct scoop_json_key key;
    size_t object; /* its number */
    uint32_t hash;
    unsigned number; /* 0: keeps its name */
};

struct naming {
    struct named_key *keys;
    size_t count, capacity;
    size_t objects;
    size_t open[SCOOP_JSON_MAX_DEPTH]; /* numbers of the objects and arrays around */
    unsigned depth;
    struct scoop_buf candidate;
};

static int add_key(struct naming *naming, struct scoop_json_key key, struct scoop_error *error) {
    if (naming->count == naming->capacity) {
        size_t capacity = naming->capacity == 0 ? FIRST_KEYS : 2 * naming->capacity;
        struct named_key *grown = scoop_realloc(naming->keys, capacity * sizeof *naming->keys);
        if (grown == NULL)
            return scoop_fail_memory(error);
        naming->keys = grown;
        naming->capacity = capacity;
    }
    naming->keys[naming->count++] = (struct named_key){
        .key = key, .object = naming->open[naming->depth - 1], .hash = scoop_json_key_hash(key)};
    return 0;
}

/* The string whose opening quote stands at p. */
static struct scoop_json_key read_string(const unsigned char *p) {
    struct scoop_json_key key = {.text = p + 1};
    for (p++; *p != '"'; p += *p == '\\' ? 2 : 1)
        key.escaped |= *p == '\\';
    key.length = (size_t)(p - key.text);
    return key;
}

static int find_keys(struct naming *naming, const unsigned char *p, const unsigned char *end,
                     struct scoop_error *error) {
    struct scoop_json_key last = {0};
    for (; p < end; p++) {
        switch (*p) {
        case '{':
        case '[':
            naming->open[naming->depth++] = naming->objects++;
            break;
        case '}':
        case ']':
            naming->depth--;
            break;
        case '"':
            last = read_string(p);
            p = last.text + last.length;
            break;
        case ':':
            if (add_key(naming, last, error) != 0)
                return -1;
            break;
        default:
            break;
        }
    }
    return 0;
}

static int by_object_and_name(const void *a, const void *b) {
    const struct named_key *one = a, *other = b;
    if (one->object != other->object)
        return one->object < other->object ? -1 : 1;
    if (one->hash != other->hash)
        return one->hash < other->hash ? -1 : 1;
    int difference = scoop_json_key_compare(one->key, other->key);
    if (difference != 0)
        return difference;
    return one->key.text < other->key.text ? -1 : one->key.text > other->key.text;
}

static int by_place(const void *a, const void *b) {
    const struct named_key *one = a, *other = b;
    return one->key.text < other->key.text ? -1 : one->key.text > other->key.text;
}

static int by_name(const void *a, const void *b) {
    const struct named_key *one = a, *other = b;
    if (one->object != other->object)
        return one->object < other->object ? -1 : 1;
    if (one->hash != other->hash)
        return one->hash < other->hash ? -1 : 1;
    return scoop_json_key_compare(one->key, other->key);
}

static bool are_equal(const struct named_key *a, const struct named_key *b) {
    return by_name(a, b) == 0;
}

static int write_candidate(struct naming *naming, struct scoop_json_key key, unsigned number,
                           struct scoop_error *error) {
    naming->candidate.length = 0;
    if (scoop_buf_append(&naming->candidate, key.text, key.length, error) != 0)
        return -1;
    return scoop_buf_printf(&naming->candidate, error, "_%u", number);
}

/* Whether the object has a key like the candidate. Names that were given before to keys of other
 * spellings, such as A_2 of "a_2" and of "a", stand in `given`. */
static bool is_taken(const struct naming *naming, size_t object, const struct named_key *given,
                     size_t given_count) {
    const struct scoop_buf *candidate = &naming->candidate;
    struct named_key wanted = {.key = {candidate->data, candidate->length,
                                       memchr(candidate->data, '\\', candidate->length) != NULL},
                               .object = object};
    wanted.hash = scoop_json_key_hash(wanted.key);
    if (bsearch(&wanted, naming->keys, naming->count, sizeof wanted, by_name) != NULL)
        return true;
    for (size_t i = 0; i < given_count; i++)
        if (are_equal(&wanted, &given[i]))
            return true;
    return false;
}

struct given_names {
    struct named_key names[SCOOP_JSON_MOST_RENAMES];
    size_t count;
};

/* Gives keys[i] the first free number from `number` on. */
static int give_number(struct naming *naming, struct named_key *key, unsigned number,
                       struct given_names *given, struct scoop_error *error) {
    if (given->count == SCOOP_JSON_MOST_RENAMES)
        return 1;
    for (;; number++) {
        if (write_candidate(naming, key->key, number, error) != 0)
            return -1;
        if (!is_taken(naming, key->object, given->names, given->count))
            break;
    }
    unsigned char *name = scoop_malloc(naming->candidate.length + 1);
    if (name == NULL)
        return scoop_fail_memory(error);
    memcpy(name, naming->candidate.data, naming->candidate.length);
    struct scoop_json_key text = {name, naming->candidate.length, key->key.escaped};
    given->names[given->count++] =
        (struct named_key){.key = text, .object = key->object, .hash = scoop_json_key_hash(text)};
    key->number = number;
    return 0;
}

/* The keys stand in order of objects and names, equal ones side by side, the first of them first.
 */
static int give_numbers(struct naming *naming, struct scoop_error *error) {
    struct given_names *given = scoop_calloc(1, sizeof *given);
    int status = given == NULL ? scoop_fail_memory(error) : 0;
    for (size_t i = 1; i < naming->count && status == 0; i++) {
        struct named_key *before = &naming->keys[i - 1], *key = &naming->keys[i];
        if (are_equal(before, key))
            status =
                give_number(naming, key, before->number < 2 ? 2 : before->number + 1, given, error);
    }
    for (size_t i = 0; given != NULL && i < given->count; i++)
        scoop_free((unsigned char *)(uintptr_t)given->names[i].key.text);
    scoop_free(given);
    return status;
}

static int write_record(struct naming *naming, const unsigned char *record, size_t length,
                        struct scoop_buf *out, struct scoop_error *error) {
    const unsigned char *at = record;
    for (size_t i = 0; i < naming->count; i++) {
        const struct named_key *key = &naming->keys[i];
        if (key->number == 0)
            continue;
        const unsigned char *end = key->key.text + key->key.length;
        if (scoop_buf_append(out, at, (size_t)(end - at), error) != 0 ||
            scoop_buf_printf(out, error, "_%u", key->number) != 0)
            return -1;
        at = end;
    }
    return scoop_buf_append(out, at, (size_t)(record + length - at), error);
}

int scoop_json_rename(const unsigned char *record, size_t length, struct scoop_buf *out,
                      struct scoop_error *error) {
    struct naming *naming = scoop_calloc(1, sizeof *naming);
    if (naming == NULL)
        return scoop_fail_memory(error);
    scoop_buf_init(&naming->candidate, length + SUFFIX_BYTES);
    int status = find_keys(naming, record, record + length, error);
    if (status == 0) {
        qsort(naming->keys, naming->count, sizeof *naming->keys, by_object_and_name);
        status = give_numbers(naming, error);
    }
    if (status == 0) {
        qsort(naming->keys, naming->count, sizeof *naming->keys, by_place);
        status = write_record(naming, record, length, out, error);
    }
    scoop_buf_free(&naming->candidate);
    scoop_free(naming->keys);
    scoop_free(naming);
    return status;
}
