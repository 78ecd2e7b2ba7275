#include "warehouse/load/load_log.h"

#include <string.h>

#include "base/crypto.h"
#include "scoop/memory.h"
#include "text/hex.h"
#include "text/text.h"
#include "warehouse/load/log_row.h"
#include "warehouse/session/session.h"

enum { SQL_CEILING_BYTES = 64 * 1024, PARAMETERS = 18, LOAD_ID_DIGITS = 32 };

#define TABLE_NAME "\"airscoop\".\"loads\""

static const char create_loads[] =
    "CREATE TABLE IF NOT EXISTS " TABLE_NAME " ("
    "\"load_id\" VARCHAR(32) NOT NULL, \"source_table\" VARCHAR(300), "
    "\"target_table\" VARCHAR(300), \"partition\" VARCHAR(4096), \"mode\" VARCHAR(16), "
    "\"source\" VARCHAR(4096), \"etag\" VARCHAR(256), \"s3_key\" VARCHAR(1024), "
    "\"scanned\" BIGINT, \"duplicates\" BIGINT, \"already_there\" BIGINT, \"inserted\" BIGINT, "
    "\"replaced\" BIGINT, \"dag_id\" VARCHAR(512), \"run_id\" VARCHAR(512), "
    "\"task_id\" VARCHAR(512), \"try_number\" INTEGER, \"loaded_at\" TIMESTAMP)";

const struct scoop_log_table scoop_log_of_loads = {"loads", create_loads};

static const char insert_load[] =
    "INSERT INTO " TABLE_NAME " (\"load_id\", \"source_table\", \"target_table\", \"partition\", "
    "\"mode\", \"source\", \"etag\", \"s3_key\", \"scanned\", \"duplicates\", \"already_there\", "
    "\"inserted\", \"replaced\", \"dag_id\", \"run_id\", \"task_id\", \"try_number\", "
    "\"loaded_at\") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
    "$16, $17, $18)";

int scoop_random_hex(char *text, size_t digits, struct scoop_error *error) {
    unsigned char bytes[32];
    size_t length = digits / 2;
    if (length > sizeof bytes)
        return scoop_fail(error, SCOOP_INTERNAL, "%zu random digits were asked for", digits);
    if (scoop_random_bytes(bytes, length, error) != 0)
        return -1;
    scoop_hex_encode(bytes, length, text);
    return 0;
}

/* Another session that creates the same thing at the same moment. */
static bool exists_now(const struct scoop_error *error) {
    static const char *const states[] = {"23505", "42P06", "42P07", "42710"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(error->sqlstate, states[i]) == 0)
            return true;
    return false;
}

static int create(struct scoop_session *session, const char *sql,
                  const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    if (scoop_session_run(session, sql, interrupt, error) == 0 || exists_now(error))
        return 0;
    if (error->code != SCOOP_ACCESS_DENIED)
        return -1;
    return scoop_fail_prefix(error,
                             "airscoop keeps its locks and its log of loads in the schema "
                             "airscoop, and cannot set it up (%.80s…): ",
                             sql);
}

/* What is there: the schema, the log, the companion table. */
static int look(struct scoop_session *session, const struct scoop_log_table *log,
                const struct scoop_table_name *lock, const struct scoop_interrupt *interrupt,
                bool found[3], struct scoop_error *error) {
    struct scoop_rows *rows = NULL;
    if (scoop_session_query(session,
                            "SELECT n.nspname, c.relname FROM pg_namespace n LEFT JOIN pg_class c "
                            "ON c.relnamespace = n.oid WHERE n.nspname = 'airscoop'",
                            interrupt, &rows, error) != 0)
        return -1;
    memset(found, 0, 3 * sizeof *found);
    for (size_t i = 0; i < scoop_rows_count(rows); i++) {
        const char *name = scoop_rows_value(rows, i, 1);
        found[0] = true;
        found[1] |= name != NULL && strcmp(name, log->name) == 0;
        found[2] |= name != NULL && strcmp(name, lock->table) == 0;
    }
    scoop_rows_free(rows);
    return 0;
}

int scoop_load_log_prepare(struct scoop_session *session, const struct scoop_log_table *log,
                           const struct scoop_table_name *lock,
                           const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    bool found[3];
    if (look(session, log, lock, interrupt, found, error) != 0)
        return -1;
    if (!found[0] &&
        create(session, "CREATE SCHEMA IF NOT EXISTS \"airscoop\"", interrupt, error) != 0)
        return -1;
    if (!found[1] && create(session, log->create, interrupt, error) != 0)
        return -1;
    if (found[2])
        return 0;
    struct scoop_buf sql;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    struct scoop_sql_writer writer = {&sql, error, 0};
    scoop_sql_text(&writer, "CREATE TABLE IF NOT EXISTS ");
    scoop_sql_table(&writer, lock);
    scoop_sql_text(&writer, " (\"nothing\" INTEGER)");
    const char *text = scoop_sql_statement(&writer);
    int result = text == NULL ? -1 : create(session, text, interrupt, error);
    scoop_buf_free(&sql);
    return result;
}

/* column=value/column=value, as in an object's key. */
static void put_partition(struct scoop_log_row *row, size_t at,
                          const struct scoop_insert_names *names) {
    size_t used = 0;
    for (size_t i = 0; i < names->partition_count && used < SCOOP_LOG_TEXT_BYTES; i++) {
        used += scoop_text_print(row->texts[at] + used, SCOOP_LOG_TEXT_BYTES + 1 - used,
                                 "%s%.127s=%.2000s", i == 0 ? "" : "/", names->partition_columns[i],
                                 names->partition_values[i]);
    }
    row->values[at] = names->partition_count == 0 ? NULL : row->texts[at];
}

static void fill(struct scoop_log_row *row, const struct scoop_insert_options *options,
                 const struct scoop_insert_counts *counts) {
    const struct scoop_load_facts *load = &options->load;
    row->values[0] = row->texts[0];
    scoop_log_put(row, 1, options->names.source, 300);
    scoop_log_put(row, 2, options->names.target, 300);
    put_partition(row, 3, &options->names);
    scoop_log_put(row, 4, options->replace ? "replace" : "keep", 16);
    scoop_log_put(row, 5, load->source, 4096);
    scoop_log_put(row, 6, load->etag, 256);
    scoop_log_put(row, 7, load->s3_key, 1024);
    scoop_log_put_number(row, 8, counts->scanned);
    scoop_log_put_number(row, 9, counts->duplicates);
    scoop_log_put_number(row, 10, counts->already_there);
    scoop_log_put_number(row, 11, counts->inserted);
    scoop_log_put_number(row, 12, counts->replaced);
    scoop_log_put(row, 13, load->dag_id, 512);
    scoop_log_put(row, 14, load->run_id, 512);
    scoop_log_put(row, 15, load->task_id, 512);
    scoop_log_put(row, 16, load->try_number, 16);
    scoop_log_put_time(row, 17);
}

int scoop_load_log_add(struct scoop_session *session, const struct scoop_insert_options *options,
                       const struct scoop_insert_counts *counts,
                       const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_log_row *row = scoop_calloc(1, sizeof *row);
    if (row == NULL)
        return scoop_fail_memory(error);
    fill(row, options, counts);
    struct scoop_statement statement = {
        .sql = insert_load, .parameters = row->values, .parameter_count = PARAMETERS};
    int result = scoop_random_hex(row->texts[0], LOAD_ID_DIGITS, error);
    if (result == 0)
        result = scoop_session_execute(session, &statement, interrupt, NULL, error);
    scoop_free(row);
    return result;
}
