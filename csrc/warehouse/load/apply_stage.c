#include "warehouse/load/apply_stage.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error_facts.h"
#include "base/invariant.h"
#include "scoop/memory.h"
#include "text/text.h"
#include "warehouse/load/load.h"
#include "warehouse/session/lock.h"
#include "warehouse/session/session.h"

enum {
    CHUNK_BYTES = 1024 * 1024,
    CHUNK_ROWS = 16 * 1024,
    FIRST_ROWS = 256,
    TEXT_CEILING = 1 << 30,
    SQL_CEILING_BYTES = 16 * 1024 * 1024,
    PIECE_BYTES = 64 * 1024,
    MOST_PARAMETERS = 32767, /* Redshift's, and PostgreSQL's protocol's when it is signed */
};

/* A part of a chunk: these rows, and of them these columns; the others are NULL. */
struct part {
    const struct scoop_apply_chunk *chunk;
    size_t from, to;
    size_t from_column, to_column;
};

void scoop_apply_chunk_init(struct scoop_apply_chunk *chunk, const struct scoop_apply_plan *plan) {
    memset(chunk, 0, sizeof *chunk);
    chunk->plan = plan;
    scoop_buf_init(&chunk->text, TEXT_CEILING);
}

void scoop_apply_chunk_free(struct scoop_apply_chunk *chunk) {
    scoop_buf_free(&chunk->text);
    scoop_free(chunk->values);
    scoop_free(chunk->places);
    scoop_free(chunk->ops);
    scoop_apply_chunk_init(chunk, chunk->plan);
}

void scoop_apply_chunk_clear(struct scoop_apply_chunk *chunk) {
    chunk->text.length = 0;
    chunk->rows = 0;
}

static int grow_array(void **array, size_t bytes, struct scoop_error *error) {
    void *grown = scoop_realloc(*array, bytes);
    if (grown == NULL)
        return scoop_fail_memory(error);
    *array = grown;
    return 0;
}

static int grow(struct scoop_apply_chunk *chunk, struct scoop_error *error) {
    size_t capacity = chunk->capacity == 0 ? FIRST_ROWS : chunk->capacity * 2;
    size_t width = chunk->plan->column_count;
    if (grow_array((void **)&chunk->values, capacity * width * sizeof *chunk->values, error) != 0 ||
        grow_array((void **)&chunk->places, capacity * sizeof *chunk->places, error) != 0 ||
        grow_array((void **)&chunk->ops, capacity, error) != 0)
        return -1;
    chunk->capacity = capacity;
    return 0;
}

int scoop_apply_chunk_add(struct scoop_apply_chunk *chunk, struct scoop_change_place place, char op,
                          struct scoop_error *error) {
    size_t width = chunk->plan->column_count;
    if (chunk->rows == chunk->capacity && grow(chunk, error) != 0)
        return -1;
    chunk->places[chunk->rows] = place;
    chunk->ops[chunk->rows] = op;
    for (size_t i = 0; i < width; i++)
        chunk->values[chunk->rows * width + i] = SIZE_MAX;
    chunk->rows++;
    return 0;
}

int scoop_apply_chunk_set(struct scoop_apply_chunk *chunk, size_t column, const char *value,
                          size_t length, struct scoop_error *error) {
    size_t at = chunk->text.length;
    if (scoop_buf_append(&chunk->text, value, length, error) != 0 ||
        scoop_buf_append(&chunk->text, "", 1, error) != 0)
        return -1;
    chunk->values[(chunk->rows - 1) * chunk->plan->column_count + column] = at;
    return 0;
}

const char *scoop_apply_chunk_value(const struct scoop_apply_chunk *chunk, size_t row,
                                    size_t column) {
    size_t at = chunk->values[row * chunk->plan->column_count + column];
    return at == SIZE_MAX ? NULL : (const char *)chunk->text.data + at;
}

bool scoop_apply_chunk_full(const struct scoop_apply_chunk *chunk) {
    return chunk->text.length >= CHUNK_BYTES || chunk->rows >= CHUNK_ROWS ||
           chunk->rows * chunk->plan->column_count * sizeof *chunk->values >= CHUNK_BYTES;
}

static const char *value_of(const struct part *part, size_t row, size_t column) {
    if (column < part->from_column || column >= part->to_column)
        return NULL;
    return scoop_apply_chunk_value(part->chunk, row, column);
}

