/* The trace: off by default, one line each, and where it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"
#include "net/http.h"
#include "scoop/trace.h"

static struct scoop_trace_line last;
static unsigned lines;

static void note(const struct scoop_trace_line *line) {
    last = *line;
    lines++;
}

static int evaluated;

static int costly(void) {
    return ++evaluated;
}

static void arguments_are_not_looked_at_while_nobody_listens(void **state) {
    (void)state;
    SCOOP_TRACE("net", "%d", costly());
    assert_int_equal(evaluated, 0);
    scoop_trace_to(note);
    SCOOP_TRACE("net", "%d", costly());
    scoop_trace_to(NULL);
    SCOOP_TRACE("net", "%d", costly());
    assert_int_equal(evaluated, 1);
    assert_int_equal(lines, 1);
}

static void a_line_is_one_line_whatever_is_in_it(void **state) {
    char longest[2 * SCOOP_TRACE_TEXT_SIZE];
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    scoop_trace_to(note);
    SCOOP_TRACE("s3", "a%sb", "\r\n\x1b[31m\t");
    assert_string_equal(last.text, "a???[31m?b");
    assert_string_equal(last.subject, "s3");
    SCOOP_TRACE("s3", "%s", longest);
    assert_int_equal(strlen(last.text), SCOOP_TRACE_TEXT_SIZE - 1);
    scoop_trace_to(NULL);
}

static size_t read_back(int fd, char *text, size_t size) {
    ssize_t length = pread(fd, text, size - 1, 0);
    assert_true(length >= 0);
    text[length] = 0;
    return (size_t)length;
}

static int temporary_file(void) {
    char path[] = "/tmp/scoop-trace-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static void a_descriptor_gets_whole_lines_with_time_and_thread(void **state) {
    char text[1000];
    regex_t form;
    int fd = temporary_file();
    (void)state;
    assert_int_equal(scoop_trace_to_fd(fd), 0);
    SCOOP_TRACE("net", "#%u GET %s", 7U, "http://h/p");
    assert_int_equal(scoop_trace_to_fd(-1), 0);
    SCOOP_TRACE("net", "not any more");
    read_back(fd, text, sizeof text);
    assert_int_equal(regcomp(&form,
                             "^airscoop 2[0-9]{3}-(0[1-9]|1[0-2])-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]"
                             ":[0-5][0-9]\\.[0-9]{3}Z [0-9]+/[0-9]+ net: #7 GET http://h/p\n$",
                             REG_EXTENDED),
                     0);
    assert_int_equal(regexec(&form, text, 0, NULL, 0), 0);
    regfree(&form);
    close(fd);
}

/* As after a daemon's closing of all descriptors: the number is another file's now. */
static void another_file_of_the_same_number_is_not_written_to(void **state) {
    char text[100];
    int fd = temporary_file(), other = temporary_file(), next;
    (void)state;
    assert_int_equal(scoop_trace_to_fd(fd), 0);
    next = dup(fd); /* the one behind the trace's own */
    for (int number = 3; number < next; number++)
        if (number != fd && number != other)
            dup2(other, number);
    SCOOP_TRACE("net", "lost");
    assert_int_equal(read_back(other, text, sizeof text), 0);
    assert_int_equal(scoop_trace_to_fd(-1), 0);
    close(next);
}

static void what_is_no_descriptor_is_refused(void **state) {
    (void)state;
    assert_int_equal(scoop_trace_to_fd(1000), -1);
    assert_false(scoop_trace_is_on());
}

static void *blocked_signals(void *set) {
    pthread_sigmask(SIG_SETMASK, NULL, set);
    return NULL;
}

static void a_thread_takes_the_signals_of_its_own_faults_and_no_others(void **state) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    static const int others[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1, SIGPIPE};
    sigset_t blocked;
    pthread_t thread;
    (void)state;
    assert_true(scoop_thread_start(&thread, blocked_signals, &blocked));
    pthread_join(thread, NULL);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        assert_int_equal(sigismember(&blocked, faults[i]), 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(sigismember(&blocked, others[i]), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_not_looked_at_while_nobody_listens),
        cmocka_unit_test(a_line_is_one_line_whatever_is_in_it),
        cmocka_unit_test(what_is_no_descriptor_is_refused),
        cmocka_unit_test(a_descriptor_gets_whole_lines_with_time_and_thread),
        cmocka_unit_test(another_file_of_the_same_number_is_not_written_to),
        cmocka_unit_test(a_thread_takes_the_signals_of_its_own_faults_and_no_others),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
