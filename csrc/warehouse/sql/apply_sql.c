#include "warehouse/sql/apply_sql.h"

#include <stdio.h>

#include "table/changes/line.h"

#define NUMBER "\"airscoop_number\""
#define OP "\"airscoop_op\""

/* Appends pieces until one fails; then all later ones do nothing. */
struct writer {
    const struct scoop_apply_plan *plan;
    struct scoop_buf *sql;
    struct scoop_error *error;
    int failed;
};

static void text(struct writer *writer, const char *piece) {
    if (!writer->failed)
        writer->failed = scoop_buf_append_text(writer->sql, piece, writer->error);
}

static void identifier(struct writer *writer, const char *name) {
    if (!writer->failed)
        writer->failed = scoop_sql_identifier(writer->sql, name, writer->error);
}

static void target(struct writer *writer) {
    if (!writer->failed)
        writer->failed = scoop_sql_table(writer->sql, &writer->plan->target, writer->error);
}

static void stage(struct writer *writer) {
    identifier(writer, writer->plan->stage);
}

static void number(struct writer *writer, size_t value) {
    char digits[32];
    snprintf(digits, sizeof digits, "%zu", value);
    text(writer, digits);
}

/* "c1", the stage's name of the first column. */
static void staged(struct writer *writer, size_t column) {
    text(writer, "\"c");
    number(writer, column + 1);
    text(writer, "\"");
}

/* The condition for one op: "airscoop_op" = 'I'. */
static void is_op(struct writer *writer, enum scoop_change_op op) {
    char letter[] = {scoop_change_op_name(op)[0], 0};
    text(writer, OP " = '");
    text(writer, letter);
    text(writer, "'");
}

/* The stage's key columns: , <alias>"c1", <alias>"c3" */
static void keys(struct writer *writer, const char *alias, const char *before) {
    for (size_t i = 0; i < writer->plan->column_count; i++) {
        if (!writer->plan->columns[i].key)
            continue;
        text(writer, before);
        text(writer, alias);
        staged(writer, i);
        before = ", ";
    }
}

/* s."c1" = t."id" AND …; without aliases, where a statement allows none, by the tables' names. */
static void keys_equal(struct writer *writer, bool aliased) {
    const char *before = "";
    for (size_t i = 0; i < writer->plan->column_count; i++) {
        if (!writer->plan->columns[i].key)
            continue;
        text(writer, before);
        if (aliased)
            text(writer, "s");
        else
            stage(writer);
        text(writer, ".");
        staged(writer, i);
        text(writer, " = ");
        if (aliased)
            text(writer, "t");
        else
            identifier(writer, writer->plan->target.table);
        text(writer, ".");
        identifier(writer, writer->plan->columns[i].name);
        before = " AND ";
    }
}

static void from_both(struct writer *writer, const char *join) {
    text(writer, " FROM ");
    stage(writer);
    text(writer, " s ");
    text(writer, join);
    text(writer, " ");
    target(writer);
    text(writer, " t ON ");
    keys_equal(writer, true);
}

static void by_number(struct writer *writer) {
    text(writer, " ORDER BY 1 LIMIT ");
    number(writer, SCOOP_APPLY_EXAMPLES);
}

#define BEGIN struct writer writer = {plan, sql, error, 0}

SCOOP_APPLY_SQL(describe) {
    BEGIN;
    text(&writer, "SELECT * FROM ");
    target(&writer);
    text(&writer, " WHERE 1 = 0");
    return writer.failed;
}

SCOOP_APPLY_SQL(create_stage) {
    BEGIN;
    text(&writer, "CREATE TEMP TABLE ");
    stage(&writer);
    text(&writer, " AS SELECT CAST(0 AS BIGINT) AS " NUMBER ", CAST('' AS VARCHAR(1)) AS " OP);
    for (size_t i = 0; i < plan->column_count; i++) {
        text(&writer, ", ");
        identifier(&writer, plan->columns[i].name);
        text(&writer, " AS ");
        staged(&writer, i);
    }
    text(&writer, " FROM ");
    target(&writer);
    text(&writer, " WHERE 1 = 0");
    return writer.failed;
}

SCOOP_APPLY_SQL(copy_stage) {
    BEGIN;
    text(&writer, "COPY ");
    stage(&writer);
    text(&writer, " FROM STDIN");
    return writer.failed;
}

SCOOP_APPLY_SQL(fill_stage, size_t rows) {
    BEGIN;
    size_t width = plan->column_count + SCOOP_APPLY_FIXED;
    text(&writer, "INSERT INTO ");
    stage(&writer);
    text(&writer, " VALUES ");
    for (size_t i = 0; i < rows * width; i++) {
        text(&writer, i == 0 ? "($" : i % width == 0 ? "), ($" : ", $");
        number(&writer, i + 1);
    }
    text(&writer, ")");
    return writer.failed;
}

SCOOP_APPLY_SQL(analyze) {
    BEGIN;
    text(&writer, "ANALYZE ");
    stage(&writer);
    return writer.failed;
}

SCOOP_APPLY_SQL(count_staged) {
    BEGIN;
    text(&writer, "SELECT " OP ", COUNT(*) FROM ");
    stage(&writer);
    text(&writer, " GROUP BY 1");
    return writer.failed;
}

