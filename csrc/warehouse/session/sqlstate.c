/* From a server's error to ours: the code, and what to do. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/text.h"
#include "warehouse/session/session_internal.h"

void scoop_flatten(const char *from, char *to, size_t size) {
    size_t length = 0;
    for (; *from != 0 && length + 1 < size; from++) {
        char byte = *from == '\n' || *from == '\t' || *from == '\r' ? ' ' : *from;
        if (byte == ' ' && (length == 0 || to[length - 1] == ' '))
            continue;
        to[length++] = byte;
    }
    if (*from != 0)
        length = scoop_text_fit(to, length);
    while (length > 0 && to[length - 1] == ' ')
        length--;
    to[length] = 0;
}

int scoop_fail_prefix(struct scoop_error *error, const char *format, ...) {
    char prefix[400];
    va_list arguments;
    va_start(arguments, format);
    scoop_text_vprint(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    scoop_error_say(error, "%s%s", prefix, error->message);
    return -1;
}

struct rule {
    const char *state; /* a whole SQLSTATE or its class of two */
    enum scoop_code code;
    const char *advice;
};

static const struct rule rules[] = {
    {"40001", SCOOP_SERIALIZATION, "run it again"},
    {"40P01", SCOOP_SERIALIZATION, "run it again"},
    {"55P03", SCOOP_LOCK_TIMEOUT, "another session holds the lock; run it again later"},
    {"42501", SCOOP_ACCESS_DENIED, "ask the owner for the privilege (GRANT)"},
    {"42P01", SCOOP_NOT_FOUND, "create the table or correct its name"},
    {"3F000", SCOOP_NOT_FOUND, "create the schema or correct its name"},
    {"42703", SCOOP_NOT_FOUND, "add the column or correct its name"},
    {"3D000", SCOOP_NOT_FOUND, "create the database or correct its name"},
    {"22001", SCOOP_SQL, "a text is too long for its column; widen the column"},
    {"28", SCOOP_ACCESS_DENIED, "check user and password of the connection"},
    {"08", SCOOP_CONNECTION, "run it again"},
    {"53300", SCOOP_CONNECTION, "the server has no connection left; run it again later"},
    {"57P", SCOOP_CONNECTION, "run it again"},
};

static const struct rule *find_rule(const char *state) {
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strncmp(state, rules[i].state, strlen(rules[i].state)) == 0)
            return &rules[i];
    return NULL;
}

static const struct rule conflict = {"XX000", SCOOP_SERIALIZATION, "run it again"};
static const struct rule timeout = {"57014", SCOOP_TIMEOUT,
                                    "raise the statement timeout or make the batch smaller"};
static const struct rule cancelled = {"57014", SCOOP_CANCELLED, "it was cancelled at the server"};

/* Redshift reports a serialization failure as XX000 with the bare number as its message; its other
 * two come from tables that a concurrent refresh has just swapped. */
static bool is_conflict(const char *state, const char *primary) {
    return strcmp(state, "XX000") == 0 &&
           (strncmp(primary, "1023", 4) == 0 ||
            strstr(primary, "conflict with concurrent transaction") != NULL ||
            strstr(primary, "could not open relation with OID") != NULL);
}

static const struct rule *judge(const char *state, const char *primary, bool timed) {
    if (is_conflict(state, primary))
        return &conflict;
    if (strcmp(state, "57014") == 0)
        return timed || strstr(primary, "timeout") != NULL ? &timeout : &cancelled;
    return find_rule(state);
}

static const char *field(const PGresult *result, int which) {
    const char *text = PQresultErrorField(result, which);
    return text == NULL ? "" : text;
}

int scoop_fail_result(const PGresult *result, bool timed, struct scoop_error *error) {
    const char *state = field(result, PG_DIAG_SQLSTATE);
    const char *primary = field(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = field(result, PG_DIAG_MESSAGE_HINT);
    const struct rule *rule = judge(state, primary, timed);
    char text[700];
    if (primary[0] == 0)
        primary = PQresultErrorMessage(result);
    scoop_flatten(primary, text, sizeof text);
    scoop_fail(error, rule == NULL ? SCOOP_SQL : rule->code, "%s%s%.300s%s%s%s%.200s", text,
               detail[0] ? "; " : "", detail, rule == NULL ? "" : "; ",
               rule == NULL ? "" : rule->advice, hint[0] ? "; hint: " : "", hint);
    snprintf(error->sqlstate, sizeof error->sqlstate, "%.5s", state);
    return -1;
}

/* libpq gives no SQLSTATE for a refused login, but its verbose text has it: "FATAL:  28P01: …". */
static const char *find_state(const char *text, char state[6]) {
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (const char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        if (strspn(at + 3, set) != 5 || strncmp(at + 8, ": ", 2) != 0)
            continue;
        memcpy(state, at + 3, 5);
        state[5] = 0;
        return at + 10;
    }
    return NULL;
}

static const struct rule *judge_text(const char *text) {
    static const struct rule method = {
        "", SCOOP_ACCESS_DENIED,
        "this kind of password hash is not supported: use temporary IAM credentials, or set the "
        "user's password anew as an MD5 one"};
    static const struct rule no_password = {"", SCOOP_ACCESS_DENIED,
                                            "give the connection a password"};
    static const struct rule tls = {"", SCOOP_TLS, "check sslmode and sslrootcert"};
    static const struct rule network = {"", SCOOP_CONNECTION,
                                        "check host, port, firewall and whether it runs"};
    if (strstr(text, "authentication method") != NULL)
        return &method;
    if (strstr(text, "no password supplied") != NULL)
        return &no_password;
    if (strstr(text, "SSL") != NULL || strstr(text, "certificate") != NULL)
        return &tls;
    return &network;
}

int scoop_fail_connect(const PGconn *connection, struct scoop_error *error) {
    const char *raw = PQerrorMessage(connection);
    char state[6] = "", text[600];
    const char *primary = find_state(raw, state);
    const struct rule *rule = primary == NULL ? judge_text(raw) : find_rule(state);
    scoop_flatten(primary == NULL ? raw : primary, text, sizeof text);
    if (strncmp(text, "invalid ", 8) == 0)
        return scoop_fail(error, SCOOP_USAGE, "the connection's settings are wrong: %s", text);
    char *place = strstr(text, " LOCATION: ");
    if (place != NULL)
        *place = 0;
    scoop_fail(
        error, rule == NULL ? SCOOP_CONNECTION : rule->code,
        "user \"%.100s\" cannot connect to database \"%.100s\" at %.200s:%.10s: %s; %s",
        PQuser(connection) ? PQuser(connection) : "", PQdb(connection) ? PQdb(connection) : "",
        PQhost(connection) ? PQhost(connection) : "", PQport(connection) ? PQport(connection) : "",
        text, rule == NULL ? "see the server's log" : rule->advice);
    memcpy(error->sqlstate, state, sizeof state);
    return -1;
}
