/* Groups as an Arrow C stream: the columns by their declared types, then the measures. */
#include <errno.h>

#include "scoop/memory.h"
#include "table/changes/arrow_build.h"
#include "table/groups/aggregated.h"

enum { BATCH_ROWS = 16384, BATCH_BYTES = 4 * 1024 * 1024 };

struct stream {
    struct scoop_aggregated *result;
    struct scoop_groups_cursor cursor;
    struct scoop_error error;
};

/* One batch under way. */
struct builder {
    const struct scoop_groups *groups;
    struct scoop_text_column *columns; /* of the key, then of the measures */
    size_t count;
    int64_t rows;
    size_t bytes; /* of texts */
};

static const char *format_of(enum scoop_value_type type) {
    static const char *const formats[] = {
        [SCOOP_VALUE_STRING] = "u", [SCOOP_VALUE_INT] = "i",     [SCOOP_VALUE_BIGINT] = "l",
        [SCOOP_VALUE_DOUBLE] = "g", [SCOOP_VALUE_BOOLEAN] = "b", [SCOOP_VALUE_JSON] = "u"};
    return formats[type];
}

/* COUNT and sums of whole numbers have 64 bits. */
static enum scoop_value_type measure_type(const struct scoop_schema_measure *measure) {
    bool kept = measure->kind == SCOOP_MIN || measure->kind == SCOOP_MAX;
    bool real = measure->kind != SCOOP_COUNT && measure->column.type == SCOOP_VALUE_DOUBLE;
    return kept || real ? measure->column.type : SCOOP_VALUE_BIGINT;
}

static enum scoop_value_type type_of(const struct scoop_groups *groups, size_t column) {
    const struct scoop_schema_grouping *grouping = groups->grouping;
    return column < grouping->count
               ? grouping->columns[column].type
               : measure_type(&groups->schema->measures[column - grouping->count]);
}

static const char *name_of(const struct scoop_groups *groups, size_t column) {
    const struct scoop_schema_grouping *grouping = groups->grouping;
    return column < grouping->count
               ? grouping->columns[column].name
               : groups->schema->measures[column - grouping->count].column.name;
}

static bool is_text(enum scoop_value_type type) {
    return type == SCOOP_VALUE_STRING || type == SCOOP_VALUE_JSON;
}

static void builder_free(struct builder *builder) {
    for (size_t i = 0; builder->columns != NULL && i < builder->count; i++)
        scoop_text_column_free(&builder->columns[i]);
    scoop_free(builder->columns);
}

static int builder_init(struct builder *builder, const struct scoop_groups *groups,
                        struct scoop_error *error) {
    memset(builder, 0, sizeof *builder);
    builder->groups = groups;
    builder->count = groups->grouping->count + groups->schema->measure_count;
    builder->columns = scoop_calloc(builder->count, sizeof *builder->columns);
    if (builder->columns == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < builder->count; i++)
        scoop_text_column_init(&builder->columns[i]);
    return 0;
}

static int put_number(struct scoop_text_column *column, enum scoop_value_type type, bool null,
                      int64_t integer, double number, struct scoop_error *error) {
    int32_t narrow = (int32_t)integer;
    int status;
    if (type == SCOOP_VALUE_BOOLEAN)
        status = scoop_bitmap_add(&column->data, column->rows, integer != 0, error);
    else if (type == SCOOP_VALUE_INT)
        status = scoop_buf_append(&column->data, &narrow, sizeof narrow, error);
    else if (type == SCOOP_VALUE_BIGINT)
        status = scoop_buf_append(&column->data, &integer, sizeof integer, error);
    else
        status = scoop_buf_append(&column->data, &number, sizeof number, error);
    return status == 0 ? scoop_text_column_end_row(column, null, error) : -1;
}

