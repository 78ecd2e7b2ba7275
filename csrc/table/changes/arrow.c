/* Changes as an Arrow C stream: op, key {…}, row {…}, changed [names], id; all values are texts. */
#include <errno.h>
#include <string.h>

#include "scoop/memory.h"
#include "table/changes/arrow_build.h"
#include "table/changes/changes.h"

enum { BATCH_ROWS = 16384, BATCH_BYTES = 4 * 1024 * 1024 };

enum { OP, KEY, ROW, CHANGED, ID, FIELDS };

struct stream {
    struct scoop_changes_reader *reader;
    struct scoop_error error;
};

/* One batch under way. */
struct builder {
    const struct scoop_changes *changes;
    struct scoop_text_column op, id, changed;
    struct scoop_buf changed_valid, changed_ends;
    int64_t rows, changed_nulls;
    size_t bytes; /* of values */
    size_t key_count, row_count;
    struct scoop_text_column *keys, *row;
};

/* The columns of the new export, then those that only the old one has. */
static size_t row_columns(const struct scoop_changes *changes) {
    const struct scoop_row_plan *old = &changes->plans[SCOOP_OLD];
    return changes->plans[SCOOP_NEW].columns + (old->columns - old->compared);
}

static const char *row_name(const struct scoop_changes *changes, size_t column) {
    const struct scoop_row_plan *old = &changes->plans[SCOOP_OLD];
    const struct scoop_row_plan *new = &changes->plans[SCOOP_NEW];
    return column < new->columns ? new->names.names[column]
                                 : old->names.names[old->compared + column - new->columns];
}

/* Where a change has the value of that column; NULL: its side does not have the column. */
static const struct scoop_value *row_value(const struct scoop_changes *changes,
                                           const struct scoop_change *change, size_t column) {
    const struct scoop_row_plan *plans = changes->plans;
    if (column < plans[change->side].compared)
        return &change->row.values[column];
    if (column < plans[SCOOP_NEW].columns)
        return change->side == SCOOP_NEW ? &change->row.values[column] : NULL;
    return change->side == SCOOP_OLD
               ? &change->row.values[plans[SCOOP_OLD].compared + column - plans[SCOOP_NEW].columns]
               : NULL;
}

static void free_columns(struct scoop_text_column *columns, size_t count) {
    for (size_t i = 0; columns != NULL && i < count; i++)
        scoop_text_column_free(&columns[i]);
    scoop_free(columns);
}

static void builder_free(struct builder *builder) {
    scoop_text_column_free(&builder->op);
    scoop_text_column_free(&builder->id);
    scoop_text_column_free(&builder->changed);
    scoop_buf_free(&builder->changed_valid);
    scoop_buf_free(&builder->changed_ends);
    free_columns(builder->keys, builder->key_count);
    free_columns(builder->row, builder->row_count);
}

static struct scoop_text_column *new_columns(size_t count) {
    struct scoop_text_column *columns = scoop_calloc(count + 1, sizeof *columns);
    for (size_t i = 0; columns != NULL && i < count; i++)
        scoop_text_column_init(&columns[i]);
    return columns;
}

static int builder_init(struct builder *builder, const struct scoop_changes *changes,
                        struct scoop_error *error) {
    static const int32_t zero;
    memset(builder, 0, sizeof *builder);
    builder->changes = changes;
    scoop_text_column_init(&builder->op);
    scoop_text_column_init(&builder->id);
    scoop_text_column_init(&builder->changed);
    scoop_buf_init(&builder->changed_valid, 0x7fffffff);
    scoop_buf_init(&builder->changed_ends, 0x7fffffff);
    builder->key_count = changes->plans[SCOOP_NEW].key_count;
    builder->row_count = row_columns(changes);
    builder->keys = new_columns(builder->key_count);
    builder->row = new_columns(builder->row_count);
    if (builder->keys == NULL || builder->row == NULL)
        return scoop_fail_memory(error);
    return scoop_buf_append(&builder->changed_ends, &zero, sizeof zero, error);
}