/* COPY's text: backslash, tab and line ends behind a backslash. */
static int put_escaped(const char *value, struct scoop_buf *out, struct scoop_error *error) {
    for (;;) {
        size_t plain = strcspn(value, "\\\t\n\r");
        if (scoop_buf_append(out, value, plain, error) != 0)
            return -1;
        value += plain;
        if (*value == 0)
            return 0;
        char escape[] = {'\\', *value};
        escape[1] = *value == '\t' ? 't' : *value == '\n' ? 'n' : *value == '\r' ? 'r' : '\\';
        if (scoop_buf_append(out, escape, 2, error) != 0)
            return -1;
        value++;
    }
}

static int put_row(const struct part *part, size_t row, struct scoop_buf *out,
                   struct scoop_error *error) {
    if (scoop_buf_printf(out, error, "%llu\t%c",
                         (unsigned long long)part->chunk->places[row].number,
                         part->chunk->ops[row]) != 0)
        return -1;
    for (size_t i = 0; i < part->chunk->plan->column_count; i++) {
        const char *value = value_of(part, row, i);
        if (scoop_buf_append(out, "\t", 1, error) != 0 ||
            (value == NULL ? scoop_buf_append(out, "\\N", 2, error)
                           : put_escaped(value, out, error)) != 0)
            return -1;
    }
    return scoop_buf_append(out, "\n", 1, error);
}

/* The part's rows from `from` on. */
static int next_piece(void *user, struct scoop_buf *piece, struct scoop_error *error) {
    struct part *part = user;
    while (part->from < part->to && piece->length < PIECE_BYTES)
        if (put_row(part, part->from++, piece, error) != 0)
            return -1;
    return 0;
}

static int store_by_copy(struct part part, struct scoop_session *session,
                         const struct scoop_interrupt *interrupt, struct scoop_buf *sql,
                         int64_t *stored, struct scoop_error *error) {
    const struct scoop_copy_pieces pieces = {next_piece, &part};
    if (scoop_apply_sql_copy_stage(part.chunk->plan, sql, error) != 0)
        return -1;
    const char *text = scoop_buf_text(sql, error);
    return text == NULL ? -1 : scoop_session_copy(session, text, &pieces, interrupt, stored, error);
}

static int store_rows(const struct part *part, struct scoop_session *session,
                      const struct scoop_interrupt *interrupt, struct scoop_buf *sql,
                      int64_t *stored, struct scoop_error *error) {
    size_t rows = part->to - part->from, width = part->chunk->plan->column_count;
    size_t count = rows * (width + SCOOP_APPLY_FIXED);
    const char **values = scoop_calloc(count, sizeof *values);
    char(*fixed)[32] = scoop_calloc(rows, 2 * sizeof *fixed);
    struct scoop_rows *answer = NULL;
    int result = values == NULL || fixed == NULL ? scoop_fail_memory(error) : 0;
    for (size_t row = 0, at = 0; result == 0 && row < rows; row++) {
        snprintf(fixed[2 * row], sizeof *fixed, "%llu",
                 (unsigned long long)part->chunk->places[part->from + row].number);
        fixed[2 * row + 1][0] = part->chunk->ops[part->from + row];
        values[at++] = fixed[2 * row];
        values[at++] = fixed[2 * row + 1];
        for (size_t i = 0; i < width; i++)
            values[at++] = value_of(part, part->from + row, i);
    }
    if (result == 0)
        result = scoop_apply_sql_fill_stage(part->chunk->plan, rows, sql, error);
    struct scoop_statement statement = {.parameters = values, .parameter_count = count};
    if (result == 0 && (statement.sql = scoop_buf_text(sql, error)) == NULL)
        result = -1;
    if (result == 0)
        result = scoop_session_execute(session, &statement, interrupt, &answer, error);
    if (result == 0)
        *stored += scoop_rows_affected(answer);
    scoop_rows_free(answer);
    scoop_free(values);
    scoop_free(fixed);
    return result;
}

static int store_by_insert(struct part part, struct scoop_session *session,
                           const struct scoop_interrupt *interrupt, struct scoop_buf *sql,
                           int64_t *stored, struct scoop_error *error) {
    size_t most = MOST_PARAMETERS / (part.chunk->plan->column_count + SCOOP_APPLY_FIXED);
    size_t end = part.to;
    if (!SCOOP_INVARIANT(most > 0, error)) /* else no piece would ever be the last */
        return -1;
    while (part.from < end) {
        part.to = end - part.from > most ? part.from + most : end;
        scoop_buf_consume(sql, sql->length);
        if (store_rows(&part, session, interrupt, sql, stored, error) != 0)
            return -1;
        part.from = part.to;
    }
    return 0;
}

