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
    long connect_timeout_ms;
    long stall_timeout_seconds;
    struct scoop_timer *timers;
    struct scoop_http_exchange *exchanges;
    bool refused; /* a body could not be resumed */
    bool active;  /* a callback brought something: its owner looks before anyone waits */
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
    unsigned number; /* in the trace */
    uint64_t begun_ms;
};

/* --- http_trace.c --- */

void scoop_http_trace_start(struct scoop_http_exchange *exchange, const char *method);
void scoop_http_trace_head(struct scoop_http_exchange *exchange);
void scoop_http_trace_end(struct scoop_http_exchange *exchange, const char *how);

/* Called by the engine when libcurl says that an exchange ended. */
void scoop_http_finished(struct scoop_http_exchange *exchange, CURLcode result);

#endif
