#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "warehouse/session/session_internal.h"
#include "warehouse/sql/sql_text.h"

/* EXTRA: room for sslcert, sslmode, sslrootcert, application_name, client_encoding and the closing
 * NULL. */
enum { APPLICATION_NAME_BYTES = 63, QUERY_GROUP_BYTES = 300, EXTRA = 6 };

/* Some are passwords. */
static void free_list(char **list) {
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        scoop_wipe(list[i], strlen(list[i]));
        scoop_free(list[i]);
    }
    scoop_free(list);
}

void scoop_session_free_settings(PQconninfoOption *settings) {
    for (PQconninfoOption *option = settings; option != NULL && option->keyword; option++)
        if (option->val != NULL)
            scoop_wipe(option->val, strlen(option->val));
    PQconninfoFree(settings);
}

/* What connecting needs; a session connects once. */
static void forget_settings(struct scoop_session *session) {
    free_list(session->keywords);
    free_list(session->values);
    session->keywords = session->values = NULL;
}

static int store(struct scoop_session *session, size_t at, const char *keyword, const char *value,
                 struct scoop_error *error) {
    session->keywords[at] = scoop_strdup(keyword);
    session->values[at] = scoop_strdup(value);
    if (session->keywords[at] == NULL || session->values[at] == NULL)
        return scoop_fail_memory(error);
    return 0;
}

static int make_room(struct scoop_session *session, size_t count, struct scoop_error *error) {
    session->keywords = scoop_calloc(count + 1, sizeof(char *));
    session->values = scoop_calloc(count + 1, sizeof(char *));
    if (session->keywords == NULL || session->values == NULL)
        return scoop_fail_memory(error);
    return 0;
}

/* A password with an unescaped @ or / ends up in host or port, from where libpq would print it. */
static int check_place(const char *keyword, const char *value, struct scoop_error *error) {
    bool bad_host = strcmp(keyword, "host") == 0 && strchr(value, '@') != NULL;
    bool bad_port = strcmp(keyword, "port") == 0 && value[strspn(value, "0123456789,")] != 0;
    if (bad_host || bad_port)
        return scoop_fail(error, SCOOP_USAGE,
                          "the connection's %s is malformed; in a URI, percent-encode the special "
                          "characters of user and password (@ is %%40, / is %%2F, : is %%3A)",
                          keyword);
    return 0;
}

