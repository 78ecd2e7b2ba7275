/* PQcancel waits for a connection of its own without limit, so a helper thread does it. Where there
 * is none, a second session asks instead, which can be waited for with a limit. */
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/thread.h"
#include "scoop/memory.h"
#include "warehouse/session/session_internal.h"

enum { CANCEL_WAIT_SECONDS = 1, PLACE = 3 /* host, address and port that were connected to */ };

struct request {
    PGcancel *cancel;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int owners; /* caller and helper; the last one to leave releases */
    bool sent;
};

static void leave(struct request *request) {
    int owners = --request->owners;
    pthread_mutex_unlock(&request->mutex);
    if (owners > 0)
        return;
    PQfreeCancel(request->cancel);
    pthread_cond_destroy(&request->changed);
    pthread_mutex_destroy(&request->mutex);
    scoop_free(request);
}

static void *send_request(void *argument) {
    struct request *request = argument;
    char reason[256];
    PQcancel(request->cancel, reason, sizeof reason);
    pthread_mutex_lock(&request->mutex);
    request->sent = true;
    pthread_cond_signal(&request->changed);
    leave(request);
    return NULL;
}

static bool start_helper(struct request *request) {
    pthread_t helper;
    if (!scoop_thread_start(&helper, send_request, request))
        return false;
    pthread_detach(helper);
    return true;
}

/* False: the deadline has passed. */
static bool wait_until(PGconn *session, short events, uint64_t deadline_ms) {
    struct pollfd polled = {.fd = PQsocket(session), .events = events};
    uint64_t now = scoop_now_ms();
    if (now >= deadline_ms)
        return false;
    poll(&polled, 1, (int)(deadline_ms - now));
    return true;
}

/* The same server, user and settings. NULL: no memory. */
static PGconn *start_second(PGconn *first) {
    PQconninfoOption *settings = PQconninfo(first);
    size_t count = 0, used = 0;
    PGconn *second = NULL;
    while (settings != NULL && settings[count].keyword != NULL)
        count++;
    const char **keywords = scoop_calloc(count + PLACE + 1, sizeof *keywords);
    const char **values = scoop_calloc(count + PLACE + 1, sizeof *values);
    if (settings != NULL && keywords != NULL && values != NULL) {
        for (; used < count; used++)
            keywords[used] = settings[used].keyword, values[used] = settings[used].val;
        keywords[used] = "host", values[used++] = PQhost(first);
        keywords[used] = "hostaddr", values[used++] = PQhostaddr(first);
        keywords[used] = "port", values[used] = PQport(first);
        second = PQconnectStartParams(keywords, values, 0);
    }
    scoop_free(keywords);
    scoop_free(values);
    scoop_session_free_settings(settings);
    return second;
}

static bool connect_until(PGconn *session, uint64_t deadline_ms) {
    PostgresPollingStatusType status =
        PQstatus(session) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK && status != PGRES_POLLING_FAILED) {
        if (!wait_until(session, status == PGRES_POLLING_WRITING ? POLLOUT : POLLIN, deadline_ms))
            return false;
        status = PQconnectPoll(session);
    }
    return status == PGRES_POLLING_OK;
}

static void request_here(PGconn *first) {
    uint64_t deadline_ms = scoop_now_ms() + CANCEL_WAIT_SECONDS * 1000;
    PGconn *second = start_second(first);
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT pg_cancel_backend(%d)", PQbackendPID(first));
    if (second != NULL)
        PQsetNoticeProcessor(second, scoop_session_drop_notice, NULL);
    if (second != NULL && connect_until(second, deadline_ms) && PQsendQuery(second, sql) == 1)
        while (PQisBusy(second) != 0 && wait_until(second, POLLIN, deadline_ms) &&
               PQconsumeInput(second) != 0)
            ;
    PQfinish(second);
}

void scoop_cancel_request(PGconn *connection) {
    struct request *request = scoop_calloc(1, sizeof *request);
    if (request == NULL)
        return;
    request->cancel = PQgetCancel(connection);
    pthread_mutex_init(&request->mutex, NULL);
    scoop_timed_condition_init(&request->changed);
    request->owners = 2;
    pthread_mutex_lock(&request->mutex);
    if (request->cancel == NULL || !start_helper(request)) {
        request->owners = 1;
        request->sent = true;
        request_here(connection);
    }
    struct timespec until = scoop_time_after_ms(CANCEL_WAIT_SECONDS * 1000);
    int timed_out = 0;
    while (!request->sent && timed_out == 0)
        timed_out = pthread_cond_timedwait(&request->changed, &request->mutex, &until);
    leave(request);
}
