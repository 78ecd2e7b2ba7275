#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/descriptors.h"
#include "net/engine_internal.h"
#include "scoop/memory.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static CURLcode curl_started;

static void start_curl(void) {
    curl_started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct scoop_engine *scoop_engine_new(const struct scoop_engine_options *options,
                                      struct scoop_error *error) {
    pthread_once(&curl_once, start_curl);
    if (curl_started != CURLE_OK) {
        scoop_fail(error, SCOOP_INTERNAL, "libcurl could not be set up: %s",
                   curl_easy_strerror(curl_started));
        return NULL;
    }
    struct scoop_engine *engine = scoop_calloc(1, sizeof *engine);
    if (engine == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    engine->limits = options->limits;
    engine->multi = curl_multi_init();
    if (engine->multi == NULL && scoop_descriptors_are_spent()) {
        scoop_fail_descriptors(error, "setting up connections");
        scoop_engine_free(engine);
        return NULL;
    }
    if (options->ca_file != NULL)
        engine->ca_file = scoop_strdup(options->ca_file);
    if (engine->multi == NULL || (options->ca_file != NULL && engine->ca_file == NULL)) {
        scoop_fail_memory(error);
        scoop_engine_free(engine);
        return NULL;
    }
    return engine;
}

void scoop_engine_free(struct scoop_engine *engine) {
    if (engine == NULL)
        return;
    while (engine->exchanges != NULL)
        scoop_http_cancel(engine->exchanges);
    while (engine->timers != NULL)
        scoop_engine_forget(engine, engine->timers->user);
    curl_multi_cleanup(engine->multi);
    scoop_free(engine->ca_file);
    scoop_free(engine);
}

int scoop_engine_after(struct scoop_engine *engine, uint64_t delay_ms, void (*fire)(void *user),
                       void *user, struct scoop_error *error) {
    struct scoop_timer *timer = scoop_malloc(sizeof *timer);
    if (timer == NULL)
        return scoop_fail_memory(error);
    *timer = (struct scoop_timer){engine->timers, scoop_now_ms() + delay_ms, fire, user};
    engine->timers = timer;
    return 0;
}

void scoop_engine_forget(struct scoop_engine *engine, const void *user) {
    struct scoop_timer **link = &engine->timers;
    while (*link != NULL) {
        struct scoop_timer *timer = *link;
        if (timer->user == user) {
            *link = timer->next;
            scoop_free(timer);
        } else {
            link = &timer->next;
        }
    }
}

static struct scoop_timer *take_due(struct scoop_engine *engine, uint64_t now) {
    for (struct scoop_timer **link = &engine->timers; *link != NULL; link = &(*link)->next) {
        struct scoop_timer *timer = *link;
        if (timer->due_ms <= now) {
            *link = timer->next;
            return timer;
        }
    }
    return NULL;
}

static void fire_timers(struct scoop_engine *engine) {
    uint64_t now = scoop_now_ms();
    struct scoop_timer *timer;
    while ((timer = take_due(engine, now)) != NULL) {
        timer->fire(timer->user);
        scoop_free(timer);
    }
}

static int wait_bounded_by_timers(const struct scoop_engine *engine, int wait_ms) {
    uint64_t now = scoop_now_ms();
    for (const struct scoop_timer *timer = engine->timers; timer != NULL; timer = timer->next) {
        uint64_t left = timer->due_ms > now ? timer->due_ms - now : 0;
        if (left < (uint64_t)wait_ms)
            wait_ms = (int)left;
    }
    return wait_ms;
}

static int failed(CURLMcode result, struct scoop_error *error) {
    return scoop_fail(error, SCOOP_INTERNAL, "libcurl: %s", curl_multi_strerror(result));
}

/* A body that could not be resumed is not spoken of by libcurl again. */
static bool finish_refused(struct scoop_engine *engine) {
    for (struct scoop_http_exchange *exchange = engine->exchanges; exchange != NULL;
         exchange = exchange->next)
        if (exchange->resumed != CURLE_OK) {
            scoop_http_finished(exchange, exchange->resumed);
            return true;
        }
    return false;
}

static bool finish_ended(struct scoop_engine *engine) {
    bool any = false;
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(engine->multi, &left)) != NULL) {
        struct scoop_http_exchange *exchange = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
        scoop_http_finished(exchange, result);
        any = true;
    }
    while (engine->refused && finish_refused(engine))
        any = true;
    engine->refused = false;
    return any;
}

static int run(struct scoop_engine *engine, int wait_ms, int wake_fd, struct scoop_error *error) {
    struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
    int running;
    engine->active = false;
    fire_timers(engine);
    CURLMcode result = curl_multi_perform(engine->multi, &running);
    if (result != CURLM_OK)
        return failed(result, error);
    bool ended = finish_ended(engine);
    ended = scoop_http_pace_look(engine) || ended;
    if (ended || engine->active)
        return 0;
    wait_ms = scoop_http_pace_wait(engine, wait_bounded_by_timers(engine, wait_ms));
    if (wait_ms <= 0)
        return 0;
    result = curl_multi_poll(engine->multi, &wake, wake_fd >= 0, wait_ms, NULL);
    return result == CURLM_OK ? 0 : failed(result, error);
}

int scoop_engine_run_until(struct scoop_engine *engine, int wait_ms, int wake_fd,
                           struct scoop_error *error) {
    scoop_http_pace_return(engine);
    int status = run(engine, wait_ms, wake_fd, error);
    scoop_http_pace_leave(engine);
    return status;
}

int scoop_engine_run(struct scoop_engine *engine, int wait_ms, struct scoop_error *error) {
    return scoop_engine_run_until(engine, wait_ms, -1, error);
}
