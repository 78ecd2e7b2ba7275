#include "base/error_facts.h"
#include "scoop/apply.h"

#include <stdio.h>
#include <string.h>

#include "text/text.h"
#include "warehouse/load/apply_columns.h"
#include "warehouse/load/apply_exchange.h"
#include "warehouse/load/apply_log.h"
#include "warehouse/load/apply_refusal.h"
#include "warehouse/load/apply_spelling.h"
#include "warehouse/load/apply_stage.h"
#include "warehouse/load/apply_version.h"
#include "warehouse/load/change_source.h"
#include "warehouse/load/load.h"
#include "warehouse/load/load_log.h"
#include "warehouse/load/names.h"
#include "warehouse/load/rights.h"
#include "warehouse/session/lock.h"
#include "warehouse/session/session.h"
#include "warehouse/sql/apply_sql.h"
#include "warehouse/sql/insert_sql.h"

enum { SQL_CEILING_BYTES = 16 * 1024 * 1024 };

/* What the target has of the changes of one kind. */
struct match {
    int64_t pairs;   /* of a change and its row, or none */
    int64_t missing; /* changes without a row */
};

/* One run; what follows the lock is of the attempt under way. */
struct apply {
    struct scoop_session *session;
    const struct scoop_apply_options *options;
    const struct scoop_interrupt *interrupt;
    struct scoop_error *error;
    struct scoop_table_name lock, base; /* base: of a view the table that it shows */
    struct scoop_apply_plan plan;
    struct scoop_apply_map map;
    struct scoop_apply_chunk chunk;
    struct scoop_buf sql;
    struct scoop_apply_facts facts;
    struct match matches[SCOOP_CHANGE_OPS];
    char overtaken[SCOOP_APPLIED_AT_BYTES]; /* when the file was applied before others; "": not */
};

/* Runs what `built` appended to apply->sql; *rows may be NULL. */
static int run(struct apply *apply, int built, struct scoop_rows **rows) {
    const char *text = built == 0 ? scoop_buf_text(&apply->sql, apply->error) : NULL;
    int result = text == NULL ? -1
                              : scoop_session_query(apply->session, text, apply->interrupt, rows,
                                                    apply->error);
    scoop_buf_consume(&apply->sql, apply->sql.length);
    return result;
}

/* RUN(apply, &rows, examples, op, fault): builds and runs one statement. */
#define RUN(apply, rows, name, ...)                                                                \
    run((apply),                                                                                   \
        scoop_apply_sql_##name(&(apply)->plan, ##__VA_ARGS__, &(apply)->sql, (apply)->error),      \
        (rows))

static bool is_postgres(const struct apply *apply) {
    return scoop_session_dialect(apply->session) == SCOOP_POSTGRES;
}

static int64_t all_changes(const struct apply *apply) {
    const int64_t *changes = apply->facts.changes;
    return changes[SCOOP_CHANGE_INSERT] + changes[SCOOP_CHANGE_UPDATE] +
           changes[SCOOP_CHANGE_DELETE];
}

/* The op whose first letter stands in a row of counts. */
static enum scoop_change_op op_of(const struct scoop_rows *rows, size_t row) {
    const char *letter = scoop_rows_value(rows, row, 0);
    enum scoop_change_op op = SCOOP_CHANGE_INSERT;
    while (op < SCOOP_CHANGE_DELETE && letter != NULL && *letter != *scoop_change_op_name(op))
        op++;
    return op;
}

static int learn_constraints(struct apply *apply) {
    if (scoop_session_run(apply->session, "SET CONSTRAINTS ALL DEFERRED", apply->interrupt,
                          apply->error) != 0)
        return -1;
    return scoop_apply_learn_constraints(apply->session, &apply->plan, apply->interrupt,
                                         apply->error);
}

static int make_stage(struct apply *apply) {
    struct scoop_rows *rows = NULL;
    if (RUN(apply, &rows, describe) != 0)
        return -1;
    int result = scoop_apply_map_describe(&apply->map, rows, apply->error);
    scoop_rows_free(rows);
    if (result == 0 && is_postgres(apply))
        result = learn_constraints(apply);
    return result == 0 ? RUN(apply, NULL, create_stage) : -1;
}

