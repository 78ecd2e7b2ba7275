/* stage_tool STAGE [CHUNK] [replace] [null] [keep|rename] < in > out: one stage as a filter for
 * property tests. Rejects and the final counters go to standard error as JSON lines. CHUNK: bytes
 * per write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage/stage.h"

static int out_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                     size_t *consumed, struct scoop_error *error) {
    (void)stage;
    *consumed = length;
    if (fwrite(data, 1, length, stdout) != length)
        return scoop_fail(error, SCOOP_IO, "standard output could not be written");
    return 0;
}

static int out_finish(struct scoop_stage *stage, struct scoop_error *error) {
    (void)stage;
    (void)error;
    return 0;
}

static void out_free(struct scoop_stage *stage) {
    (void)stage;
}

static const struct scoop_stage_type out_type = {"out", out_write, out_finish, out_free, NULL};

static void print_text(const unsigned char *text, size_t length) {
    fputc('"', stderr);
    for (size_t i = 0; i < length; i++) /* each byte as the code point of its value */
        fprintf(stderr, "\\u%04x", text[i]);
    fputc('"', stderr);
}

static int on_reject(void *user, const struct scoop_reject *reject, struct scoop_error *error) {
    (void)user;
    (void)error;
    fprintf(stderr, "{\"line\":%llu,\"byte_offset\":%llu,\"total_length\":%llu,\"reason\":",
            (unsigned long long)reject->line, (unsigned long long)reject->byte_offset,
            (unsigned long long)reject->total_length);
    print_text((const unsigned char *)reject->reason, strlen(reject->reason));
    fputs(",\"record\":", stderr);
    print_text(reject->record, reject->record_length);
    fputs("}\n", stderr);
    return 0;
}

static struct scoop_stage *make(const char *name, const struct scoop_record_options *options,
                                struct scoop_counters *counters, struct scoop_error *error) {
    if (strcmp(name, "gunzip") == 0)
        return scoop_gunzip_new(NULL, counters, error);
    if (strcmp(name, "gzip") == 0)
        return scoop_gzip_new(-1, 0, counters, error);
    if (strcmp(name, "json_check") == 0)
        return scoop_json_check_new(options, counters, error);
    if (strcmp(name, "json_values") == 0)
        return scoop_json_values_new(options, counters, error);
    if (strncmp(name, "json_array", 10) == 0) /* json_array, or json_array:PATH */
        return scoop_json_array_new(name[10] == ':' ? name + 11 : NULL, options, counters, error);
    if (strcmp(name, "literal") == 0)
        return scoop_literal_new(options, counters, error);
    scoop_fail(error, SCOOP_USAGE, "no stage is called %s", name);
    return NULL;
}

static int pump(struct scoop_stage *stage, size_t chunk_bytes, struct scoop_error *error) {
    static unsigned char chunk[1 << 18];
    size_t length;
    if (chunk_bytes == 0 || chunk_bytes > sizeof chunk)
        chunk_bytes = sizeof chunk;
    while ((length = fread(chunk, 1, chunk_bytes, stdin)) > 0)
        if (scoop_stage_push(stage, chunk, length, error) != 0)
            return -1;
    return scoop_stage_finish_chain(stage, error);
}

int main(int argc, char **argv) {
    struct scoop_stage out = {.type = &out_type};
    struct scoop_counters counters = {0};
    struct scoop_error error = {0};
    struct scoop_record_options options = {.policy = {on_reject, NULL}};
    size_t chunk_bytes = 0;
    for (int i = 2; i < argc; i++) {
        options.replace_invalid |= strcmp(argv[i], "replace") == 0;
        options.nonfinite_null |= strcmp(argv[i], "null") == 0;
        if (strcmp(argv[i], "keep") == 0)
            options.key_case = SCOOP_KEY_CASE_KEEP;
        if (strcmp(argv[i], "rename") == 0)
            options.key_case = SCOOP_KEY_CASE_RENAME;
        if (atoi(argv[i]) > 0)
            chunk_bytes = (size_t)atoi(argv[i]);
    }
    struct scoop_stage *stage = argc > 1 ? make(argv[1], &options, &counters, &error) : NULL;
    if (stage == NULL) {
        fprintf(stderr, "usage: stage_tool STAGE [CHUNK] [replace] [null] [keep|rename]: %s\n",
                error.message);
        return 2;
    }
    stage->next = &out;
    int result = pump(stage, chunk_bytes, &error);
    scoop_stage_free_chain(stage);
    fprintf(stderr,
            "{\"code\":\"%s\",\"message\":\"%s\",\"in\":%llu,\"out\":%llu,\"rejected\":%llu,"
            "\"blank\":%llu,\"members\":%llu}\n",
            scoop_code_name(error.code), error.message, (unsigned long long)counters.records_in,
            (unsigned long long)counters.records_out, (unsigned long long)counters.records_rejected,
            (unsigned long long)counters.blank_lines, (unsigned long long)counters.gzip_members);
    return result == 0 && fflush(stdout) == 0 ? 0 : 1;
}
