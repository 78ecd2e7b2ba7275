#include "warehouse/load/apply_log.h"

#include <stdio.h>

#include "scoop/memory.h"
#include "warehouse/load/load_log.h"
#include "warehouse/load/log_row.h"
#include "warehouse/session/session.h"

enum { PARAMETERS = 20, APPLY_ID_DIGITS = 32, TARGET_BYTES = 300 };

#define TABLE_NAME "\"airscoop\".\"applied\""

static const char create_applied[] =
    "CREATE TABLE IF NOT EXISTS " TABLE_NAME " ("
    "\"apply_id\" VARCHAR(32) NOT NULL, \"target_table\" VARCHAR(300), "
    "\"digest\" VARCHAR(64), \"changes\" VARCHAR(4096), \"etag\" VARCHAR(256), "
    "\"inserted\" BIGINT, \"updated\" BIGINT, \"deleted\" BIGINT, \"dag_id\" VARCHAR(512), "
    "\"run_id\" VARCHAR(512), \"task_id\" VARCHAR(512), \"try_number\" INTEGER, "
    "\"attempts\" INTEGER, \"applied_at\" TIMESTAMP, \"applied_by\" VARCHAR(127), "
    "\"dataset\" VARCHAR(1024), \"version\" VARCHAR(512), \"previous\" VARCHAR(512), "
    "\"content\" VARCHAR(64), \"number\" BIGINT)";

/* Redshift adds one column a statement. */
#define ADD "ALTER TABLE " TABLE_NAME " ADD COLUMN "
static const char *const forward_applied[] = {
    ADD "\"applied_by\" VARCHAR(127)", ADD "\"dataset\" VARCHAR(1024)",
    ADD "\"version\" VARCHAR(512)",    ADD "\"previous\" VARCHAR(512)",
    ADD "\"content\" VARCHAR(64)",     ADD "\"number\" BIGINT"};

static const char insert_applied[] =
    "INSERT INTO " TABLE_NAME " (\"apply_id\", \"target_table\", \"digest\", \"changes\", "
    "\"etag\", \"inserted\", \"updated\", \"deleted\", \"dag_id\", \"run_id\", \"task_id\", "
    "\"try_number\", \"attempts\", \"applied_at\", \"applied_by\", \"dataset\", \"version\", "
    "\"previous\", \"content\", \"number\") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
    "$12, $13, $14, $15, $16, $17, $18, $19, $20)";

static const char next_number[] =
    "SELECT COALESCE(MAX(\"number\"), 0) + 1 FROM " TABLE_NAME " WHERE \"target_table\" = $1";

static const char find_applied[] = "SELECT MAX(\"applied_at\") FROM " TABLE_NAME
                                   " WHERE \"target_table\" = $1 AND (\"digest\" = $2 OR "
                                   "\"content\" = $3)";

/* Times are of machines' clocks, in seconds: the number has the order. Older airscoops wrote none.
 */
#define SELECT_LAST(condition)                                                                     \
    "SELECT \"applied_at\", \"digest\", \"content\", \"dataset\", \"version\" FROM " TABLE_NAME    \
    " WHERE \"target_table\" = $1" condition                                                       \
    " ORDER BY COALESCE(\"number\", 0) DESC, \"applied_at\" DESC LIMIT 1"
static const char find_last[] = SELECT_LAST("");
static const char find_last_version[] = SELECT_LAST(" AND \"version\" IS NOT NULL");

const struct scoop_kept_table scoop_log_of_applied = {"applied", create_applied, forward_applied,
                                                      7};

/* schema.table; in lower case on Redshift, which folds names even in quotes. */
static void show_target(const struct scoop_session *session, const struct scoop_table_name *target,
                        char text[TARGET_BYTES]) {
    snprintf(text, TARGET_BYTES, "%s.%s", target->schema, target->table);
    for (char *at = text; scoop_session_dialect(session) == SCOOP_REDSHIFT && *at != 0; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + 'a' - 'A');
}

/* A value of the first row; "" for NULL, or without a row. */
static void take(const struct scoop_rows *rows, size_t column, char *to, size_t size) {
    const char *value = scoop_rows_count(rows) == 0 ? NULL : scoop_rows_value(rows, 0, column);
    snprintf(to, size, "%s", value == NULL ? "" : value);
}

