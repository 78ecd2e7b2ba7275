/* Where a verb works: in which database, and in whose transaction. Verbs make their own, and what a
 * caller has left open is taken back. */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "scoop/query.h"
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
        return scoop_fail(error, SCOOP_USAGE,
                          "%s makes a transaction of its own, and this session's has failed; run "
                          "ROLLBACK first",
                          verb);
    case PQTRANS_UNKNOWN:
        scoop_session_drop(session);
        return scoop_fail(error, SCOOP_CONNECTION, "the connection to the warehouse was lost");
    case PQTRANS_ACTIVE:
    case PQTRANS_INTRANS:
        break;
    }
    return scoop_fail(error, SCOOP_USAGE,
                      "%s makes a transaction of its own, and one is open in this session; run "
                      "COMMIT or ROLLBACK first, or use another session",
                      verb);
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
