/* Transfers between local ends, and to a port where no one listens: whole or not at all, also when
 * memory runs out at any point. In builds without SCOOP_TORTURE no allocation fails. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "scoop/memory.h"
#include "scoop/transfer.h"

enum {
    SLICE_MS = 50,
    MOST_ALLOCATIONS = 3000,
    ENOUGH_SUCCESSES = 5, /* threads do not allocate in the same order each time */
    HANG_SECONDS = 120,
    SIGNAL_TURNS = 60,
    MANY_LINES = 60000,
    ROUNDS = 24,
    MOST_BYTES = 4 * 1024 * 1024,
};

static char folder[] = "/tmp/scoop-transfer-XXXXXX";
static char source_path[64], target_path[64], rejects_path[96];
static char gzip_source_path[64], gzip_target_path[64], pipe_path[64];

static const char text[] = "{\"a\": 1}\n[bad\n\n{\"b\": [2, \"c\"]}\n";
static const char good[] = "{\"a\": 1}\n{\"b\": [2, \"c\"]}\n";

struct content {
    unsigned char *data;
    size_t length;
};

static void write_file(const char *path, const void *data, size_t length) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static struct content read_file(const char *path) {
    struct content content = {malloc(MOST_BYTES), 0};
    FILE *file = fopen(path, "rb");
    assert_non_null(content.data);
    assert_non_null(file);
    content.length = fread(content.data, 1, MOST_BYTES, file);
    fclose(file);
    return content;
}

/* Stored or deflated; gzread takes it back. */
static void write_gzip(const char *path, const void *data, size_t length, const char *mode) {
    gzFile file = gzopen(path, mode);
    assert_non_null(file);
    assert_int_equal(gzwrite(file, data, (unsigned)length), length);
    assert_int_equal(gzclose(file), Z_OK);
}

static struct content read_gzip(const char *path) {
    struct content content = {malloc(MOST_BYTES), 0};
    gzFile file = gzopen(path, "rb");
    assert_non_null(content.data);
    assert_non_null(file);
    int length = gzread(file, content.data, MOST_BYTES);
    assert_true(length >= 0);
    content.length = (size_t)length;
    assert_int_equal(gzclose(file), Z_OK);
    return content;
}

static void are_equal(struct content got, const void *data, size_t length) {
    assert_int_equal(got.length, length);
    assert_memory_equal(got.data, data, length);
    free(got.data);
}

static int make_folder(void **state) {
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(source_path, sizeof source_path, "%s/in.json", folder);
    snprintf(target_path, sizeof target_path, "%s/out.json", folder);
    snprintf(rejects_path, sizeof rejects_path, "%s/bad.jsonl", folder);
    snprintf(gzip_source_path, sizeof gzip_source_path, "%s/in.json.gz", folder);
    snprintf(gzip_target_path, sizeof gzip_target_path, "%s/out.json.gz", folder);
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    return 0;
}

static void unlink_targets(void) {
    unlink(target_path);
    unlink(gzip_target_path);
    unlink(rejects_path);
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder); /* fails when a file was left beside */
}

static int before_case(void **state) {
    (void)state;
    alarm(HANG_SECONDS);
    write_file(source_path, text, sizeof text - 1);
    return 0;
}

static int after_case(void **state) {
    (void)state;
    unlink_targets();
    unlink(source_path);
    unlink(gzip_source_path);
    unlink(pipe_path);
    return 0;
}

static bool is_there(const char *path) {
    return access(path, F_OK) == 0;
}

/* What is fed to a transfer without a source, a few bytes at a time. */
static enum scoop_transfer_state feed(struct scoop_transfer *transfer, struct scoop_error *error) {
    enum { STEP = 5 };
    enum scoop_transfer_state state = scoop_transfer_run(transfer, SLICE_MS, error);
    for (size_t at = 0; at < sizeof text - 1 && state == SCOOP_TRANSFER_EMPTY; at += STEP) {
        size_t left = sizeof text - 1 - at;
        scoop_transfer_feed(transfer, text + at, left < STEP ? left : STEP);
        state = scoop_transfer_run(transfer, SLICE_MS, error);
    }
    if (state == SCOOP_TRANSFER_EMPTY) {
        scoop_transfer_feed_end(transfer);
        state = SCOOP_TRANSFER_RUNNING;
    }
    return state;
}

