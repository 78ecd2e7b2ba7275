/* The columns of two exports, and how the rows of each are brought into one order. */
#ifndef SCOOP_TABLE_ROWS_COLUMNS_H
#define SCOOP_TABLE_ROWS_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scoop/changes.h"
#include "scoop/error.h"

struct scoop_columns {
    char **names;
    size_t count, capacity;
    size_t json_bytes; /* of all names as strings of JSON, each with a comma and a colon */
    uint32_t *slots;   /* of many names: a hash table of their numbers from 1; 0 is free */
    size_t slot_count;
};

/* 0, or -1 with NO_MEMORY. The name is copied; it holds no NUL, and is not there yet. */
int scoop_columns_add(struct scoop_columns *columns, const void *name, size_t length,
                      struct scoop_error *error);
/* The index of a name, or -1. */
long scoop_columns_find(const struct scoop_columns *columns, const void *name, size_t length);
void scoop_columns_free(struct scoop_columns *columns);

/* How the rows of one export become canonical ones. */
struct scoop_row_plan {
    size_t fields;   /* the columns of the export */
    size_t columns;  /* of a canonical row */
    size_t *order;   /* order[i]: which of the export's columns is the i-th canonical one; `fields`:
                        none, it is NULL in all rows */
    size_t compared; /* the first columns of a canonical row, which those of both exports have */
    size_t *keys;    /* the export's columns that are the key */
    size_t key_count;
    bool empty_parts; /* a part of a key may be NULL or empty, if not all are */
    bool as_it_is;    /* canonical rows have the export's own columns in its order, all compared */
    bool open;        /* columns may follow: rows end with their last value (open_plan.h) */
    bool *met;        /* open: which columns the export itself has */
    struct scoop_columns names; /* in canonical order */
    size_t *key_places;         /* the key's columns in canonical order */
};

void scoop_row_plan_free(struct scoop_row_plan *plan);

struct scoop_plan_options {
    const struct scoop_columns *old_columns; /* NULL: there is no old export */
    const struct scoop_columns *new_columns;
    const char *const *keys;
    size_t key_count;
    bool empty_parts;
    enum scoop_schema_change schema_change;
    bool drop_gone; /* ALL: columns that the new export lacks are in no row, and not compared */
    bool any_case;  /* names may be equal but for case */
    const char *old_name, *new_name; /* of the exports, for messages */
};

/* Adds the columns that `has` has and `lacks` lacks. 0, or -1 with NO_MEMORY. */
int scoop_columns_missing(const struct scoop_columns *has, const struct scoop_columns *lacks,
                          struct scoop_columns *missing, struct scoop_error *error);
/* The column that a key means, in any case; -1: none. */
long scoop_columns_find_key(const struct scoop_columns *columns, const char *key);
/* That a key is no column of the export of that name. Always -1. */
int scoop_columns_fail_key(const struct scoop_columns *own, const char *key,
                           const char *export_name, struct scoop_error *error);
/* The names as "a, b", cut where they do not fit; returns how many there are. */
size_t scoop_columns_show(const struct scoop_columns *columns, char *text, size_t size);
/* Plans both sides: the columns that both have in the new export's order, then each one's own; of
 * ALL, the new export's columns, then those that are gone. 0, or -1 with SCHEMA_CHANGED
 * (schema_change.h), USAGE (a key that is no column) or NO_MEMORY. plans are zeroed by the caller,
 * freed by the caller, also after a failure. */
int scoop_row_plans(const struct scoop_plan_options *options, struct scoop_row_plan plans[2],
                    struct scoop_error *error);

#endif
