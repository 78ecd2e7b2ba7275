#include "text/text.h"
#include "warehouse/sql/insert_sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LOCK_NAME_BYTES = 63, HASH_DIGITS = 16 };

#define RANK "airscoop_rank"
#define GREATER "airscoop_greater"
#define ROWS "airscoop_rows"

static void temporary(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                      const char *role) {
    char name[64];
    snprintf(name, sizeof name, "airscoop_%s_%s", role, plan->suffix);
    scoop_sql_identifier(writer, name);
}

/* SELECT … of the partition; the columns' names are the source's or, `renamed`, the target's. */
static void read_source(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                        bool renamed) {
    const struct scoop_insert_names *names = plan->names;
    for (size_t i = 0; i < names->column_count; i++) {
        scoop_sql_text(writer, i == 0 ? "SELECT " : ", ");
        scoop_sql_identifier(writer, plan->source_columns == NULL ? names->columns[i]
                                                                  : plan->source_columns[i]);
        if (!renamed)
            continue;
        scoop_sql_text(writer, " AS ");
        scoop_sql_identifier(writer, names->columns[i]);
    }
    scoop_sql_text(writer, " FROM ");
    scoop_sql_table(writer, &plan->source);
    for (size_t i = 0; i < names->partition_count; i++) {
        scoop_sql_text(writer, i == 0 ? " WHERE " : " AND ");
        scoop_sql_identifier(writer, names->partition_columns[i]);
        scoop_sql_text(writer, " = ");
        scoop_sql_literal(writer, names->partition_values[i]);
    }
}

/* The load's rows, in parentheses where they are still to be read; an alias follows. */
static void batch(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan) {
    if (!plan->from_source) {
        temporary(writer, plan, "batch");
        return;
    }
    scoop_sql_text(writer, "(");
    read_source(writer, plan, true);
    scoop_sql_text(writer, ")");
}

/* alias."column"; the alias "" stands for the target itself, which takes none in a DELETE. */
static void column(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                   const char *alias, const char *name) {
    if (alias[0] == 0)
        scoop_sql_identifier(writer, plan->target.table);
    else
        scoop_sql_text(writer, alias);
    scoop_sql_text(writer, ".");
    scoop_sql_identifier(writer, name);
}

static void columns(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                    const char *alias, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        scoop_sql_text(writer, i == 0 ? "" : ", ");
        if (alias == NULL)
            scoop_sql_identifier(writer, names[i]);
        else
            column(writer, plan, alias, names[i]);
    }
}

static void all_columns(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                        const char *alias) {
    columns(writer, plan, alias, plan->names->columns, plan->names->column_count);
}

static void all_keys(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                     const char *alias) {
    columns(writer, plan, alias, plan->names->keys, plan->names->key_count);
}

/* A value that both sides of a comparison have in place of NULL. */
static void filler(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                   const char *key) {
    scoop_sql_text(writer, "(SELECT f.");
    scoop_sql_identifier(writer, key);
    scoop_sql_text(writer, " FROM ");
    temporary(writer, plan, "filler");
    scoop_sql_text(writer, " f)");
}

static void filled(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                   const char *alias, const char *key) {
    scoop_sql_text(writer, "COALESCE(");
    column(writer, plan, alias, key);
    scoop_sql_text(writer, ", ");
    filler(writer, plan, key);
    scoop_sql_text(writer, ")");
}

static void null_bit(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                     const char *alias, const char *key) {
    scoop_sql_text(writer, "CASE WHEN ");
    column(writer, plan, alias, key);
    scoop_sql_text(writer, " IS NULL THEN 1 ELSE 0 END");
}

/* A key of `other` equals that of `mine`, whose rows come from the batch; NULL equals NULL. */
static void key_equals(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                       size_t key, const char *other, const char *mine) {
    const char *name = plan->names->keys[key];
    switch (plan->nulls[key]) {
    case SCOOP_NULLS_NONE:
        column(writer, plan, other, name);
        scoop_sql_text(writer, " = ");
        column(writer, plan, mine, name);
        break;
    case SCOOP_NULLS_ALL:
        column(writer, plan, other, name);
        scoop_sql_text(writer, " IS NULL");
        break;
    case SCOOP_NULLS_SOME:
        filled(writer, plan, other, name);
        scoop_sql_text(writer, " = ");
        filled(writer, plan, mine, name);
        scoop_sql_text(writer, " AND ");
        null_bit(writer, plan, other, name);
        scoop_sql_text(writer, " = ");
        null_bit(writer, plan, mine, name);
        break;
    }
}

static void keys_equal(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                       const char *other, const char *mine) {
    for (size_t i = 0; i < plan->names->key_count; i++) {
        scoop_sql_text(writer, i == 0 ? "" : " AND ");
        key_equals(writer, plan, i, other, mine);
    }
}