static bool wants_stop(const struct apply *apply) {
    const struct scoop_interrupt *interrupt = apply->interrupt;
    return interrupt != NULL && interrupt->check != NULL && interrupt->check(interrupt->user) != 0;
}

static int store_chunk(struct apply *apply) {
    if (scoop_apply_chunk_store(&apply->chunk, apply->session, apply->interrupt, apply->error) != 0)
        return -1;
    scoop_apply_chunk_clear(&apply->chunk);
    return 0;
}

static int take_change(struct apply *apply, const struct scoop_change_record *record) {
    if (record->op == SCOOP_CHANGE_OPS)
        return 0;
    if (scoop_apply_map_take(&apply->map, record, &apply->chunk, apply->error) != 0)
        return -1;
    apply->facts.changes[record->op]++;
    return scoop_apply_chunk_full(&apply->chunk) ? store_chunk(apply) : 0;
}

static int take_changes(struct apply *apply, struct scoop_change_source *source) {
    struct scoop_change_record record;
    for (;;) {
        switch (scoop_change_source_next(source, &record, apply->error)) {
        case SCOOP_CHANGE_READ_FAILED:
            return -1;
        case SCOOP_CHANGE_READ_END:
            return store_chunk(apply);
        case SCOOP_CHANGE_READ_ONE:
            if (take_change(apply, &record) != 0)
                return -1;
            break;
        case SCOOP_CHANGE_READ_NONE:
            if (wants_stop(apply))
                return scoop_fail(apply->error, SCOOP_CANCELLED, "cancelled while reading");
            if (scoop_session_usable(apply->session, apply->error) != 0)
                return -1;
            break;
        }
    }
}

/* Of the changes of one kind, how many are as they should be. */
static int note_counts(struct apply *apply, enum scoop_change_op op, int64_t found) {
    char counted[32];
    snprintf(counted, sizeof counted, "%s changes", scoop_change_op_name(op));
    return scoop_error_counts(apply->error, counted, apply->facts.changes[op], found);
}

static int check_staged(struct apply *apply) {
    struct scoop_rows *rows = NULL;
    int64_t staged[SCOOP_CHANGE_OPS] = {0}, expected = apply->options->expected_changes;
    if (expected >= 0 && expected != all_changes(apply)) {
        scoop_fail(apply->error, SCOOP_COUNT_MISMATCH,
                   "the file should have %lld changes but has %lld; it is another file, or "
                   "was cut",
                   (long long)expected, (long long)all_changes(apply));
        return scoop_error_counts(apply->error, "changes", expected, all_changes(apply));
    }
    if (RUN(apply, &rows, count_staged) != 0)
        return -1;
    for (size_t i = 0; i < scoop_rows_count(rows); i++)
        staged[op_of(rows, i)] += scoop_rows_number(rows, i, 1);
    scoop_rows_free(rows);
    for (enum scoop_change_op op = 0; op < SCOOP_CHANGE_OPS; op++)
        if (staged[op] != apply->facts.changes[op]) {
            scoop_fail(apply->error, SCOOP_COUNT_MISMATCH,
                       "of %lld %s changes %lld arrived in the warehouse",
                       (long long)apply->facts.changes[op], scoop_change_op_name(op),
                       (long long)staged[op]);
            return note_counts(apply, op, staged[op]);
        }
    return is_postgres(apply) ? RUN(apply, NULL, analyze) : 0;
}

static void note_json_texts(struct apply *apply) {
    enum scoop_json_texts told = apply->map.json_texts;
    apply->facts.json_texts = told == SCOOP_JSON_TEXTS_AS_TOLD ? SCOOP_JSON_TEXTS_VALUE : told;
}

