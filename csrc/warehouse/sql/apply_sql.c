#include "warehouse/sql/apply_sql.h"

#include "table/changes/line.h"

#define NUMBER "\"airscoop_number\""
#define OP "\"airscoop_op\""

static void target(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan) {
    scoop_sql_table(writer, &plan->target);
}

static void stage(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan) {
    scoop_sql_identifier(writer, plan->stage);
}

/* "c1", the stage's name of the first column. */
static void staged(struct scoop_sql_writer *writer, size_t column) {
    scoop_sql_text(writer, "\"c");
    scoop_sql_number(writer, column + 1);
    scoop_sql_text(writer, "\"");
}

/* The condition for one op: "airscoop_op" = 'I'. */
static void is_op(struct scoop_sql_writer *writer, enum scoop_change_op op) {
    char letter[] = {scoop_change_op_name(op)[0], 0};
    scoop_sql_text(writer, OP " = '");
    scoop_sql_text(writer, letter);
    scoop_sql_text(writer, "'");
}

/* The stage's key columns: , <alias>"c1", <alias>"c3" */
static void keys(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                 const char *alias, const char *before) {
    for (size_t i = 0; i < plan->column_count; i++) {
        if (!plan->columns[i].key)
            continue;
        scoop_sql_text(writer, before);
        scoop_sql_text(writer, alias);
        staged(writer, i);
        before = ", ";
    }
}

/* s."c1" = t."id" AND …; without aliases, where a statement allows none, by the tables' names. */
static void keys_equal(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                       bool aliased) {
    const char *before = "";
    for (size_t i = 0; i < plan->column_count; i++) {
        if (!plan->columns[i].key)
            continue;
        scoop_sql_text(writer, before);
        if (aliased)
            scoop_sql_text(writer, "s");
        else
            stage(writer, plan);
        scoop_sql_text(writer, ".");
        staged(writer, i);
        scoop_sql_text(writer, " = ");
        if (aliased)
            scoop_sql_text(writer, "t");
        else
            scoop_sql_identifier(writer, plan->target.table);
        scoop_sql_text(writer, ".");
        scoop_sql_identifier(writer, plan->columns[i].name);
        before = " AND ";
    }
}

static void from_both(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                      const char *join) {
    scoop_sql_text(writer, " FROM ");
    stage(writer, plan);
    scoop_sql_text(writer, " s ");
    scoop_sql_text(writer, join);
    scoop_sql_text(writer, " ");
    target(writer, plan);
    scoop_sql_text(writer, " t ON ");
    keys_equal(writer, plan, true);
}

static void by_number(struct scoop_sql_writer *writer) {
    scoop_sql_text(writer, " ORDER BY 1 LIMIT ");
    scoop_sql_number(writer, SCOOP_APPLY_EXAMPLES);
}

#define BEGIN struct scoop_sql_writer writer = {sql, error, 0}

SCOOP_APPLY_SQL(describe) {
    BEGIN;
    scoop_sql_text(&writer, "SELECT * FROM ");
    target(&writer, plan);
    scoop_sql_text(&writer, " WHERE 1 = 0");
    return writer.status;
}

SCOOP_APPLY_SQL(create_stage) {
    BEGIN;
    scoop_sql_text(&writer, "CREATE TEMP TABLE ");
    stage(&writer, plan);
    scoop_sql_text(&writer,
                   " AS SELECT CAST(0 AS BIGINT) AS " NUMBER ", CAST('' AS VARCHAR(1)) AS " OP);
    for (size_t i = 0; i < plan->column_count; i++) {
        scoop_sql_text(&writer, ", ");
        if (plan->columns[i].is_super)
            scoop_sql_text(&writer, "CAST('' AS VARCHAR(65535))");
        else
            scoop_sql_identifier(&writer, plan->columns[i].name);
        scoop_sql_text(&writer, " AS ");
        staged(&writer, i);
    }
    scoop_sql_text(&writer, " FROM ");
    target(&writer, plan);
    scoop_sql_text(&writer, " WHERE 1 = 0");
    return writer.status;
}

