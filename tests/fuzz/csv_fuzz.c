/* CSV to rows: no input breaks it, and how the text is cut makes no difference. */
#include "fuzz_run.h"

#include "table/rows/csv.h"

enum { CEILING_BYTES = 1 << 24 };

struct outcome {
    struct scoop_buf rows; /* canonical, each behind its line, key and hash */
    struct scoop_error error;
};

static int take_rows(struct scoop_batch *batch, struct scoop_buf *out) {
    struct scoop_error error = {0};
    for (size_t i = 0; i < batch->count; i++) {
        const struct scoop_row *row = &batch->rows[i];
        const unsigned char *data = scoop_row_data(batch, row);
        uint64_t line = batch->first_line + row->line;
        struct scoop_cell_reader reader = scoop_cells_read(data, row->length);
        struct scoop_cell cell;
        MUST(row->compared <= row->length);
        while (scoop_cells_next(&reader, &cell))
            MUST(!cell.value.null && cell.value.data + cell.value.length <= reader.end);
        MUST(reader.at == reader.end || reader.at == reader.end + 1);
        MUST(scoop_buf_append(out, &line, sizeof line, &error) == 0);
        MUST(scoop_buf_append(out, scoop_row_key(batch, row), row->key_length, &error) == 0);
        MUST(scoop_buf_append(out, &row->hash, sizeof row->hash, &error) == 0);
        MUST(scoop_buf_append(out, data, row->length, &error) == 0);
    }
    return 0;
}

static int scan_cut(struct scoop_csv *csv, const uint8_t *text, size_t size, size_t step,
                    struct outcome *outcome) {
    struct scoop_batch batch;
    size_t at = 0;
    bool last = false;
    int status = 0;
    scoop_batch_init(&batch);
    while (status == 0 && !last) {
        size_t length = 0, used = 0;
        while (status == 0 && used == 0 && !last) {
            length = size - at - length > step ? length + step : size - at;
            last = length == size - at;
            scoop_batch_clear(&batch);
            MUST(scoop_buf_append(&batch.text, text + at, length, &outcome->error) == 0);
            MUST(scoop_buf_reserve(&batch.text, SCOOP_CSV_PADDING, &outcome->error) == 0);
            memset(batch.text.data + length, 0, SCOOP_CSV_PADDING);
            status = scoop_csv_scan(csv, &batch, last, &used, &outcome->error);
        }
        at += used;
        if (status == 0)
            take_rows(&batch, &outcome->rows);
    }
    MUST(status != 0 || at == size);
    scoop_batch_free(&batch);
    return status;
}

static void run(const uint8_t *data, size_t size, size_t step, struct outcome *outcome) {
    struct scoop_columns columns = {0};
    struct scoop_row_plan plans[2] = {0};
    struct scoop_csv csv;
    size_t used = 0;
    memset(outcome, 0, sizeof *outcome);
    scoop_buf_init(&outcome->rows, CEILING_BYTES);
    scoop_csv_init(&csv);
    int status = scoop_csv_header(&csv, data, size, true, &columns, &used, &outcome->error);
    if (status == 0) {
        const char *keys[] = {columns.names[0], columns.names[columns.count - 1]};
        const struct scoop_plan_options options = {.new_columns = &columns,
                                                   .keys = keys,
                                                   .key_count = columns.count > 2 ? 2 : 1,
                                                   .old_name = "",
                                                   .new_name = ""};
        MUST(scoop_row_plans(&options, plans, &outcome->error) == 0);
        csv.plan = &plans[1];
        status = scan_cut(&csv, data + used, size - used, step, outcome);
    }
    MUST((status == 0) == (outcome->error.code == SCOOP_OK));
    scoop_csv_free(&csv);
    scoop_columns_free(&columns);
    scoop_row_plan_free(&plans[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct outcome whole, cut;
    if (size < 1)
        return 0;
    size_t step = 1 + data[0] % 80;
    run(data + 1, size - 1, size, &whole);
    run(data + 1, size - 1, step, &cut);
    MUST(whole.error.code == cut.error.code);
    if (whole.error.code == SCOOP_OK)
        MUST(whole.rows.length == cut.rows.length &&
             (whole.rows.length == 0 ||
              memcmp(whole.rows.data, cut.rows.data, cut.rows.length) == 0));
    scoop_buf_free(&whole.rows);
    scoop_buf_free(&cut.rows);
    return 0;
}