static int put_text(struct scoop_text_column *column, const char *text, struct scoop_error *error) {
    return scoop_buf_append_text(&column->data, text, error) == 0
               ? scoop_text_column_end_row(column, false, error)
               : -1;
}

/* A value of JSON that is no string is its JSON text. */
static int put_value(struct builder *builder, struct scoop_text_column *column,
                     const struct scoop_value *value, struct scoop_error *error) {
    if (value == NULL || value->null)
        return scoop_text_column_end_row(column, true, error);
    struct scoop_value text = *value;
    if (builder->changes->json && text.length > 0 && text.data[0] == SCOOP_JSON_MARK) {
        text.data++;
        text.length--;
    }
    builder->bytes += text.length;
    return scoop_value_unescape(&text, &column->data, error) == 0
               ? scoop_text_column_end_row(column, false, error)
               : -1;
}

static int put_changed(struct builder *builder, const struct scoop_change *change,
                       struct scoop_error *error) {
    const struct scoop_row_plan *plan = &builder->changes->plans[SCOOP_NEW];
    bool update = change->kind == SCOOP_RECORD_UPDATED;
    for (size_t i = 0; update && i < plan->compared; i++)
        if (change->changed[i] && put_text(&builder->changed, plan->names.names[i], error) != 0)
            return -1;
    int32_t end = (int32_t)builder->changed.rows;
    builder->changed_nulls += !update;
    return scoop_bitmap_add(&builder->changed_valid, builder->rows, update, error) == 0
               ? scoop_buf_append(&builder->changed_ends, &end, sizeof end, error)
               : -1;
}

static int put_change(struct builder *builder, const struct scoop_change *change,
                      struct scoop_error *error) {
    const struct scoop_row_plan *plan = &builder->changes->plans[change->side];
    if (put_text(&builder->op, scoop_change_op(change), error) != 0 ||
        put_text(&builder->id, change->id, error) != 0 || put_changed(builder, change, error) != 0)
        return -1;
    for (size_t i = 0; i < builder->key_count; i++)
        if (put_value(builder, &builder->keys[i], &change->row.values[plan->key_places[i]],
                      error) != 0)
            return -1;
    for (size_t i = 0; i < builder->row_count; i++)
        if (put_value(builder, &builder->row[i], row_value(builder->changes, change, i), error) !=
            0)
            return -1;
    builder->rows++;
    return 0;
}

