/* PQcancel waits for a connection of its own without limit, so a helper thread does it. */
#include <time.h>

#include "scoop/memory.h"
#include "scoop/thread.h"
#include "session_internal.h"

enum { CANCEL_WAIT_SECONDS = 1 };

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

static int start_helper(struct request *request) {
    struct scoop_error ignored = {0};
    pthread_t helper;
    if (scoop_thread_start(&helper, send_request, request, &ignored) != 0)
        return -1;
    pthread_detach(helper);
    return 0;
}

void scoop_cancel_request(PGconn *connection) {
    struct request *request = scoop_calloc(1, sizeof *request);
    if (request == NULL)
        return;
    request->cancel = PQgetCancel(connection);
    pthread_mutex_init(&request->mutex, NULL);
    pthread_cond_init(&request->changed, NULL);
    request->owners = 2;
    pthread_mutex_lock(&request->mutex);
    if (request->cancel == NULL || start_helper(request) != 0) {
        request->owners = 1;
        request->sent = true;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CANCEL_WAIT_SECONDS;
    int timed_out = 0;
    while (!request->sent && timed_out == 0)
        timed_out = pthread_cond_timedwait(&request->changed, &request->mutex, &until);
    leave(request);
}