static int stage_changes(struct apply *apply) {
    struct scoop_change_source *source =
        scoop_change_source_new(apply->options->changes, apply->error);
    if (source == NULL)
        return -1;
    int result = take_changes(apply, source);
    if (result != 0 && apply->error->code == SCOOP_BAD_RECORD)
        scoop_error_name_source(apply->error, scoop_change_source_name(source));
    note_json_texts(apply);
    scoop_change_source_facts(source, &apply->facts.source);
    scoop_change_source_free(source);
    scoop_apply_chunk_free(&apply->chunk);
    return result == 0 ? check_staged(apply) : -1;
}

/* "id"='7', "day"='x' of a row whose columns from `first` on are the key. */
static void show_key(const struct apply *apply, const struct scoop_rows *rows, size_t row,
                     size_t first, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < apply->plan.column_count && used < size; i++) {
        if (!apply->plan.columns[i].key)
            continue;
        const char *value = scoop_rows_value(rows, row, first++);
        used +=
            scoop_text_print(text + used, size - used, "%s\"%.60s\"='%.60s'", used == 0 ? "" : ", ",
                             apply->plan.columns[i].name, value == NULL ? "" : value);
    }
}

/* A key has one change: nothing tells which of several the last word is. */
static int check_repeated(struct apply *apply) {
    struct scoop_rows *rows = NULL;
    char key[300];
    if (RUN(apply, &rows, repeated) != 0)
        return -1;
    size_t count = scoop_rows_count(rows);
    show_key(apply, rows, 0, 3, key, sizeof key);
    long long first = scoop_rows_number(rows, 0, 0), last = scoop_rows_number(rows, 0, 1);
    scoop_rows_free(rows);
    if (count == 0)
        return 0;
    scoop_lock_rollback(apply->session);
    return scoop_apply_fail_repeated(apply->options, (uint64_t)first, (uint64_t)last, key,
                                     apply->interrupt, apply->error);
}

static int match_target(struct apply *apply) {
    struct scoop_rows *rows = NULL;
    memset(apply->matches, 0, sizeof apply->matches);
    if (RUN(apply, &rows, count_matched) != 0)
        return -1;
    for (size_t i = 0; i < scoop_rows_count(rows); i++) {
        struct match *match = &apply->matches[op_of(rows, i)];
        match->pairs = scoop_rows_number(rows, i, 1);
        match->missing = scoop_rows_number(rows, i, 2);
    }
    scoop_rows_free(rows);
    return 0;
}

/* Whether the log says that it is the file's turn, or that it is applied. */
static int find_turn(struct apply *apply) {
    struct scoop_applied applied;
    memset(&applied, 0, sizeof applied);
    apply->overtaken[0] = 0;
    if (apply->options->again)
        return 0;
    if (scoop_apply_log_find(apply->session, &apply->base, &apply->facts.source, apply->interrupt,
                             &applied, apply->error) != 0)
        return -1;
    enum scoop_apply_turn turn = scoop_apply_turn(&applied, &apply->facts.source, apply->error);
    apply->facts.already_applied = turn == SCOOP_APPLY_TURN_DONE;
    if (turn == SCOOP_APPLY_TURN_UNSURE)
        memcpy(apply->overtaken, applied.before, sizeof apply->overtaken);
    return turn == SCOOP_APPLY_TURN_WRONG ? -1 : 0;
}

/* Values are compared as text. Of floats that is all of their digits. */
static int count_equal(struct apply *apply, struct scoop_rows **rows) {
    if (is_postgres(apply) && scoop_session_run(apply->session, "SET LOCAL extra_float_digits = 3",
                                                apply->interrupt, apply->error) != 0)
        return -1;
    return RUN(apply, rows, count_equal);
}

/* Whether the table is as the changes want it. Where there are inserts or deletes, their keys tell
 * most often; else values are compared. Of deletes alone nothing tells: their keys were perhaps
 * never there. */
