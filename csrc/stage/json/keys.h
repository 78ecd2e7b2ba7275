/* Keys of one object that are equal but for case: SerDes fold them, then fail or lose one. Case is
 * ASCII's: A to Z equal a to z, every other character only itself. Keys are compared by their text,
 * escapes decoded. */
#ifndef SCOOP_STAGE_JSON_KEYS_H
#define SCOOP_STAGE_JSON_KEYS_H

#include <stdint.h>

#include "scoop/buffer.h"

enum {
    SCOOP_JSON_MOST_RENAMES = 1000, /* in a record */
    SCOOP_JSON_FAULT_SIZE = 192,
    SCOOP_JSON_REASON_SIZE = 256, /* a fault and where it is */
};

#define SCOOP_JSON_MANY_RENAMES "more than 1000 keys are equal but for case to earlier ones"

/* The inside of a JSON string: valid, without its quotes. */
struct scoop_json_key {
    const unsigned char *text;
    size_t length;
    bool escaped; /* a backslash in it begins an escape */
};

/* A record's text, which may stand in two places. */
struct scoop_json_halves {
    const unsigned char *first;
    size_t first_length;
    const unsigned char *second;
};

struct scoop_json_keys_entry {
    uint32_t hash;
    uint32_t length; /* its highest bit: escaped */
    size_t offset;   /* in the record */
};

/* The keys of the objects that are open. Zero-initialise. */
struct scoop_json_keys {
    struct scoop_json_keys_entry *entries;
    size_t count;
    size_t capacity;
    char fault[SCOOP_JSON_FAULT_SIZE]; /* which keys are equal, by scoop_json_keys_close */
};

void scoop_json_keys_free(struct scoop_json_keys *keys);
/* Adds a key that begins at `offset` of its record. 0, or -1 when there is no memory. */
int scoop_json_keys_add(struct scoop_json_keys *keys, struct scoop_json_key key, size_t offset);
/* An object ends whose keys are those from number `base` on: forgets them. False: two are equal
 * but for case; *at is where the second one begins; says: keys->fault tells them. */
bool scoop_json_keys_close(struct scoop_json_keys *keys, size_t base,
                           struct scoop_json_halves record, bool says, size_t *at);

/* Equal in equal keys. */
uint32_t scoop_json_key_hash(struct scoop_json_key key);
/* 0 when they are equal but for case; else an order. */
int scoop_json_key_compare(struct scoop_json_key a, struct scoop_json_key b);

/* Whether they are the same text. */
bool scoop_json_key_equals(struct scoop_json_key a, struct scoop_json_key b);

/* Appends a well-formed record, each key that is equal but for case to an earlier one of its object
 * given a number: Name, name_2, NAME_3, passing over names that the object has. 0, -1 with
 * NO_MEMORY or TOO_LARGE, 1 when there are more than SCOOP_JSON_MOST_RENAMES. */
int scoop_json_rename(const unsigned char *record, size_t length, struct scoop_buf *out,
                      struct scoop_error *error);

#endif
