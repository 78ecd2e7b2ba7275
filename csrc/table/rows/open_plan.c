#include "table/rows/open_plan.h"

#include <string.h>

#include "scoop/memory.h"
#include "table/rows/schema_change.h"

static const char *side_name(const struct scoop_open_plan *open, enum scoop_side side) {
    return side == SCOOP_OLD ? open->options.old_name : open->options.new_name;
}

void scoop_open_plan_init(struct scoop_open_plan *open, const struct scoop_plan_options *options,
                          size_t most_bytes) {
    memset(open, 0, sizeof *open);
    open->options = *options;
    open->most_bytes = most_bytes;
}

void scoop_open_plan_free(struct scoop_open_plan *open) {
    scoop_columns_free(&open->all);
    for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++)
        scoop_columns_free(&open->own[side]);
}

static int add_new(struct scoop_columns *columns, const char *name, struct scoop_error *error) {
    size_t length = strlen(name);
    return scoop_columns_find(columns, name, length) >= 0
               ? 0
               : scoop_columns_add(columns, name, length, error);
}

int scoop_open_plan_meet(struct scoop_open_plan *open, enum scoop_side side,
                         const struct scoop_columns *columns, struct scoop_error *error) {
    for (size_t i = 0; i < columns->count; i++) {
        size_t known = open->all.count;
        if (add_new(&open->own[side], columns->names[i], error) != 0 ||
            add_new(&open->all, columns->names[i], error) != 0)
            return -1;
        if (open->all.count > known)
            open->bytes += strlen(columns->names[i]);
        if (open->bytes > open->most_bytes)
            return scoop_fail(error, SCOOP_BAD_RECORD,
                              "%.300s: the names of its %zu columns have together more than "
                              "max_record_bytes, %zu",
                              side_name(open, side), open->own[side].count, open->most_bytes);
    }
    return 0;
}

static int find_keys(const struct scoop_open_plan *open, enum scoop_side side,
                     struct scoop_row_plan *plan, struct scoop_error *error) {
    const struct scoop_plan_options *options = &open->options;
    const struct scoop_columns *own = &open->own[side];
    plan->key_count = options->key_count;
    plan->empty_parts = options->empty_parts;
    plan->keys = scoop_calloc(options->key_count, sizeof *plan->keys);
    plan->key_places = scoop_calloc(options->key_count, sizeof *plan->key_places);
    if (plan->keys == NULL || plan->key_places == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < options->key_count; i++) {
        const char *key = options->keys[i];
        const struct scoop_columns *from = own->count > 0 ? own : &open->all;
        long at = scoop_columns_find_key(from, key);
        if (at < 0)
            return scoop_columns_fail_key(own, key, side_name(open, side), error);
        plan->keys[i] = plan->key_places[i] =
            (size_t)scoop_columns_find(&open->all, from->names[at], strlen(from->names[at]));
    }
    return 0;
}

static int make_room(struct scoop_row_plan *plan, size_t columns, struct scoop_error *error) {
    size_t *order = scoop_realloc(plan->order, columns * sizeof *order);
    if (order != NULL)
        plan->order = order;
    bool *met = scoop_realloc(plan->met, columns * sizeof *met);
    if (met != NULL)
        plan->met = met;
    return order == NULL || met == NULL ? scoop_fail_memory(error) : 0;
}

int scoop_open_plan_show(struct scoop_open_plan *open, enum scoop_side side,
                         struct scoop_row_plan *plan, struct scoop_error *error) {
    const struct scoop_columns *all = &open->all;
    /* Neither export has a row. */
    for (size_t i = 0; open->own[SCOOP_OLD].count + open->own[SCOOP_NEW].count == 0 &&
                       i < open->options.key_count;
         i++)
        if (add_new(&open->all, open->options.keys[i], error) != 0)
            return -1;
    if (make_room(plan, all->count + 1, error) != 0)
        return -1;
    for (size_t i = plan->names.count; i < all->count; i++) {
        plan->order[i] = i;
        plan->met[i] = false;
        if (scoop_columns_add(&plan->names, all->names[i], strlen(all->names[i]), error) != 0)
            return -1;
    }
    for (; open->shown[side] < open->own[side].count; open->shown[side]++) {
        const char *name = open->own[side].names[open->shown[side]];
        plan->met[scoop_columns_find(all, name, strlen(name))] = true;
    }
    plan->fields = plan->columns = plan->compared = all->count;
    plan->open = true;
    return plan->keys == NULL ? find_keys(open, side, plan, error) : 0;
}

struct scoop_plan_options scoop_open_plan_options(const struct scoop_open_plan *open) {
    struct scoop_plan_options options = open->options;
    const struct scoop_columns *columns[2];
    for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++)
        columns[side] = open->own[side].count > 0 ? &open->own[side] : &open->all;
    options.old_columns = options.old_name == NULL ? NULL : columns[SCOOP_OLD];
    options.new_columns = columns[SCOOP_NEW];
    return options;
}

int scoop_open_plan_check(const struct scoop_open_plan *open, struct scoop_error *error) {
    const struct scoop_plan_options options = scoop_open_plan_options(open);
    return options.old_columns == NULL ? 0 : scoop_schema_change_check(&options, error);
}

int scoop_open_plan_close(const struct scoop_open_plan *open, struct scoop_row_plan plans[2],
                          struct scoop_error *error) {
    const struct scoop_plan_options options = scoop_open_plan_options(open);
    if (scoop_row_plans(&options, plans, error) != 0)
        return -1;
    for (int side = SCOOP_OLD; side <= SCOOP_NEW; side++) {
        struct scoop_row_plan *plan = &plans[side];
        plan->fields = open->all.count;
        plan->as_it_is = plan->compared == plan->fields && plan->columns == plan->fields;
        for (size_t i = 0; i < plan->columns; i++) {
            const char *name = plan->names.names[i];
            plan->order[i] = (size_t)scoop_columns_find(&open->all, name, strlen(name));
            plan->as_it_is = plan->as_it_is && plan->order[i] == i;
        }
    }
    return 0;
}
