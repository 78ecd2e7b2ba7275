#include "base/clock.h"
#include "scoop/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TO_FD = 1, TO_TAKER = 2, LEAST_FD = 3 };

atomic_uint scoop_trace_listeners;

static _Atomic(void (*)(const struct scoop_trace_line *)) taker;

/* Opened once and never closed, so that no thread writes to another's file of the same number; what
 * it leads to is changed by dup3. The identity tells when somebody else has closed it. */
static atomic_int trace_fd = -1;
static _Atomic(dev_t) fd_device;
static _Atomic(ino_t) fd_inode;

static int lead_to(int fd) {
    struct stat file;
    int own = atomic_load(&trace_fd);
    if (fstat(fd, &file) != 0)
        return -1;
    atomic_store(&fd_device, file.st_dev);
    atomic_store(&fd_inode, file.st_ino);
    if (own >= 0)
        return dup3(fd, own, O_CLOEXEC) < 0 ? -1 : 0;
    own = fcntl(fd, F_DUPFD_CLOEXEC, LEAST_FD);
    atomic_store(&trace_fd, own);
    return own < 0 ? -1 : 0;
}

static int let_go(void) {
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    atomic_fetch_and(&scoop_trace_listeners, ~(unsigned)TO_FD);
    int status = nowhere < 0 || atomic_load(&trace_fd) < 0 ? 0 : lead_to(nowhere);
    if (nowhere >= 0)
        close(nowhere);
    return status;
}

int scoop_trace_to_fd(int fd) {
    if (fd < 0)
        return let_go();
    if (lead_to(fd) != 0)
        return -1;
    atomic_fetch_or(&scoop_trace_listeners, TO_FD);
    return 0;
}

void scoop_trace_to(void (*take)(const struct scoop_trace_line *line)) {
    if (take != NULL) {
        atomic_store(&taker, take);
        atomic_fetch_or(&scoop_trace_listeners, TO_TAKER);
    } else {
        atomic_fetch_and(&scoop_trace_listeners, ~(unsigned)TO_TAKER);
    }
}

/* 1970-01-01T00:00:00.000Z: without gmtime_r, whose lock a forked child may find taken. */
static void print_time(int64_t time_ms, char *text, size_t size) {
    int64_t days = time_ms / 86400000;
    unsigned of_day = (unsigned)(time_ms % 86400000);
    int64_t shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0: March */
    snprintf(text, size, "%04lld-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (long long)(year + era * 400 + (month >= 10)),
             (unsigned)(month < 10 ? month + 3 : month - 9),
             (unsigned)(of_year - (153 * month + 2) / 5 + 1), of_day / 3600000, of_day / 60000 % 60,
             of_day / 1000 % 60, of_day % 1000);
}

/* At once, and in one piece; a line that cannot be written is lost. */
static void write_line(const struct scoop_trace_line *line) {
    char whole[SCOOP_TRACE_TEXT_SIZE + 140], when[48];
    struct stat file;
    int fd = atomic_load(&trace_fd);
    if (fstat(fd, &file) != 0 || file.st_dev != atomic_load(&fd_device) ||
        file.st_ino != atomic_load(&fd_inode))
        return;
    print_time(line->time_ms, when, sizeof when);
    int length = snprintf(whole, sizeof whole, "airscoop %s %ld/%ld %s: %s\n", when, (long)getpid(),
                          line->thread, line->subject, line->text);
    while (write(fd, whole, (size_t)length) < 0 && errno == EINTR)
        ;
}

/* What a server, a file name or a statement gives may not look like a line of its own. */
static void hide_control_characters(char *text) {
    for (unsigned char *c = (unsigned char *)text; *c != 0; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
}

void scoop_trace_write(const char *subject, const char *format, ...) {
    struct scoop_trace_line line = {.subject = subject, .thread = (long)gettid()};
    unsigned listeners = atomic_load(&scoop_trace_listeners);
    int kept = errno;
    va_list arguments;
    line.time_ms = scoop_unix_ms();
    va_start(arguments, format);
    vsnprintf(line.text, sizeof line.text, format, arguments);
    va_end(arguments);
    hide_control_characters(line.text);
    if ((listeners & TO_FD) != 0)
        write_line(&line);
    if ((listeners & TO_TAKER) != 0)
        atomic_load (&taker)(&line);
    errno = kept;
}