static enum scoop_transfer_state run(const struct scoop_transfer_options *options,
                                     struct scoop_transfer_facts *facts,
                                     struct scoop_error *error) {
    enum scoop_transfer_state state = SCOOP_TRANSFER_RUNNING;
    struct scoop_transfer *transfer = scoop_transfer_new(options, error);
    if (transfer == NULL)
        return SCOOP_TRANSFER_FAILED;
    if (options->source.uri == NULL)
        state = feed(transfer, error);
    while (state == SCOOP_TRANSFER_RUNNING)
        state = scoop_transfer_run(transfer, SLICE_MS, error);
    if (facts != NULL)
        scoop_transfer_facts(transfer, facts);
    scoop_transfer_free(transfer);
    return state;
}

static struct scoop_transfer_options local(void) {
    return (struct scoop_transfer_options){
        .source = {.uri = source_path},
        .destination = {.uri = target_path},
        .format = SCOOP_FORMAT_JSONL,
        .max_rejected = 1,
        .rejects_uri = rejects_path,
    };
}

static struct scoop_transfer_options gzip_to_gzip(void) {
    struct scoop_transfer_options options = local();
    options.source.uri = gzip_source_path;
    options.destination.uri = gzip_target_path;
    return options;
}

static struct scoop_transfer_options fed(void) {
    struct scoop_transfer_options options = local();
    options.source.uri = NULL;
    return options;
}

static struct scoop_transfer_options to_closed_port(void) {
    struct scoop_transfer_options options = local();
    options.destination.uri = "s3://bucket/key.gz";
    options.destination.s3.endpoint_url = "http://127.0.0.1:1";
    options.destination.s3.credentials.access_key_id = "id";
    options.destination.s3.credentials.secret_access_key = "secret/of+tests";
    options.max_rejected = 0;
    options.rejects_uri = NULL;
    options.format = SCOOP_FORMAT_RAW;
    return options;
}

static void target_holds_the_good_records(void) {
    are_equal(read_file(target_path), good, sizeof good - 1);
}

static void gzip_target_holds_the_good_records(void) {
    are_equal(read_gzip(gzip_target_path), good, sizeof good - 1);
}

static void gzip_target_is_the_source(void) {
    struct content source = read_file(gzip_source_path);
    are_equal(read_file(gzip_target_path), source.data, source.length);
    free(source.data);
}

static void a_file_is_copied_and_every_record_counted(void **state) {
    struct scoop_transfer_options options = local();
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(run(&options, &facts, &error), SCOOP_TRANSFER_DONE);
    target_holds_the_good_records();
    assert_int_equal(facts.counters.records_in, 3);
    assert_int_equal(facts.counters.records_out, 2);
    assert_int_equal(facts.counters.records_rejected, 1);
    assert_int_equal(facts.counters.blank_lines, 1);
    assert_true(facts.rejects_written);
}

static void a_bad_record_leaves_no_file(void **state) {
    struct scoop_transfer_options options = local();
    struct scoop_error error = {0};
    (void)state;
    options.max_rejected = 0;
    options.rejects_uri = NULL;
    assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FAILED);
    assert_int_equal(error.code, SCOOP_BAD_RECORD);
    assert_non_null(strstr(error.message, "line 2"));
    assert_false(is_there(target_path));
}

static void a_cancelled_transfer_ends_in_cancelled(void **state) {
    struct scoop_transfer_options options = local();
    struct scoop_error error = {0};
    (void)state;
    struct scoop_transfer *transfer = scoop_transfer_new(&options, &error);
    assert_non_null(transfer);
    scoop_transfer_cancel(transfer);
    assert_int_equal(scoop_transfer_run(transfer, SLICE_MS, &error), SCOOP_TRANSFER_FAILED);
    assert_int_equal(error.code, SCOOP_CANCELLED);
    scoop_transfer_free(transfer);
    assert_false(is_there(target_path));
}

static void an_unfinished_transfer_that_is_freed_leaves_no_file(void **state) {
    struct scoop_transfer_options options = {.destination = {.uri = target_path}};
    struct scoop_error error = {0};
    (void)state;
    struct scoop_transfer *transfer = scoop_transfer_new(&options, &error);
    assert_non_null(transfer);
    scoop_transfer_feed(transfer, "data", 4);
    assert_int_equal(scoop_transfer_run(transfer, SLICE_MS, &error), SCOOP_TRANSFER_EMPTY);
    scoop_transfer_free(transfer);
    assert_false(is_there(target_path));
}

static void a_port_where_no_one_listens_is_a_lost_connection(void **state) {
    struct scoop_transfer_options options = to_closed_port();
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FAILED);
    assert_int_equal(error.code, SCOOP_CONNECTION);
    assert_null(strstr(error.message, "secret/of+tests"));
}

