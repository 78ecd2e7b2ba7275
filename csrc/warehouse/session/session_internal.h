/* What the files of session/ share; the only header that shows libpq. */
#ifndef SCOOP_WAREHOUSE_SESSION_SESSION_INTERNAL_H
#define SCOOP_WAREHOUSE_SESSION_SESSION_INTERNAL_H

#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "warehouse/session/session.h"

struct scoop_rows {
    PGresult *result;
};

/* A statement whose rows are read one after the other. */
struct scoop_query_state {
    PGresult *columns; /* names and types, also when it has ended; NULL: there was none yet */
    uint64_t number;   /* of the session's queries */
    PGresult *row;     /* NULL: none is at hand */
    bool open;         /* the server has more to say */
    bool fresh;        /* the row was not asked for yet */
    bool within;       /* a transaction was open before */
};

struct scoop_session {
    char **keywords; /* owned, closed by NULL; NULL once connected */
    char **values;
    enum scoop_dialect dialect;
    char *label;
    char *ca_file; /* NULL: libpq's own */
    int64_t lock_timeout_ms;
    int64_t statement_timeout_ms;
    PGconn *connection;     /* NULL: not connected yet, or lost */
    bool lost;              /* the connection was lost; no other follows */
    bool left_open;         /* a cancel has dropped it in a transaction of the caller's */
    bool block;             /* that transaction is one of scoop_session_begin */
    bool timed;             /* a statement timeout is set, so 57014 may come from it */
    char usual_timeout[32]; /* statement_timeout before a lock was waited for */
    char held_by[500];      /* of what is waited for; "" where nobody tells */
    char waits_for[900];    /* "" when nothing is */
    char constraint[256];   /* that the last statement broke; "" for none */
    bool succeeded;         /* how the server answered the last statement, even a cancelled one */
    bool may_commit;        /* the last statement, had it been carried out */
    enum scoop_committed made; /* what the last statement has committed, whatever it ended with */
    struct scoop_query_state query; /* the rows that are being read */
    pid_t pid;                      /* the process that made the session */
    int wake_fd;         /* readable once cancelled; -1: there is nothing to be woken from */
    uint64_t checked_ms; /* when the interrupt was asked last */
    atomic_bool cancelled;
};

/* The end of a wait. */
enum scoop_wait { SCOOP_WAIT_READY, SCOOP_WAIT_STOP, SCOOP_WAIT_LATE };

/* How long and how deaf a wait is. */
struct scoop_patience {
    const struct scoop_interrupt *interrupt;
    uint64_t deadline_ms; /* of scoop_now_ms; 0: none */
    bool deaf;            /* hears neither cancel nor interrupt: cleaning up must go through */
};

/* Waits until the socket is ready for one of `events` (of poll), the caller wants to stop, or the
 * deadline has passed. */
enum scoop_wait scoop_session_wait(struct scoop_session *session, short events,
                                   const struct scoop_patience *patience);
/* Whether a transaction is open or failed, and this process may end it. */
bool scoop_session_in_transaction(const struct scoop_session *session);

/* What to do, once, when a statement has not been answered after a while. */
struct scoop_late {
    uint64_t after_ms;
    void (*call)(void *user);
    void *user;
};
int scoop_session_run_watched(struct scoop_session *session, const char *sql,
                              const struct scoop_late *late,
                              const struct scoop_interrupt *interrupt, struct scoop_error *error);
/* Releases what libpq says of settings, passwords among them. NULL is allowed. */
void scoop_session_free_settings(PQconninfoOption *settings);
/* For PQsetNoticeProcessor: nothing is printed. */
void scoop_session_drop_notice(void *user, const char *message);
/* Closes the connection; the session is lost. */
void scoop_session_drop(struct scoop_session *session);

/* Refuses a text of several statements. */
int scoop_session_several(const struct scoop_session *session, const char *sql,
                          struct scoop_error *error);
/* Ends the query whose rows are being read, on the server too, and forgets its columns. */
void scoop_query_forget(struct scoop_session *session);

/* Asks the server to end the statement under way; gives up waiting after a second. */
void scoop_cancel_request(PGconn *connection);

/* Fills *error from a failed result; `timed` says that a statement timeout was set. Returns -1. */
int scoop_fail_result(const PGresult *result, bool timed, struct scoop_error *error);
/* Fills *error from a failed attempt to connect. Returns -1. */
int scoop_fail_connect(const PGconn *connection, struct scoop_error *error);

#endif
