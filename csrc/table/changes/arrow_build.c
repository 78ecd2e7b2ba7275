#include "table/changes/arrow_build.h"

#include <stdio.h>
#include <string.h>

#include "scoop/memory.h"

enum { COLUMN_CEILING = 0x7fffffff };

void scoop_text_column_init(struct scoop_text_column *column) {
    memset(column, 0, sizeof *column);
    scoop_buf_init(&column->valid, COLUMN_CEILING);
    scoop_buf_init(&column->ends, COLUMN_CEILING);
    scoop_buf_init(&column->data, COLUMN_CEILING);
}

void scoop_text_column_free(struct scoop_text_column *column) {
    scoop_buf_free(&column->valid);
    scoop_buf_free(&column->ends);
    scoop_buf_free(&column->data);
    column->rows = column->nulls = 0;
}

int scoop_bitmap_add(struct scoop_buf *bitmap, int64_t rows, bool set, struct scoop_error *error) {
    if (rows % 8 == 0 && scoop_buf_append(bitmap, "", 1, error) != 0)
        return -1;
    if (set)
        bitmap->data[rows / 8] |= (unsigned char)(1u << rows % 8);
    return 0;
}

/* Arrow's offsets begin with 0. */
static int begin_offsets(struct scoop_buf *offsets, struct scoop_error *error) {
    static const int32_t zero;
    return offsets->length > 0 ? 0 : scoop_buf_append(offsets, &zero, sizeof zero, error);
}

int scoop_text_column_end_row(struct scoop_text_column *column, bool null,
                              struct scoop_error *error) {
    int32_t end = (int32_t)column->data.length;
    if (begin_offsets(&column->ends, error) != 0 ||
        scoop_buf_append(&column->ends, &end, sizeof end, error) != 0 ||
        scoop_bitmap_add(&column->valid, column->rows, !null, error) != 0)
        return -1;
    column->rows++;
    column->nulls += null;
    return 0;
}

struct kept {
    const void *buffers[3];
};

static void release_array(struct ArrowArray *array) {
    struct kept *kept = array->private_data;
    scoop_arrow_free_children(array->children, array->n_children);
    for (int i = 0; i < 3; i++)
        scoop_free((void *)(uintptr_t)kept->buffers[i]);
    scoop_free(kept);
    array->release = NULL;
}

void scoop_arrow_free_children(struct ArrowArray **children, int64_t count) {
    for (int64_t i = 0; children != NULL && i < count; i++) {
        if (children[i] != NULL && children[i]->release != NULL)
            children[i]->release(children[i]);
        scoop_free(children[i]);
    }
    scoop_free(children);
}

struct ArrowArray **scoop_arrow_children(int64_t count, struct scoop_error *error) {
    struct ArrowArray **children = scoop_calloc((size_t)count + 1, sizeof *children);
    for (int64_t i = 0; children != NULL && i < count; i++) {
        children[i] = scoop_calloc(1, sizeof *children[i]);
        if (children[i] == NULL) {
            scoop_arrow_free_children(children, count);
            children = NULL;
        }
    }
    if (children == NULL)
        scoop_fail_memory(error);
    return children;
}

/* Takes the children over. */
static int fill(struct ArrowArray *array, int64_t rows, int64_t buffers,
                struct ArrowArray **children, int64_t count, struct scoop_error *error) {
    struct kept *kept = scoop_calloc(1, sizeof *kept);
    if (kept == NULL) {
        scoop_arrow_free_children(children, count);
        return scoop_fail_memory(error);
    }
    *array = (struct ArrowArray){.length = rows,
                                 .n_buffers = buffers,
                                 .n_children = count,
                                 .buffers = kept->buffers,
                                 .children = children,
                                 .release = release_array,
                                 .private_data = kept};
    return 0;
}

static void move(struct scoop_buf *from, struct ArrowArray *array, int at) {
    array->buffers[at] = from->data;
    scoop_buf_init(from, from->ceiling);
}

int scoop_arrow_texts(struct scoop_text_column *column, struct ArrowArray *array,
                      struct scoop_error *error) {
    if (begin_offsets(&column->ends, error) != 0 ||
        scoop_buf_reserve(&column->data, 1, error) != 0 ||
        fill(array, column->rows, 3, NULL, 0, error) != 0)
        return -1;
    array->null_count = column->nulls;
    if (column->nulls == 0)
        scoop_buf_free(&column->valid);
    move(&column->valid, array, 0);
    move(&column->ends, array, 1);
    move(&column->data, array, 2);
    column->rows = column->nulls = 0;
    return 0;
}

int scoop_arrow_fixed(struct scoop_text_column *column, struct ArrowArray *array,
                      struct scoop_error *error) {
    if (scoop_buf_reserve(&column->data, 1, error) != 0 ||
        fill(array, column->rows, 2, NULL, 0, error) != 0)
        return -1;
    array->null_count = column->nulls;
    if (column->nulls == 0)
        scoop_buf_free(&column->valid);
    move(&column->valid, array, 0);
    move(&column->data, array, 1);
    column->rows = column->nulls = 0;
    return 0;
}

int scoop_arrow_struct(int64_t rows, struct ArrowArray **children, int64_t count,
                       struct ArrowArray *array, struct scoop_error *error) {
    return fill(array, rows, 1, children, count, error);
}

int scoop_arrow_list(struct scoop_buf *valid, struct scoop_buf *offsets, int64_t rows,
                     int64_t nulls, struct ArrowArray *child, struct ArrowArray *array,
                     struct scoop_error *error) {
    struct ArrowArray **children = scoop_arrow_children(1, error);
    if (children != NULL)
        *children[0] = *child;
    else if (child->release != NULL)
        child->release(child);
    if (children == NULL || fill(array, rows, 2, children, 1, error) != 0)
        return -1;
    array->null_count = nulls;
    move(valid, array, 0);
    move(offsets, array, 1);
    return 0;
}

static void release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i] != NULL && schema->children[i]->release != NULL)
            schema->children[i]->release(schema->children[i]);
        scoop_free(schema->children[i]);
    }
    scoop_free(schema->children);
    scoop_free((char *)(uintptr_t)schema->name);
    scoop_free(schema->private_data);
    schema->release = NULL;
}

int scoop_arrow_field(struct ArrowSchema *schema, const char *format, const char *name,
                      int64_t count, struct scoop_error *error) {
    *schema =
        (struct ArrowSchema){.format = format,
                             .name = scoop_strdup(name),
                             .flags = ARROW_FLAG_NULLABLE,
                             .children = scoop_calloc((size_t)count + 1, sizeof *schema->children),
                             .release = release_schema};
    bool enough = schema->name != NULL && schema->children != NULL;
    for (int64_t i = 0; enough && i < count; i++) {
        schema->children[i] = scoop_calloc(1, sizeof *schema->children[i]);
        enough = schema->children[i] != NULL;
        schema->n_children += enough;
    }
    if (enough)
        return 0;
    release_schema(schema);
    return scoop_fail_memory(error);
}

int scoop_arrow_decimal_field(struct ArrowSchema *schema, int precision, int scale,
                              const char *name, struct scoop_error *error) {
    enum { FORMAT_BYTES = 32 };
    char *format = scoop_malloc(FORMAT_BYTES);
    if (format == NULL)
        return scoop_fail_memory(error);
    snprintf(format, FORMAT_BYTES, "d:%d,%d", precision, scale);
    if (scoop_arrow_field(schema, format, name, 0, error) != 0) {
        scoop_free(format);
        return -1;
    }
    schema->private_data = format;
    return 0;
}