/* The key of the row w is not matched, or its row gave way. A join, since Redshift refuses some
 * subqueries that look outside. */
static void is_not_matched(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan) {
    scoop_sql_text(writer, " LEFT JOIN ");
    temporary(writer, plan, "matched");
    scoop_sql_text(writer, " o ON ");
    keys_equal(writer, plan, "o", "w");
    scoop_sql_text(writer, " AND o." GREATER " = 0 WHERE o." GREATER " IS NULL");
}

static void create(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                   const char *role) {
    scoop_sql_text(writer, "CREATE TEMP TABLE ");
    temporary(writer, plan, role);
    scoop_sql_text(writer, " AS SELECT ");
}

static bool among(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void order_term(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan,
                       const char *name, const char **between) {
    scoop_sql_text(writer, *between);
    column(writer, plan, "w", name);
    scoop_sql_text(writer, " DESC NULLS LAST");
    *between = ", ";
}

/* order_by, then every other column, so that equal input gives an equal winner. */
static void order(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan) {
    const struct scoop_insert_names *names = plan->names;
    const char *between = "";
    for (size_t i = 0; i < names->order_count; i++)
        order_term(writer, plan, names->order_by[i], &between);
    for (size_t i = 0; i < names->column_count; i++)
        if (!among(names->columns[i], names->order_by, names->order_count) &&
            !among(names->columns[i], names->keys, names->key_count))
            order_term(writer, plan, names->columns[i], &between);
    /* With no other column the rows of a key are all the same. */
    if (between[0] == 0)
        order_term(writer, plan, names->keys[0], &between);
}

/* CASE … END: 1 where the winner w is greater than the target's row t by order_by, NULL lowest. */
static void greater(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan) {
    static const char *const tests[][3] = {
        {" > ", "", " THEN 1"},
        {" < ", "", " THEN 0"},
        {" IS NOT NULL AND ", " IS NULL", " THEN 1"},
        {" IS NULL AND ", " IS NOT NULL", " THEN 0"},
    };
    scoop_sql_text(writer, "CASE");
    for (size_t i = 0; i < plan->names->order_count; i++)
        for (size_t test = 0; test < 4; test++) {
            scoop_sql_text(writer, " WHEN ");
            column(writer, plan, "w", plan->names->order_by[i]);
            scoop_sql_text(writer, tests[test][0]);
            column(writer, plan, "t", plan->names->order_by[i]);
            scoop_sql_text(writer, tests[test][1]);
            scoop_sql_text(writer, tests[test][2]);
        }
    scoop_sql_text(writer, " ELSE 0 END");
}

#define BEGIN_STATEMENT struct scoop_sql_writer writer = {sql, error, 0}
#define END_STATEMENT return writer.status

SCOOP_INSERT_SQL(raise_memory) {
    (void)plan;
    BEGIN_STATEMENT;
    scoop_sql_text(&writer, "SELECT set_config('work_mem', m.setting || 'kB', true) "
                            "FROM pg_settings w, pg_settings m "
                            "WHERE w.name = 'work_mem' AND m.name = 'maintenance_work_mem' "
                            "AND CAST(w.setting AS bigint) < CAST(m.setting AS bigint) "
                            "UNION ALL SELECT set_config('default_statistics_target', '10', true)");
    END_STATEMENT;
}

SCOOP_INSERT_SQL(keep_snapshot) {
    (void)plan;
    BEGIN_STATEMENT;
    scoop_sql_text(&writer, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    END_STATEMENT;
}

SCOOP_INSERT_SQL(create_batch) {
    BEGIN_STATEMENT;
    create(&writer, plan, "batch");
    all_columns(&writer, plan, NULL);
    scoop_sql_text(&writer, " FROM ");
    scoop_sql_table(&writer, &plan->target);
    scoop_sql_text(&writer, " WHERE 1 = 0");
    END_STATEMENT;
}

SCOOP_INSERT_SQL(fill_batch) {
    BEGIN_STATEMENT;
    scoop_sql_text(&writer, "INSERT INTO ");
    temporary(&writer, plan, "batch");
    scoop_sql_text(&writer, " (");
    all_columns(&writer, plan, NULL);
    scoop_sql_text(&writer, ") ");
    read_source(&writer, plan, false);
    END_STATEMENT;
}

SCOOP_INSERT_SQL(analyze) {
    BEGIN_STATEMENT;
    scoop_sql_text(&writer, "ANALYZE ");
    temporary(&writer, plan, "batch");
    scoop_sql_text(&writer, " (");
    all_keys(&writer, plan, NULL);
    scoop_sql_text(&writer, ")");
    END_STATEMENT;
}

SCOOP_INSERT_SQL(count_batch) {
    BEGIN_STATEMENT;
    scoop_sql_text(&writer, "SELECT SUM(" ROWS "), COUNT(*)");
    for (size_t i = 0; i < plan->names->key_count; i++) {
        scoop_sql_text(&writer, ", SUM(CASE WHEN ");
        column(&writer, plan, "k", plan->names->keys[i]);
        scoop_sql_text(&writer, " IS NULL THEN 0 ELSE " ROWS " END)");
    }
    scoop_sql_text(&writer, " FROM (SELECT ");
    all_keys(&writer, plan, NULL);
    scoop_sql_text(&writer, ", COUNT(*) AS " ROWS " FROM ");
    batch(&writer, plan);
    scoop_sql_text(&writer, " b GROUP BY ");
    all_keys(&writer, plan, NULL);
    scoop_sql_text(&writer, ") k");
    END_STATEMENT;
}

SCOOP_INSERT_SQL(create_filler) {
    BEGIN_STATEMENT;
    const char *between = "";
    create(&writer, plan, "filler");
    for (size_t i = 0; i < plan->names->key_count; i++) {
        const char *key = plan->names->keys[i];
        if (plan->nulls[i] != SCOOP_NULLS_SOME)
            continue;
        scoop_sql_text(&writer, between);
        scoop_sql_text(&writer, "(SELECT ");
        column(&writer, plan, "b", key);
        scoop_sql_text(&writer, " FROM ");
        batch(&writer, plan);
        scoop_sql_text(&writer, " b WHERE ");
        column(&writer, plan, "b", key);
        scoop_sql_text(&writer, " IS NOT NULL LIMIT 1) AS ");
        scoop_sql_identifier(&writer, key);
        between = ", ";
    }
    END_STATEMENT;
}

/* The batch's rows w beside the target's rows t of the same key. */
static void joined(struct scoop_sql_writer *writer, const struct scoop_insert_plan *plan) {
    scoop_sql_text(writer, " FROM ");
    batch(writer, plan);
    scoop_sql_text(writer, " w, ");
    scoop_sql_table(writer, &plan->target);
    scoop_sql_text(writer, " t WHERE ");
    keys_equal(writer, plan, "t", "w");
    scoop_sql_text(writer, " GROUP BY ");
    all_keys(writer, plan, "w");
}

SCOOP_INSERT_SQL(create_matched) {
    BEGIN_STATEMENT;
    create(&writer, plan, "matched");
    if (!plan->replace) {
        all_keys(&writer, plan, "w");
        scoop_sql_text(&writer, ", 0 AS " GREATER);
        joined(&writer, plan);
        END_STATEMENT;
    }
    /* Of the rows of a key the greatest is greater than all of the target's, if any is. */
    all_keys(&writer, plan, NULL);
    scoop_sql_text(&writer, ", MAX(" GREATER ") AS " GREATER " FROM (SELECT ");
    all_keys(&writer, plan, "w");
    scoop_sql_text(&writer, ", MIN(");
    greater(&writer, plan);
    scoop_sql_text(&writer, ") AS " GREATER);
    joined(&writer, plan);
    for (size_t i = 0; i < plan->names->order_count; i++) {
        scoop_sql_text(&writer, ", ");
        column(&writer, plan, "w", plan->names->order_by[i]);
    }
    scoop_sql_text(&writer, ") m GROUP BY ");
    all_keys(&writer, plan, NULL);
    END_STATEMENT;
}

SCOOP_INSERT_SQL(count_matched) {
    BEGIN_STATEMENT;
    scoop_sql_text(&writer, "SELECT COUNT(*), SUM(" GREATER ") FROM ");
    temporary(&writer, plan, "matched");
    END_STATEMENT;
}

SCOOP_INSERT_SQL(delete_greater) {
    BEGIN_STATEMENT;
    char alias[32];
    /* The target goes by its own name here, which the alias must not be. */
    snprintf(alias, sizeof alias, "g_%s", plan->suffix);
    scoop_sql_text(&writer, "DELETE FROM ");
    scoop_sql_table(&writer, &plan->target);
    scoop_sql_text(&writer, " USING ");
    temporary(&writer, plan, "matched");
    scoop_sql_text(&writer, " ");
    scoop_sql_text(&writer, alias);
    scoop_sql_text(&writer, " WHERE ");
    keys_equal(&writer, plan, "", alias);
    scoop_sql_text(&writer, " AND ");
    scoop_sql_text(&writer, alias);
    scoop_sql_text(&writer, "." GREATER " = 1");
    END_STATEMENT;
}

SCOOP_INSERT_SQL(insert_missing, bool any_matched) {
    BEGIN_STATEMENT;
    scoop_sql_text(&writer, "INSERT INTO ");
    scoop_sql_table(&writer, &plan->target);
    scoop_sql_text(&writer, " (");
    all_columns(&writer, plan, NULL);
    scoop_sql_text(&writer, ") SELECT ");
    all_columns(&writer, plan, plan->has_repeated ? NULL : "w");
    if (plan->has_repeated) {
        scoop_sql_text(&writer, " FROM (SELECT ");
        all_columns(&writer, plan, "w");
        scoop_sql_text(&writer, ", ROW_NUMBER() OVER (PARTITION BY ");
        all_keys(&writer, plan, "w");
        scoop_sql_text(&writer, " ORDER BY ");
        order(&writer, plan);
        scoop_sql_text(&writer, ") AS " RANK);
    }
    scoop_sql_text(&writer, " FROM ");
    batch(&writer, plan);
    scoop_sql_text(&writer, " w");
    if (any_matched)
        is_not_matched(&writer, plan);
    if (plan->has_repeated)
        scoop_sql_text(&writer, ") ranked WHERE " RANK " = 1");
    END_STATEMENT;
}

SCOOP_INSERT_SQL(drop) {
    static const char *const roles[] = {"batch", "matched", "filler"};
    BEGIN_STATEMENT;
    bool made[] = {!plan->from_source, true, false};
    const char *between = "DROP TABLE ";
    for (size_t i = 0; i < plan->names->key_count; i++)
        made[2] |= plan->nulls[i] == SCOOP_NULLS_SOME;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (!made[i])
            continue;
        scoop_sql_text(&writer, between);
        temporary(&writer, plan, roles[i]);
        between = ", ";
    }
    END_STATEMENT;
}

static int check_list(const char *what, const char *const *names, size_t count,
                      const struct scoop_insert_names *all, struct scoop_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (among(names[i], names, i))
            return scoop_fail(error, SCOOP_USAGE, "%s names the column \"%.127s\" twice", what,
                              names[i]);
        if (!among(names[i], all->columns, all->column_count))
            return scoop_fail(error, SCOOP_USAGE,
                              "%s names \"%.127s\", which is not among the columns to insert", what,
                              names[i]);
        if (strcmp(names[i], RANK) == 0 || strcmp(names[i], GREATER) == 0 ||
            strcmp(names[i], ROWS) == 0)
            return scoop_fail(error, SCOOP_USAGE,
                              "the column name \"%s\" is taken by the insert itself; rename it",
                              names[i]);
    }
    return 0;
}

