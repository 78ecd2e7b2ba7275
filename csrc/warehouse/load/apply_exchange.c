#include "warehouse/load/apply_exchange.h"

#include <stdio.h>
#include <string.h>

#include "base/error_facts.h"
#include "text/name_case.h"
#include "text/text.h"
#include "warehouse/session/session.h"
#include "warehouse/sql/exchange_sql.h"

enum { SQL_CEILING_BYTES = 16 * 1024 * 1024, KEY_BYTES = 130 };

/* One refused statement. */
struct refused {
    struct scoop_session *session;
    struct scoop_apply_plan *plan;
    enum scoop_change_op op;
    const struct scoop_interrupt *interrupt;
    struct scoop_error *error;
    struct scoop_buf sql;
    char constraint[SCOOP_NAME_BYTES + 1];
    char obstacle[300];
    char words[300]; /* the server's */
};

int scoop_apply_mark(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                     struct scoop_error *error) {
    return scoop_session_run(session, "SAVEPOINT airscoop_changes", interrupt, error);
}

static int go_back(struct refused *refused) {
    return scoop_session_run(refused->session, "ROLLBACK TO SAVEPOINT airscoop_changes",
                             refused->interrupt, refused->error);
}

/* Runs what `built` appended; *rows may be NULL. */
static int run(struct refused *refused, int built, struct scoop_rows **rows) {
    const char *text = built == 0 ? scoop_buf_text(&refused->sql, refused->error) : NULL;
    int result = text == NULL ? -1
                              : scoop_session_query(refused->session, text, refused->interrupt,
                                                    rows, refused->error);
    scoop_buf_consume(&refused->sql, refused->sql.length);
    return result;
}

#define RUN(refused, rows, name, ...)                                                              \
    run((refused),                                                                                 \
        scoop_apply_sql_##name((refused)->plan, ##__VA_ARGS__, &(refused)->sql, (refused)->error), \
        (rows))

static bool is_unique_violation(const struct scoop_error *error) {
    return strcmp(error->sqlstate, "23505") == 0 || strcmp(error->sqlstate, "23P01") == 0;
}

static const char *column_at(const void *from, size_t place) {
    return ((const struct scoop_apply_plan *)from)->columns[place].name;
}

/* Which columns the server computes, and which the constraint is of. */
static int learn_columns(struct refused *refused) {
    struct scoop_apply_plan *plan = refused->plan;
    struct scoop_rows *rows = NULL;
    if (RUN(refused, &rows, unique_columns, refused->constraint) != 0)
        return -1;
    for (size_t row = 0; row < scoop_rows_count(rows); row++) {
        const char *name = scoop_rows_value(rows, row, 0);
        long at = scoop_find_name(name == NULL ? "" : name, column_at, plan, plan->column_count);
        if (at == SCOOP_NO_NAME)
            continue;
        plan->columns[at].generated = scoop_rows_number(rows, row, 1) != 0;
        plan->columns[at].unique = scoop_rows_number(rows, row, 2) != 0;
    }
    scoop_rows_free(rows);
    return 0;
}

static int find_obstacle(struct refused *refused) {
    struct scoop_rows *rows = NULL;
    if (RUN(refused, &rows, obstacle) != 0)
        return -1;
    const char *found = scoop_rows_value(rows, 0, 0);
    scoop_text_print(refused->obstacle, sizeof refused->obstacle, "%s", found == NULL ? "" : found);
    scoop_rows_free(rows);
    return 0;
}

/* As many rows as were saved are deleted and inserted, or it is an error. */
static int delete_and_insert(struct refused *refused, int64_t *updated) {
    struct scoop_rows *saved = NULL, *deleted = NULL, *inserted = NULL;
    int result = RUN(refused, &saved, save_rows);
    if (result == 0)
        result = RUN(refused, &deleted, delete_saved);
    if (result == 0)
        result = RUN(refused, &inserted, insert_saved);
    if (result == 0 && (scoop_rows_affected(saved) != scoop_rows_affected(deleted) ||
                        scoop_rows_affected(saved) != scoop_rows_affected(inserted))) {
        scoop_fail(refused->error, SCOOP_COUNT_MISMATCH,
                   "of %lld rows to update %lld were deleted and %lld inserted again",
                   (long long)scoop_rows_affected(saved), (long long)scoop_rows_affected(deleted),
                   (long long)scoop_rows_affected(inserted));
        result = scoop_error_counts(refused->error, "rows to update", scoop_rows_affected(saved),
                                    scoop_rows_affected(inserted));
    }
    if (result == 0)
        *updated = scoop_rows_affected(inserted);
    scoop_rows_free(saved);
    scoop_rows_free(deleted);
    scoop_rows_free(inserted);
    return result == 0 ? RUN(refused, NULL, drop_saved) : -1;
}

