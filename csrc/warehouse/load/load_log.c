#include "warehouse/load/load_log.h"

#include <string.h>

#include "base/crypto.h"
#include "scoop/memory.h"
#include "text/hex.h"
#include "text/text.h"
#include "warehouse/load/log_row.h"
#include "warehouse/session/session.h"

enum { PARAMETERS = 19, LOAD_ID_DIGITS = 32 };

#define TABLE_NAME "\"airscoop\".\"loads\""

static const char create_loads[] =
    "CREATE TABLE IF NOT EXISTS " TABLE_NAME " ("
    "\"load_id\" VARCHAR(32) NOT NULL, \"source_table\" VARCHAR(300), "
    "\"target_table\" VARCHAR(300), \"partition\" VARCHAR(4096), \"mode\" VARCHAR(16), "
    "\"source\" VARCHAR(4096), \"etag\" VARCHAR(256), \"s3_key\" VARCHAR(1024), "
    "\"scanned\" BIGINT, \"duplicates\" BIGINT, \"already_there\" BIGINT, \"inserted\" BIGINT, "
    "\"replaced\" BIGINT, \"dag_id\" VARCHAR(512), \"run_id\" VARCHAR(512), "
    "\"task_id\" VARCHAR(512), \"try_number\" INTEGER, \"loaded_at\" TIMESTAMP, "
    "\"loaded_by\" VARCHAR(127))";

static const char *const forward_loads[] = {"ALTER TABLE " TABLE_NAME
                                            " ADD COLUMN \"loaded_by\" VARCHAR(127)"};

const struct scoop_kept_table scoop_log_of_loads = {"loads", create_loads, forward_loads, 2};

static const char insert_load[] =
    "INSERT INTO " TABLE_NAME " (\"load_id\", \"source_table\", \"target_table\", \"partition\", "
    "\"mode\", \"source\", \"etag\", \"s3_key\", \"scanned\", \"duplicates\", \"already_there\", "
    "\"inserted\", \"replaced\", \"dag_id\", \"run_id\", \"task_id\", \"try_number\", "
    "\"loaded_at\", \"loaded_by\") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
    "$14, "
    "$15, $16, $17, $18, $19)";

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
                 const struct scoop_insert_counts *counts, const char *user) {
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
    scoop_log_put(row, 18, user, 127);
}

int scoop_load_log_add(struct scoop_session *session, const struct scoop_insert_options *options,
                       const struct scoop_insert_counts *counts,
                       const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_log_row *row = scoop_calloc(1, sizeof *row);
    if (row == NULL)
        return scoop_fail_memory(error);
    fill(row, options, counts, scoop_session_user(session));
    struct scoop_statement statement = {
        .sql = insert_load, .parameters = row->values, .parameter_count = PARAMETERS};
    int result = scoop_random_hex(row->texts[0], LOAD_ID_DIGITS, error);
    if (result == 0)
        result = scoop_session_execute(session, &statement, interrupt, NULL, error);
    scoop_free(row);
    return result;
}