SCOOP_APPLY_SQL(copy_stage) {
    BEGIN;
    scoop_sql_text(&writer, "COPY ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " FROM STDIN");
    return writer.status;
}

SCOOP_APPLY_SQL(fill_stage, size_t rows) {
    BEGIN;
    size_t width = plan->column_count + SCOOP_APPLY_FIXED;
    scoop_sql_text(&writer, "INSERT INTO ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " VALUES ");
    for (size_t i = 0; i < rows * width; i++) {
        scoop_sql_text(&writer, i == 0 ? "($" : i % width == 0 ? "), ($" : ", $");
        scoop_sql_number(&writer, i + 1);
    }
    scoop_sql_text(&writer, ")");
    return writer.status;
}

SCOOP_APPLY_SQL(analyze) {
    BEGIN;
    scoop_sql_text(&writer, "ANALYZE ");
    stage(&writer, plan);
    return writer.status;
}

SCOOP_APPLY_SQL(count_staged) {
    BEGIN;
    scoop_sql_text(&writer, "SELECT " OP ", COUNT(*) FROM ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " GROUP BY 1");
    return writer.status;
}

SCOOP_APPLY_SQL(repeated) {
    BEGIN;
    scoop_sql_text(&writer, "SELECT MIN(" NUMBER "), MAX(" NUMBER "), COUNT(*)");
    keys(&writer, plan, "", ", ");
    scoop_sql_text(&writer, " FROM ");
    stage(&writer, plan);
    keys(&writer, plan, "", " GROUP BY ");
    scoop_sql_text(&writer, " HAVING COUNT(*) > 1");
    by_number(&writer);
    return writer.status;
}

SCOOP_APPLY_SQL(count_matched) {
    BEGIN;
    size_t key = 0;
    while (!plan->columns[key].key)
        key++;
    scoop_sql_text(&writer, "SELECT s." OP ", COUNT(*), SUM(CASE WHEN t.");
    scoop_sql_identifier(&writer, plan->columns[key].name);
    scoop_sql_text(&writer, " IS NULL THEN 1 ELSE 0 END)");
    from_both(&writer, plan, "LEFT JOIN");
    scoop_sql_text(&writer, " GROUP BY 1");
    return writer.status;
}

/* The value that the stage has for a column: of SUPER the text of it. */
static void staged_value(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                         const char *alias, size_t column) {
    bool is_super = plan->columns[column].is_super;
    scoop_sql_text(writer, is_super ? "JSON_PARSE(" : "");
    scoop_sql_text(writer, alias);
    staged(writer, column);
    scoop_sql_text(writer, is_super ? ")" : "");
}

/* A value as its text. Redshift's texts are equal with blanks behind them, and by collations; its
 * other types have one value for one text. */
static void side(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                 const char *alias, size_t column, bool of_stage) {
    const struct scoop_apply_column *one = &plan->columns[column];
    const char *before = plan->postgres  ? "CAST("
                         : one->is_super ? "JSON_SERIALIZE("
                         : one->is_text  ? "MD5("
                                         : "";
    scoop_sql_text(writer, before);
    if (of_stage) {
        staged_value(writer, plan, alias, column);
    } else {
        scoop_sql_text(writer, alias);
        scoop_sql_identifier(writer, one->name);
    }
    scoop_sql_text(writer, plan->postgres ? " AS TEXT) COLLATE \"C\"" : *before != 0 ? ")" : "");
}

/* (s."c2" = t."a" OR (s."c2" IS NULL AND t."a" IS NULL)): Redshift has no IS DISTINCT FROM. */
static void equal(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                  size_t column) {
    scoop_sql_text(writer, " AND (");
    side(writer, plan, "s.", column, true);
    scoop_sql_text(writer, " = ");
    side(writer, plan, "t.", column, false);
    scoop_sql_text(writer, " OR (s.");
    staged(writer, column);
    scoop_sql_text(writer, " IS NULL AND t.");
    scoop_sql_identifier(writer, plan->columns[column].name);
    scoop_sql_text(writer, " IS NULL))");
}

SCOOP_APPLY_SQL(count_equal) {
    BEGIN;
    scoop_sql_text(&writer, "SELECT COUNT(*)");
    from_both(&writer, plan, "JOIN");
    scoop_sql_text(&writer, " WHERE s." OP " <> 'D'");
    for (size_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].given)
            equal(&writer, plan, i);
    return writer.status;
}

SCOOP_APPLY_SQL(examples, enum scoop_change_op op, enum scoop_apply_fault fault) {
    BEGIN;
    scoop_sql_text(&writer, "SELECT s." NUMBER);
    keys(&writer, plan, "s.", ", ");
    if (fault == SCOOP_APPLY_SEVERAL) {
        from_both(&writer, plan, "JOIN");
        scoop_sql_text(&writer, " WHERE s.");
        is_op(&writer, op);
        scoop_sql_text(&writer, " GROUP BY s." NUMBER);
        keys(&writer, plan, "s.", ", ");
        scoop_sql_text(&writer, " HAVING COUNT(*) > 1");
    } else {
        scoop_sql_text(&writer, " FROM ");
        stage(&writer, plan);
        scoop_sql_text(&writer, " s WHERE s.");
        is_op(&writer, op);
        scoop_sql_text(&writer, fault == SCOOP_APPLY_THERE ? " AND EXISTS" : " AND NOT EXISTS");
        scoop_sql_text(&writer, " (SELECT 1 FROM ");
        target(&writer, plan);
        scoop_sql_text(&writer, " t WHERE ");
        keys_equal(&writer, plan, true);
        scoop_sql_text(&writer, ")");
    }
    by_number(&writer);
    return writer.status;
}

/* "a", "b" of the target, or the stage's names of the same columns. */
static void given(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                  bool of_stage) {
    const char *before = "";
    for (size_t i = 0; i < plan->column_count; i++) {
        if (!plan->columns[i].given)
            continue;
        scoop_sql_text(writer, before);
        if (of_stage)
            staged_value(writer, plan, "", i);
        else
            scoop_sql_identifier(writer, plan->columns[i].name);
        before = ", ";
    }
}

static bool sets_identity(const struct scoop_apply_plan *plan) {
    for (size_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].given && plan->columns[i].identity)
            return true;
    return false;
}

static void insert(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan) {
    scoop_sql_text(writer, "INSERT INTO ");
    target(writer, plan);
    scoop_sql_text(writer, " (");
    given(writer, plan, false);
    scoop_sql_text(writer, sets_identity(plan) ? ") OVERRIDING SYSTEM VALUE SELECT " : ") SELECT ");
    given(writer, plan, true);
    scoop_sql_text(writer, " FROM ");
    stage(writer, plan);
    scoop_sql_text(writer, " WHERE ");
}

static void update(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan) {
    const char *before = " SET ";
    scoop_sql_text(writer, "UPDATE ");
    target(writer, plan);
    for (size_t i = 0; i < plan->column_count; i++) {
        if (!plan->columns[i].given || plan->columns[i].key)
            continue;
        scoop_sql_text(writer, before);
        scoop_sql_identifier(writer, plan->columns[i].name);
        scoop_sql_text(writer, plan->columns[i].is_super ? " = JSON_PARSE(" : " = ");
        stage(writer, plan);
        scoop_sql_text(writer, ".");
        staged(writer, i);
        scoop_sql_text(writer, plan->columns[i].is_super ? ")" : "");
        before = ", ";
    }
    scoop_sql_text(writer, " FROM ");
    stage(writer, plan);
    scoop_sql_text(writer, " WHERE ");
    keys_equal(writer, plan, false);
    scoop_sql_text(writer, " AND ");
    stage(writer, plan);
    scoop_sql_text(writer, ".");
}

static void remove_rows(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan) {
    scoop_sql_text(writer, "DELETE FROM ");
    target(writer, plan);
    scoop_sql_text(writer, " USING ");
    stage(writer, plan);
    scoop_sql_text(writer, " WHERE ");
    keys_equal(writer, plan, false);
    scoop_sql_text(writer, " AND ");
    stage(writer, plan);
    scoop_sql_text(writer, ".");
}

static void apply_op(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                     enum scoop_change_op op) {
    if (op == SCOOP_CHANGE_INSERT)
        insert(writer, plan);
    else if (op == SCOOP_CHANGE_UPDATE)
        update(writer, plan);
    else
        remove_rows(writer, plan);
    is_op(writer, op);
}

SCOOP_APPLY_SQL(apply, enum scoop_change_op op) {
    BEGIN;
    apply_op(&writer, plan, op);
    return writer.status;
}

/* Each waits for the count of the one before it. */
SCOOP_APPLY_SQL(apply_at_once, const int64_t changes[SCOOP_CHANGE_OPS]) {
    BEGIN;
    static const char *const names[] = {"inserted", "updated", "deleted"};
    const char *before = NULL;
    for (int op = SCOOP_CHANGE_DELETE; op >= SCOOP_CHANGE_INSERT; op--) {
        if (changes[op] == 0)
            continue;
        scoop_sql_text(&writer, before == NULL ? "WITH " : ", ");
        scoop_sql_text(&writer, names[op]);
        scoop_sql_text(&writer, " AS (");
        apply_op(&writer, plan, (enum scoop_change_op)op);
        if (before != NULL) {
            scoop_sql_text(&writer, " AND (SELECT COUNT(*) FROM ");
            scoop_sql_text(&writer, before);
            scoop_sql_text(&writer, ") >= 0");
        }
        scoop_sql_text(&writer, " RETURNING 1)");
        before = names[op];
    }
    for (int op = 0; op < SCOOP_CHANGE_OPS; op++) {
        scoop_sql_text(&writer, op == 0 ? " SELECT " : ", ");
        if (changes[op] != 0)
            scoop_sql_text(&writer, "(SELECT COUNT(*) FROM ");
        scoop_sql_text(&writer, changes[op] != 0 ? names[op] : "0");
        scoop_sql_text(&writer, changes[op] != 0 ? ")" : "");
    }
    return writer.status;
}

SCOOP_APPLY_SQL(drop_stage) {
    BEGIN;
    scoop_sql_text(&writer, "DROP TABLE ");
    stage(&writer, plan);
    return writer.status;
}
