#include "delta/export.h"

#include <string.h>

#include "scoop/memory.h"
#include "text/example.h"
#include "text/text.h"

enum { NAME_SIZE = 120, LINE_BITS = 40 };

struct scoop_export {
    struct scoop_reading **objects;
    char **names; /* of the objects, for messages */
    size_t count, at;
    size_t first;   /* with columns: it stays, as its header is the others' */
    size_t given;   /* objects before this one are given back, but for that */
    bool any, json; /* `first` is known, and is JSON lines */
    bool ended;     /* the one at `at` has no more rows */
    bool planned;   /* it knows the plan */
    const struct scoop_row_plan *plan;
    struct scoop_key_order key_order;   /* over all of them */
    struct scoop_batch nothing;         /* of a last object that is empty */
    struct scoop_delta_side_facts read; /* of those before `at` */
    char name[600];
};

static int make_objects(struct scoop_export *export, const struct scoop_export_options *options,
                        struct scoop_error *error) {
    export->objects = scoop_calloc(options->count, sizeof *export->objects);
    export->names = scoop_calloc(options->count, sizeof *export->names);
    if (export->objects == NULL || export->names == NULL)
        return scoop_fail_memory(error);
    export->count = options->count;
    for (size_t i = 0; i < options->count; i++) {
        const struct scoop_reading_options object = {
            .transfer = &options->objects[i],
            .format = options->format,
            .memory_bytes = options->memory_bytes,
            .numbers_by_value = options->numbers_by_value,
            .max_record_bytes = options->max_record_bytes,
            .stamp_bytes = options->stamp_bytes,
            .bell = options->bell,
            .key_order = &export->key_order,
        };
        export->objects[i] = scoop_reading_new(&object, error);
        if (export->objects[i] == NULL)
            return -1;
        export->names[i] = scoop_strdup(scoop_reading_name(export->objects[i]));
        if (export->names[i] == NULL)
            return scoop_fail_memory(error);
    }
    return 0;
}

