// measured REPORT PROGRAM [ARG …] ['|' PROGRAM [ARG …]] …: runs a pipeline and writes as JSON to
// REPORT its wall time and each process's CPU seconds and peak memory. What wait4 says of a
// program's peak includes its parent's size before exec, so the parent has to be this small.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PROGRAMS = 8 };

extern char **environ;

struct program {
    char **words;
    pid_t pid;
    int status;
    struct rusage usage;
};

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void fail(const char *what, int error)
{
    fprintf(stderr, "measured: %s: %s\n", what, strerror(error));
    exit(127);
}

// Splits the words at each "|"; returns the number of programs.
static int split(char **words, struct program *programs)
{
    int count = 0;
    programs[count++].words = words;
    for (; *words != NULL; words++) {
        if (strcmp(*words, "|") == 0 && count < MOST_PROGRAMS) {
            *words = NULL;
            programs[count++].words = words + 1;
        }
    }
    return count;
}

static void start(struct program *program, int input, int output)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    int error = posix_spawnp(&program->pid, program->words[0], &actions, NULL, program->words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        fail(program->words[0], error);
    }
}

static void run(struct program *programs, int count)
{
    int input = STDIN_FILENO;
    for (int i = 0; i < count; i++) {
        int ends[2] = {-1, STDOUT_FILENO};
        if (i + 1 < count && pipe2(ends, O_CLOEXEC) != 0) {
            fail("pipe", errno);
        }
        start(&programs[i], input, ends[1]);
        if (input != STDIN_FILENO) {
            close(input);
        }
        if (ends[1] != STDOUT_FILENO) {
            close(ends[1]);
        }
        input = ends[0];
    }
    for (int i = 0; i < count; i++) {
        while (wait4(programs[i].pid, &programs[i].status, 0, &programs[i].usage) < 0) {
            if (errno != EINTR) {
                fail("wait4", errno);
            }
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: measured REPORT PROGRAM [ARG …] ['|' PROGRAM [ARG …]] …\n");
        return 2;
    }
    FILE *report = fopen(argv[1], "we");
    if (report == NULL) {
        fail(argv[1], errno);
    }
    struct program programs[MOST_PROGRAMS] = {0};
    int count = split(argv + 2, programs);
    double start_s = now_s();
    run(programs, count);
    fprintf(report, "{\"wall_s\": %.6f, \"processes\": [", now_s() - start_s);
    for (int i = 0; i < count; i++) {
        struct rusage *usage = &programs[i].usage;
        int code = WIFEXITED(programs[i].status) ? WEXITSTATUS(programs[i].status)
                                                 : 128 + WTERMSIG(programs[i].status);
        fprintf(report, "%s{\"status\": %d, \"user_s\": %.6f, \"system_s\": %.6f, \"peak_bytes\": %ld}",
                i == 0 ? "" : ", ", code, seconds(usage->ru_utime), seconds(usage->ru_stime),
                usage->ru_maxrss * 1024);
    }
    fprintf(report, "]}\n");
    return fclose(report) == 0 ? 0 : 1;
}
