/* Where a verb works: in which database, and in whose transaction. Verbs make their own, and what a
 * caller has left open is taken back. */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "scoop/query.h"
#include "warehouse/session/made.h"
#include "warehouse/session/session_internal.h"

/* Redshift's databases have names in small letters. */
int scoop_session_holds(struct scoop_session *session, const struct scoop_table_name *name,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    if (name->database[0] == 0)
        return 0;
    if (scoop_session_connect(session, interrupt, error) != 0)
        return -1;
    const char *own = PQdb(session->connection);
    int (*compare)(const char *, const char *) =
        session->dialect == SCOOP_REDSHIFT ? strcasecmp : strcmp;
    if (own != NULL && compare(own, name->database) == 0)
        return 0;
    return scoop_fail(error, SCOOP_USAGE,
                      "the table %.127s.%.127s.%.127s is in another database than the connection, "
                      "which is to %.127s; use a connection to %.127s",
                      name->database, name->schema, name->table, own == NULL ? "none" : own,
                      name->database);
}

int scoop_session_alone(struct scoop_session *session, const char *verb,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    if (scoop_session_connect(session, interrupt, error) != 0)
        return -1;
    switch (PQtransactionStatus(session->connection)) {
    case PQTRANS_IDLE:
        return 0;
    case PQTRANS_INERROR:
        return scoop_fail(
            error, SCOOP_USAGE,
            "%s makes a transaction of its own, and this session's has failed; %s", verb,
            session->block ? "leave the block of transaction() first" : "run ROLLBACK first");
    case PQTRANS_UNKNOWN:
        scoop_session_drop(session);
        return scoop_fail(error, SCOOP_CONNECTION, "the connection to the warehouse was lost");
    case PQTRANS_ACTIVE:
    case PQTRANS_INTRANS:
        break;
    }
    return scoop_fail(error, SCOOP_USAGE,
                      "%s makes a transaction of its own, and one is open in this session; %s, or "
                      "use another session",
                      verb,
                      session->block ? "call it after the block of transaction()"
                                     : "run COMMIT or ROLLBACK first");
}

bool scoop_session_in_transaction(const struct scoop_session *session) {
    if (session->connection == NULL || session->pid != getpid())
        return false;
    if (session->query.open)
        return session->query.within;
    PGTransactionStatusType status = PQtransactionStatus(session->connection);
    return status != PQTRANS_IDLE && status != PQTRANS_UNKNOWN;
}

bool scoop_session_take_back(struct scoop_session *session) {
    scoop_query_close(session);
    bool open = session->left_open || scoop_session_in_transaction(session);
    scoop_session_rollback(session);
    return open;
}

int scoop_session_begin(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                        struct scoop_error *error) {
    if (scoop_session_alone(session, "transaction", interrupt, error) != 0)
        return -1;
    int result = scoop_session_run(session, "BEGIN", interrupt, error);
    if (result != 0)
        scoop_session_rollback(session);
    session->block = result == 0;
    return result;
}

int scoop_session_within(const struct scoop_session *session, const char *sql,
                         struct scoop_error *error) {
    if (!session->block)
        return 0;
    if (!scoop_session_in_transaction(session))
        return scoop_fail(error, SCOOP_USAGE,
                          "the transaction of transaction() was ended within its block; leave the "
                          "block, as nothing after that would be part of it");
    if (!scoop_sql_ends_transaction(sql, session->dialect == SCOOP_REDSHIFT))
        return 0;
    return scoop_fail(error, SCOOP_USAGE,
                      "within the block of transaction() a statement neither begins nor ends a "
                      "transaction (on Redshift TRUNCATE does, too): the end of the block commits, "
                      "an exception rolls back");
}

/* Whether what the block did can be committed. */
static int check_end(struct scoop_session *session, struct scoop_made *made,
                     struct scoop_error *error) {
    if (scoop_session_usable(session, error) != 0 || scoop_session_unread(session, error) != 0)
        return -1;
    switch (PQtransactionStatus(session->connection)) {
    case PQTRANS_INTRANS:
        return 0;
    case PQTRANS_INERROR:
        return scoop_fail(error, SCOOP_USAGE,
                          "a statement of the transaction has failed, so all of it was rolled "
                          "back; let its error leave the block, or use a savepoint");
    case PQTRANS_UNKNOWN:
        scoop_session_drop(session);
        return scoop_fail(error, SCOOP_CONNECTION, "the connection to the warehouse was lost");
    case PQTRANS_ACTIVE:
    case PQTRANS_IDLE:
        break;
    }
    made->unknown = true;
    return scoop_fail(error, SCOOP_USAGE,
                      "the transaction of transaction() was ended within its block");
}

int scoop_session_commit(struct scoop_session *session, const struct scoop_interrupt *interrupt,
                         struct scoop_error *error) {
    struct scoop_made made = {0};
    int result = check_end(session, &made, error);
    if (result == 0) {
        result = scoop_session_run(session, "COMMIT", interrupt, error);
        scoop_made_add(&made, session);
    }
    scoop_session_abandon(session);
    return result == 0 ? 0 : scoop_made_tell(&made, made.some, error);
}

void scoop_session_abandon(struct scoop_session *session) {
    scoop_session_take_back(session);
    session->block = session->left_open = false;
}