struct scoop_export *scoop_export_new(const struct scoop_export_options *options,
                                      struct scoop_error *error) {
    struct scoop_export *export = scoop_calloc(1, sizeof *export);
    if (export == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    scoop_key_order_init(&export->key_order);
    if (make_objects(export, options, error) != 0) {
        scoop_export_free(export);
        return NULL;
    }
    const char *first = scoop_reading_name(export->objects[0]);
    if (export->count == 1)
        scoop_text_print(export->name, sizeof export->name, "%s", first);
    else
        scoop_text_print(export->name, sizeof export->name, "%s and %zu more", first,
                         export->count - 1);
    return export;
}

void scoop_export_start(struct scoop_export *export) {
    scoop_reading_start(export->objects[export->at]);
}

bool scoop_export_go_on_alone(struct scoop_export *export) {
    return scoop_reading_go_on_alone(export->objects[export->at]);
}

const char *scoop_export_name(const struct scoop_export *export) {
    return export->name;
}

static void add_facts(struct scoop_delta_side_facts *sum,
                      const struct scoop_delta_side_facts *facts) {
    sum->source_bytes += facts->source_bytes;
    sum->text_bytes += facts->text_bytes;
    sum->retries += facts->retries;
}

/* The rows of the object before have been taken. */
static void go_on(struct scoop_export *export) {
    struct scoop_delta_side_facts facts;
    scoop_reading_facts(export->objects[export->at], &facts);
    add_facts(&export->read, &facts);
    export->at++;
    export->ended = export->planned = false;
    scoop_export_start(export);
}

const char *scoop_export_name_of(const struct scoop_export *export, uint64_t *line) {
    uint64_t object = *line >> LINE_BITS;
    *line &= ((uint64_t)1 << LINE_BITS) - 1;
    return *line > 0 && object < export->count ? export->names[object] : export->name;
}

int scoop_export_columns(struct scoop_export *export, const struct scoop_columns **columns,
                         bool *json, struct scoop_error *error) {
    for (;;) {
        struct scoop_reading *object = export->objects[export->at];
        int status = scoop_reading_columns(object, columns, json, error);
        if (status <= 0)
            return status;
        if (*columns != NULL || export->at + 1 == export->count)
            break;
        go_on(export);
    }
    if (*columns == NULL && !*json)
        return scoop_fail(error, SCOOP_BAD_RECORD, "%s: line 1 (byte 0): there is no header row",
                          export->name);
    export->first = export->at;
    export->any = *columns != NULL;
    export->json = *json;
    return 1;
}

const struct scoop_columns *scoop_export_new_columns(struct scoop_export *export) {
    const struct scoop_columns *columns = NULL;
    struct scoop_error error;
    bool json;
    struct scoop_reading *object = export->objects[export->at];
    if (!export->json || export->ended || !scoop_reading_needs_plan(object))
        return NULL;
    return scoop_reading_columns(object, &columns, &json, &error) > 0 ? columns : NULL;
}

void scoop_export_set_plan(struct scoop_export *export, const struct scoop_row_plan *plan) {
    export->plan = plan;
    export->planned = true;
    scoop_reading_set_plan(export->objects[export->at], plan);
}

static int check_header(const struct scoop_columns *first, const struct scoop_columns *here,
                        const char *first_name, const char *name, struct scoop_error *error) {
    if (first->count != here->count)
        return scoop_fail(error, SCOOP_SCHEMA_CHANGED,
                          "%.300s has %zu columns, %.300s of the same export has %zu", name,
                          here->count, first_name, first->count);
    for (size_t i = 0; i < first->count; i++) {
        char own[NAME_SIZE], others[NAME_SIZE];
        if (strcmp(first->names[i], here->names[i]) == 0)
            continue;
        scoop_example(own, sizeof own, here->names[i], strlen(here->names[i]));
        scoop_example(others, sizeof others, first->names[i], strlen(first->names[i]));
        return scoop_fail(error, SCOOP_SCHEMA_CHANGED,
                          "column %zu of %.300s is \"%s\", of %.300s of the same export \"%s\"",
                          i + 1, name, own, first_name, others);
    }
    return 0;
}

/* 1 once the object knows the plan, or has told what it lacks, or is empty; 0: its columns are not
 * known yet, -1. */
static int agree(struct scoop_export *export, bool *empty, struct scoop_error *error) {
    struct scoop_reading *object = export->objects[export->at], *first = NULL;
    const struct scoop_columns *columns[2];
    bool json[2];
    int status = scoop_reading_columns(object, &columns[1], &json[1], error);
    *empty = status > 0 && columns[1] == NULL;
    if (status <= 0 || *empty)
        return status;
    first = export->objects[export->first];
    if (scoop_reading_columns(first, &columns[0], &json[0], error) < 0)
        return -1;
    const char *first_name = scoop_reading_name(first), *name = scoop_reading_name(object);
    if (export->json != json[1])
        return scoop_fail(error, SCOOP_USAGE,
                          "%.300s is %s, %.300s of the same export is %s: all must be one format",
                          name, json[1] ? "JSON lines" : "CSV", first_name,
                          export->json ? "JSON lines" : "CSV");
    if (!export->json && check_header(columns[0], columns[1], first_name, name, error) != 0)
        return -1;
    export->planned = true;
    if (!export->json)
        scoop_reading_set_plan(object, export->plan);
    return 1;
}

/* Once a batch of the object that follows has taken the place of its last one. */
static void forget_before(struct scoop_export *export) {
    for (; export->given < export->at; export->given++) {
        if (export->given == export->first)
            continue;
        scoop_reading_free(export->objects[export->given]);
        export->objects[export->given] = NULL;
    }
}

/* The batch of an export that ends with an empty object. */
static int take_nothing(struct scoop_export *export, struct scoop_batch **batch,
                        struct scoop_error *error) {
    *batch = &export->nothing;
    export->nothing.last = true;
    return scoop_key_order_check(&export->key_order, &export->nothing, error) == 0 ? 1 : -1;
}

int scoop_export_next(struct scoop_export *export, struct scoop_batch **batch,
                      struct scoop_error *error) {
    int status = 1;
    bool empty = !export->any;
    if (export->ended)
        go_on(export);
    while (!export->planned && (status = agree(export, &empty, error)) > 0 && empty &&
           export->at + 1 < export->count)
        go_on(export);
    if (status > 0)
        status = empty ? take_nothing(export, batch, error)
                       : scoop_reading_next(export->objects[export->at], batch, error);
    if (status > 0) {
        forget_before(export);
        (*batch)->first_line += (uint64_t) export->at << LINE_BITS;
    }
    if (status > 0 && (*batch)->last && export->at + 1 < export->count) {
        export->ended = true;
        (*batch)->last = false;
    }
    return status;
}

void scoop_export_stop(struct scoop_export *export) {
    for (size_t i = 0; i < export->count; i++)
        if (export->objects[i] != NULL)
            scoop_reading_stop(export->objects[i]);
}

void scoop_export_facts(struct scoop_export *export, struct scoop_delta_side_facts *facts) {
    struct scoop_delta_side_facts here;
    scoop_reading_facts(export->objects[export->at], &here);
    *facts = export->read;
    add_facts(facts, &here);
    if (export->count == 1)
        memcpy(facts->etag, here.etag, sizeof facts->etag);
}

void scoop_export_free(struct scoop_export *export) {
    if (export == NULL)
        return;
    for (size_t i = 0; export->objects != NULL && i < export->count; i++)
        scoop_reading_free(export->objects[i]);
    for (size_t i = 0; export->names != NULL && i < export->count; i++)
        scoop_free(export->names[i]);
    scoop_free(export->objects);
    scoop_free(export->names);
    scoop_key_order_free(&export->key_order);
    scoop_free(export);
}
