#include "warehouse/sql/exchange_sql.h"

#include <string.h>

#include "table/changes/line.h"

#define NUMBER "\"airscoop_number\""
#define OP "\"airscoop_op\""
#define BEGIN struct scoop_sql_writer writer = {sql, error, 0}

static void alias_column(struct scoop_sql_writer *writer, const char *alias, const char *name) {
    scoop_sql_text(writer, alias);
    scoop_sql_text(writer, ".");
    scoop_sql_identifier(writer, name);
}

/* s."c1" */
static void staged(struct scoop_sql_writer *writer, const char *alias, size_t column) {
    scoop_sql_text(writer, alias);
    scoop_sql_text(writer, ".\"c");
    scoop_sql_number(writer, column + 1);
    scoop_sql_text(writer, "\"");
}

/* The target as a value of type regclass. */
static void regclass(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan) {
    struct scoop_buf quoted;
    scoop_buf_init(&quoted, sizeof plan->target * 4);
    struct scoop_sql_writer name = {&quoted, writer->error, writer->status};
    scoop_sql_table(&name, &plan->target);
    const char *text = scoop_sql_statement(&name);
    if (text == NULL)
        writer->status = -1;
    else
        scoop_sql_literal(writer, text);
    scoop_sql_text(writer, "::regclass");
    scoop_buf_free(&quoted);
}

static void saved(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan) {
    char name[sizeof plan->stage + sizeof "_rows"] = "";
    strcat(strcpy(name, plan->stage), "_rows");
    scoop_sql_identifier(writer, name);
}

static void stage(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan) {
    scoop_sql_identifier(writer, plan->stage);
}

static void is_op(struct scoop_sql_writer *writer, const char *alias, enum scoop_change_op op) {
    const char letter[] = {scoop_change_op_name(op)[0], 0};
    scoop_sql_text(writer, alias);
    scoop_sql_text(writer, "." OP " = '");
    scoop_sql_text(writer, letter);
    scoop_sql_text(writer, "'");
}

/* s."c1" = t."id" AND … over the key. */
static void keys_equal(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                       const char *of_stage, const char *of_table) {
    const char *before = "";
    for (size_t i = 0; i < plan->column_count; i++) {
        if (!plan->columns[i].key)
            continue;
        scoop_sql_text(writer, before);
        staged(writer, of_stage, i);
        scoop_sql_text(writer, " = ");
        alias_column(writer, of_table, plan->columns[i].name);
        before = " AND ";
    }
}

SCOOP_APPLY_SQL(unique_columns, const char *name) {
    BEGIN;
    scoop_sql_text(&writer,
                   "SELECT a.attname, CASE WHEN COALESCE(to_jsonb(a) ->> 'attgenerated', '') <> '' "
                   "THEN 1 ELSE 0 END, CASE WHEN a.attname IN (SELECT k.attname FROM pg_index i "
                   "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_attribute k ON k.attrelid = "
                   "i.indrelid AND k.attnum = ANY (i.indkey) WHERE i.indisunique AND i.indexprs IS "
                   "NULL AND i.indpred IS NULL AND c.relname = ");
    scoop_sql_literal(&writer, name);
    scoop_sql_text(&writer, ") THEN 1 ELSE 0 END FROM pg_attribute a WHERE a.attnum > 0 AND NOT "
                            "a.attisdropped AND a.attrelid = ");
    regclass(&writer, plan);
    return writer.status;
}

SCOOP_APPLY_SQL(obstacle) {
    BEGIN;
    scoop_sql_text(&writer, "WITH target AS (SELECT ");
    regclass(&writer, plan);
    scoop_sql_text(
        &writer,
        "::oid AS id), tables AS (SELECT id FROM target UNION SELECT p.relid::oid FROM target, "
        "pg_partition_tree(id::regclass) p) "
        "SELECT 'the foreign key \"' || conname || '\" of ' || conrelid::regclass FROM "
        "pg_constraint WHERE contype = 'f' AND confrelid IN (SELECT id FROM tables) "
        "UNION ALL SELECT 'the trigger \"' || tgname || '\"' FROM pg_trigger WHERE NOT "
        "tgisinternal AND tgenabled <> 'D' AND tgrelid IN (SELECT id FROM tables) "
        "UNION ALL SELECT 'the rule \"' || rulename || '\"' FROM pg_rewrite WHERE ev_type <> '1' "
        "AND ev_class IN (SELECT id FROM tables) "
        "UNION ALL SELECT 'the table ' || inhrelid::regclass || ', which inherits from it' FROM "
        "pg_inherits JOIN pg_class ON oid = inhparent JOIN target ON id = inhparent WHERE "
        "relkind = 'r' "
        "UNION ALL SELECT 'its row security' FROM target WHERE row_security_active(id) "
        "UNION ALL SELECT 'that it is no table, but shows one' FROM pg_class JOIN target ON id = "
        "oid WHERE relkind NOT IN ('r', 'p') LIMIT 1");
    return writer.status;
}