SCOOP_APPLY_SQL(repeated) {
    BEGIN;
    text(&writer, "SELECT MIN(" NUMBER "), MAX(" NUMBER "), COUNT(*)");
    keys(&writer, "", ", ");
    text(&writer, " FROM ");
    stage(&writer);
    keys(&writer, "", " GROUP BY ");
    text(&writer, " HAVING COUNT(*) > 1");
    by_number(&writer);
    return writer.failed;
}

SCOOP_APPLY_SQL(count_matched) {
    BEGIN;
    size_t key = 0;
    while (!plan->columns[key].key)
        key++;
    text(&writer, "SELECT s." OP ", COUNT(*), SUM(CASE WHEN t.");
    identifier(&writer, plan->columns[key].name);
    text(&writer, " IS NULL THEN 1 ELSE 0 END)");
    from_both(&writer, "LEFT JOIN");
    text(&writer, " GROUP BY 1");
    return writer.failed;
}

static void side(struct writer *writer, const char *alias, size_t column, bool of_stage) {
    bool by_text = writer->plan->columns[column].by_text;
    text(writer, by_text ? "CAST(" : "");
    text(writer, alias);
    if (of_stage)
        staged(writer, column);
    else
        identifier(writer, writer->plan->columns[column].name);
    text(writer, by_text ? " AS VARCHAR)" : "");
}

/* (s."c2" = t."a" OR (s."c2" IS NULL AND t."a" IS NULL)): Redshift has no IS DISTINCT FROM. */
static void equal(struct writer *writer, size_t column) {
    text(writer, " AND (");
    side(writer, "s.", column, true);
    text(writer, " = ");
    side(writer, "t.", column, false);
    text(writer, " OR (s.");
    staged(writer, column);
    text(writer, " IS NULL AND t.");
    identifier(writer, writer->plan->columns[column].name);
    text(writer, " IS NULL))");
}

SCOOP_APPLY_SQL(count_equal) {
    BEGIN;
    text(&writer, "SELECT COUNT(*)");
    from_both(&writer, "JOIN");
    text(&writer, " WHERE s." OP " <> 'D'");
    for (size_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].given && !plan->columns[i].key)
            equal(&writer, i);
    return writer.failed;
}

SCOOP_APPLY_SQL(examples, enum scoop_change_op op, enum scoop_apply_fault fault) {
    BEGIN;
    text(&writer, "SELECT s." NUMBER);
    keys(&writer, "s.", ", ");
    if (fault == SCOOP_APPLY_SEVERAL) {
        from_both(&writer, "JOIN");
        text(&writer, " WHERE s.");
        is_op(&writer, op);
        text(&writer, " GROUP BY s." NUMBER);
        keys(&writer, "s.", ", ");
        text(&writer, " HAVING COUNT(*) > 1");
    } else {
        text(&writer, " FROM ");
        stage(&writer);
        text(&writer, " s WHERE s.");
        is_op(&writer, op);
        text(&writer, fault == SCOOP_APPLY_THERE ? " AND EXISTS" : " AND NOT EXISTS");
        text(&writer, " (SELECT 1 FROM ");
        target(&writer);
        text(&writer, " t WHERE ");
        keys_equal(&writer, true);
        text(&writer, ")");
    }
    by_number(&writer);
    return writer.failed;
}

/* "a", "b" of the target, or the stage's names of the same columns. */
static void given(struct writer *writer, bool of_stage) {
    const char *before = "";
    for (size_t i = 0; i < writer->plan->column_count; i++) {
        if (!writer->plan->columns[i].given)
            continue;
        text(writer, before);
        if (of_stage)
            staged(writer, i);
        else
            identifier(writer, writer->plan->columns[i].name);
        before = ", ";
    }
}

static void insert(struct writer *writer) {
    text(writer, "INSERT INTO ");
    target(writer);
    text(writer, " (");
    given(writer, false);
    text(writer, ") SELECT ");
    given(writer, true);
    text(writer, " FROM ");
    stage(writer);
    text(writer, " WHERE ");
}

static void update(struct writer *writer) {
    const char *before = " SET ";
    text(writer, "UPDATE ");
    target(writer);
    for (size_t i = 0; i < writer->plan->column_count; i++) {
        if (!writer->plan->columns[i].given || writer->plan->columns[i].key)
            continue;
        text(writer, before);
        identifier(writer, writer->plan->columns[i].name);
        text(writer, " = ");
        stage(writer);
        text(writer, ".");
        staged(writer, i);
        before = ", ";
    }
    text(writer, " FROM ");
    stage(writer);
    text(writer, " WHERE ");
    keys_equal(writer, false);
    text(writer, " AND ");
    stage(writer);
    text(writer, ".");
}

static void remove_rows(struct writer *writer) {
    text(writer, "DELETE FROM ");
    target(writer);
    text(writer, " USING ");
    stage(writer);
    text(writer, " WHERE ");
    keys_equal(writer, false);
    text(writer, " AND ");
    stage(writer);
    text(writer, ".");
}

SCOOP_APPLY_SQL(apply, enum scoop_change_op op) {
    BEGIN;
    if (op == SCOOP_CHANGE_INSERT)
        insert(&writer);
    else if (op == SCOOP_CHANGE_UPDATE)
        update(&writer);
    else
        remove_rows(&writer);
    is_op(&writer, op);
    return writer.failed;
}

SCOOP_APPLY_SQL(drop_stage) {
    BEGIN;
    text(&writer, "DROP TABLE ");
    stage(&writer);
    return writer.failed;
}