static void a_raw_copy_has_the_same_bytes(void **state) {
    struct scoop_transfer_options options = {.source = {.uri = source_path},
                                             .destination = {.uri = target_path}};
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(run(&options, &facts, &error), SCOOP_TRANSFER_DONE);
    are_equal(read_file(target_path), text, sizeof text - 1);
    assert_true(facts.unchanged);
    assert_int_equal(facts.counters.records_in, 0);
}

static void fed_bytes_are_records_too(void **state) {
    struct scoop_transfer_options options = fed();
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(run(&options, &facts, &error), SCOOP_TRANSFER_DONE);
    target_holds_the_good_records();
    assert_int_equal(facts.counters.records_rejected, 1);
}

static void good_gzip_records_are_passed_on_unchanged(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    (void)state;
    write_gzip(gzip_source_path, good, sizeof good - 1, "wb9");
    assert_int_equal(run(&options, &facts, &error), SCOOP_TRANSFER_DONE);
    gzip_target_is_the_source();
    assert_true(facts.unchanged);
    assert_false(facts.restarted);
    assert_int_equal(facts.counters.records_out, 2);
    assert_int_equal(facts.counters.text_bytes, sizeof good - 1);
}

static void a_record_that_must_change_restarts_the_transfer(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    (void)state;
    write_gzip(gzip_source_path, text, sizeof text - 1, "wb9");
    assert_int_equal(run(&options, &facts, &error), SCOOP_TRANSFER_DONE);
    gzip_target_holds_the_good_records();
    assert_true(facts.restarted);
    assert_false(facts.unchanged);
    assert_int_equal(facts.counters.records_in, 3);
    assert_int_equal(facts.counters.records_rejected, 1);
    struct content rejects = read_file(rejects_path);
    assert_ptr_equal(memchr(rejects.data, '\n', rejects.length), rejects.data + rejects.length - 1);
    free(rejects.data);
}

/* Stored, so that the queues between the threads fill; ends in `last`. */
static void write_many_records(const char *last) {
    struct content content = {malloc(MOST_BYTES), 0};
    assert_non_null(content.data);
    for (int i = 0; i < MANY_LINES; i++)
        content.length += (size_t)snprintf((char *)content.data + content.length, 64,
                                           "{\"line\": %d, \"is\": [\"good\"]}\n", i);
    memcpy(content.data + content.length, last, strlen(last));
    write_gzip(gzip_source_path, content.data, content.length + strlen(last), "wb0");
    free(content.data);
}

static void many_records_are_passed_on_unchanged(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    (void)state;
    write_many_records("");
    assert_int_equal(run(&options, &facts, &error), SCOOP_TRANSFER_DONE);
    gzip_target_is_the_source();
    assert_int_equal(facts.counters.records_out, MANY_LINES);
}

static void a_blank_line_after_many_records_restarts_the_transfer(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    struct scoop_transfer_facts facts;
    struct scoop_error error = {0};
    (void)state;
    write_many_records("\n");
    assert_int_equal(run(&options, &facts, &error), SCOOP_TRANSFER_DONE);
    assert_true(facts.restarted);
    assert_int_equal(facts.counters.blank_lines, 1);
    struct content got = read_gzip(gzip_target_path), expected = read_gzip(gzip_source_path);
    are_equal(got, expected.data, expected.length - 1);
    free(expected.data);
}

static void a_bad_record_after_many_leaves_no_file(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    struct scoop_error error = {0};
    char line[32];
    (void)state;
    options.max_rejected = 0;
    options.rejects_uri = NULL;
    write_many_records("[bad\n");
    assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FAILED);
    assert_int_equal(error.code, SCOOP_BAD_RECORD);
    snprintf(line, sizeof line, "line %d", MANY_LINES + 1);
    assert_non_null(strstr(error.message, line));
    assert_false(is_there(gzip_target_path));
}

