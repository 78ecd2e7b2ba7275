#include "table/rows/columns.h"

#include <string.h>

#include "scoop/memory.h"
#include "table/rows/batch.h"
#include "table/rows/schema_change.h"
#include "text/example.h"
#include "text/json_string.h"
#include "text/key_hash.h"
#include "text/name_case.h"
#include "text/text.h"

enum {
    NAME_SIZE = 200,
    MOST_SEARCHED = 16, /* columns, one after the other */
    NAME_MARKS = 2,     /* a comma, a colon */
};

static size_t slot_of(const struct scoop_columns *columns, const void *name, size_t length) {
    return (size_t)scoop_key_hash_of(name, length).low & (columns->slot_count - 1);
}

static void put_slot(struct scoop_columns *columns, size_t number) {
    const char *name = columns->names[number - 1];
    size_t slot = slot_of(columns, name, strlen(name));
    while (columns->slots[slot] != 0)
        slot = (slot + 1) & (columns->slot_count - 1);
    columns->slots[slot] = (uint32_t)number;
}

/* At most half of the slots are taken. */
static int make_slots(struct scoop_columns *columns, struct scoop_error *error) {
    size_t count = columns->capacity * 2;
    uint32_t *slots = scoop_calloc(count, sizeof *slots);
    if (slots == NULL)
        return scoop_fail_memory(error);
    scoop_free(columns->slots);
    columns->slots = slots;
    columns->slot_count = count;
    for (size_t number = 1; number <= columns->count; number++)
        put_slot(columns, number);
    return 0;
}

static int grow(struct scoop_columns *columns, struct scoop_error *error) {
    size_t capacity = columns->capacity == 0 ? MOST_SEARCHED : columns->capacity * 2;
    char **grown = scoop_realloc(columns->names, capacity * sizeof *grown);
    if (grown == NULL)
        return scoop_fail_memory(error);
    columns->names = grown;
    columns->capacity = capacity;
    return capacity > MOST_SEARCHED ? make_slots(columns, error) : 0;
}

int scoop_columns_add(struct scoop_columns *columns, const void *name, size_t length,
                      struct scoop_error *error) {
    if (columns->count == columns->capacity && grow(columns, error) != 0)
        return -1;
    char *copy = scoop_malloc(length + 1);
    if (copy == NULL)
        return scoop_fail_memory(error);
    if (length > 0)
        memcpy(copy, name, length);
    copy[length] = 0;
    columns->names[columns->count++] = copy;
    columns->json_bytes +=
        scoop_json_string_bytes((const unsigned char *)copy, length, false) + NAME_MARKS;
    if (columns->slots != NULL)
        put_slot(columns, columns->count);
    return 0;
}

static bool is_at(const struct scoop_columns *columns, size_t at, const void *name, size_t length) {
    return strlen(columns->names[at]) == length &&
           (length == 0 || memcmp(columns->names[at], name, length) == 0);
}

long scoop_columns_find(const struct scoop_columns *columns, const void *name, size_t length) {
    if (columns->slots == NULL) {
        for (size_t i = 0; i < columns->count; i++)
            if (is_at(columns, i, name, length))
                return (long)i;
        return -1;
    }
    size_t slot = slot_of(columns, name, length);
    for (; columns->slots[slot] != 0; slot = (slot + 1) & (columns->slot_count - 1))
        if (is_at(columns, columns->slots[slot] - 1, name, length))
            return (long)columns->slots[slot] - 1;
    return -1;
}

static long find_text(const struct scoop_columns *columns, const char *name) {
    return scoop_columns_find(columns, name, strlen(name));
}

void scoop_columns_free(struct scoop_columns *columns) {
    for (size_t i = 0; i < columns->count; i++)
        scoop_free(columns->names[i]);
    scoop_free(columns->names);
    scoop_free(columns->slots);
    memset(columns, 0, sizeof *columns);
}

void scoop_row_plan_free(struct scoop_row_plan *plan) {
    scoop_free(plan->order);
    scoop_free(plan->keys);
    scoop_free(plan->key_places);
    scoop_free(plan->met);
    scoop_columns_free(&plan->names);
    memset(plan, 0, sizeof *plan);
}

size_t scoop_columns_show(const struct scoop_columns *columns, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < columns->count && used < size; i++) {
        char name[NAME_SIZE];
        scoop_example(name, sizeof name, columns->names[i], strlen(columns->names[i]));
        used += scoop_text_print(text + used, size - used, "%s%s", i > 0 ? ", " : "", name);
    }
    return columns->count;
}

int scoop_columns_missing(const struct scoop_columns *has, const struct scoop_columns *lacks,
                          struct scoop_columns *missing, struct scoop_error *error) {
    for (size_t i = 0; i < has->count; i++) {
        const char *name = has->names[i];
        if (find_text(lacks, name) < 0 &&
            scoop_columns_add(missing, name, strlen(name), error) != 0)
            return -1;
    }
    return 0;
}

/* Whether the parts of a text, between marks, have the key among them. */
static bool has_part(const char *text, char mark, const char *key) {
    size_t length = strlen(key);
    for (const char *at = text;; at++) {
        const char *end = strchr(at, mark);
        if (end == NULL && at == text)
            return false;
        if ((end == NULL ? strlen(at) : (size_t)(end - at)) == length &&
            memcmp(at, key, length) == 0)
            return true;
        if (end == NULL)
            return false;
        at = end;
    }
}

