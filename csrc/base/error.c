#include "scoop/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "text/text.h"

struct code_facts {
    const char *name;
    const char *exception;
    const char *base;
    bool retryable;
    const char *sentence;
};

static const struct code_facts table[SCOOP_CODE_COUNT] = {
#define X(name, exception, base, retryable, sentence) {#name, exception, base, retryable, sentence},
    SCOOP_ERRORS(X)
#undef X
};

static const struct code_facts *facts(enum scoop_code code) {
    return &table[(unsigned)code < SCOOP_CODE_COUNT ? code : SCOOP_INTERNAL];
}

const char *scoop_code_name(enum scoop_code code) {
    return facts(code)->name;
}

const char *scoop_code_exception(enum scoop_code code) {
    return facts(code)->exception;
}

const char *scoop_code_base(enum scoop_code code) {
    return facts(code)->base;
}

const char *scoop_code_sentence(enum scoop_code code) {
    return facts(code)->sentence;
}

/* In both, the text is made first: the arguments may point into *error. */
static void fill(struct scoop_error *error, enum scoop_code code, const char *format,
                 va_list arguments) {
    struct scoop_error filled = {.code = code, .retryable = facts(code)->retryable};
    scoop_text_vprint(filled.message, sizeof filled.message, format, arguments);
    *error = filled;
}

void scoop_error_say(struct scoop_error *error, const char *format, ...) {
    char message[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    size_t length = scoop_text_vprint(message, sizeof message, format, arguments);
    va_end(arguments);
    memcpy(error->message, message, length + 1);
}

int scoop_fail(struct scoop_error *error, enum scoop_code code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, format, arguments);
    va_end(arguments);
    return -1;
}

static enum scoop_code code_of_errno(int os_errno) {
    switch (os_errno) {
    case ENOENT:
        return SCOOP_NOT_FOUND;
    case EACCES:
    case EPERM:
        return SCOOP_ACCESS_DENIED;
    case ENOMEM:
        return SCOOP_NO_MEMORY;
    default:
        return SCOOP_IO;
    }
}

int scoop_fail_errno(struct scoop_error *error, int os_errno, const char *format, ...) {
    char reason[128];
    va_list arguments;
    va_start(arguments, format);
    fill(error, code_of_errno(os_errno), format, arguments);
    va_end(arguments);
    error->os_errno = os_errno;
    const char *why = strerror_r(os_errno, reason, sizeof reason);
    int room = (int)(sizeof error->message - sizeof ": " - strlen(why));
    scoop_error_say(error, "%.*s: %s", room, error->message, why);
    return -1;
}

int scoop_fail_file(struct scoop_error *error, int os_errno, const char *doing, const char *path) {
    scoop_fail_errno(error, os_errno, "%s %s", doing, path);
    scoop_error_place(error, "%s", path);
    return -1;
}

void scoop_error_place(struct scoop_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(error->place, sizeof error->place, format, arguments);
    va_end(arguments);
    if (length < 0)
        error->place[0] = 0;
}

/* The system refuses memory by these alone: a container's limit ends the process. */
int scoop_fail_memory(struct scoop_error *error) {
    static const struct {
        enum __rlimit_resource resource; /* as glibc declares getrlimit */
        const char *option;
    } limits[] = {{RLIMIT_AS, "-v"}, {RLIMIT_DATA, "-d"}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit limit;
        if (getrlimit(limits[i].resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
            return scoop_fail(error, SCOOP_NO_MEMORY,
                              "out of memory: the process may have %llu bytes (ulimit %s)",
                              (unsigned long long)limit.rlim_cur, limits[i].option);
    }
    return scoop_fail(error, SCOOP_NO_MEMORY, "out of memory");
}