SCOOP_APPLY_SQL(save_rows) {
    BEGIN;
    scoop_sql_text(&writer, "CREATE TEMP TABLE ");
    saved(&writer, plan);
    scoop_sql_text(&writer, " AS SELECT t.* FROM ");
    scoop_sql_table(&writer, &plan->target);
    scoop_sql_text(&writer, " t JOIN ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " s ON ");
    keys_equal(&writer, plan, "s", "t");
    scoop_sql_text(&writer, " WHERE ");
    is_op(&writer, "s", SCOOP_CHANGE_UPDATE);
    return writer.status;
}

SCOOP_APPLY_SQL(delete_saved) {
    BEGIN;
    scoop_sql_text(&writer, "DELETE FROM ");
    scoop_sql_table(&writer, &plan->target);
    scoop_sql_text(&writer, " t USING ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " s WHERE ");
    keys_equal(&writer, plan, "s", "t");
    scoop_sql_text(&writer, " AND ");
    is_op(&writer, "s", SCOOP_CHANGE_UPDATE);
    return writer.status;
}

SCOOP_APPLY_SQL(insert_saved) {
    BEGIN;
    const char *before = " (";
    scoop_sql_text(&writer, "INSERT INTO ");
    scoop_sql_table(&writer, &plan->target);
    for (size_t i = 0; i < plan->column_count; i++) {
        if (plan->columns[i].generated)
            continue;
        scoop_sql_text(&writer, before);
        scoop_sql_identifier(&writer, plan->columns[i].name);
        before = ", ";
    }
    before = ") OVERRIDING SYSTEM VALUE SELECT ";
    for (size_t i = 0; i < plan->column_count; i++) {
        if (plan->columns[i].generated)
            continue;
        scoop_sql_text(&writer, before);
        if (plan->columns[i].given && !plan->columns[i].key)
            staged(&writer, "s", i);
        else
            alias_column(&writer, "t", plan->columns[i].name);
        before = ", ";
    }
    scoop_sql_text(&writer, " FROM ");
    saved(&writer, plan);
    scoop_sql_text(&writer, " t JOIN ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " s ON ");
    keys_equal(&writer, plan, "s", "t");
    return writer.status;
}

SCOOP_APPLY_SQL(drop_saved) {
    BEGIN;
    scoop_sql_text(&writer, "DROP TABLE ");
    saved(&writer, plan);
    return writer.status;
}

static void select_keys(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan,
                        const char *alias, bool of_stage) {
    for (size_t i = 0; i < plan->column_count; i++) {
        if (!plan->columns[i].key)
            continue;
        scoop_sql_text(writer, ", ");
        if (of_stage)
            staged(writer, alias, i);
        else
            alias_column(writer, alias, plan->columns[i].name);
    }
}

/* The value that a change leaves in a column: r is its row before. */
static void wanted(struct scoop_sql_writer *writer, const struct scoop_apply_plan *plan, size_t at,
                   enum scoop_change_op op) {
    if (op == SCOOP_CHANGE_UPDATE && (!plan->columns[at].given || plan->columns[at].key))
        alias_column(writer, "r", plan->columns[at].name);
    else
        staged(writer, "s", at);
}

SCOOP_APPLY_SQL(same_as_row, enum scoop_change_op op) {
    BEGIN;
    const char *before = " t ON ";
    scoop_sql_text(&writer, "SELECT s." NUMBER ", (SELECT o." NUMBER " FROM ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " o WHERE ");
    keys_equal(&writer, plan, "o", "t");
    scoop_sql_text(&writer, " LIMIT 1)");
    select_keys(&writer, plan, "s", true);
    select_keys(&writer, plan, "t", false);
    scoop_sql_text(&writer, " FROM ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " s");
    if (op == SCOOP_CHANGE_UPDATE) {
        scoop_sql_text(&writer, " JOIN ");
        scoop_sql_table(&writer, &plan->target);
        scoop_sql_text(&writer, " r ON ");
        keys_equal(&writer, plan, "s", "r");
    }
    scoop_sql_text(&writer, " JOIN ");
    scoop_sql_table(&writer, &plan->target);
    for (size_t i = 0; i < plan->column_count; i++) {
        if (!plan->columns[i].unique)
            continue;
        scoop_sql_text(&writer, before);
        alias_column(&writer, "t", plan->columns[i].name);
        scoop_sql_text(&writer, " = ");
        wanted(&writer, plan, i, op);
        before = " AND ";
    }
    scoop_sql_text(&writer, " WHERE NOT (");
    keys_equal(&writer, plan, "s", "t");
    scoop_sql_text(&writer, ") AND ");
    is_op(&writer, "s", op);
    /* One that no change takes away goes first: that one is really in the way. */
    scoop_sql_text(&writer, " ORDER BY 2 NULLS FIRST, 1 LIMIT 1");
    return writer.status;
}

SCOOP_APPLY_SQL(same_as_change, enum scoop_change_op op) {
    BEGIN;
    scoop_sql_text(&writer, "SELECT s." NUMBER ", o." NUMBER);
    select_keys(&writer, plan, "s", true);
    select_keys(&writer, plan, "o", true);
    scoop_sql_text(&writer, " FROM ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " s JOIN ");
    stage(&writer, plan);
    scoop_sql_text(&writer, " o ON s." NUMBER " < o." NUMBER);
    for (size_t i = 0; i < plan->column_count; i++) {
        if (!plan->columns[i].unique)
            continue;
        scoop_sql_text(&writer, " AND ");
        staged(&writer, "s", i);
        scoop_sql_text(&writer, " = ");
        staged(&writer, "o", i);
    }
    scoop_sql_text(&writer, " WHERE ");
    is_op(&writer, "s", op);
    scoop_sql_text(&writer, " AND ");
    is_op(&writer, "o", op);
    scoop_sql_text(&writer, " ORDER BY 1 LIMIT 1");
    return writer.status;
}
