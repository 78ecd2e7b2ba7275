/* The columns of a target, and which of them a file's changes have. */
#ifndef SCOOP_WAREHOUSE_LOAD_APPLY_COLUMNS_H
#define SCOOP_WAREHOUSE_LOAD_APPLY_COLUMNS_H

#include "scoop/apply.h"
#include "table/changes/line.h"
#include "warehouse/load/apply_stage.h"

/* The rows of a file all have the same columns: those of its first insert or update. */
struct scoop_apply_map {
    struct scoop_apply_plan *plan;
    const struct scoop_apply_options *options;
    size_t *keys;   /* options->keys[i] is this column of the target */
    char **names;   /* the file's columns */
    long *columns;  /* of the target; -1: left out */
    uint64_t *seen; /* the last change that had it */
    size_t count;
    enum scoop_json_texts json_texts; /* AS_TOLD until the first change is taken */
    bool of_csv;                      /* the first change's export was */
    struct scoop_buf text;            /* a value on its way to a column of JSON */
};

void scoop_apply_map_init(struct scoop_apply_map *map, struct scoop_apply_plan *plan,
                          const struct scoop_apply_options *options);
/* Also frees the plan's columns. */
void scoop_apply_map_free(struct scoop_apply_map *map);
/* Takes the target's columns from a SELECT of it. 0, or -1 with USAGE for a key that is none. */
int scoop_apply_map_describe(struct scoop_apply_map *map, const struct scoop_rows *rows,
                             struct scoop_error *error);
/* Adds a change to the chunk. 0, or -1 with BAD_RECORD, SCHEMA_CHANGED or UNSUPPORTED. */
int scoop_apply_map_take(struct scoop_apply_map *map, const struct scoop_change_record *record,
                         struct scoop_apply_chunk *chunk, struct scoop_error *error);

#endif
