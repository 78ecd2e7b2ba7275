#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scoop/buffer.h"
#include "scoop/script.h"
#include "warehouse/session/made.h"
#include "warehouse/session/session_internal.h"

enum { FILE_CEILING_BYTES = 16 * 1024 * 1024, READ_BYTES = 64 * 1024 };

/* One run of a file. */
struct run {
    struct scoop_session *session;
    const char *file;
    const struct scoop_interrupt *interrupt;
    struct scoop_error *error;
    struct scoop_made made;
    size_t answered;   /* statements that the server has carried out */
    size_t pending;    /* of them those in the open transaction */
    size_t *committed; /* those that stay */
    bool escapes;      /* how the file was split */
    size_t begun_line; /* of the statement that began the open transaction */
};

static int read_all(FILE *stream, const char *file, struct scoop_buf *text,
                    struct scoop_error *error) {
    for (size_t got = 1; got > 0; text->length += got) {
        if (scoop_buf_reserve(text, READ_BYTES, error) != 0)
            return scoop_fail_prefix(error, "%.400s: ", file);
        got = fread(text->data + text->length, 1, READ_BYTES, stream);
    }
    return ferror(stream) ? scoop_fail_file(error, errno, "cannot read", file) : 0;
}

static int read_file(const char *file, struct scoop_buf *text, struct scoop_error *error) {
    FILE *stream = fopen(file, "rbe");
    if (stream == NULL)
        return scoop_fail_file(error, errno, "cannot open the script", file);
    int result = read_all(stream, file, text, error);
    fclose(stream);
    return result;
}

/* How the server reads a backslash in '…'. */
static bool has_escapes(const struct scoop_session *session) {
    const char *standard = PQparameterStatus(session->connection, "standard_conforming_strings");
    if (session->dialect == SCOOP_REDSHIFT)
        return true;
    return standard != NULL && strcmp(standard, "off") == 0;
}

/* After each statement. */
static void count(struct run *run) {
    run->answered += run->session->succeeded;
    run->pending += run->session->succeeded;
    if (scoop_session_in_transaction(run->session))
        return;
    if (run->session->made == SCOOP_COMMITTED_YES)
        *run->committed += run->pending;
    run->pending = 0;
}

static void say_committed(const struct run *run, size_t statements) {
    const char *least = run->made.unknown ? "at least " : "";
    if (*run->committed > 0)
        scoop_error_say(run->error, "%.900s; %s%zu of its %zu statements are committed",
                        run->error->message, least, *run->committed, statements);
    else if (statements > 1 && !run->made.unknown)
        scoop_error_say(run->error, "%.900s; none of its %zu statements is committed",
                        run->error->message, statements);
}

static int run_one(struct run *run, const struct scoop_script_statement *statement) {
    bool before = scoop_session_in_transaction(run->session);
    int result = scoop_session_run(run->session, statement->sql, run->interrupt, run->error);
    scoop_made_add(&run->made, run->session);
    count(run);
    if (result != 0)
        return scoop_fail_prefix(run->error, "%.300s:%zu: ", run->file, statement->line);
    if (!before && scoop_session_in_transaction(run->session))
        run->begun_line = statement->line;
    if (has_escapes(run->session) == run->escapes)
        return 0;
    return scoop_fail(run->error, SCOOP_USAGE,
                      "%.300s:%zu: a script cannot change standard_conforming_strings for its own "
                      "statements, which are split already; set it for the user, or write E'…'",
                      run->file, statement->line);
}

static int run_all(struct run *run, const struct scoop_script *script, size_t *done) {
    int result = 0;
    for (; result == 0 && *done < script->count; *done += result == 0)
        result = run_one(run, &script->statements[*done]);
    bool open = scoop_session_take_back(run->session);
    if (result == 0 && open)
        result = scoop_fail(
            run->error, SCOOP_USAGE,
            "%.300s:%zu: the transaction that begins here is still open at the end of the "
            "script, so it was rolled back; end it with COMMIT",
            run->file, run->begun_line);
    if (result == 0)
        return 0;
    say_committed(run, script->count);
    return scoop_made_tell(&run->made, run->answered == script->count && !open, run->error);
}

int scoop_script_read(struct scoop_session *session, const char *file,
                      const struct scoop_script_variable *variables, size_t variable_count,
                      const struct scoop_interrupt *interrupt, struct scoop_script *script,
                      struct scoop_error *error) {
    struct scoop_buf text;
    scoop_buf_init(&text, FILE_CEILING_BYTES);
    int result = read_file(file, &text, error);
    if (result == 0)
        result = scoop_session_alone(session, "run_script", interrupt, error);
    if (result == 0) {
        const struct scoop_script_text whole = {file, (const char *)text.data, text.length,
                                                has_escapes(session)};
        result = scoop_script_parse(&whole, variables, variable_count, script, error);
    }
    scoop_buf_free(&text);
    return result;
}

int scoop_script_run(struct scoop_session *session, const char *file,
                     const struct scoop_script_variable *variables, size_t variable_count,
                     const struct scoop_interrupt *interrupt, size_t *done, size_t *committed,
                     struct scoop_error *error) {
    struct run run = {.session = session,
                      .file = file,
                      .interrupt = interrupt,
                      .error = error,
                      .committed = committed};
    struct scoop_script script;
    *done = *committed = 0;
    if (scoop_script_read(session, file, variables, variable_count, interrupt, &script, error) != 0)
        return -1;
    run.escapes = has_escapes(session);
    int result = run_all(&run, &script, done);
    scoop_script_free(&script);
    return result;
}
