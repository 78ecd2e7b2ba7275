#include "base/error_facts.h"
#include "scoop/insert.h"

#include <stdio.h>
#include <string.h>

#include "warehouse/load/insert_names.h"
#include "warehouse/load/insert_source.h"
#include "warehouse/load/load.h"
#include "warehouse/load/load_log.h"
#include "warehouse/load/rights.h"
#include "warehouse/partition/partition.h"
#include "warehouse/session/lock.h"
#include "warehouse/session/session.h"
#include "warehouse/sql/insert_sql.h"

enum { SQL_CEILING_BYTES = 16 * 1024 * 1024 };

/* One run; counts are of the attempt under way. */
struct insert {
    struct scoop_session *session;
    const struct scoop_insert_options *options;
    const struct scoop_interrupt *interrupt;
    struct scoop_error *error;
    struct scoop_insert_plan plan;
    struct scoop_table_name lock;
    struct scoop_buf sql;
    struct scoop_insert_counts counts;
    int64_t keys;    /* different ones of the batch */
    int64_t matched; /* those that the target had */
};

/* Runs what `built` appended to insert->sql; *rows may be NULL. */
static int run(struct insert *insert, int built, struct scoop_rows **rows) {
    const char *text = built == 0 ? scoop_buf_text(&insert->sql, insert->error) : NULL;
    int result = text == NULL ? -1
                              : scoop_session_query(insert->session, text, insert->interrupt, rows,
                                                    insert->error);
    scoop_buf_consume(&insert->sql, insert->sql.length);
    return result;
}

/* RUN(insert, &rows, insert_missing, true): builds and runs one statement. */
#define RUN(insert, rows, name, ...)                                                               \
    run((insert),                                                                                  \
        scoop_insert_sql_##name(&(insert)->plan, ##__VA_ARGS__, &(insert)->sql, (insert)->error),  \
        (rows))

/* Takes over rows and adds the rows that the statement touched. */
static void add_affected(struct scoop_rows *rows, int64_t *sum) {
    *sum += scoop_rows_affected(rows);
    scoop_rows_free(rows);
}

static int mismatch(struct insert *insert, const char *counted, int64_t expected, int64_t found) {
    scoop_fail(insert->error, SCOOP_COUNT_MISMATCH,
               "the number of %s should be %lld but is %lld; nothing was inserted", counted,
               (long long)expected, (long long)found);
    return scoop_error_counts(insert->error, counted, expected, found);
}

static void note_nulls(struct insert *insert, const struct scoop_rows *rows) {
    int64_t all = scoop_rows_number(rows, 0, 0);
    for (size_t i = 0; i < insert->plan.names->key_count; i++) {
        int64_t known = scoop_rows_number(rows, 0, i + 2);
        insert->plan.nulls[i] = known == all ? SCOOP_NULLS_NONE
                                : known == 0 ? SCOOP_NULLS_ALL
                                             : SCOOP_NULLS_SOME;
    }
}

static bool needs_filler(const struct scoop_insert_plan *plan) {
    for (size_t i = 0; i < plan->names->key_count; i++)
        if (plan->nulls[i] == SCOOP_NULLS_SOME)
            return true;
    return false;
}

/* What is in the batch: rows, keys, NULLs. */
static int count_batch(struct insert *insert) {
    struct scoop_rows *rows = NULL;
    if (RUN(insert, &rows, count_batch) != 0)
        return -1;
    insert->counts.scanned = scoop_rows_number(rows, 0, 0);
    insert->keys = scoop_rows_number(rows, 0, 1);
    note_nulls(insert, rows);
    scoop_rows_free(rows);
    insert->counts.duplicates = insert->counts.scanned - insert->keys;
    insert->plan.has_repeated = insert->counts.duplicates > 0;
    return needs_filler(&insert->plan) ? RUN(insert, NULL, create_filler) : 0;
}

/* The one read of the source. */
static int fill_batch(struct insert *insert) {
    struct scoop_rows *rows = NULL;
    int64_t read = 0;
    if (RUN(insert, NULL, create_batch) != 0 || RUN(insert, &rows, fill_batch) != 0)
        return -1;
    add_affected(rows, &read);
    if (scoop_session_dialect(insert->session) == SCOOP_POSTGRES && RUN(insert, NULL, analyze) != 0)
        return -1;
    if (count_batch(insert) != 0)
        return -1;
    return insert->counts.scanned == read
               ? 0
               : mismatch(insert, "rows in the batch", read, insert->counts.scanned);
}

static int read_batch(struct insert *insert) {
    int64_t expected = insert->options->expected_records;
    if (insert->plan.from_source && !insert->plan.has_snapshot &&
        RUN(insert, NULL, keep_snapshot) != 0)
        return -1;
    if (scoop_session_dialect(insert->session) == SCOOP_POSTGRES &&
        RUN(insert, NULL, raise_memory) != 0)
        return -1;
    if ((insert->plan.from_source ? count_batch(insert) : fill_batch(insert)) != 0)
        return -1;
    if (expected >= 0 && expected != insert->counts.scanned)
        return mismatch(insert, "records in the source", expected, insert->counts.scanned);
    if (insert->counts.scanned < insert->options->min_records)
        return scoop_fail_too_few(insert->error, insert->plan.names->source,
                                  insert->options->min_records, insert->counts.scanned);
    return 0;
}

/* Greater rows take the place of theirs in the target. */
static int replace(struct insert *insert) {
    struct scoop_rows *rows = NULL;
    int64_t deleted = 0;
    if (insert->counts.replaced == 0)
        return 0;
    if (RUN(insert, &rows, delete_greater) != 0)
        return -1;
    add_affected(rows, &deleted);
    if (deleted < insert->counts.replaced)
        return mismatch(insert, "rows to replace", insert->counts.replaced, deleted);
    return 0;
}

