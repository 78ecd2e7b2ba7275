/* How sources are asked for over the network: what may take how long, and what is tried again. */
#ifndef SCOOP_WEB_H
#define SCOOP_WEB_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SCOOP_WEB_FIRST_BYTE_MS = 300000, /* a report may be made before it is sent */
    SCOOP_WEB_RETRY_BASE_MS = 1000,
    SCOOP_WEB_RETRY_WAITS = 30, /* base waits, in all */
    SCOOP_WEB_RESTARTS = 2,
};

/* Zero-initialise; 0 is the default that is named. */
struct scoop_web_options {
    /* Of every connection: SCOOP_CONNECT_MS and SCOOP_IDLE_MS. */
    uint64_t connect_ms, idle_ms;
    uint64_t first_byte_ms; /* of the source's body: SCOOP_WEB_FIRST_BYTE_MS, or SCOOP_FIRST_BYTE_MS
                               of S3 */
    uint64_t whole_ms;      /* of the transfer until it commits; 0: any time */
    uint64_t least_rate;    /* bytes per second that a body brings over each idle_ms; 0: any */
    /* Of a web source; S3's requests have their own rule (base/retry.h). */
    int retry_ms; /* all waits of one outage together: SCOOP_WEB_RETRY_WAITS; negative: no retry */
    uint64_t retry_base_ms; /* the first wait: SCOOP_WEB_RETRY_BASE_MS */
    int restarts; /* from the start, where the rest cannot be asked for: SCOOP_WEB_RESTARTS;
                     negative: none */
    /* Lines "Name: value", sent to the scheme, host and port of the source's address alone; not
     * those that say how data come, such as Range. */
    const char *headers;
    const char *user_agent; /* NULL: "airscoop" */
    /* What is POSTed for the source, once: nothing is tried again, taken up or restarted after its
     * first byte went out, unless it is idempotent. NULL: GET. */
    const char *body;
    bool idempotent;
};

#endif
