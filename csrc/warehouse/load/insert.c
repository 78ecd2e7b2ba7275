#include "scoop/insert.h"

#include <stdio.h>
#include <string.h>

#include "scoop/memory.h"
#include "warehouse/load/insert_names.h"
#include "warehouse/load/load.h"
#include "warehouse/load/load_log.h"
#include "warehouse/partition/partition.h"
#include "warehouse/session/lock.h"
#include "warehouse/session/session.h"

enum { SQL_CEILING_BYTES = 16 * 1024 * 1024 };

/* The rows whose keys are NULL in the same places. */
struct pattern {
    scoop_nulls nulls;
    int64_t rows;
    int64_t repeated_keys; /* keys that occur more than once, and their rows */
    int64_t repeated_rows;
};

/* One run; counts are of the attempt under way. */
struct insert {
    struct scoop_session *session;
    const struct scoop_insert_options *options;
    const struct scoop_interrupt *interrupt;
    struct scoop_error *error;
    struct scoop_insert_plan plan;
    struct scoop_table_name lock;
    struct scoop_buf sql;
    struct pattern *patterns;
    size_t pattern_count;
    struct scoop_insert_counts counts;
    int64_t winners;
    int64_t matched; /* winners whose key the target had */
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

/* RUN(insert, &rows, add_singles, nulls, true): builds and runs one statement. */
#define RUN(insert, rows, name, ...)                                                               \
    run((insert),                                                                                  \
        scoop_insert_sql_##name(&(insert)->plan, ##__VA_ARGS__, &(insert)->sql, (insert)->error),  \
        (rows))

/* Takes over rows and adds the rows that the statement touched. */
static void add_affected(struct scoop_rows *rows, int64_t *sum) {
    *sum += scoop_rows_affected(rows);
    scoop_rows_free(rows);
}

static void add_number(struct scoop_rows *rows, int64_t *sum) {
    *sum += scoop_rows_number(rows, 0, 0);
    scoop_rows_free(rows);
}

static int mismatch(struct insert *insert, const char *what, int64_t expected, int64_t found) {
    return scoop_fail(insert->error, SCOOP_COUNT_MISMATCH,
                      "%s should be %lld but is %lld; nothing was inserted", what,
                      (long long)expected, (long long)found);
}

static scoop_nulls read_nulls(const struct scoop_rows *rows, size_t row, size_t key_count) {
    scoop_nulls nulls = 0;
    for (size_t i = 0; i < key_count; i++)
        if (scoop_rows_number(rows, row, i) != 0)
            nulls |= (scoop_nulls)1 << i;
    return nulls;
}

static int take_patterns(struct insert *insert, const struct scoop_rows *rows, int64_t *total) {
    size_t key_count = insert->plan.names->key_count, count = scoop_rows_count(rows);
    scoop_free(insert->patterns);
    insert->pattern_count = 0;
    insert->patterns = scoop_calloc(count + 1, sizeof *insert->patterns);
    if (insert->patterns == NULL)
        return scoop_fail_memory(insert->error);
    for (size_t i = 0; i < count; i++) {
        insert->patterns[i].nulls = read_nulls(rows, i, key_count);
        insert->patterns[i].rows = scoop_rows_number(rows, i, key_count);
        *total += insert->patterns[i].rows;
    }
    insert->pattern_count = count;
    return 0;
}

/* The one read of the source. */
static int read_batch(struct insert *insert) {
    struct scoop_rows *rows = NULL;
    int64_t read = 0;
    if (RUN(insert, NULL, create_batch) != 0 || RUN(insert, &rows, fill_batch) != 0)
        return -1;
    add_affected(rows, &read);
    if (RUN(insert, &rows, count_patterns) != 0)
        return -1;
    int result = take_patterns(insert, rows, &insert->counts.scanned);
    scoop_rows_free(rows);
    if (result != 0)
        return -1;
    if (insert->counts.scanned != read)
        return mismatch(insert, "the number of rows in the batch", read, insert->counts.scanned);
    int64_t expected = insert->options->expected_records;
    if (expected >= 0 && expected != read)
        return mismatch(insert, "the number of records in the source", expected, read);
    return 0;
}

static void note_repeated(struct insert *insert, const struct scoop_rows *rows) {
    size_t key_count = insert->plan.names->key_count;
    for (size_t row = 0; row < scoop_rows_count(rows); row++) {
        scoop_nulls nulls = read_nulls(rows, row, key_count);
        for (size_t i = 0; i < insert->pattern_count; i++) {
            struct pattern *pattern = &insert->patterns[i];
            if (pattern->nulls != nulls)
                continue;
            pattern->repeated_keys = scoop_rows_number(rows, row, key_count);
            pattern->repeated_rows = scoop_rows_number(rows, row, key_count + 1);
            insert->counts.duplicates += pattern->repeated_rows - pattern->repeated_keys;
        }
    }
    insert->plan.has_repeated = scoop_rows_count(rows) > 0;
}

static int find_repeated(struct insert *insert) {
    struct scoop_rows *rows = NULL;
    if (RUN(insert, NULL, create_repeated) != 0 || RUN(insert, &rows, count_repeated) != 0)
        return -1;
    note_repeated(insert, rows);
    scoop_rows_free(rows);
    return 0;
}

static int choose_in(struct insert *insert, const struct pattern *pattern) {
    bool any_repeated = pattern->repeated_keys > 0;
    if (pattern->rows > pattern->repeated_rows &&
        RUN(insert, NULL, add_singles, pattern->nulls, any_repeated) != 0)
        return -1;
    return any_repeated ? RUN(insert, NULL, add_greatest, pattern->nulls) : 0;
}

/* One row for each key; the batch itself when every key occurs once. */
static int choose_winners(struct insert *insert) {
    struct scoop_rows *rows = NULL;
    if (insert->plan.has_repeated && RUN(insert, NULL, create_winners) != 0)
        return -1;
    for (size_t i = 0; insert->plan.has_repeated && i < insert->pattern_count; i++)
        if (choose_in(insert, &insert->patterns[i]) != 0)
            return -1;
    if (RUN(insert, &rows, count_winners) != 0)
        return -1;
    add_number(rows, &insert->winners);
    if (insert->counts.scanned != insert->counts.duplicates + insert->winners)
        return mismatch(insert, "the number of rows left after the duplicates",
                        insert->counts.scanned - insert->counts.duplicates, insert->winners);
    return 0;
}

static int replace_in(struct insert *insert, scoop_nulls nulls) {
    struct scoop_rows *rows = NULL;
    int64_t greater = 0, deleted = 0;
    if (RUN(insert, &rows, fill_greater, nulls) != 0)
        return -1;
    add_affected(rows, &greater);
    if (greater == 0)
        return 0;
    if (RUN(insert, &rows, delete_greater, nulls) != 0)
        return -1;
    add_affected(rows, &deleted);
    insert->counts.replaced += greater;
    return deleted >= greater ? 0
                              : mismatch(insert, "the number of rows to replace", greater, deleted);
}

static int match_target(struct insert *insert) {
    struct scoop_rows *rows = NULL;
    for (size_t i = 0; i < insert->pattern_count; i++) {
        if (RUN(insert, &rows, count_matched, insert->patterns[i].nulls) != 0)
            return -1;
        add_number(rows, &insert->matched);
    }
    if (!insert->plan.replace)
        return 0;
    if (RUN(insert, NULL, create_greater) != 0)
        return -1;
    for (size_t i = 0; i < insert->pattern_count; i++)
        if (replace_in(insert, insert->patterns[i].nulls) != 0)
            return -1;
    return 0;
}

static int append_missing(struct insert *insert) {
    struct scoop_rows *rows = NULL;
    int64_t appended = 0;
    for (size_t i = 0; i < insert->pattern_count; i++) {
        if (RUN(insert, &rows, insert_missing, insert->patterns[i].nulls) != 0)
            return -1;
        add_affected(rows, &appended);
    }
    struct scoop_insert_counts *counts = &insert->counts;
    counts->already_there = insert->matched - counts->replaced;
    counts->inserted = appended - counts->replaced;
    if (insert->winners != counts->already_there + counts->inserted + counts->replaced)
        return mismatch(insert, "the number of rows to insert",
                        insert->winners - counts->already_there, appended);
    return 0;
}

/* Redshift has no ON COMMIT DROP, and a session may load more than once. */
static int drop_temporary(struct insert *insert) {
    static const char *const roles[] = {"batch", "repeated", "winners", "greater"};
    bool made[] = {true, true, insert->plan.has_repeated, insert->plan.replace};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (made[i] && RUN(insert, NULL, drop, roles[i]) != 0)
            return -1;
    return 0;
}

static int transact(struct insert *insert) {
    if (scoop_lock_begin(insert->session, &insert->lock, &insert->plan.target, "ROW EXCLUSIVE",
                         insert->interrupt, insert->error) != 0 ||
        read_batch(insert) != 0 || find_repeated(insert) != 0 || choose_winners(insert) != 0 ||
        match_target(insert) != 0 || append_missing(insert) != 0)
        return -1;
    if (scoop_load_log_add(insert->session, insert->options, &insert->counts, insert->interrupt,
                           insert->error) != 0)
        return -1;
    if (drop_temporary(insert) != 0)
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
    insert->winners = insert->matched = 0;
    insert->plan.has_repeated = false;
    if (scoop_load_log_prepare(insert->session, &scoop_log_of_loads, &insert->lock,
                               insert->interrupt, insert->error) != 0)
        return -1;
    if (check_objects(insert) != 0)
        return -1;
    if (transact(insert) == 0)
        return 0;
    scoop_lock_rollback(insert->session);
    return -1;
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
    int result = scoop_session_alone(session, "insert_distinct", interrupt, error);
    if (result == 0)
        result = scoop_insert_spell_as_tables(&spelling, &insert.plan, session, interrupt, error);
    if (result == 0)
        result = scoop_insert_check_moments(&insert.plan, session, interrupt, error);
    if (result == 0)
        result = scoop_load_try(session, attempt, &insert, interrupt, error);
    scoop_buf_free(&insert.sql);
    scoop_insert_spelling_free(&spelling);
    scoop_free(insert.patterns);
    *counts = insert.counts;
    if (result == 0)
        return 0;
    return scoop_fail_prefix(error, "inserting from %.127s into %.127s: ", options->names.source,
                             options->names.target);
}