static int find_entry(struct scoop_session *session, const char *sql, const char *target,
                      const struct scoop_interrupt *interrupt, struct scoop_applied_entry *entry,
                      struct scoop_error *error) {
    const char *const parameters[] = {target};
    const struct scoop_statement statement = {sql, parameters, 1};
    struct scoop_rows *rows = NULL;
    if (scoop_session_execute(session, &statement, interrupt, &rows, error) != 0)
        return -1;
    take(rows, 0, entry->at, sizeof entry->at);
    take(rows, 1, entry->digest, sizeof entry->digest);
    take(rows, 2, entry->content, sizeof entry->content);
    take(rows, 3, entry->version.dataset, sizeof entry->version.dataset);
    take(rows, 4, entry->version.version, sizeof entry->version.version);
    scoop_rows_free(rows);
    return 0;
}

int scoop_apply_log_find(struct scoop_session *session, const struct scoop_table_name *target,
                         const struct scoop_change_source_facts *source,
                         const struct scoop_interrupt *interrupt, struct scoop_applied *applied,
                         struct scoop_error *error) {
    char name[TARGET_BYTES];
    const char *const parameters[] = {name, source->digest, source->content};
    const struct scoop_statement statement = {find_applied, parameters, 3};
    struct scoop_rows *rows = NULL;
    show_target(session, target, name);
    if (find_entry(session, find_last, name, interrupt, &applied->last, error) != 0 ||
        find_entry(session, find_last_version, name, interrupt, &applied->last_version, error) !=
            0 ||
        scoop_session_execute(session, &statement, interrupt, &rows, error) != 0)
        return -1;
    take(rows, 0, applied->before, sizeof applied->before);
    scoop_rows_free(rows);
    return 0;
}

/* A text of the file's version; NULL where it has none. */
static const char *told(const char *text) {
    return text[0] == 0 ? NULL : text;
}

static void fill(struct scoop_log_row *row, const struct scoop_apply_options *options,
                 const struct scoop_apply_facts *facts) {
    const struct scoop_load_facts *load = &options->load;
    row->values[0] = row->texts[0];
    scoop_log_put(row, 2, facts->source.digest, 64);
    scoop_log_put(row, 3, load->source, 4096);
    scoop_log_put(row, 4, facts->source.etag, 256);
    scoop_log_put_number(row, 5, facts->applied[SCOOP_CHANGE_INSERT]);
    scoop_log_put_number(row, 6, facts->applied[SCOOP_CHANGE_UPDATE]);
    scoop_log_put_number(row, 7, facts->applied[SCOOP_CHANGE_DELETE]);
    scoop_log_put(row, 8, load->dag_id, 512);
    scoop_log_put(row, 9, load->run_id, 512);
    scoop_log_put(row, 10, load->task_id, 512);
    scoop_log_put(row, 11, load->try_number, 16);
    scoop_log_put_number(row, 12, facts->attempts);
    scoop_log_put_time(row, 13);
    scoop_log_put(row, 15, told(facts->source.version.dataset), SCOOP_DATASET_BYTES);
    scoop_log_put(row, 16, told(facts->source.version.version), SCOOP_VERSION_BYTES);
    scoop_log_put(row, 17, told(facts->source.version.previous), SCOOP_VERSION_BYTES);
    scoop_log_put(row, 18, facts->source.content, 64);
}

/* The loads of a table wait for each other, so nobody takes the same. */
static int put_number(struct scoop_log_row *row, size_t at, struct scoop_session *session,
                      const char *target, const struct scoop_interrupt *interrupt,
                      struct scoop_error *error) {
    const char *const parameters[] = {target};
    const struct scoop_statement statement = {next_number, parameters, 1};
    struct scoop_rows *rows = NULL;
    if (scoop_session_execute(session, &statement, interrupt, &rows, error) != 0)
        return -1;
    scoop_log_put_number(row, at, scoop_rows_number(rows, 0, 0));
    scoop_rows_free(rows);
    return 0;
}

int scoop_apply_log_add(struct scoop_session *session, const struct scoop_table_name *target,
                        const struct scoop_apply_options *options,
                        const struct scoop_apply_facts *facts,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_log_row *row = scoop_calloc(1, sizeof *row);
    char name[TARGET_BYTES];
    if (row == NULL)
        return scoop_fail_memory(error);
    show_target(session, target, name);
    scoop_log_put(row, 1, name, TARGET_BYTES);
    fill(row, options, facts);
    scoop_log_put(row, 14, scoop_session_user(session), 127);
    struct scoop_statement statement = {
        .sql = insert_applied, .parameters = row->values, .parameter_count = PARAMETERS};
    int result = scoop_random_hex(row->texts[0], APPLY_ID_DIGITS, error);
    if (result == 0)
        result = put_number(row, 19, session, name, interrupt, error);
    if (result == 0)
        result = scoop_session_execute(session, &statement, interrupt, NULL, error);
    scoop_free(row);
    return result;
}