/* Without threads a record comes at once, whatever the owner of the memory thought. */
static void a_record_in_memory_may_be_as_long_as_any(void **state) {
    enum { RECORD_BYTES = 2 * 1024 * 1024 };
    struct scoop_error error = {0};
    struct scoop_buf memory;
    char *record = malloc(RECORD_BYTES);
    const struct scoop_transfer_options options = {
        .source = {.uri = source_path},
        .memory = &memory,
        .format = SCOOP_FORMAT_JSONL,
        .head_lines = 1,
        .max_record_bytes = RECORD_BYTES,
    };
    (void)state;
    assert_non_null(record);
    memset(record, 'x', RECORD_BYTES);
    record[0] = record[RECORD_BYTES - 2] = '"';
    record[RECORD_BYTES - 1] = '\n';
    write_file(source_path, record, RECORD_BYTES);
    scoop_buf_init(&memory, 1);
    assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FULL);
    assert_int_equal(memory.length, RECORD_BYTES);
    scoop_buf_free(&memory);
    free(record);
}

static void any_damage_to_gzip_data_leaves_no_file(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    (void)state;
    write_gzip(gzip_source_path, good, sizeof good - 1, "wb9");
    struct content content = read_file(gzip_source_path);
    for (int format = SCOOP_FORMAT_RAW; format <= SCOOP_FORMAT_JSONL; format++) {
        options.format = (enum scoop_format)format;
        if (options.format == SCOOP_FORMAT_RAW)
            options.max_rejected = 0;
        for (size_t length = 10; length < content.length; length++) {
            struct scoop_error error = {0};
            write_file(gzip_source_path, content.data, length);
            assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FAILED);
            assert_int_equal(error.code, SCOOP_TRUNCATED);
            assert_false(is_there(gzip_target_path));
        }
        for (size_t at = content.length - 8; at < content.length; at++) { /* sum and length */
            struct scoop_error error = {0};
            content.data[at] ^= 1;
            write_file(gzip_source_path, content.data, content.length);
            content.data[at] ^= 1;
            assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FAILED);
            assert_int_equal(error.code, SCOOP_CORRUPT);
            assert_false(is_there(gzip_target_path));
        }
    }
    free(content.data);
}

struct canceller {
    pthread_t thread;
    struct scoop_transfer *transfer;
    useconds_t after_us;
};

static void *cancel_later(void *user) {
    struct canceller *canceller = user;
    usleep(canceller->after_us);
    scoop_transfer_cancel(canceller->transfer);
    return NULL;
}

static enum scoop_transfer_state run_cancelled_after(const struct scoop_transfer_options *options,
                                                     useconds_t after_us,
                                                     struct scoop_error *error) {
    enum scoop_transfer_state state = SCOOP_TRANSFER_RUNNING;
    struct canceller canceller = {.transfer = scoop_transfer_new(options, error),
                                  .after_us = after_us};
    assert_non_null(canceller.transfer);
    assert_int_equal(pthread_create(&canceller.thread, NULL, cancel_later, &canceller), 0);
    while (state == SCOOP_TRANSFER_RUNNING)
        state = scoop_transfer_run(canceller.transfer, SLICE_MS, error);
    pthread_join(canceller.thread, NULL);
    scoop_transfer_free(canceller.transfer);
    return state;
}

/* The pipe's other end stays open, so nothing but the cancel ends the transfer. */
/* Takes what a transfer that was cancelled early has left. */
static void empty(int pipe_end) {
    char rest[256];
    while (read(pipe_end, rest, sizeof rest) > 0)
        ;
}

static void a_waiting_transfer_is_cancelled_by_another_thread(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    (void)state;
    write_gzip(gzip_source_path, good, sizeof good - 1, "wb9");
    struct content content = read_file(gzip_source_path);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    int pipe_end = open(pipe_path, O_RDWR | O_NONBLOCK);
    assert_true(pipe_end >= 0);
    options.source.uri = pipe_path;
    options.max_rejected = 0;
    options.format = SCOOP_FORMAT_RAW;
    for (size_t length = 0; length <= content.length; length += 16) {
        struct scoop_error error = {0};
        assert_int_equal(write(pipe_end, content.data, length), length);
        assert_int_equal(run_cancelled_after(&options, 1000, &error), SCOOP_TRANSFER_FAILED);
        assert_int_equal(error.code, SCOOP_CANCELLED);
        assert_false(is_there(gzip_target_path));
        empty(pipe_end);
    }
    close(pipe_end);
    free(content.data);
}

struct flood {
    pthread_t thread, target;
    int pipe_end;
    atomic_uint turns; /* of the transfer */
    atomic_bool ends, rescued;
};

static void do_nothing(int number) {
    (void)number;
}