/* "id"='7' of a row whose columns from `first` on are the key; the number of columns of a key. */
static size_t show_key(const struct refused *refused, const struct scoop_rows *rows, size_t first,
                       char *text) {
    size_t used = 0, count = 0;
    text[0] = 0;
    for (size_t i = 0; i < refused->plan->column_count; i++) {
        if (!refused->plan->columns[i].key)
            continue;
        const char *value = scoop_rows_value(rows, 0, first + count++);
        if (used < KEY_BYTES)
            used += scoop_text_print(text + used, KEY_BYTES - used, "%s\"%.40s\"='%.40s'",
                                     used == 0 ? "" : ", ", refused->plan->columns[i].name,
                                     value == NULL ? "" : value);
    }
    return count;
}

/* Two rows that are in each other's way: *rows has numbers and keys of them, or none. */
static int find_rows(struct refused *refused, struct scoop_rows **rows, bool *in_table) {
    bool known = false;
    for (size_t i = 0; i < refused->plan->column_count; i++)
        known = known || refused->plan->columns[i].unique;
    *in_table = true;
    if (!known)
        return 0;
    if (RUN(refused, rows, same_as_row, refused->op) != 0)
        return -1;
    *in_table = scoop_rows_count(*rows) > 0;
    if (*in_table)
        return 0;
    scoop_rows_free(*rows);
    *rows = NULL;
    return RUN(refused, rows, same_as_change, refused->op);
}

static int fail_exchange(struct refused *refused, const char *first, const char *second,
                         long long number, long long other) {
    return scoop_fail(
        refused->error, SCOOP_SQL,
        "the change %lld (%s) takes a value from the change %lld (%s), which the constraint "
        "\"%.63s\" refuses while one statement does both, and %.200s would see the rows deleted "
        "and inserted again; make the constraint deferrable: drop it, and add it with UNIQUE (…) "
        "DEFERRABLE",
        number, first, other, second, refused->constraint, refused->obstacle);
}

/* Names the constraint and both rows; after it nothing goes on in this transaction. */
static int explain(struct refused *refused) {
    struct scoop_rows *rows = NULL;
    char first[KEY_BYTES], second[KEY_BYTES];
    bool in_table = false;
    if (learn_columns(refused) != 0 || find_rows(refused, &rows, &in_table) != 0)
        return -1;
    if (rows == NULL || scoop_rows_count(rows) == 0) {
        scoop_rows_free(rows);
        return scoop_fail(refused->error, SCOOP_SQL,
                          "the constraint \"%.63s\" refuses a change: %.280s", refused->constraint,
                          refused->words);
    }
    size_t width = show_key(refused, rows, 2, first);
    show_key(refused, rows, 2 + width, second);
    long long number = scoop_rows_number(rows, 0, 0), other = scoop_rows_number(rows, 0, 1);
    scoop_rows_free(rows);
    if (in_table && other != 0 && refused->obstacle[0] != 0)
        return fail_exchange(refused, first, second, number, other);
    if (in_table && other == 0)
        return scoop_fail(
            refused->error, SCOOP_SQL,
            "the constraint \"%.63s\" refuses the change %lld (%s): the row %s of the "
            "table has its value, and no change takes it away; the table is not the "
            "export that the changes start from, or the export breaks the constraint "
            "(%.280s)",
            refused->constraint, number, first, second, refused->words);
    return scoop_fail(refused->error, SCOOP_SQL,
                      "the constraint \"%.63s\" refuses the changes %lld (%s) and %lld (%s), which "
                      "have one value; the export breaks the constraint: correct it, or drop the "
                      "constraint (%.280s)",
                      refused->constraint, number, first, other, second, refused->words);
}

static int settle(struct refused *refused, int64_t *updated) {
    if (go_back(refused) != 0)
        return -1;
    if (refused->op != SCOOP_CHANGE_UPDATE)
        return explain(refused);
    if (find_obstacle(refused) != 0 || learn_columns(refused) != 0)
        return -1;
    if (refused->obstacle[0] != 0)
        return explain(refused);
    if (delete_and_insert(refused, updated) == 0)
        return 0;
    if (!is_unique_violation(refused->error))
        return -1;
    return go_back(refused) == 0 ? explain(refused) : -1;
}

int scoop_apply_exchange(struct scoop_session *session, struct scoop_apply_plan *plan,
                         enum scoop_change_op op, int64_t *updated,
                         const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct refused refused = {
        .session = session, .plan = plan, .op = op, .interrupt = interrupt, .error = error};
    const char *constraint = scoop_session_constraint(session);
    if (!is_unique_violation(error) || constraint[0] == 0)
        return -1;
    char state[sizeof error->sqlstate];
    memcpy(state, error->sqlstate, sizeof state);
    scoop_text_print(refused.constraint, sizeof refused.constraint, "%s", constraint);
    scoop_text_print(refused.words, sizeof refused.words, "%s", error->message);
    scoop_buf_init(&refused.sql, SQL_CEILING_BYTES);
    int result = settle(&refused, updated);
    scoop_buf_free(&refused.sql);
    if (result != 0 && error->sqlstate[0] == 0)
        memcpy(error->sqlstate, state, sizeof state);
    return result;
}