static int build_struct(struct scoop_text_column *columns, size_t count, int64_t rows,
                        struct ArrowArray *array, struct scoop_error *error) {
    struct ArrowArray **children = scoop_arrow_children((int64_t)count, error);
    if (children == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (scoop_arrow_texts(&columns[i], children[i], error) != 0) {
            scoop_arrow_free_children(children, (int64_t)count);
            return -1;
        }
    return scoop_arrow_struct(rows, children, (int64_t)count, array, error);
}

static int build_changed(struct builder *builder, struct ArrowArray *array,
                         struct scoop_error *error) {
    struct ArrowArray names;
    if (scoop_arrow_texts(&builder->changed, &names, error) != 0)
        return -1;
    return scoop_arrow_list(&builder->changed_valid, &builder->changed_ends, builder->rows,
                            builder->changed_nulls, &names, array, error);
}

static int build(struct builder *builder, struct ArrowArray *out, struct scoop_error *error) {
    struct ArrowArray **fields = scoop_arrow_children(FIELDS, error);
    if (fields == NULL)
        return -1;
    if (scoop_arrow_texts(&builder->op, fields[OP], error) == 0 &&
        build_struct(builder->keys, builder->key_count, builder->rows, fields[KEY], error) == 0 &&
        build_struct(builder->row, builder->row_count, builder->rows, fields[ROW], error) == 0 &&
        build_changed(builder, fields[CHANGED], error) == 0 &&
        scoop_arrow_texts(&builder->id, fields[ID], error) == 0)
        return scoop_arrow_struct(builder->rows, fields, FIELDS, out, error);
    scoop_arrow_free_children(fields, FIELDS);
    return -1;
}

/* 0 rows when there are no more changes. */
static int read_batch(struct scoop_changes_reader *reader, struct builder *builder,
                      struct scoop_error *error) {
    while (builder->rows < BATCH_ROWS && builder->bytes < BATCH_BYTES) {
        int status = scoop_changes_reader_next(reader, error);
        if (status <= 0)
            return status;
        if (put_change(builder, &reader->change, error) != 0)
            return -1;
    }
    return 0;
}

static int failed(struct stream *stream) {
    return stream->error.code == SCOOP_NO_MEMORY ? ENOMEM : EIO;
}

static int get_next(struct ArrowArrayStream *self, struct ArrowArray *out) {
    struct stream *stream = self->private_data;
    struct builder builder;
    memset(out, 0, sizeof *out);
    int status = builder_init(&builder, stream->reader->changes, &stream->error);
    if (status == 0)
        status = read_batch(stream->reader, &builder, &stream->error);
    if (status == 0 && builder.rows > 0)
        status = build(&builder, out, &stream->error);
    builder_free(&builder);
    return status == 0 ? 0 : failed(stream);
}

static int add_texts(struct ArrowSchema *schema, const char *name, const struct scoop_changes *of,
                     size_t count, bool keys, struct scoop_error *error) {
    if (scoop_arrow_field(schema, "+s", name, (int64_t)count, error) != 0)
        return -1;
    const struct scoop_row_plan *plan = &of->plans[SCOOP_NEW];
    for (size_t i = 0; i < count; i++)
        if (scoop_arrow_field(schema->children[i], "u",
                              keys ? plan->names.names[plan->key_places[i]] : row_name(of, i), 0,
                              error) != 0)
            return -1;
    return 0;
}

static int fill_schema(const struct scoop_changes *changes, struct ArrowSchema *out,
                       struct scoop_error *error) {
    struct ArrowSchema **fields = out->children;
    size_t keys = changes->plans[SCOOP_NEW].key_count;
    if (scoop_arrow_field(fields[OP], "u", "op", 0, error) != 0 ||
        add_texts(fields[KEY], "key", changes, keys, true, error) != 0 ||
        add_texts(fields[ROW], "row", changes, row_columns(changes), false, error) != 0 ||
        scoop_arrow_field(fields[CHANGED], "+l", "changed", 1, error) != 0 ||
        scoop_arrow_field(fields[CHANGED]->children[0], "u", "item", 0, error) != 0)
        return -1;
    return scoop_arrow_field(fields[ID], "u", "id", 0, error);
}

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
    struct stream *stream = self->private_data;
    if (scoop_arrow_field(out, "+s", "", FIELDS, &stream->error) != 0)
        return failed(stream);
    out->flags = 0;
    if (fill_schema(stream->reader->changes, out, &stream->error) == 0)
        return 0;
    out->release(out);
    return failed(stream);
}

static const char *get_last_error(struct ArrowArrayStream *self) {
    struct stream *stream = self->private_data;
    return stream->error.code == SCOOP_OK ? NULL : stream->error.message;
}

static void release_stream(struct ArrowArrayStream *self) {
    struct stream *stream = self->private_data;
    scoop_changes_reader_free(stream->reader);
    scoop_free(stream);
    self->release = NULL;
}

int scoop_changes_arrow(struct scoop_changes *changes, struct ArrowArrayStream *out,
                        struct scoop_error *error) {
    struct stream *stream = scoop_calloc(1, sizeof *stream);
    if (stream == NULL)
        return scoop_fail_memory(error);
    stream->reader = scoop_changes_reader_new(changes, error);
    if (stream->reader == NULL) {
        scoop_free(stream);
        return -1;
    }
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, stream};
    return 0;
}
