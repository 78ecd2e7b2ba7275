/* Arrow arrays and schemas, made by hand: who releases one frees its buffers and its children. */
#ifndef SCOOP_TABLE_CHANGES_ARROW_BUILD_H
#define SCOOP_TABLE_CHANGES_ARROW_BUILD_H

#include <stdbool.h>

#include "scoop/arrow.h"
#include "scoop/buffer.h"

/* A column of texts that grows. */
struct scoop_text_column {
    struct scoop_buf valid; /* a bit a row */
    struct scoop_buf ends;  /* 32 bits a row */
    struct scoop_buf data;
    int64_t rows, nulls;
};

void scoop_text_column_init(struct scoop_text_column *column);
void scoop_text_column_free(struct scoop_text_column *column);
/* What was appended to column->data since the row before is the next row. 0, or -1. */
int scoop_text_column_end_row(struct scoop_text_column *column, bool null,
                              struct scoop_error *error);
/* Appends a bit to a bitmap that has `rows` of them. */
int scoop_bitmap_add(struct scoop_buf *bitmap, int64_t rows, bool set, struct scoop_error *error);

/* Each fills *array; on -1 nothing is left in it. The column's, the bitmap's and the offsets'
 * memory moves into the array. Children are made with scoop_malloc, and moved also on failure. */
int scoop_arrow_texts(struct scoop_text_column *column, struct ArrowArray *array,
                      struct scoop_error *error);
/* Of values of one width, which are in column->data; its offsets are not used. */
int scoop_arrow_fixed(struct scoop_text_column *column, struct ArrowArray *array,
                      struct scoop_error *error);
int scoop_arrow_struct(int64_t rows, struct ArrowArray **children, int64_t count,
                       struct ArrowArray *array, struct scoop_error *error);
int scoop_arrow_list(struct scoop_buf *valid, struct scoop_buf *offsets, int64_t rows,
                     int64_t nulls, struct ArrowArray *child, struct ArrowArray *array,
                     struct scoop_error *error);
/* Zeroed children for scoop_arrow_struct; NULL with NO_MEMORY. */
struct ArrowArray **scoop_arrow_children(int64_t count, struct scoop_error *error);
void scoop_arrow_free_children(struct ArrowArray **children, int64_t count);

/* A field with room for `count` children, zeroed. `name` is copied, format is static text. */
int scoop_arrow_field(struct ArrowSchema *schema, const char *format, const char *name,
                      int64_t count, struct scoop_error *error);
/* A field of decimals of 128 bits. */
int scoop_arrow_decimal_field(struct ArrowSchema *schema, int precision, int scale,
                              const char *name, struct scoop_error *error);

#endif
