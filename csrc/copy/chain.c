#include "copy/chain_internal.h"

#include <string.h>

#include "base/invariant.h"
#include "copy/compression.h"
#include "scoop/memory.h"

struct sink_stage {
    struct scoop_stage base;
    struct scoop_sink *sink;
};

static int sink_write(struct scoop_stage *base, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error) {
    struct scoop_sink *sink = ((struct sink_stage *)base)->sink;
    *consumed = length;
    base->counters->destination_bytes += length;
    return sink->type->write(sink, data, length, error);
}

static int sink_finish(struct scoop_stage *base, struct scoop_error *error) {
    (void)base;
    (void)error;
    return 0;
}

static void sink_free(struct scoop_stage *base) {
    scoop_free(base);
}

static const struct scoop_stage_type sink_type = {"sink", sink_write, sink_finish, sink_free, NULL};

static struct scoop_stage *new_sink_stage(struct scoop_sink *sink, struct scoop_counters *counters,
                                          struct scoop_error *error) {
    struct sink_stage *stage = scoop_calloc(1, sizeof *stage);
    if (stage == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    stage->base.type = &sink_type;
    stage->base.counters = counters;
    stage->sink = sink;
    return &stage->base;
}

/* Appends a stage that its constructor may have failed to make. */
static int append(struct scoop_chain *chain, struct scoop_stage *stage) {
    if (stage == NULL)
        return -1;
    if (chain->last == NULL)
        chain->first = stage;
    else
        chain->last->next = stage;
    chain->last = stage;
    return 0;
}

static int check_content(const struct scoop_chain_options *options, struct scoop_error *error) {
    bool wide = options->content == SCOOP_CONTENT_UTF16 || options->content == SCOOP_CONTENT_UTF32;
    if (options->transfer->format == SCOOP_FORMAT_RAW || options->content == SCOOP_CONTENT_PLAIN ||
        options->content == SCOOP_CONTENT_GZIP || (wide && options->transfer->csv.encoding != NULL))
        return 0;
    return scoop_fail(
        error, SCOOP_UNSUPPORTED,
        "%s is %s data; only plain UTF-8 text and gzip can be read as records, and CSV "
        "whose encoding is named",
        options->source_name, scoop_content_name(options->content));
}

/* NULL with code OK: the format has no records. */
static struct scoop_stage *new_records(const struct scoop_chain_options *options,
                                       struct scoop_error *error) {
    const struct scoop_transfer_options *transfer = options->transfer;
    struct scoop_record_options records = {
        .max_record_bytes = transfer->max_record_bytes,
        .replace_invalid = transfer->replace_invalid,
        .nonfinite_null = transfer->nonfinite_null,
        .key_case = transfer->key_case,
        .policy = options->policy,
    };
    switch (transfer->format) {
    case SCOOP_FORMAT_JSONL:
        return scoop_json_check_new(&records, options->counters, error);
    case SCOOP_FORMAT_PYTHON_LITERAL:
        return scoop_literal_new(&records, options->counters, error);
    case SCOOP_FORMAT_JSON_ARRAY:
        return scoop_json_array_new(transfer->records, &records, options->counters, error);
    case SCOOP_FORMAT_JSON_VALUES:
        return scoop_json_values_new(&records, options->counters, error);
    case SCOOP_FORMAT_CSV:
        return scoop_csv_clean_new(&transfer->csv, &records, options->counters, error);
    default:
        return NULL;
    }
}

/* Gzip data that stays, with nothing to do but to check what is inside. */
static bool passes(const struct scoop_chain_options *options) {
    const struct scoop_transfer_options *transfer = options->transfer;
    if (options->content != SCOOP_CONTENT_GZIP || options->coding != NULL)
        return false;
    if (options->handling == SCOOP_KEPT)
        return true;
    return transfer->format == SCOOP_FORMAT_JSONL && options->may_pass &&
           options->handling == SCOOP_PACKED && transfer->head_lines == 0 &&
           transfer->compression_level == 0;
}

/* Joins two chains that may be NULL for want of memory; then frees the other. */
static struct scoop_stage *join(struct scoop_stage *first, struct scoop_stage *rest) {
    if (first != NULL && rest != NULL) {
        first->next = rest;
        return first;
    }
    scoop_stage_free_chain(first);
    scoop_stage_free_chain(rest);
    return NULL;
}

bool scoop_chain_has_threads(const struct scoop_transfer_options *transfer) {
    /* The first lines are few; of a file that may be cut its owner has to know the size at once. */
    return transfer->head_lines == 0 && !transfer->held && !transfer->one_thread;
}

size_t scoop_chain_memory_bytes(const struct scoop_transfer_options *transfer) {
    size_t bytes = 2 * SCOOP_QUEUE_CHUNKS * SCOOP_STEP_BYTES;
    if (scoop_chain_has_threads(transfer))
        bytes += SCOOP_OUTLET_BYTES;
    if (scoop_compression_packs(transfer))
        bytes +=
            scoop_gzip_memory_bytes(scoop_chain_has_threads(transfer) ? scoop_processors() : 0);
    return bytes;
}

static struct scoop_stage *new_gunzip(const struct scoop_chain_options *options,
                                      struct scoop_error *error) {
    const struct scoop_gunzip_options gunzip = {
        .ignore_trailing_garbage = options->transfer->ignore_trailing_garbage,
    };
    return scoop_gunzip_new(&gunzip, options->counters, error);
}

/* gunzip on one thread, the record check on another: drop keeps nothing. */
static struct scoop_stage *new_checker(struct scoop_chain *chain,
                                       const struct scoop_chain_options *options,
                                       struct scoop_error *error) {
    struct scoop_counters *counters = options->counters;
    struct scoop_stage *end = scoop_drop_new(counters, error);
    if (end != NULL && options->transfer->format != SCOOP_FORMAT_RAW) {
        end = join(new_records(options, error), end);
        end = end == NULL ? NULL : scoop_worker_new(end, NULL, counters, error);
    }
    if (end == NULL)
        return NULL;
    end = join(new_gunzip(options, error), end);
    return end == NULL ? NULL : scoop_worker_new(end, &chain->waker, counters, error);
}

static int build_passing(struct scoop_chain *chain, const struct scoop_chain_options *options,
                         struct scoop_error *error) {
    chain->inflates = chain->unchanged = chain->passes = true;
    chain->reads = options->transfer->format != SCOOP_FORMAT_RAW;
    if (scoop_waker_open(&chain->waker, error) != 0)
        return -1;
    chain->worker = new_checker(chain, options, error);
    if (chain->worker == NULL ||
        append(chain, scoop_beside_new(chain->worker, options->counters, error)) != 0)
        return -1;
    return append(chain, new_sink_stage(options->sink, options->counters, error));
}

static bool has_records(const struct scoop_chain_options *options) {
    return options->transfer->format != SCOOP_FORMAT_RAW;
}

/* Records, head and gzip, those that are needed, before `end`, which is taken over. */
static struct scoop_stage *new_text_stages(struct scoop_chain *chain,
                                           const struct scoop_chain_options *options,
                                           struct scoop_stage *end, struct scoop_error *error) {
    const struct scoop_transfer_options *transfer = options->transfer;
    struct scoop_counters *counters = options->counters;
    int level = transfer->compression_level ? transfer->compression_level : -1;
    unsigned threads = scoop_chain_has_threads(transfer) ? scoop_processors() : 0;
    if (end != NULL && options->handling == SCOOP_PACKED)
        end = join(scoop_gzip_new(level, threads, counters, error), end);
    if (end != NULL && transfer->head_lines > 0)
        end =
            join(scoop_head_new(transfer->head_lines, &chain->head_reached, counters, error), end);
    if (end != NULL && has_records(options))
        end = join(new_records(options, error), end);
    if (end != NULL && transfer->csv.encoding != NULL)
        end = join(scoop_decode_new(transfer->csv.encoding, counters, error), end);
    return end;
}

/* Gzip data that is kept, but not as it came: what decodes it is before. */
static struct scoop_stage *check_beside(const struct scoop_chain_options *options,
                                        struct scoop_stage *stages, struct scoop_error *error) {
    struct scoop_counters *counters = options->counters;
    struct scoop_stage *checker = join(new_gunzip(options, error), scoop_drop_new(counters, error));
    if (checker == NULL) {
        scoop_stage_free_chain(stages);
        return NULL;
    }
    return join(scoop_beside_new(checker, counters, error), stages);
}

/* Puts before `stages`, which are taken over, what inflates: the file, and what it came in. */
static struct scoop_stage *join_gunzip(const struct scoop_chain_options *options,
                                       struct scoop_stage *stages, struct scoop_error *error) {
    const struct scoop_gunzip_options plain = {0};
    bool gzip = options->content == SCOOP_CONTENT_GZIP;
    if (gzip && options->handling != SCOOP_KEPT)
        stages = join(new_gunzip(options, error), stages);
    else if (gzip)
        stages = check_beside(options, stages, error);
    if (stages != NULL && options->coding != NULL)
        stages = join(scoop_gunzip_new(&plain, options->coding, error), stages);
    return stages;
}

/* On the owner's thread alone. */
static int build_serial(struct scoop_chain *chain, const struct scoop_chain_options *options,
                        struct scoop_error *error) {
    struct scoop_stage *stages = new_text_stages(
        chain, options, new_sink_stage(options->sink, options->counters, error), error);
    if (stages != NULL)
        stages = join_gunzip(options, stages, error);
    return append(chain, stages);
}

/* gunzip on one thread, the other stages on a second one, whose gzip has more of its own. */
static int build_threaded(struct scoop_chain *chain, const struct scoop_chain_options *options,
                          struct scoop_error *error) {
    struct scoop_counters *counters = options->counters;
    if (scoop_waker_open(&chain->waker, error) != 0)
        return -1;
    struct scoop_stage *outlet = scoop_outlet_new(&chain->waker, counters, error);
    struct scoop_stage *stages = new_text_stages(chain, options, outlet, error);
    if (stages != NULL && chain->inflates) {
        if (stages != outlet)
            stages = scoop_worker_new(stages, NULL, counters, error);
        if (stages != NULL)
            stages = join_gunzip(options, stages, error);
    }
    if (stages != NULL)
        stages = scoop_worker_new(stages, &chain->waker, counters, error);
    /* What comes out of the transport's encoding is no text that the worker sees counted. */
    if (stages != NULL && options->coding != NULL)
        scoop_worker_begin_threaded(stages);
    chain->worker = stages;
    chain->outlet = stages == NULL ? NULL : outlet;
    return append(chain, stages);
}

static int build_changing(struct scoop_chain *chain, const struct scoop_chain_options *options,
                          struct scoop_error *error) {
    const struct scoop_transfer_options *transfer = options->transfer;
    chain->inflates = options->content == SCOOP_CONTENT_GZIP || options->coding != NULL;
    chain->unchanged = !chain->inflates && !has_records(options) && transfer->head_lines == 0 &&
                       options->handling == SCOOP_KEPT;
    if (chain->unchanged || !scoop_chain_has_threads(transfer))
        return build_serial(chain, options, error);
    return build_threaded(chain, options, error);
}

int scoop_chain_build(struct scoop_chain *chain, const struct scoop_chain_options *options,
                      struct scoop_error *error) {
    chain->counters = options->counters;
    chain->sink = options->sink;
    chain->waker.fd = -1;
    if (check_content(options, error) != 0)
        return -1;
    return passes(options) ? build_passing(chain, options, error)
                           : build_changing(chain, options, error);
}

bool scoop_chain_ready(struct scoop_chain *chain) {
    if (chain->outlet != NULL && scoop_outlet_is_alone(chain->outlet))
        return !scoop_chain_holds_output(chain);
    return chain->worker == NULL || scoop_worker_ready(chain->worker);
}

bool scoop_chain_must_transform(const struct scoop_chain *chain) {
    return chain->passes && (scoop_counters_edited(chain->counters) ||
                             (chain->reads && chain->counters->garbage_bytes > 0));
}

bool scoop_chain_holds_output(struct scoop_chain *chain) {
    const unsigned char *data;
    return chain->outlet != NULL && scoop_outlet_peek(chain->outlet, &data) > 0;
}

int scoop_chain_drain(struct scoop_chain *chain, size_t room_bytes, struct scoop_error *error) {
    const unsigned char *data;
    size_t length;
    int moved = 0;
    if (chain->outlet == NULL)
        return 0;
    for (size_t all = 0; all < SCOOP_OUTLET_BYTES; all += length) {
        length = scoop_outlet_peek(chain->outlet, &data);
        if (length == 0 ||
            (!chain->abandoned && !chain->sink->type->ready(chain->sink, room_bytes)))
            return moved;
        if (length > SCOOP_STEP_BYTES)
            length = SCOOP_STEP_BYTES;
        if (!chain->abandoned && chain->sink->type->write(chain->sink, data, length, error) != 0)
            return -1;
        chain->counters->destination_bytes += length;
        scoop_outlet_consume(chain->outlet, length);
        moved = 1;
    }
    return moved;
}

void scoop_chain_end(struct scoop_chain *chain) {
    if (chain->worker != NULL)
        scoop_worker_end(chain->worker);
}

bool scoop_chain_abandon(struct scoop_chain *chain, const struct scoop_error *fault) {
    if (chain->worker == NULL)
        return false;
    chain->abandoned = true;
    scoop_worker_abandon(chain->worker, fault);
    return true;
}

bool scoop_chain_has_failed(struct scoop_chain *chain) {
    bool failed = false;
    return chain->worker != NULL && scoop_worker_done(chain->worker, &failed) && failed;
}

bool scoop_chain_has_ended(struct scoop_chain *chain) {
    bool failed = false;
    if (chain->worker == NULL)
        return true;
    return scoop_worker_done(chain->worker, &failed) &&
           (failed || !scoop_chain_holds_output(chain));
}

int scoop_chain_write(struct scoop_chain *chain, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(chain->first != NULL, error) ||
        chain->first->type->write(chain->first, data, length, consumed, error) != 0 ||
        !SCOOP_INVARIANT(*consumed <= length, error))
        return -1;
    if (!chain->inflates)
        chain->counters->text_bytes += *consumed;
    return 0;
}

int scoop_chain_write_all(struct scoop_chain *chain, const unsigned char *data, size_t length,
                          struct scoop_error *error) {
    while (length > 0) {
        size_t consumed = 0;
        if (scoop_chain_write(chain, data, length, &consumed, error) != 0)
            return -1;
        data += consumed;
        length -= consumed;
    }
    return 0;
}

/* When the wanted lines are through, the input was left in the middle: nothing is to be checked. */
int scoop_chain_finish(struct scoop_chain *chain, struct scoop_error *error) {
    struct scoop_stage *first = chain->first;
    if (chain->head_reached)
        while (first != NULL && strcmp(first->type->name, "head") != 0)
            first = first->next;
    if (!SCOOP_INVARIANT(first != NULL, error))
        return -1;
    return scoop_stage_finish_chain(first, error);
}

bool scoop_chain_is_bare(const struct scoop_chain *chain) {
    return chain->first->type == &sink_type;
}

void scoop_chain_free(struct scoop_chain *chain) {
    scoop_stage_free_chain(chain->first);
    if (chain->counters != NULL)
        scoop_waker_close(&chain->waker);
    memset(chain, 0, sizeof *chain);
}