static int put_part(struct builder *builder, size_t at, const struct scoop_key_part *part,
                    struct scoop_error *error) {
    struct scoop_text_column *column = &builder->columns[at];
    enum scoop_value_type type = type_of(builder->groups, at);
    if (!is_text(type))
        return put_number(column, type, part->null, part->integer, part->number, error);
    if (!part->null && scoop_key_part_text(part, &column->data, error) != 0)
        return -1;
    builder->bytes += part->length;
    return scoop_text_column_end_row(column, part->null, error);
}

static int put_group(struct builder *builder, const struct scoop_groups_cursor *cursor,
                     struct scoop_error *error) {
    const struct scoop_groups *groups = builder->groups;
    size_t keys = groups->grouping->count;
    struct scoop_groups_values values = {.cursor = cursor};
    for (size_t i = 0; i < keys; i++) {
        struct scoop_key_part part;
        scoop_groups_values_next(&values, &part);
        if (put_part(builder, i, &part, error) != 0)
            return -1;
    }
    for (size_t i = 0; i < groups->schema->measure_count; i++) {
        struct scoop_measured measured;
        scoop_group_measured(cursor->group, groups->schema, i, &measured);
        if (put_number(&builder->columns[keys + i], type_of(groups, keys + i), measured.null,
                       measured.integer, measured.number, error) != 0)
            return -1;
    }
    builder->rows++;
    return 0;
}

static int build(struct builder *builder, struct ArrowArray *out, struct scoop_error *error) {
    int64_t count = (int64_t)builder->count;
    struct ArrowArray **children = scoop_arrow_children(count, error);
    if (children == NULL)
        return -1;
    for (size_t i = 0; i < builder->count; i++) {
        struct scoop_text_column *column = &builder->columns[i];
        int status = is_text(type_of(builder->groups, i))
                         ? scoop_arrow_texts(column, children[i], error)
                         : scoop_arrow_fixed(column, children[i], error);
        if (status != 0) {
            scoop_arrow_free_children(children, count);
            return -1;
        }
    }
    return scoop_arrow_struct(builder->rows, children, count, out, error);
}

/* 0 rows when there are no more groups. */
static int read_batch(struct stream *stream, struct builder *builder) {
    while (builder->rows < BATCH_ROWS && builder->bytes < BATCH_BYTES) {
        int status = scoop_groups_cursor_next(&stream->cursor, &stream->error);
        if (status <= 0)
            return status;
        if (put_group(builder, &stream->cursor, &stream->error) != 0)
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
    int status = builder_init(&builder, stream->cursor.groups, &stream->error);
    if (status == 0)
        status = read_batch(stream, &builder);
    if (status == 0 && builder.rows > 0)
        status = build(&builder, out, &stream->error);
    builder_free(&builder);
    return status == 0 ? 0 : failed(stream);
}

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out) {
    struct stream *stream = self->private_data;
    const struct scoop_groups *groups = stream->cursor.groups;
    size_t count = groups->grouping->count + groups->schema->measure_count;
    if (scoop_arrow_field(out, "+s", "", (int64_t)count, &stream->error) != 0)
        return failed(stream);
    out->flags = 0;
    for (size_t i = 0; i < count; i++)
        if (scoop_arrow_field(out->children[i], format_of(type_of(groups, i)), name_of(groups, i),
                              0, &stream->error) != 0) {
            out->release(out);
            return failed(stream);
        }
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *self) {
    struct stream *stream = self->private_data;
    return stream->error.code == SCOOP_OK ? NULL : stream->error.message;
}

static void release_stream(struct ArrowArrayStream *self) {
    struct stream *stream = self->private_data;
    scoop_groups_cursor_free(&stream->cursor);
    scoop_aggregated_give(stream->result);
    scoop_free(stream);
    self->release = NULL;
}

int scoop_aggregated_arrow(struct scoop_aggregated *result, size_t grouping,
                           struct ArrowArrayStream *out, struct scoop_error *error) {
    struct stream *stream = scoop_calloc(1, sizeof *stream);
    if (stream == NULL)
        return scoop_fail_memory(error);
    stream->result = scoop_aggregated_hold(result);
    scoop_groups_cursor_init(&stream->cursor, &result->groups[grouping]);
    *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, stream};
    return 0;
}