static int find_already(struct apply *apply) {
    const int64_t *changes = apply->facts.changes;
    const struct match *matches = apply->matches;
    struct scoop_rows *rows = NULL;
    int64_t wanted = changes[SCOOP_CHANGE_INSERT] + changes[SCOOP_CHANGE_UPDATE];
    if (wanted == 0 || matches[SCOOP_CHANGE_DELETE].missing != changes[SCOOP_CHANGE_DELETE] ||
        matches[SCOOP_CHANGE_INSERT].missing != 0 || matches[SCOOP_CHANGE_UPDATE].missing != 0 ||
        matches[SCOOP_CHANGE_INSERT].pairs + matches[SCOOP_CHANGE_UPDATE].pairs != wanted)
        return 0;
    if (count_equal(apply, &rows) != 0)
        return -1;
    apply->facts.already_applied = scoop_rows_number(rows, 0, 0) == wanted;
    scoop_rows_free(rows);
    return 0;
}

/* A file that was applied and is not in the table any more has been overtaken. */
static int check_overtaken(struct apply *apply) {
    if (apply->overtaken[0] == 0 || all_changes(apply) == 0)
        return 0;
    return scoop_fail(apply->error, SCOOP_ALREADY_APPLIED,
                      "this file was applied at %s (UTC), and the table has changed since; to "
                      "apply it once more say again (--again)",
                      apply->overtaken);
}

/* Examples of what is wrong with the changes of one kind. */
static int fail_matched(struct apply *apply, enum scoop_change_op op, enum scoop_apply_fault fault,
                        int64_t count) {
    static const char *const faults[] = {"that is not in the table", "that is in the table already",
                                         "that several rows of the table have"};
    struct scoop_rows *rows = NULL;
    char keys[600] = "", key[180];
    size_t used = 0;
    if (RUN(apply, &rows, examples, op, fault) != 0)
        return -1;
    for (size_t i = 0; i < scoop_rows_count(rows) && used < sizeof keys; i++) {
        show_key(apply, rows, i, 1, key, sizeof key);
        used += scoop_text_print(keys + used, sizeof keys - used, "%s%s (change %lld)",
                                 i == 0 ? "" : "; ", key, (long long)scoop_rows_number(rows, i, 0));
    }
    scoop_rows_free(rows);
    scoop_fail(apply->error, SCOOP_COUNT_MISMATCH,
               "%lld of %lld %s changes have a key %s: %.500s; the table is not the export "
               "that the changes start from, so compute them against what it holds",
               (long long)count, (long long)apply->facts.changes[op], scoop_change_op_name(op),
               faults[fault], keys);
    return note_counts(apply, op,
                       apply->facts.changes[op] + (fault == SCOOP_APPLY_SEVERAL ? count : -count));
}

static int check_matched(struct apply *apply) {
    const struct match *inserts = &apply->matches[SCOOP_CHANGE_INSERT];
    int64_t there = apply->facts.changes[SCOOP_CHANGE_INSERT] - inserts->missing;
    if (there != 0)
        return fail_matched(apply, SCOOP_CHANGE_INSERT, SCOOP_APPLY_THERE, there);
    for (enum scoop_change_op op = SCOOP_CHANGE_UPDATE; op < SCOOP_CHANGE_OPS; op++) {
        const struct match *match = &apply->matches[op];
        if (match->missing != 0)
            return fail_matched(apply, op, SCOOP_APPLY_MISSING, match->missing);
        if (match->pairs != apply->facts.changes[op])
            return fail_matched(apply, op, SCOOP_APPLY_SEVERAL,
                                match->pairs - apply->facts.changes[op]);
    }
    return 0;
}

static int mark(struct apply *apply) {
    return is_postgres(apply) ? scoop_apply_mark(apply->session, apply->interrupt, apply->error)
                              : 0;
}

static bool has_values(const struct apply *apply) {
    for (size_t i = 0; i < apply->plan.column_count; i++)
        if (apply->plan.columns[i].given && !apply->plan.columns[i].key)
            return true;
    return false;
}

static int check_touched(struct apply *apply, enum scoop_change_op op) {
    int64_t wanted = apply->facts.changes[op], touched = apply->facts.applied[op];
    if (touched == wanted)
        return 0;
    scoop_fail(apply->error, SCOOP_COUNT_MISMATCH,
               "%lld %s changes touched %lld rows; look for triggers, rules and row "
               "security of the table",
               (long long)wanted, scoop_change_op_name(op), (long long)touched);
    return note_counts(apply, op, touched);
}