/* Signals without end; a transfer that stands still for five seconds gets a byte to go on with. */
static void *send_signals(void *user) {
    struct flood *flood = user;
    unsigned seen = 0;
    time_t seen_at = time(NULL);
    while (!atomic_load(&flood->ends)) {
        pthread_kill(flood->target, SIGUSR1);
        if (seen != atomic_load(&flood->turns)) {
            seen = atomic_load(&flood->turns);
            seen_at = time(NULL);
        } else if (time(NULL) - seen_at > 5 && !atomic_exchange(&flood->rescued, true)) {
            assert_int_equal(write(flood->pipe_end, "\n", 1), 1);
        }
    }
    return NULL;
}

/* The handler restarts what it interrupts: a read that blocks blocks for ever. */
static void a_signal_never_makes_it_block_on_an_empty_pipe(void **state) {
    struct sigaction usual, nothing = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
    struct scoop_transfer_options options = gzip_to_gzip();
    struct flood flood = {.target = pthread_self()};
    struct scoop_error error = {0};
    (void)state;
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    flood.pipe_end = open(pipe_path, O_RDWR);
    options.source.uri = pipe_path;
    struct scoop_transfer *transfer = scoop_transfer_new(&options, &error);
    assert_non_null(transfer);
    sigaction(SIGUSR1, &nothing, &usual);
    assert_int_equal(pthread_create(&flood.thread, NULL, send_signals, &flood), 0);
    for (int turn = 0; turn < SIGNAL_TURNS && !atomic_load(&flood.rescued); turn++) {
        assert_int_equal(scoop_transfer_run(transfer, 1, &error), SCOOP_TRANSFER_RUNNING);
        atomic_fetch_add(&flood.turns, 1);
    }
    atomic_store(&flood.ends, true);
    pthread_join(flood.thread, NULL);
    sigaction(SIGUSR1, &usual, NULL);
    scoop_transfer_free(transfer);
    close(flood.pipe_end);
    assert_false(atomic_load(&flood.rescued));
}

static void a_cancel_at_any_moment_leaves_a_whole_file_or_none(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct scoop_error error = {0};
        write_many_records(round % 2 ? "\n" : ""); /* every second one restarts */
        unlink_targets();
        enum scoop_transfer_state ended =
            run_cancelled_after(&options, (useconds_t)(round * round) * 100, &error);
        if (ended == SCOOP_TRANSFER_DONE)
            assert_true(is_there(gzip_target_path));
        else
            assert_int_equal(error.code, SCOOP_CANCELLED);
        if (is_there(gzip_target_path) && round % 2 == 0)
            gzip_target_is_the_source();
    }
}

static void freeing_at_any_moment_leaves_a_whole_file_or_none(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct scoop_error error = {0};
        write_many_records(round % 2 ? "\n" : "");
        unlink_targets();
        struct scoop_transfer *transfer = scoop_transfer_new(&options, &error);
        assert_non_null(transfer);
        enum scoop_transfer_state last = SCOOP_TRANSFER_RUNNING;
        for (int slice = 0; slice < round && last == SCOOP_TRANSFER_RUNNING; slice++)
            last = scoop_transfer_run(transfer, 1 + round / 4, &error);
        scoop_transfer_free(transfer);
        assert_true(is_there(gzip_target_path) || last != SCOOP_TRANSFER_DONE);
        if (is_there(gzip_target_path) && round % 2 == 0)
            gzip_target_is_the_source();
    }
}

static void fail_at(long nth) {
#ifdef SCOOP_TORTURE
    scoop_memory_fail_at(nth);
#else
    (void)nth;
#endif
}

static void any_failing_allocation_leaves_no_file(const struct scoop_transfer_options *options,
                                                  void (*check_target)(void)) {
    int successes = 0;
    for (long nth = 1; successes < ENOUGH_SUCCESSES; nth++) {
        struct scoop_error error = {0};
        assert_true(nth < MOST_ALLOCATIONS);
        unlink_targets();
        fail_at(nth);
        enum scoop_transfer_state ended = run(options, NULL, &error);
        fail_at(0);
        if (ended == SCOOP_TRANSFER_DONE) {
            check_target();
            successes++;
            continue;
        }
        assert_int_equal(error.code, SCOOP_NO_MEMORY);
        assert_false(is_there(options->destination.uri));
        successes = 0;
    }
}

static void a_copy_survives_failing_allocations(void **state) {
    struct scoop_transfer_options options = local();
    (void)state;
    any_failing_allocation_leaves_no_file(&options, target_holds_the_good_records);
}

static void a_fed_copy_survives_failing_allocations(void **state) {
    struct scoop_transfer_options options = fed();
    (void)state;
    any_failing_allocation_leaves_no_file(&options, target_holds_the_good_records);
}