static int take_pairs(struct scoop_session *session, const struct scoop_session_options *options,
                      struct scoop_error *error) {
    size_t count = 0;
    while (options->keywords[count] != NULL)
        count++;
    if (make_room(session, count, error) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (check_place(options->keywords[i], options->values[i], error) != 0 ||
            store(session, i, options->keywords[i], options->values[i], error) != 0)
            return -1;
    return 0;
}

static int take_parsed(struct scoop_session *session, const PQconninfoOption *parsed,
                       struct scoop_error *error) {
    size_t count = 0;
    while (parsed[count].keyword != NULL)
        count++;
    if (make_room(session, count, error) != 0)
        return -1;
    size_t used = 0;
    for (const PQconninfoOption *option = parsed; option->keyword != NULL; option++) {
        if (option->val == NULL)
            continue;
        if (check_place(option->keyword, option->val, error) != 0 ||
            store(session, used++, option->keyword, option->val, error) != 0)
            return -1;
    }
    return 0;
}

static int take_conninfo(struct scoop_session *session, const char *conninfo,
                         struct scoop_error *error) {
    char *reason = NULL;
    PQconninfoOption *parsed = PQconninfoParse(conninfo, &reason);
    /* libpq's reason may quote the password. */
    PQfreemem(reason);
    if (parsed == NULL)
        return scoop_fail(error, SCOOP_USAGE,
                          "the connection string cannot be read: write "
                          "postgresql://user:password@host:port/database with special characters "
                          "percent-encoded, or key=value pairs with values in single quotes");
    int result = take_parsed(session, parsed, error);
    scoop_session_free_settings(parsed);
    return result;
}

static int fill(struct scoop_session *session, const struct scoop_session_options *options,
                struct scoop_error *error) {
    session->dialect = options->dialect;
    session->lock_timeout_ms = options->lock_timeout_ms;
    session->statement_timeout_ms = options->statement_timeout_ms;
    session->timed = options->statement_timeout_ms > 0;
    session->pid = getpid();
    session->label = scoop_strdup(options->label == NULL ? "airscoop" : options->label);
    session->ca_file = options->ca_file == NULL ? NULL : scoop_strdup(options->ca_file);
    if (session->label == NULL || (options->ca_file != NULL && session->ca_file == NULL))
        return scoop_fail_memory(error);
    /* A label is for people; what could not stand in a literal is not worth an error. */
    for (char *at = session->label; *at != 0; at++)
        if (*at < ' ' || *at > '~' || *at == '\\' || *at == '\'')
            *at = '_';
    if (options->keywords != NULL)
        return take_pairs(session, options, error);
    return take_conninfo(session, options->conninfo == NULL ? "" : options->conninfo, error);
}

struct scoop_session *scoop_session_new(const struct scoop_session_options *options,
                                        struct scoop_error *error) {
    struct scoop_session *session = scoop_calloc(1, sizeof *session);
    if (session == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    session->wake_fd = -1;
    if (fill(session, options, error) != 0) {
        scoop_session_free(session);
        return NULL;
    }
    return session;
}

void scoop_session_drop(struct scoop_session *session) {
    if (session->connection != NULL && session->pid == getpid())
        PQfinish(session->connection);
    /* In a forked child a Terminate message would end the parent's session: only the descriptor is
     * closed, the PGconn is left. */
    else if (session->connection != NULL)
        close(PQsocket(session->connection));
    session->connection = NULL;
    session->lost = true;
}

static int open_wake(struct scoop_session *session, struct scoop_error *error) {
    if (session->wake_fd < 0)
        session->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (session->wake_fd < 0)
        return scoop_fail(error, SCOOP_NO_MEMORY, "no file descriptor is left for a session");
    return 0;
}

static void close_wake(struct scoop_session *session) {
    if (session->wake_fd >= 0)
        close(session->wake_fd);
    session->wake_fd = -1;
}

void scoop_session_free(struct scoop_session *session) {
    if (session == NULL)
        return;
    scoop_session_drop(session);
    scoop_query_forget(session);
    forget_settings(session);
    scoop_free(session->label);
    scoop_free(session->ca_file);
    close_wake(session);
    scoop_free(session);
}

void scoop_session_rest(struct scoop_session *session) {
    if (atomic_load(&session->cancelled)) {
        session->left_open = session->left_open || scoop_session_in_transaction(session);
        scoop_session_drop(session);
    }
    if (session->connection == NULL)
        close_wake(session);
}

void scoop_session_cancel(struct scoop_session *session) {
    uint64_t one = 1;
    atomic_store(&session->cancelled, true);
    /* Fails only when it is readable already, or nobody waits. */
    ssize_t written = write(session->wake_fd, &one, sizeof one);
    (void)written;
}

enum scoop_dialect scoop_session_dialect(const struct scoop_session *session) {
    return session->dialect;
}

const char *scoop_session_user(const struct scoop_session *session) {
    return session->connection == NULL ? NULL : PQuser(session->connection);
}

int scoop_session_usable(struct scoop_session *session, struct scoop_error *error) {
    if (session->pid != getpid())
        return scoop_fail(error, SCOOP_USAGE,
                          "a warehouse session cannot be used in a forked process; open a new one");
    if (atomic_load(&session->cancelled))
        return scoop_fail(error, SCOOP_CANCELLED, "the warehouse session was cancelled");
    if (session->lost)
        return scoop_fail(error, SCOOP_CONNECTION,
                          "the connection to the warehouse was lost; open a new session");
    return 0;
}

void scoop_session_drop_notice(void *user, const char *message) {
    (void)user;
    (void)message;
}

static const char *setting(const struct scoop_session *session, const char *keyword,
                           const char *variable) {
    const char *value = getenv(variable);
    for (size_t i = 0; session->keywords[i] != NULL; i++)
        if (strcmp(session->keywords[i], keyword) == 0)
            value = session->values[i];
    return value == NULL || value[0] == 0 ? NULL : value;
}

/* What is known before the server can be asked. */
static bool expects_redshift(const struct scoop_session *session) {
    const char *host = setting(session, "host", "PGHOST");
    bool named =
        host != NULL && strstr(host, ".redshift") != NULL && strstr(host, ".amazonaws.com") != NULL;
    return session->dialect == SCOOP_REDSHIFT || (session->dialect == SCOOP_AUTO && named);
}

/* The sslmode that the caller or the environment names; without one, Redshift's is "require": libpq
 * alone would speak to any server without TLS that says it has none. NULL: libpq's own. */
static const char *ssl_mode(const struct scoop_session *session) {
    const char *mode = setting(session, "sslmode", "PGSSLMODE");
    return mode == NULL && expects_redshift(session) ? "require" : mode;
}

/* A service file may name a stricter sslmode, which ours would hide. */
static int check_service(const struct scoop_session *session, struct scoop_error *error) {
    const char *service = setting(session, "service", "PGSERVICE");
    if (!expects_redshift(session) || service == NULL ||
        setting(session, "sslmode", "PGSSLMODE") != NULL)
        return 0;
    return scoop_fail(error, SCOOP_USAGE,
                      "the connection uses the service %.100s; name its sslmode beside it, as "
                      "sslmode=verify-full or sslmode=require",
                      service);
}

/* Whether the server's certificate is to be checked; with a CA file and a lesser sslmode libpq
 * would check it too, and refuse servers that the caller wants to trust. */
static bool checks_certificate(const struct scoop_session *session) {
    const char *mode = ssl_mode(session);
    return mode != NULL && strncmp(mode, "verify-", 7) == 0;
}

/* Whether there is a home folder that this user may not enter. There libpq would look for a
 * client's certificate, and refuse TLS altogether because it may not look. */
static bool home_is_closed(void) {
    char path[4096];
    struct stat found;
    const char *home = getenv("HOME");
    if (home == NULL || home[0] == 0)
        return false;
    snprintf(path, sizeof path, "%s/.postgresql/postgresql.crt", home);
    return stat(path, &found) != 0 && errno == EACCES;
}

/* Our defaults, the label among them, then the caller's settings, then what must be so: of equal
 * names the last one wins. The first dbname is a connection string whose only job is to keep
 * PGOPTIONS out. */
static PGconn *start(const struct scoop_session *session, struct scoop_error *error) {
    static const char *const defaults[][2] = {
        {"dbname", "options=''"},      {"keepalives", "1"},       {"keepalives_idle", "30"},
        {"keepalives_interval", "10"}, {"keepalives_count", "3"}, {"connect_timeout", "30"},
    };
    enum { DEFAULTS = sizeof defaults / sizeof defaults[0] };
    char name[APPLICATION_NAME_BYTES + 1];
    snprintf(name, sizeof name, "%s", session->label);
    size_t count = 0;
    while (session->keywords[count] != NULL)
        count++;
    const char **keywords = scoop_calloc(count + DEFAULTS + EXTRA, sizeof *keywords);
    const char **values = scoop_calloc(count + DEFAULTS + EXTRA, sizeof *values);
    PGconn *connection = NULL;
    if (keywords != NULL && values != NULL) {
        size_t used = 0;
        for (size_t i = 0; i < DEFAULTS; i++, used++)
            keywords[used] = defaults[i][0], values[used] = defaults[i][1];
        if (home_is_closed()) /* no certificate is looked for where none can be */
            keywords[used] = "sslcert", values[used++] = "/dev/null/none";
        if (ssl_mode(session) != NULL)
            keywords[used] = "sslmode", values[used++] = ssl_mode(session);
        if (session->ca_file != NULL && checks_certificate(session))
            keywords[used] = "sslrootcert", values[used++] = session->ca_file;
        keywords[used] = "application_name", values[used++] = name;
        for (size_t i = 0; i < count; i++, used++)
            keywords[used] = session->keywords[i], values[used] = session->values[i];
        keywords[used] = "client_encoding", values[used++] = "UTF8";
        connection = PQconnectStartParams(keywords, values, 1);
    }
    if (connection == NULL)
        scoop_fail_memory(error);
    scoop_free(keywords);
    scoop_free(values);
    return connection;
}

static int connect_seconds(PGconn *connection) {
    int seconds = 0;
    PQconninfoOption *settings = PQconninfo(connection);
    for (PQconninfoOption *option = settings; option != NULL && option->keyword; option++)
        if (strcmp(option->keyword, "connect_timeout") == 0 && option->val != NULL)
            seconds = atoi(option->val);
    scoop_session_free_settings(settings);
    return seconds;
}

static int poll_connection(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                           struct scoop_error *error) {
    PGconn *connection = session->connection;
    int seconds = connect_seconds(connection);
    struct scoop_patience patience = {.interrupt = interrupt};
    if (seconds > 0)
        patience.deadline_ms = scoop_now_ms() + (uint64_t)seconds * 1000;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    if (PQstatus(connection) == CONNECTION_BAD)
        return scoop_fail_connect(connection, error);
    while (status != PGRES_POLLING_OK) {
        short events = status == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
        switch (scoop_session_wait(session, events, &patience)) {
        case SCOOP_WAIT_STOP:
            return scoop_fail(error, SCOOP_CANCELLED, "cancelled while connecting to %s:%s",
                              PQhost(connection), PQport(connection));
        case SCOOP_WAIT_LATE:
            return scoop_fail(error, SCOOP_TIMEOUT,
                              "%s:%s did not answer within %d s; check host, port and firewall",
                              PQhost(connection), PQport(connection), seconds);
        case SCOOP_WAIT_READY:
            break;
        }
        status = PQconnectPoll(connection);
        if (status == PGRES_POLLING_FAILED)
            return scoop_fail_connect(connection, error);
    }
    return 0;
}

/* Of a server that had to be asked what it is: nothing but the login was said to it before. */
static int check_encryption(const struct scoop_session *session, struct scoop_error *error) {
    if (PQsslInUse(session->connection) || setting(session, "sslmode", "PGSSLMODE") != NULL)
        return 0;
    return scoop_fail(
        error, SCOOP_TLS,
        "the server at %s:%s is Redshift, and offers no TLS; name an sslmode to speak "
        "to it without, as sslmode=disable or sslmode=prefer",
        PQhost(session->connection), PQport(session->connection));
}

static int find_dialect(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                        struct scoop_error *error) {
    struct scoop_rows *rows = NULL;
    if (scoop_session_query(session, "SELECT version()", interrupt, &rows, error) != 0)
        return -1;
    const char *version = scoop_rows_value(rows, 0, 0);
    bool redshift = version != NULL && strstr(version, "Redshift") != NULL;
    scoop_rows_free(rows);
    if (redshift && check_encryption(session, error) != 0)
        return -1;
    session->dialect = redshift ? SCOOP_REDSHIFT : SCOOP_POSTGRES;
    return 0;
}

static int set_label(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                     struct scoop_error *error) {
    char sql[QUERY_GROUP_BYTES + 40];
    /* The label holds no quote and no backslash any more. */
    snprintf(sql, sizeof sql, "SET query_group TO '%.*s'", QUERY_GROUP_BYTES, session->label);
    if (scoop_session_run(session, sql, interrupt, error) == 0)
        return 0;
    if (strcmp(error->sqlstate, "42704") != 0)
        return -1;
    return scoop_fail(error, SCOOP_USAGE,
                      "the server at %s:%s is not Redshift; use the dialect postgres for it",
                      PQhost(session->connection), PQport(session->connection));
}

static int set_up(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                  struct scoop_error *error) {
    char sql[64];
    if (PQsetnonblocking(session->connection, 1) != 0)
        return scoop_fail(error, SCOOP_INTERNAL, "a connection could not be made nonblocking");
    PQsetErrorVerbosity(session->connection, PQERRORS_DEFAULT);
    if (session->dialect == SCOOP_AUTO && find_dialect(session, interrupt, error) != 0)
        return -1;
    if (session->dialect == SCOOP_REDSHIFT && set_label(session, interrupt, error) != 0)
        return -1;
    snprintf(sql, sizeof sql, "SET lock_timeout TO %lld", (long long)session->lock_timeout_ms);
    if (session->dialect == SCOOP_POSTGRES && session->lock_timeout_ms > 0 &&
        scoop_session_run(session, sql, interrupt, error) != 0)
        return -1;
    snprintf(sql, sizeof sql, "SET statement_timeout TO %lld",
             (long long)session->statement_timeout_ms);
    return session->statement_timeout_ms > 0 ? scoop_session_run(session, sql, interrupt, error)
                                             : 0;
}

int scoop_session_connect(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                          struct scoop_error *error) {
    if (scoop_session_usable(session, error) != 0)
        return -1;
    if (session->connection != NULL)
        return scoop_session_unread(session, error);
    if (check_service(session, error) != 0 || open_wake(session, error) != 0)
        return -1;
    session->connection = start(session, error);
    if (session->connection == NULL)
        return -1;
    SCOOP_TRACE("warehouse", "connecting to %s:%s, database %s", PQhost(session->connection),
                PQport(session->connection), PQdb(session->connection));
    PQsetNoticeProcessor(session->connection, scoop_session_drop_notice, NULL);
    PQsetErrorVerbosity(session->connection, PQERRORS_VERBOSE);
    if (poll_connection(session, interrupt, error) == 0 && set_up(session, interrupt, error) == 0) {
        forget_settings(session);
        return 0;
    }
    PQfinish(session->connection);
    session->connection = NULL;
    return -1;
}

bool scoop_session_succeeded(const struct scoop_session *session) {
    return session->succeeded;
}
