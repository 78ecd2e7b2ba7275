/* Shared by the files of csrc/net, which alone use libcurl. */
#ifndef SCOOP_NET_ENGINE_INTERNAL_H
#define SCOOP_NET_ENGINE_INTERNAL_H

#include <curl/curl.h>

#include "net/http.h"

struct scoop_timer {
    struct scoop_timer *next;
    uint64_t due_ms;
    void (*fire)(void *user);
    void *user;
};

struct scoop_engine {
    CURLM *multi;
    char *ca_file;
    uint64_t connect_ms, idle_ms;
    uint64_t least_rate; /* 0: any */
    uint64_t looked_ms;  /* when the limits of time were looked at last */
    uint64_t left_ms;    /* when the last run ended; 0: there was none */
    struct scoop_timer *timers;
    struct scoop_http_exchange *exchanges;
    bool refused; /* a body could not be resumed */
    bool active;  /* a callback brought something: its owner looks before anyone waits */
};

/* How fast an exchange moves. */
struct scoop_pace {
    bool begun;                       /* a body's byte has come */
    bool paused;                      /* its reader has no room: nobody is slow but us */
    uint64_t moved;                   /* bytes in either direction at the last look */
    uint64_t moved_ms;                /* when it was found to have moved */
    uint64_t window_ms, window_bytes; /* where the rate is measured from */
};

struct scoop_http_exchange {
    struct scoop_engine *engine;
    struct scoop_http_exchange *previous, *next;
    struct scoop_http_request request; /* url, headers and method are not kept */
    CURL *easy;
    struct curl_slist *headers;
    size_t body_sent;
    struct scoop_buf head; /* raw header block of the answer under way */
    struct scoop_buf body;
    char header_value[2048];
    char where[160]; /* scheme://host/path for messages */
    char curl_text[CURL_ERROR_SIZE];
    bool head_done;
    bool repeated;    /* the body was rewound */
    bool stopped;     /* a callback ended it: error holds why */
    CURLcode set;     /* the first option that libcurl did not take */
    CURLcode resumed; /* what libcurl said when it was to go on */
    struct scoop_error error;
    enum scoop_http_fault fault;
    struct scoop_pace pace;
    unsigned number; /* in the trace */
    uint64_t begun_ms;
};

/* --- http_pace.c --- */

void scoop_http_pace_begin(struct scoop_http_exchange *exchange);
/* Bytes of the body have come. */
void scoop_http_pace_came(struct scoop_http_exchange *exchange);
/* Its reader has no room, or has room again. */
void scoop_http_pace_pause(struct scoop_http_exchange *exchange, bool paused);
/* Ends each exchange that takes too long. Whether there was one. */
bool scoop_http_pace_look(struct scoop_engine *engine);
/* A run begins, and ends: the time between two is nobody's delay. */
void scoop_http_pace_return(struct scoop_engine *engine);
void scoop_http_pace_leave(struct scoop_engine *engine);
/* wait_ms, or less, if a limit of an exchange is nearer. */
int scoop_http_pace_wait(const struct scoop_engine *engine, int wait_ms);

/* --- http_trace.c --- */

void scoop_http_trace_start(struct scoop_http_exchange *exchange, const char *method);
void scoop_http_trace_head(struct scoop_http_exchange *exchange);
void scoop_http_trace_end(struct scoop_http_exchange *exchange, const char *how);

/* Called by the engine when libcurl says that an exchange ended. */
void scoop_http_finished(struct scoop_http_exchange *exchange, CURLcode result);

#endif
