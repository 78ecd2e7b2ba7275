#include "warehouse/load/apply_log.h"

#include <stdio.h>

#include "scoop/memory.h"
#include "warehouse/load/load_log.h"
#include "warehouse/load/log_row.h"
#include "warehouse/session/session.h"

enum { PARAMETERS = 15, APPLY_ID_DIGITS = 32, TARGET_BYTES = 300 };

#define TABLE_NAME "\"airscoop\".\"applied\""

static const char create_applied[] =
    "CREATE TABLE IF NOT EXISTS " TABLE_NAME " ("
    "\"apply_id\" VARCHAR(32) NOT NULL, \"target_table\" VARCHAR(300), "
    "\"digest\" VARCHAR(64), \"changes\" VARCHAR(4096), \"etag\" VARCHAR(256), "
    "\"inserted\" BIGINT, \"updated\" BIGINT, \"deleted\" BIGINT, \"dag_id\" VARCHAR(512), "
    "\"run_id\" VARCHAR(512), \"task_id\" VARCHAR(512), \"try_number\" INTEGER, "
    "\"attempts\" INTEGER, \"applied_at\" TIMESTAMP, \"applied_by\" VARCHAR(127))";

static const char *const forward_applied[] = {"ALTER TABLE " TABLE_NAME
                                              " ADD COLUMN \"applied_by\" VARCHAR(127)"};

static const char insert_applied[] =
    "INSERT INTO " TABLE_NAME " (\"apply_id\", \"target_table\", \"digest\", \"changes\", "
    "\"etag\", \"inserted\", \"updated\", \"deleted\", \"dag_id\", \"run_id\", \"task_id\", "
    "\"try_number\", \"attempts\", \"applied_at\", \"applied_by\") VALUES ($1, $2, $3, $4, $5, $6, "
    "$7, $8, $9, $10, $11, $12, $13, $14, $15)";

static const char find_applied[] = "SELECT MAX(\"applied_at\") FROM " TABLE_NAME
                                   " WHERE \"target_table\" = $1 AND \"digest\" = $2";

const struct scoop_kept_table scoop_log_of_applied = {"applied", create_applied, forward_applied,
                                                      2};

/* schema.table; in lower case on Redshift, which folds names even in quotes. */
static void show_target(const struct scoop_session *session, const struct scoop_table_name *target,
                        char text[TARGET_BYTES]) {
    snprintf(text, TARGET_BYTES, "%s.%s", target->schema, target->table);
    for (char *at = text; scoop_session_dialect(session) == SCOOP_REDSHIFT && *at != 0; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + 'a' - 'A');
}

int scoop_apply_log_find(struct scoop_session *session, const struct scoop_table_name *target,
                         const char *digest, const struct scoop_interrupt *interrupt,
                         char at[SCOOP_APPLIED_AT_BYTES], struct scoop_error *error) {
    char name[TARGET_BYTES];
    const char *const parameters[] = {name, digest};
    struct scoop_statement statement = {find_applied, parameters, 2};
    struct scoop_rows *rows = NULL;
    show_target(session, target, name);
    if (scoop_session_execute(session, &statement, interrupt, &rows, error) != 0)
        return -1;
    const char *found = scoop_rows_value(rows, 0, 0);
    snprintf(at, SCOOP_APPLIED_AT_BYTES, "%s", found == NULL ? "" : found);
    scoop_rows_free(rows);
    return 0;
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
        result = scoop_session_execute(session, &statement, interrupt, NULL, error);
    scoop_free(row);
    return result;
}