/* The one scan of the target. */
static int match_target(struct insert *insert) {
    struct scoop_rows *rows = NULL;
    if (RUN(insert, NULL, create_matched) != 0 || RUN(insert, &rows, count_matched) != 0)
        return -1;
    insert->matched = scoop_rows_number(rows, 0, 0);
    insert->counts.replaced = scoop_rows_number(rows, 0, 1);
    scoop_rows_free(rows);
    return replace(insert);
}

static int append_missing(struct insert *insert) {
    struct scoop_insert_counts *counts = &insert->counts;
    struct scoop_rows *rows = NULL;
    int64_t appended = 0;
    counts->already_there = insert->matched - counts->replaced;
    if (counts->already_there < insert->keys) {
        if (RUN(insert, &rows, insert_missing, insert->matched > 0) != 0)
            return -1;
        add_affected(rows, &appended);
    }
    counts->inserted = appended - counts->replaced;
    if (insert->keys != counts->already_there + appended)
        return mismatch(insert, "rows to insert", insert->keys - counts->already_there, appended);
    return 0;
}

static struct scoop_load_turn turn_of(const struct insert *insert) {
    return (struct scoop_load_turn){.lock = &insert->lock,
                                    .target = &insert->plan.target,
                                    .mode = "ROW EXCLUSIVE",
                                    .dry_run = insert->options->dry_run};
}

/* 0 also after a dry run, which the caller rolls back. */
static int transact(struct insert *insert) {
    const struct scoop_load_turn turn = turn_of(insert);
    if (scoop_load_begin(insert->session, &turn, insert->interrupt, insert->error) != 0 ||
        read_batch(insert) != 0 || match_target(insert) != 0 || append_missing(insert) != 0)
        return -1;
    if (insert->options->dry_run)
        return 0;
    if (scoop_load_log_add(insert->session, insert->options, &insert->counts, insert->interrupt,
                           insert->error) != 0)
        return -1;
    /* Redshift has no ON COMMIT DROP, and a session may load more than once. */
    if (RUN(insert, NULL, drop) != 0)
        return -1;
    return scoop_load_commit(insert->session, "no row is inserted twice", insert->interrupt,
                             insert->error);
}

static int check_objects(struct insert *insert) {
    const struct scoop_insert_names *names = &insert->options->names;
    const struct scoop_partition partition = {.names = names->partition_columns,
                                              .values = names->partition_values,
                                              .count = names->partition_count};
    return scoop_partition_check_objects(insert->session, &insert->plan.source, &partition,
                                         insert->options->objects, insert->options->object_count,
                                         insert->interrupt, insert->error);
}

static int attempt(void *user) {
    struct insert *insert = user;
    int attempts = insert->counts.attempts + 1;
    memset(&insert->counts, 0, sizeof insert->counts);
    insert->counts.attempts = attempts;
    insert->keys = insert->matched = 0;
    insert->plan.has_repeated = false;
    const struct scoop_load_turn turn = turn_of(insert);
    if (scoop_load_prepare(insert->session, &turn, insert->interrupt, insert->error) != 0)
        return -1;
    if (check_objects(insert) != 0)
        return -1;
    int result = transact(insert);
    if (result != 0 || insert->options->dry_run)
        scoop_lock_rollback(insert->session);
    return result;
}

int scoop_insert_distinct(struct scoop_session *session, const struct scoop_insert_options *options,
                          const struct scoop_interrupt *interrupt,
                          struct scoop_insert_counts *counts, struct scoop_error *error) {
    struct insert insert = {
        .session = session, .options = options, .interrupt = interrupt, .error = error};
    char suffix[SCOOP_SUFFIX_BYTES + 1];
    struct scoop_insert_spelling spelling = {0};
    if (scoop_random_hex(suffix, 8, error) != 0 ||
        scoop_insert_spell(&spelling, &options->names, error) != 0 ||
        scoop_insert_plan(&spelling.names, options->replace, suffix, &insert.plan, error) != 0) {
        scoop_insert_spelling_free(&spelling);
        return -1;
    }
    scoop_insert_lock_name(&insert.plan.target, &insert.lock);
    scoop_buf_init(&insert.sql, SQL_CEILING_BYTES);
    int result = scoop_session_holds(session, &insert.plan.source, interrupt, error);
    if (result == 0)
        result = scoop_session_holds(session, &insert.plan.target, interrupt, error);
    if (result == 0)
        result = scoop_session_alone(session, "insert_distinct", interrupt, error);
    if (result == 0)
        result = scoop_insert_spell_as_tables(&spelling, &insert.plan, session, interrupt, error);
    if (result == 0)
        result = scoop_insert_check_moments(&insert.plan, session, interrupt, error);
    if (result == 0)
        result = scoop_insert_place_rows(&insert.plan, session, interrupt, error);
    if (result == 0)
        result = scoop_load_try(session, attempt, &insert, interrupt, error);
    scoop_buf_free(&insert.sql);
    scoop_insert_spelling_free(&spelling);
    *counts = insert.counts;
    if (result == 0)
        return 0;
    scoop_rights_explain(session,
                         &(struct scoop_load_objects){.source = &insert.plan.source,
                                                      .target = &insert.plan.target,
                                                      .lock = &insert.lock,
                                                      .deletes = options->replace},
                         interrupt, error);
    return scoop_fail_prefix(error, "inserting from %.127s into %.127s: ", options->names.source,
                             options->names.target);
}