/* Whether some column of order_by can differ between rows of one key. */
static bool orders_rows(const struct scoop_insert_names *names) {
    for (size_t i = 0; i < names->order_count; i++)
        if (!among(names->order_by[i], names->keys, names->key_count))
            return true;
    return false;
}

int scoop_insert_plan(const struct scoop_insert_names *names, bool replace, const char *suffix,
                      struct scoop_insert_plan *plan, struct scoop_error *error) {
    memset(plan, 0, sizeof *plan);
    plan->names = names;
    plan->replace = replace;
    snprintf(plan->suffix, sizeof plan->suffix, "%s", suffix);
    if (scoop_sql_split(names->source, &plan->source, error) != 0 ||
        scoop_sql_split(names->target, &plan->target, error) != 0)
        return -1;
    if (names->column_count == 0)
        return scoop_fail(error, SCOOP_USAGE, "columns is empty; name the columns to insert");
    if (names->key_count == 0 || names->key_count > SCOOP_MAX_KEYS)
        return scoop_fail(error, SCOOP_USAGE, "the key names %zu columns; name 1 to %d",
                          names->key_count, SCOOP_MAX_KEYS);
    if (replace && !orders_rows(names))
        return scoop_fail(error, SCOOP_USAGE,
                          "mode replace needs order_by with a column that is not in the key, "
                          "to tell which row is newer");
    if (check_list("columns", names->columns, names->column_count, names, error) != 0 ||
        check_list("the key", names->keys, names->key_count, names, error) != 0)
        return -1;
    return check_list("order_by", names->order_by, names->order_count, names, error);
}

/* FNV-1a: only to tell long names apart. */
static uint64_t hash(const char *text) {
    uint64_t value = 14695981039346656037u;
    for (; *text != 0; text++)
        value = (value ^ (unsigned char)*text) * 1099511628211u;
    return value;
}

void scoop_insert_lock_name(const struct scoop_table_name *target, struct scoop_table_name *lock) {
    char name[2 * sizeof target->schema + 8];
    snprintf(name, sizeof name, "lock_%s_%s", target->schema, target->table);
    for (char *at = name; *at != 0; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + 'a' - 'A');
    if (strlen(name) > LOCK_NAME_BYTES) {
        uint64_t whole = hash(name);
        size_t kept = scoop_text_fit(name, LOCK_NAME_BYTES - HASH_DIGITS - 1);
        snprintf(name + kept, sizeof name - kept, "_%016llx", (unsigned long long)whole);
    }
    snprintf(lock->schema, sizeof lock->schema, "airscoop");
    snprintf(lock->table, sizeof lock->table, "%.127s", name);
}