static int explain(struct apply *apply) {
    return is_postgres(apply)
               ? scoop_apply_explain(apply->session, &apply->plan, apply->interrupt, apply->error)
               : -1;
}

static int apply_one(struct apply *apply, enum scoop_change_op op) {
    struct scoop_rows *rows = NULL;
    if (RUN(apply, &rows, apply, op) == 0)
        apply->facts.applied[op] = scoop_rows_affected(rows);
    else if (scoop_apply_exchange(apply->session, &apply->plan, op, &apply->facts.applied[op],
                                  apply->interrupt, apply->error) != 0)
        return explain(apply);
    scoop_rows_free(rows);
    return check_touched(apply, op);
}

/* A row may refer to one that is inserted, and one that is deleted may be referred to until an
 * update: references are right at the end only. */
static int apply_at_once(struct apply *apply) {
    struct scoop_rows *rows = NULL;
    int64_t ignored;
    if (RUN(apply, &rows, apply_at_once, apply->facts.changes) != 0) {
        scoop_apply_exchange(apply->session, &apply->plan, SCOOP_CHANGE_UPDATE, &ignored,
                             apply->interrupt, apply->error);
        return explain(apply);
    }
    for (enum scoop_change_op op = 0; op < SCOOP_CHANGE_OPS; op++)
        apply->facts.applied[op] = scoop_rows_number(rows, 0, op);
    scoop_rows_free(rows);
    for (enum scoop_change_op op = 0; op < SCOOP_CHANGE_OPS; op++)
        if (check_touched(apply, op) != 0)
            return -1;
    return 0;
}

/* Deletes first, inserts last: so no row is in the way of another unique value. */
static int apply_all(struct apply *apply) {
    bool updates = apply->facts.changes[SCOOP_CHANGE_UPDATE] > 0;
    if (updates && !has_values(apply))
        return scoop_fail(apply->error, SCOOP_BAD_RECORD,
                          "an UPDATE has no column beside its key that is not left out");
    if (scoop_apply_check_columns(&apply->plan, updates, apply->error) != 0)
        return -1;
    if (apply->plan.refers_to_itself && all_changes(apply) > 0)
        return mark(apply) == 0 ? apply_at_once(apply) : -1;
    for (int op = SCOOP_CHANGE_DELETE; op >= SCOOP_CHANGE_INSERT; op--)
        if (apply->facts.changes[op] > 0 &&
            (mark(apply) != 0 || apply_one(apply, (enum scoop_change_op)op) != 0))
            return -1;
    return 0;
}

/* What was deferred is checked here, where the error can say what to do. */
static int check_deferred(struct apply *apply) {
    if (!is_postgres(apply))
        return 0;
    if (mark(apply) != 0)
        return -1;
    if (scoop_session_run(apply->session, "SET CONSTRAINTS ALL IMMEDIATE", apply->interrupt,
                          apply->error) == 0)
        return 0;
    int64_t ignored;
    scoop_apply_exchange(apply->session, &apply->plan, SCOOP_CHANGE_INSERT, &ignored,
                         apply->interrupt, apply->error);
    return explain(apply);
}

static bool has_version(const struct apply *apply) {
    return apply->facts.source.version.version[0] != 0;
}

/* Also of a table that is as the changes want it: then it is taken to their version. */
static int finish(struct apply *apply) {
    if ((all_changes(apply) > 0 || has_version(apply)) &&
        scoop_apply_log_add(apply->session, &apply->base, apply->options, &apply->facts,
                            apply->interrupt, apply->error) != 0)
        return -1;
    if (RUN(apply, NULL, drop_stage) != 0)
        return -1;
    const struct scoop_apply_options *options = apply->options;
    if (options->before_commit != NULL && options->before_commit(options->user, apply->error) != 0)
        return -1;
    return scoop_load_commit(apply->session, "no change is applied twice", apply->interrupt,
                             apply->error);
}

