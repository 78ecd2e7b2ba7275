/* The rows of a query as Arrow. */
#include <string.h>

#include "scoop/memory.h"
#include "scoop/query.h"
#include "warehouse/session/session_internal.h"
#include "warehouse/sql/arrow_columns.h"

enum { BATCH_BYTES = 1024 * 1024 };

static struct scoop_arrow_type type_at(const struct scoop_session *session, size_t column) {
    struct scoop_query_column found = scoop_query_column(session, column);
    return scoop_arrow_type_of(found.type, found.modifier);
}

int scoop_query_schema(const struct scoop_session *session, struct ArrowSchema *schema,
                       struct scoop_error *error) {
    size_t columns = scoop_query_columns(session);
    if (scoop_arrow_field(schema, "+s", "", (int64_t)columns, error) != 0)
        return -1;
    schema->flags = 0;
    for (size_t i = 0; i < columns; i++) {
        struct scoop_arrow_type type = type_at(session, i);
        const char *name = scoop_query_column(session, i).name;
        if (scoop_arrow_type_field(&type, name == NULL ? "" : name, schema->children[i], error) !=
            0) {
            schema->release(schema);
            return -1;
        }
    }
    return 0;
}

struct batch {
    struct scoop_session *session;
    struct scoop_text_column *columns;
    size_t count, bytes;
    int64_t rows;
};

static int put_row(struct batch *batch, struct scoop_error *error) {
    for (size_t i = 0; i < batch->count; i++) {
        size_t length = 0;
        struct scoop_arrow_type type = type_at(batch->session, i);
        const char *value = scoop_query_value(batch->session, i, &length);
        if (scoop_arrow_put(&type, &batch->columns[i], value, length, error) != 0) {
            if (error->code == SCOOP_UNSUPPORTED)
                scoop_fail_prefix(
                    error, "the column %.127s: ", scoop_query_column(batch->session, i).name);
            return -1;
        }
        batch->bytes += length + sizeof(int64_t);
    }
    batch->rows++;
    return 0;
}

static int build(struct batch *batch, struct ArrowArray *array, struct scoop_error *error) {
    struct ArrowArray **children = scoop_arrow_children((int64_t)batch->count, error);
    if (children == NULL)
        return -1;
    for (size_t i = 0; i < batch->count; i++) {
        struct scoop_arrow_type type = type_at(batch->session, i);
        if (scoop_arrow_finish(&type, &batch->columns[i], children[i], error) != 0) {
            scoop_arrow_free_children(children, (int64_t)batch->count);
            return -1;
        }
    }
    return scoop_arrow_struct(batch->rows, children, (int64_t)batch->count, array, error);
}

static int read_rows(struct batch *batch, int64_t most, const struct scoop_interrupt *interrupt,
                     struct scoop_error *error) {
    while (batch->rows < most && batch->bytes < BATCH_BYTES) {
        int status = scoop_query_next(batch->session, interrupt, error);
        if (status <= 0)
            return status;
        if (put_row(batch, error) != 0) {
            scoop_query_close(batch->session);
            return -1;
        }
    }
    return 0;
}

int scoop_query_batch(struct scoop_session *session, int64_t most,
                      const struct scoop_interrupt *interrupt, struct ArrowArray *array,
                      struct scoop_error *error) {
    struct batch batch = {.session = session, .count = scoop_query_columns(session)};
    memset(array, 0, sizeof *array);
    batch.columns = scoop_calloc(batch.count + 1, sizeof *batch.columns);
    if (batch.columns == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < batch.count; i++)
        scoop_text_column_init(&batch.columns[i]);
    int status = read_rows(&batch, most, interrupt, error);
    if (status == 0 && batch.rows > 0)
        status = build(&batch, array, error);
    for (size_t i = 0; i < batch.count; i++)
        scoop_text_column_free(&batch.columns[i]);
    scoop_free(batch.columns);
    return status;
}