/* A question, where the key is a part of what was taken for one name; else "". */
static const char *ask_delimiter(const struct scoop_columns *own, const char *key) {
    static const char marks[] = ";\t|,";
    static const char *const questions[] = {": is the delimiter ';'?", ": is the delimiter a tab?",
                                            ": is the delimiter '|'?", ": is the delimiter ','?"};
    for (size_t column = 0; column < own->count; column++)
        for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
            if (has_part(own->names[column], marks[i], key))
                return questions[i];
    return "";
}

long scoop_columns_find_key(const struct scoop_columns *columns, const char *key) {
    return scoop_find_name_in(key, (const char *const *)columns->names, columns->count);
}

int scoop_columns_fail_key(const struct scoop_columns *own, const char *key,
                           const char *export_name, struct scoop_error *error) {
    char names[300];
    scoop_columns_show(own, names, sizeof names);
    return scoop_fail(error, SCOOP_USAGE,
                      "the key \"%.100s\" is no column of %.200s; its columns are %s%s", key,
                      export_name, names, ask_delimiter(own, key));
}

/* `compared`: the columns of both, in their canonical order. */
static int plan_columns(struct scoop_row_plan *plan, const struct scoop_columns *own,
                        const struct scoop_columns *compared, bool with_others,
                        struct scoop_error *error) {
    plan->fields = own->count;
    plan->order = scoop_calloc(own->count + compared->count, sizeof *plan->order);
    if (plan->order == NULL)
        return scoop_fail_memory(error);
    size_t next = 0;
    for (size_t i = 0; i < compared->count; i++) {
        long at = find_text(own, compared->names[i]);
        plan->order[next++] = at < 0 ? own->count : (size_t)at;
    }
    plan->compared = next;
    for (size_t i = 0; with_others && i < own->count; i++)
        if (find_text(compared, own->names[i]) < 0)
            plan->order[next++] = i;
    plan->columns = next;
    plan->as_it_is = plan->compared == own->count && plan->columns == own->count;
    for (size_t i = 0; i < plan->columns; i++) {
        const char *name = i < plan->compared ? compared->names[i] : own->names[plan->order[i]];
        plan->as_it_is = plan->as_it_is && plan->order[i] == i;
        if (scoop_columns_add(&plan->names, name, strlen(name), error) != 0)
            return -1;
    }
    return 0;
}

static int plan_keys(struct scoop_row_plan *plan, const struct scoop_columns *own,
                     const struct scoop_plan_options *options, const char *export_name,
                     struct scoop_error *error) {
    plan->key_count = options->key_count;
    plan->empty_parts = options->empty_parts;
    plan->keys = scoop_calloc(options->key_count, sizeof *plan->keys);
    plan->key_places = scoop_calloc(options->key_count, sizeof *plan->key_places);
    if (plan->keys == NULL || plan->key_places == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < options->key_count; i++) {
        long at = scoop_columns_find_key(own, options->keys[i]);
        if (at < 0)
            return scoop_columns_fail_key(own, options->keys[i], export_name, error);
        for (size_t before = 0; before < i; before++)
            if (plan->keys[before] == (size_t)at)
                return scoop_fail(error, SCOOP_USAGE, "the key column \"%.100s\" is given twice",
                                  own->names[at]);
        plan->keys[i] = (size_t)at;
        plan->key_places[i] = (size_t)find_text(&plan->names, own->names[at]);
    }
    return 0;
}

static int find_common(const struct scoop_plan_options *options, struct scoop_columns *common,
                       struct scoop_error *error) {
    for (size_t i = 0; i < options->new_columns->count; i++) {
        const char *name = options->new_columns->names[i];
        if (options->old_columns != NULL && find_text(options->old_columns, name) < 0)
            continue;
        if (scoop_columns_add(common, name, strlen(name), error) != 0)
            return -1;
    }
    return 0;
}

static int find_all(const struct scoop_plan_options *options, struct scoop_columns *all,
                    struct scoop_error *error) {
    static const struct scoop_columns none;
    if (scoop_columns_missing(options->new_columns, &none, all, error) != 0)
        return -1;
    return options->old_columns == NULL || options->drop_gone
               ? 0
               : scoop_columns_missing(options->old_columns, options->new_columns, all, error);
}

int scoop_row_plans(const struct scoop_plan_options *options, struct scoop_row_plan plans[2],
                    struct scoop_error *error) {
    const struct scoop_columns *own[] = {options->old_columns, options->new_columns};
    const char *names[] = {options->old_name, options->new_name};
    bool all = options->schema_change == SCOOP_SCHEMA_CHANGE_ALL;
    struct scoop_columns compared = {0};
    int status = all ? find_all(options, &compared, error) : find_common(options, &compared, error);
    for (int side = SCOOP_OLD; side <= SCOOP_NEW && status == 0; side++) {
        if (own[side] == NULL)
            continue;
        status = plan_columns(&plans[side], own[side], &compared, !all, error);
        if (status == 0)
            status = plan_keys(&plans[side], own[side], options, names[side], error);
    }
    /* Last, so that a key that is missing is told as such. */
    if (status == 0 && options->old_columns != NULL)
        status = scoop_schema_change_check(options, error);
    scoop_columns_free(&compared);
    return status;
}
