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

/* The proxy of a request: how it is shown, and what names it. */
struct scoop_proxy {
    char shown[160];      /* "": none */
    const char *named_by; /* static: a variable, or "proxies" of the settings */
};

struct scoop_engine {
    CURLM *multi;
    char *ca_file;
    struct scoop_request_limits limits; /* of the requests that have none of their own */
    uint64_t looked_ms;                 /* when the limits of time were looked at last */
    uint64_t left_ms;                   /* when the last run ended; 0: there was none */
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
    char *url;                         /* where the request under way goes */
    CURL *easy;
    char *home; /* of a web address: where own_headers, cookie and a login may go */
    struct curl_slist *headers;
    struct curl_slist *own_headers; /* the same with the caller's own */
    char *cookie;                   /* of the caller's own headers */
    struct scoop_cookie_jar *jars;
    size_t body_sent;
    struct scoop_buf head; /* raw header block of the answer under way */
    struct scoop_buf body;
    char header_value[2048];
    char where[160];         /* scheme://host/path for messages */
    char redirected_to[160]; /* the same of the last redirect; "": none */
    unsigned redirects;
    struct scoop_proxy proxy;
    char curl_text[CURL_ERROR_SIZE];
    bool posts; /* the request under way has a body, and is a web source's */
    bool head_is_whole;
    uint64_t head_ms; /* when it became so */
    bool head_done;
    bool refused; /* the answer is an error, which error holds: its words are read */
    uint64_t refused_ms;
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

/* What the exchange may take: its own limits, else the engine's, else the usual ones. */
struct scoop_request_limits scoop_http_limits(const struct scoop_http_exchange *exchange);
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
void scoop_http_trace_redirect(const struct scoop_http_exchange *exchange);
void scoop_http_trace_head(struct scoop_http_exchange *exchange);
void scoop_http_trace_end(struct scoop_http_exchange *exchange, const char *how);

/* --- redirect.c --- */

/* Whether the answer, whose head is whole, names another place that the request is to go to. */
bool scoop_http_is_redirect(struct scoop_http_exchange *exchange);
/* Whether a redirect's body is read, and thrown away, so that the connection can be kept. */
bool scoop_http_redirect_body_is_short(struct scoop_http_exchange *exchange);
/* Sends the request to the place that the answer names. 0, or -1 with the exchange's error. */
int scoop_http_follow(struct scoop_http_exchange *exchange);

/* --- request_headers.c --- */

/* Copies the headers of the request and the caller's own. 0 or -1. */
int scoop_http_copy_headers(struct scoop_http_exchange *exchange, struct scoop_error *error);
/* Has the request carry what may go to its present address. */
void scoop_http_set_headers(struct scoop_http_exchange *exchange);
/* Whether the present address has the scheme, host and port of the first one. */
bool scoop_http_is_at_home(const struct scoop_http_exchange *exchange);
void scoop_http_free_headers(struct scoop_http_exchange *exchange);

/* --- proxy.c --- */

/* Has the request go through its own proxy, or the one that the environment names for its
 * address. */
void scoop_http_set_proxy(struct scoop_http_exchange *exchange);

/* --- server_words.c --- */

/* Adds what the server says to the exchange's error. */
void scoop_http_add_words(struct scoop_http_exchange *exchange);

/* --- transport_error.c --- */

/* Fills the exchange's error with what libcurl says. */
void scoop_http_fail_transport(struct scoop_http_exchange *exchange, CURLcode result);
/* … with what is said of headers that are too long. */
void scoop_http_fail_head(struct scoop_http_exchange *exchange);

/* --- http.c --- */

/* Gives the request to libcurl, for the present address. 0 or -1. */
int scoop_http_send(struct scoop_http_exchange *exchange, struct scoop_error *error);
/* Sets an option; the first one that libcurl does not take is kept in `set`. */
#define SCOOP_HTTP_SET(exchange, option, value)                                                    \
    do {                                                                                           \
        CURLcode taken = curl_easy_setopt((exchange)->easy, option, value);                        \
        if ((exchange)->set == CURLE_OK)                                                           \
            (exchange)->set = taken;                                                               \
    } while (0)

/* Called by the engine when libcurl says that an exchange ended. */
void scoop_http_finished(struct scoop_http_exchange *exchange, CURLcode result);

#endif