static void a_compressing_copy_survives_failing_allocations(void **state) {
    struct scoop_transfer_options options = local();
    (void)state;
    options.destination.uri = gzip_target_path;
    any_failing_allocation_leaves_no_file(&options, gzip_target_holds_the_good_records);
}

static void passing_gzip_on_survives_failing_allocations(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    (void)state;
    write_gzip(gzip_source_path, good, sizeof good - 1, "wb9");
    any_failing_allocation_leaves_no_file(&options, gzip_target_is_the_source);
}

static void a_restart_survives_failing_allocations(void **state) {
    struct scoop_transfer_options options = gzip_to_gzip();
    (void)state;
    write_gzip(gzip_source_path, text, sizeof text - 1, "wb9");
    any_failing_allocation_leaves_no_file(&options, gzip_target_holds_the_good_records);
}

static void target_holds_the_literals(void) {
    static const char json[] = "{\"a\":1}\n{\"b\":[2,\"c\"]}\n";
    are_equal(read_file(target_path), json, sizeof json - 1);
}

static void literals_survive_failing_allocations(void **state) {
    struct scoop_transfer_options options = local();
    static const char literals[] = "{'a': 1}\n(bad\n{'b': (2, 'c')}\n";
    (void)state;
    write_file(source_path, literals, sizeof literals - 1);
    options.format = SCOOP_FORMAT_PYTHON_LITERAL;
    any_failing_allocation_leaves_no_file(&options, target_holds_the_literals);
}

static void any_failing_allocation_of_an_upload_is_told(void **state) {
    struct scoop_transfer_options options = to_closed_port();
    (void)state;
    for (long nth = 1; nth < MOST_ALLOCATIONS; nth++) {
        struct scoop_error error = {0};
        fail_at(nth);
        assert_int_equal(run(&options, NULL, &error), SCOOP_TRANSFER_FAILED);
        fail_at(0);
        if (error.code == SCOOP_CONNECTION)
            return;
        assert_int_equal(error.code, SCOOP_NO_MEMORY);
    }
    fail_msg("a request needs more than %d allocations", MOST_ALLOCATIONS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_copied_and_every_record_counted, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(a_bad_record_leaves_no_file, before_case, after_case),
        cmocka_unit_test_setup_teardown(a_cancelled_transfer_ends_in_cancelled, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(an_unfinished_transfer_that_is_freed_leaves_no_file,
                                        before_case, after_case),
        cmocka_unit_test_setup_teardown(a_port_where_no_one_listens_is_a_lost_connection,
                                        before_case, after_case),
        cmocka_unit_test_setup_teardown(a_raw_copy_has_the_same_bytes, before_case, after_case),
        cmocka_unit_test_setup_teardown(fed_bytes_are_records_too, before_case, after_case),
        cmocka_unit_test_setup_teardown(good_gzip_records_are_passed_on_unchanged, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(a_record_that_must_change_restarts_the_transfer,
                                        before_case, after_case),
        cmocka_unit_test_setup_teardown(many_records_are_passed_on_unchanged, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(a_blank_line_after_many_records_restarts_the_transfer,
                                        before_case, after_case),
        cmocka_unit_test_setup_teardown(a_bad_record_after_many_leaves_no_file, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(a_record_in_memory_may_be_as_long_as_any, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(any_damage_to_gzip_data_leaves_no_file, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(a_waiting_transfer_is_cancelled_by_another_thread,
                                        before_case, after_case),
        cmocka_unit_test_setup_teardown(a_signal_never_makes_it_block_on_an_empty_pipe, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(a_cancel_at_any_moment_leaves_a_whole_file_or_none,
                                        before_case, after_case),
        cmocka_unit_test_setup_teardown(freeing_at_any_moment_leaves_a_whole_file_or_none,
                                        before_case, after_case),
        cmocka_unit_test_setup_teardown(a_copy_survives_failing_allocations, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(a_fed_copy_survives_failing_allocations, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(a_compressing_copy_survives_failing_allocations,
                                        before_case, after_case),
        cmocka_unit_test_setup_teardown(passing_gzip_on_survives_failing_allocations, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(a_restart_survives_failing_allocations, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(literals_survive_failing_allocations, before_case,
                                        after_case),
        cmocka_unit_test_setup_teardown(any_failing_allocation_of_an_upload_is_told, before_case,
                                        after_case),
    };
    return cmocka_run_group_tests_name("transfer", tests, make_folder, remove_folder);
}