static int store(struct part part, struct scoop_session *session,
                 const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    size_t rows = part.to - part.from;
    int64_t stored = 0;
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    int result = scoop_session_dialect(session) == SCOOP_POSTGRES
                     ? store_by_copy(part, session, interrupt, &sql, &stored, error)
                     : store_by_insert(part, session, interrupt, &sql, &stored, error);
    scoop_buf_free(&sql);
    if (result == 0 && stored != (int64_t)rows) {
        scoop_fail(error, SCOOP_COUNT_MISMATCH,
                   "%zu changes were sent to the server, which stored %lld", rows,
                   (long long)stored);
        return scoop_error_counts(error, "changes", (int64_t)rows, stored);
    }
    return result;
}

/* One attempt of its own, taken back: the part's error in *error, or 0. */
static int probe(struct part part, struct scoop_session *session,
                 const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    int result = scoop_session_run(session, "BEGIN", interrupt, error);
    if (result == 0)
        result = scoop_apply_sql_create_stage(part.chunk->plan, &sql, error);
    if (result == 0 && scoop_buf_text(&sql, error) == NULL)
        result = -1;
    if (result == 0)
        result = scoop_session_run(session, (const char *)sql.data, interrupt, error);
    if (result == 0)
        result = store(part, session, interrupt, error);
    scoop_session_rollback(session);
    scoop_buf_free(&sql);
    return result;
}

/* Halves [*from, *to) until one row, or one column, is left that the server refuses. *why is its
 * error. False when the halves tell something else. */
static bool narrow(struct part *part, size_t *from, size_t *to, struct scoop_session *session,
                   const struct scoop_interrupt *interrupt, struct scoop_error *why) {
    size_t end = *to;
    while (end - *from > 1) {
        size_t middle = *from + (end - *from) / 2;
        *to = middle;
        memset(why, 0, sizeof *why);
        if (probe(*part, session, interrupt, why) == 0)
            *from = middle;
        else if (why->code != SCOOP_SQL)
            return false;
        else
            end = middle;
        *to = end;
    }
    memset(why, 0, sizeof *why);
    return probe(*part, session, interrupt, why) != 0 && why->code == SCOOP_SQL;
}

/* "id"='7', "day"='x' */
static void show_key(const struct scoop_apply_chunk *chunk, size_t row, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < chunk->plan->column_count && used < size; i++) {
        const char *value = scoop_apply_chunk_value(chunk, row, i);
        if (chunk->plan->columns[i].key)
            used += scoop_text_print(text + used, size - used, "%s\"%.60s\"='%.60s'",
                                     used == 0 ? "" : ", ", chunk->plan->columns[i].name,
                                     value == NULL ? "" : value);
    }
}

/* The server tells a text in its own language, and of an INSERT not even the row: so the chunk is
 * stored again in halves. Nothing stays of it. */
static int locate(const struct scoop_apply_chunk *chunk, struct scoop_session *session,
                  const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct part part = {chunk, 0, chunk->rows, 0, chunk->plan->column_count};
    struct scoop_error why;
    char key[200];
    scoop_lock_rollback(session);
    if (!narrow(&part, &part.from, &part.to, session, interrupt, &why) ||
        !narrow(&part, &part.from_column, &part.to_column, session, interrupt, &why))
        return -1;
    show_key(chunk, part.from, key, sizeof key);
    scoop_change_fail(error, chunk->places[part.from],
                      " (%s): its value does not fit the column \"%.100s\": %.500s", key,
                      chunk->plan->columns[part.from_column].name, why.message);
    memcpy(error->sqlstate, why.sqlstate, sizeof error->sqlstate);
    return -1;
}

int scoop_apply_chunk_store(const struct scoop_apply_chunk *chunk, struct scoop_session *session,
                            const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct part all = {chunk, 0, chunk->rows, 0, chunk->plan->column_count};
    if (!SCOOP_INVARIANT(chunk->plan->column_count > 0, error))
        return -1;
    if (chunk->rows == 0 || store(all, session, interrupt, error) == 0)
        return 0;
    return error->code == SCOOP_SQL ? locate(chunk, session, interrupt, error) : -1;
}
