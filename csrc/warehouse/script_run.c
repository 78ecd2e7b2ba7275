#include <errno.h>
#include <stdio.h>

#include "scoop/buffer.h"
#include "scoop/script.h"
#include "session_internal.h"

enum { FILE_CEILING_BYTES = 16 * 1024 * 1024, READ_BYTES = 64 * 1024 };

static int read_all(FILE *stream, const char *file, struct scoop_buf *text,
                    struct scoop_error *error) {
    for (size_t got = 1; got > 0; text->length += got) {
        if (scoop_buf_reserve(text, READ_BYTES, error) != 0)
            return scoop_fail_prefix(error, "%.400s: ", file);
        got = fread(text->data + text->length, 1, READ_BYTES, stream);
    }
    return ferror(stream) ? scoop_fail_errno(error, errno, "cannot read %.400s", file) : 0;
}

static int read_file(const char *file, struct scoop_buf *text, struct scoop_error *error) {
    FILE *stream = fopen(file, "rbe");
    if (stream == NULL)
        return scoop_fail_errno(error, errno, "cannot open the script %.400s", file);
    int result = read_all(stream, file, text, error);
    fclose(stream);
    return result;
}

static int run_all(struct scoop_session *session, const char *file,
                   const struct scoop_script *script, const struct scoop_interrupt *interrupt,
                   size_t *done, struct scoop_error *error) {
    for (*done = 0; *done < script->count; ++*done) {
        const struct scoop_script_statement *statement = &script->statements[*done];
        if (scoop_session_run(session, statement->sql, interrupt, error) != 0)
            return scoop_fail_prefix(error, "%.300s:%zu: ", file, statement->line);
    }
    return 0;
}

int scoop_script_run(struct scoop_session *session, const char *file,
                     const struct scoop_script_variable *variables, size_t variable_count,
                     const struct scoop_interrupt *interrupt, size_t *done,
                     struct scoop_error *error) {
    struct scoop_script script;
    struct scoop_buf text;
    *done = 0;
    scoop_buf_init(&text, FILE_CEILING_BYTES);
    int result = read_file(file, &text, error);
    if (result == 0)
        result = scoop_script_parse(file, (const char *)text.data, text.length, variables,
                                    variable_count, &script, error);
    scoop_buf_free(&text);
    if (result != 0)
        return -1;
    result = run_all(session, file, &script, interrupt, done, error);
    scoop_script_free(&script);
    return result;
}
