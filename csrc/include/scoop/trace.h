/* Lines about what the engine does, for those who look for a fault. Off unless somebody asks. */
#ifndef SCOOP_TRACE_H
#define SCOOP_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { SCOOP_TRACE_TEXT_SIZE = 400 };

struct scoop_trace_line {
    int64_t time_ms; /* since 1970 */
    long thread;     /* the kernel's number */
    const char *subject;
    char text[SCOOP_TRACE_TEXT_SIZE]; /* cut to fit, without control characters */
};

/* A line about a subject (net, s3, kinesis, credentials, transfer, delta, publish, warehouse,
 * thread), by printf's rules. While nobody listens the arguments are not looked at. What must not
 * be seen does not get here: URLs go through scoop_url_display, statements through
 * scoop_sql_display; no header's value, no parameter, no record. */
#define SCOOP_TRACE(subject, ...)                                                                  \
    (scoop_trace_is_on() ? scoop_trace_write(subject, __VA_ARGS__) : (void)0)

/* Has each line written to `fd` at once, besides what else listens; -1: no more. The descriptor is
 * duplicated. 0, or -1 with errno. One caller at a time. */
int scoop_trace_to_fd(int fd);
/* Has each line given to `take` at once, besides; NULL: no more. It is called by any thread, also
 * by those that hold locks of ours: it takes none but its own, and calls nothing of ours. */
void scoop_trace_to(void (*take)(const struct scoop_trace_line *line));

extern atomic_uint scoop_trace_listeners;

static inline bool scoop_trace_is_on(void) {
    return atomic_load_explicit(&scoop_trace_listeners, memory_order_relaxed) != 0;
}

/* Called by the macro only. */
void scoop_trace_write(const char *subject, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