static struct scoop_load_turn turn_of(const struct apply *apply) {
    return (struct scoop_load_turn){.lock = &apply->lock,
                                    .target = &apply->plan.target,
                                    .mode = "SHARE ROW EXCLUSIVE",
                                    .dry_run = apply->options->dry_run};
}

/* 0 also when there is nothing to commit: the caller rolls back then. */
static int transact(struct apply *apply, bool *commits) {
    const struct scoop_load_turn turn = turn_of(apply);
    if (scoop_load_begin(apply->session, &turn, apply->interrupt, apply->error) != 0 ||
        make_stage(apply) != 0 || stage_changes(apply) != 0 || find_turn(apply) != 0)
        return -1;
    if (apply->facts.already_applied)
        return 0;
    if (check_repeated(apply) != 0 || match_target(apply) != 0 || find_already(apply) != 0)
        return -1;
    *commits = !apply->options->dry_run && (!apply->facts.already_applied || has_version(apply));
    if (apply->facts.already_applied)
        return *commits ? finish(apply) : 0;
    if (check_overtaken(apply) != 0 || check_matched(apply) != 0 || apply_all(apply) != 0 ||
        check_deferred(apply) != 0)
        return -1;
    return *commits ? finish(apply) : 0;
}

static int attempt(void *user) {
    struct apply *apply = user;
    int attempts = apply->facts.attempts + 1;
    bool commits = false;
    memset(&apply->facts, 0, sizeof apply->facts);
    apply->facts.attempts = attempts;
    const struct scoop_load_turn turn = turn_of(apply);
    if (scoop_load_prepare(apply->session, &turn, apply->interrupt, apply->error) != 0)
        return -1;
    scoop_apply_map_init(&apply->map, &apply->plan, apply->options);
    scoop_apply_chunk_init(&apply->chunk, &apply->plan);
    int result = transact(apply, &commits);
    scoop_apply_chunk_free(&apply->chunk);
    scoop_apply_map_free(&apply->map);
    if (result != 0 || !commits)
        scoop_lock_rollback(apply->session);
    return result;
}

static int plan(struct apply *apply) {
    char suffix[9];
    if (apply->options->key_count == 0)
        return scoop_fail(apply->error, SCOOP_USAGE, "name the key: one column or several");
    if (scoop_sql_split(apply->options->table, &apply->plan.target, apply->error) != 0 ||
        scoop_random_hex(suffix, 8, apply->error) != 0)
        return -1;
    snprintf(apply->plan.stage, sizeof apply->plan.stage, "airscoop_changes_%s", suffix);
    scoop_insert_lock_name(&apply->plan.target, &apply->lock);
    return 0;
}

int scoop_apply(struct scoop_session *session, const struct scoop_apply_options *options,
                const struct scoop_interrupt *interrupt, struct scoop_apply_facts *facts,
                struct scoop_error *error) {
    struct apply apply = {
        .session = session, .options = options, .interrupt = interrupt, .error = error};
    if (plan(&apply) != 0)
        return -1;
    scoop_buf_init(&apply.sql, SQL_CEILING_BYTES);
    int result = scoop_session_holds(session, &apply.plan.target, interrupt, error);
    if (result == 0)
        result = scoop_session_alone(session, "apply_changes", interrupt, error);
    if (result == 0)
        result = scoop_names_correct(session, &apply.plan.target, interrupt, error);
    apply.plan.postgres = is_postgres(&apply);
    apply.base = apply.plan.target; /* a file is applied once also where it goes through a view */
    if (result == 0 && apply.plan.postgres)
        result = scoop_names_base(session, &apply.base, interrupt, error);
    if (result == 0)
        result = scoop_load_try(session, attempt, &apply, interrupt, error);
    scoop_buf_free(&apply.sql);
    *facts = apply.facts;
    if (result == 0)
        return 0;
    scoop_rights_explain(
        session,
        &(struct scoop_load_objects){
            .target = &apply.plan.target, .lock = &apply.lock, .updates = true, .deletes = true},
        interrupt, error);
    return scoop_fail_prefix(error, "applying changes to %.127s: ", options->table);
}
