/* Drives the counting: reads sources, some ahead, counts their records in all groupings, and makes
 * the result. */
#include "scoop/aggregate.h"

#include <stdatomic.h>
#include <string.h>

#include "aggregate/csv_records.h"
#include "aggregate/kept_rejects.h"
#include "aggregate/reading.h"
#include "base/clock.h"
#include "base/error_facts.h"
#include "base/memory_ceiling.h"
#include "copy/places.h"
#include "copy/rejects.h"
#include "scoop/memory.h"
#include "table/groups/aggregated.h"
#include "text/example.h"
#include "text/text.h"

enum {
    LEAST_MEMORY_BYTES = 16 * 1024 * 1024,
    OTHER_MEMORY_BYTES = 4 * 1024 * 1024, /* inflating, records under way, blocks for the disk */
    LEAST_SOURCE_BYTES = 8 * 1024 * 1024, /* of what is fetched from S3 */
    QUEUE_PART = 16,                      /* of the memory, for each source that is open */
    SOURCE_PART = 8,
    MOST_TOP = 100000,
    WAIT_MS = 50,
    NAME_SIZE = 120,
};

struct open_source {
    struct scoop_record_reading *reading;
    enum scoop_format format;
};

struct scoop_aggregate {
    bool reject_missing, reject_other_type;
    size_t memory_limit_bytes;
    struct scoop_aggregated *result;
    struct scoop_group_fields fields;
    struct scoop_csv_records csv;
    struct scoop_rejects rejects;
    struct scoop_reading_bell bell;
    struct open_source sources[SCOOP_AGGREGATE_AHEAD]; /* the first is counted */
    size_t source_count;
    uint64_t record;                 /* of the first source, its next good one, from 0 */
    struct scoop_record_place place; /* where that stands if it follows the one before */
    uint64_t seen_rejects;           /* of those that its check has rejected */
    struct scoop_aggregate_source_facts source;
    struct scoop_aggregate_facts facts; /* of all sources before */
    bool finishing;
    size_t finished; /* groupings */
    enum scoop_aggregate_state state;
    atomic_bool cancelled;
    struct scoop_error error;
};

/* --- the object --- */

static int check_options(const struct scoop_aggregate_options *options, struct scoop_error *error) {
    if (options->memory_limit_bytes != 0 && options->memory_limit_bytes < LEAST_MEMORY_BYTES)
        return scoop_fail(error, SCOOP_USAGE, "memory_limit %zu is less than the least, %d",
                          options->memory_limit_bytes, LEAST_MEMORY_BYTES);
    if (options->top > MOST_TOP)
        return scoop_fail(error, SCOOP_USAGE, "top %zu is more than the most, %d", options->top,
                          MOST_TOP);
    return 0;
}

static size_t source_bytes(const struct scoop_aggregate *aggregate) {
    size_t part = aggregate->memory_limit_bytes / SOURCE_PART;
    return part < LEAST_SOURCE_BYTES ? LEAST_SOURCE_BYTES : part;
}

/* What the groups may take: at least a quarter of all. */
static size_t pool_bytes(const struct scoop_aggregate *aggregate) {
    size_t limit = aggregate->memory_limit_bytes;
    size_t taken = OTHER_MEMORY_BYTES + limit / 8 +
                   SCOOP_AGGREGATE_AHEAD * (limit / QUEUE_PART + source_bytes(aggregate));
    return taken + limit / 4 < limit ? limit - taken : limit / 4;
}

static int set_up(struct scoop_aggregate *aggregate, const struct scoop_aggregate_options *options,
                  struct scoop_error *error) {
    aggregate->memory_limit_bytes =
        options->memory_limit_bytes != 0
            ? options->memory_limit_bytes
            : scoop_default_memory_bytes(SCOOP_AGGREGATE_MEMORY_LIMIT_BYTES, LEAST_MEMORY_BYTES);
    aggregate->result = scoop_aggregated_new(options, pool_bytes(aggregate), error);
    return aggregate->result == NULL
               ? -1
               : scoop_group_fields_init(&aggregate->fields, &aggregate->result->schema, error);
}

struct scoop_aggregate *scoop_aggregate_new(const struct scoop_aggregate_options *options,
                                            struct scoop_error *error) {
    if (check_options(options, error) != 0)
        return NULL;
    struct scoop_aggregate *aggregate = scoop_calloc(1, sizeof *aggregate);
    if (aggregate == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    aggregate->reject_missing = options->reject_missing;
    aggregate->reject_other_type = options->reject_other_type;
    pthread_mutex_init(&aggregate->bell.lock, NULL);
    scoop_timed_condition_init(&aggregate->bell.rung);
    scoop_csv_records_init(&aggregate->csv);
    scoop_rejects_init(&aggregate->rejects);
    aggregate->rejects.max_rejected = options->max_rejected;
    aggregate->rejects.uri = options->keep_rejects ? "" : NULL; /* the caller writes the file */
    if (set_up(aggregate, options, error) == 0)
        return aggregate;
    scoop_aggregate_free(aggregate);
    return NULL;
}

static void begin_source(struct scoop_aggregate *aggregate) {
    memset(&aggregate->source, 0, sizeof aggregate->source);
    aggregate->record = aggregate->seen_rejects = 0;
    aggregate->place = (struct scoop_record_place){0};
    aggregate->csv.headed = false;
    aggregate->rejects.source = scoop_record_reading_name(aggregate->sources[0].reading);
}

int scoop_aggregate_add(struct scoop_aggregate *aggregate,
                        const struct scoop_transfer_options *source, struct scoop_error *error) {
    if (aggregate->source_count == SCOOP_AGGREGATE_AHEAD || aggregate->finishing)
        return scoop_fail(error, SCOOP_USAGE, "a source is added while others are open");
    struct scoop_record_reading *reading = scoop_record_reading_new(
        source, scoop_place_is_s3(source->source.uri) ? source_bytes(aggregate) : 0,
        aggregate->memory_limit_bytes / QUEUE_PART, &aggregate->bell, error);
    if (reading == NULL)
        return -1;
    aggregate->sources[aggregate->source_count++] = (struct open_source){reading, source->format};
    if (aggregate->source_count == 1)
        begin_source(aggregate);
    scoop_record_reading_start(reading);
    return 0;
}

/* --- records --- */

static int judge(struct scoop_aggregate *aggregate, const struct scoop_reject *reject,
                 struct scoop_error *error) {
    aggregate->source.records++;
    aggregate->source.rejected++;
    return scoop_rejects_take(&aggregate->rejects, reject, error);
}

static int reject_record(struct scoop_aggregate *aggregate, const char *reason,
                         const unsigned char *record, size_t length, struct scoop_error *error) {
    const struct scoop_reject reject = {.line = aggregate->place.line,
                                        .byte_offset = aggregate->place.offset,
                                        .reason = reason,
                                        .record = record,
                                        .record_length = length - 1,
                                        .total_length = length - 1};
    return judge(aggregate, &reject, error);
}

static const char *const type_names[] = {[SCOOP_VALUE_STRING] = "a string",
                                         [SCOOP_VALUE_INT] = "a whole number of 32 bits",
                                         [SCOOP_VALUE_BIGINT] = "a whole number of 64 bits",
                                         [SCOOP_VALUE_DOUBLE] = "a number that a double holds",
                                         [SCOOP_VALUE_BOOLEAN] = "true or false",
                                         [SCOOP_VALUE_JSON] = "a value"};

/* Whether a field is not there, or of another type, where that is a bad record. */
static bool is_refused(const struct scoop_aggregate *aggregate, char *reason, size_t size) {
    const struct scoop_group_schema *schema = aggregate->fields.schema;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct scoop_field *field = &schema->fields[i];
        enum scoop_field_state state = aggregate->fields.values[i].state;
        char shown[NAME_SIZE];
        if (state == SCOOP_FIELD_GIVEN ||
            !(state == SCOOP_FIELD_MISSING ? aggregate->reject_missing
                                           : aggregate->reject_other_type))
            continue;
        scoop_example(shown, sizeof shown, field->name, field->length);
        if (state == SCOOP_FIELD_MISSING)
            scoop_text_print(reason, size, "\"%s\" is missing or null", shown);
        else
            scoop_text_print(reason, size, "\"%s\" is not %s", shown, type_names[field->type]);
        return true;
    }
    return false;
}

/* The table that takes most is written to the scratch file. 1; 0: there is none; -1. */
static int spill_most(struct scoop_aggregate *aggregate, struct scoop_error *error) {
    struct scoop_groups *most = &aggregate->result->groups[0];
    for (size_t i = 1; i < aggregate->result->count; i++)
        if (aggregate->result->groups[i].table.bytes > most->table.bytes)
            most = &aggregate->result->groups[i];
    if (most->table.count == 0)
        return 0;
    return scoop_groups_spill(most, error) == 0 ? 1 : -1;
}

static int count_in(struct scoop_aggregate *aggregate, struct scoop_groups *groups,
                    struct scoop_error *error) {
    int status = scoop_groups_count(groups, &aggregate->fields, false, error);
    if (status == 0 && spill_most(aggregate, error) < 0)
        return -1;
    if (status == 0)
        status = scoop_groups_count(groups, &aggregate->fields, true, error);
    return status < 0 ? -1 : 0;
}

static int count_record(struct scoop_aggregate *aggregate, struct scoop_error *error) {
    const struct scoop_group_schema *schema = aggregate->fields.schema;
    for (size_t i = 0; i < schema->field_count; i++) {
        enum scoop_field_state state = aggregate->fields.values[i].state;
        aggregate->facts.missing += state == SCOOP_FIELD_MISSING;
        aggregate->facts.other_type += state == SCOOP_FIELD_OTHER_TYPE;
    }
    aggregate->source.records++;
    aggregate->source.counted++;
    for (size_t i = 0; i < aggregate->result->count; i++)
        if (count_in(aggregate, &aggregate->result->groups[i], error) != 0)
            return -1;
    return 0;
}

static int take_record(struct scoop_aggregate *aggregate, const unsigned char *record,
                       size_t length, struct scoop_error *error) {
    char reason[NAME_SIZE + 80];
    int status =
        aggregate->sources[0].format == SCOOP_FORMAT_CSV
            ? scoop_csv_records_read(&aggregate->csv, &aggregate->fields, record, length, error)
            : scoop_group_fields_read_json(&aggregate->fields, record, length, error);
    if (status < 0)
        return -1;
    if (status > 0)
        return reject_record(aggregate, aggregate->fields.reason, record, length, error);
    if ((aggregate->reject_missing || aggregate->reject_other_type) &&
        is_refused(aggregate, reason, sizeof reason))
        return reject_record(aggregate, reason, record, length, error);
    return count_record(aggregate, error);
}

/* --- blocks --- */

static bool is_before(const struct scoop_reject *reject, const struct scoop_record_place *place) {
    return reject->line != place->line ? reject->line < place->line
                                       : reject->byte_offset < place->offset;
}

/* Those that the check has rejected come where they stood; place NULL: all that are left. */
static int judge_before(struct scoop_aggregate *aggregate, const struct scoop_buf *rejects,
                        size_t *at, const struct scoop_record_place *place,
                        struct scoop_error *error) {
    struct scoop_reject reject;
    for (size_t next = *at; scoop_kept_reject_next(rejects, &next, &reject); *at = next) {
        if (place != NULL && !is_before(&reject, place))
            return 0;
        aggregate->seen_rejects++;
        if (judge(aggregate, &reject, error) != 0)
            return -1;
    }
    return 0;
}

static size_t record_length(const struct scoop_aggregate *aggregate, const unsigned char *text,
                            size_t length) {
    if (aggregate->sources[0].format == SCOOP_FORMAT_CSV)
        return scoop_csv_record_length(text, length);
    const unsigned char *newline = memchr(text, '\n', length);
    return newline == NULL ? length : (size_t)(newline - text) + 1;
}

static int take_header(struct scoop_aggregate *aggregate, const unsigned char *text, size_t length,
                       struct scoop_error *error) {
    if (scoop_csv_records_begin(&aggregate->csv, aggregate->fields.schema, text, length, error) ==
        0)
        return 0;
    scoop_error_name_source(error, scoop_record_reading_name(aggregate->sources[0].reading));
    return -1;
}

static int take_block(struct scoop_aggregate *aggregate, struct scoop_record_block *block,
                      struct scoop_error *error) {
    bool csv = aggregate->sources[0].format == SCOOP_FORMAT_CSV;
    const struct scoop_buf *text = &block->text;
    size_t mark = 0, bad = 0, length;
    for (size_t at = 0; at < text->length; at += length) {
        length = record_length(aggregate, text->data + at, text->length - at);
        if (csv && !aggregate->csv.headed) {
            if (take_header(aggregate, text->data + at, length, error) != 0)
                return -1;
            continue;
        }
        scoop_record_places_look_up(&block->places, &mark, aggregate->record, &aggregate->place);
        if (judge_before(aggregate, &block->rejects, &bad, &aggregate->place, error) != 0 ||
            take_record(aggregate, text->data + at, length, error) != 0)
            return -1;
        aggregate->record++;
        aggregate->place.line++;
        aggregate->place.offset += length;
    }
    return judge_before(aggregate, &block->rejects, &bad, NULL, error);
}

/* The first source has ended: all that its check has let pass is counted or rejected. */
static int check_source(struct scoop_aggregate *aggregate, struct scoop_error *error) {
    const struct scoop_aggregate_source_facts *source = &aggregate->source;
    uint64_t good, bad;
    scoop_record_reading_counts(aggregate->sources[0].reading, &good, &bad);
    if (source->records == good + bad && source->records == source->counted + source->rejected &&
        aggregate->record == good && aggregate->seen_rejects == bad)
        return 0;
    scoop_fail(error, SCOOP_COUNT_MISMATCH,
               "%.300s: %llu records are not %llu counted and %llu rejected",
               aggregate->rejects.source, (unsigned long long)(good + bad),
               (unsigned long long)source->counted, (unsigned long long)source->rejected);
    return scoop_error_counts(error, "records", (int64_t)(good + bad),
                              (int64_t)(source->counted + source->rejected));
}

static int count_source(struct scoop_aggregate *aggregate, struct scoop_error *error) {
    struct scoop_record_block *block;
    int status = scoop_record_reading_next(aggregate->sources[0].reading, &block, error);
    if (status <= 0)
        return status;
    if (block != NULL)
        return take_block(aggregate, block, error) == 0 ? 1 : -1;
    if (check_source(aggregate, error) != 0)
        return -1;
    aggregate->state = SCOOP_AGGREGATE_READ;
    return 1;
}

static void read_facts(const struct scoop_aggregate *aggregate,
                       struct scoop_aggregate_source_facts *facts) {
    struct scoop_transfer_facts read;
    scoop_record_reading_facts(aggregate->sources[0].reading, &read);
    *facts = aggregate->source;
    facts->source_bytes = read.counters.source_bytes;
    facts->text_bytes = read.counters.text_bytes;
    facts->retries = read.retries;
    memcpy(facts->etag, read.source_etag, sizeof facts->etag);
}

static void add_facts(struct scoop_aggregate_facts *sum,
                      const struct scoop_aggregate_source_facts *facts) {
    sum->records += facts->records;
    sum->counted += facts->counted;
    sum->rejected += facts->rejected;
    sum->source_bytes += facts->source_bytes;
    sum->text_bytes += facts->text_bytes;
    sum->retries += facts->retries;
}

void scoop_aggregate_close_source(struct scoop_aggregate *aggregate,
                                  struct scoop_aggregate_source_facts *facts) {
    read_facts(aggregate, facts);
    add_facts(&aggregate->facts, facts);
    scoop_record_reading_free(aggregate->sources[0].reading);
    aggregate->source_count--;
    memmove(aggregate->sources, aggregate->sources + 1,
            aggregate->source_count * sizeof *aggregate->sources);
    memset(&aggregate->source, 0, sizeof aggregate->source);
    aggregate->rejects.source = NULL;
    if (aggregate->source_count > 0)
        begin_source(aggregate);
    if (aggregate->state == SCOOP_AGGREGATE_READ)
        aggregate->state = SCOOP_AGGREGATE_RUNNING;
}

/* --- the result --- */

static int check_grouping(const struct scoop_aggregate *aggregate,
                          const struct scoop_groups *groups, struct scoop_error *error) {
    if (groups->records == aggregate->facts.counted)
        return 0;
    scoop_fail(error, SCOOP_COUNT_MISMATCH,
               "grouping %.100s: its groups have %llu records, of %llu that were counted",
               groups->grouping->name, (unsigned long long)groups->records,
               (unsigned long long)aggregate->facts.counted);
    return scoop_error_counts(error, "records", (int64_t)aggregate->facts.counted,
                              (int64_t)groups->records);
}

static int finish_more(struct scoop_aggregate *aggregate, struct scoop_error *error) {
    struct scoop_aggregated *result = aggregate->result;
    if (aggregate->finished == result->count) {
        aggregate->facts.spilled_bytes = result->scratch.length_bytes + result->kept.length_bytes;
        scoop_scratch_free(&result->scratch);
        aggregate->state = SCOOP_AGGREGATE_DONE;
        return 1;
    }
    struct scoop_groups *groups = &result->groups[aggregate->finished];
    int status = scoop_groups_step(groups, error);
    if (status == 0) {
        aggregate->finished++;
        return check_grouping(aggregate, groups, error) == 0 ? 1 : -1;
    }
    return status;
}

/* 1: something moved, 0: waiting, -1. */
static int step(struct scoop_aggregate *aggregate, struct scoop_error *error) {
    if (atomic_load(&aggregate->cancelled))
        return scoop_fail(error, SCOOP_CANCELLED, "the count was cancelled");
    if (aggregate->source_count > 0)
        return count_source(aggregate, error);
    if (aggregate->finishing)
        return finish_more(aggregate, error);
    return scoop_fail(error, SCOOP_USAGE, "there is no source to count");
}

static uint64_t rings(struct scoop_reading_bell *bell) {
    pthread_mutex_lock(&bell->lock);
    uint64_t count = bell->rings;
    pthread_mutex_unlock(&bell->lock);
    return count;
}

static void wait_for_ring(struct scoop_reading_bell *bell, uint64_t heard, int wait_ms) {
    struct timespec until = scoop_time_after_ms((uint64_t)(wait_ms < WAIT_MS ? wait_ms : WAIT_MS));
    pthread_mutex_lock(&bell->lock);
    while (bell->rings == heard)
        if (pthread_cond_timedwait(&bell->rung, &bell->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&bell->lock);
}

static bool go_on_alone(struct scoop_aggregate *aggregate) {
    return aggregate->source_count > 0 &&
           scoop_record_reading_go_on_alone(aggregate->sources[0].reading);
}

static void stop_sources(struct scoop_aggregate *aggregate) {
    for (size_t i = 0; i < aggregate->source_count; i++)
        scoop_record_reading_stop(aggregate->sources[i].reading);
}

enum scoop_aggregate_state scoop_aggregate_run(struct scoop_aggregate *aggregate, int slice_ms,
                                               struct scoop_error *error) {
    uint64_t begun = scoop_now_ms(), now = begun;
    while (aggregate->state == SCOOP_AGGREGATE_RUNNING && now - begun < (uint64_t)slice_ms) {
        uint64_t heard = rings(&aggregate->bell);
        int status = step(aggregate, &aggregate->error);
        if (status < 0) {
            aggregate->state = SCOOP_AGGREGATE_FAILED;
            stop_sources(aggregate);
        } else if (status == 0 && !go_on_alone(aggregate)) {
            wait_for_ring(&aggregate->bell, heard, slice_ms - (int)(now - begun));
        }
        now = scoop_now_ms();
    }
    if (aggregate->state == SCOOP_AGGREGATE_FAILED)
        *error = aggregate->error;
    return aggregate->state;
}

void scoop_aggregate_finish(struct scoop_aggregate *aggregate) {
    aggregate->finishing = true;
}

void scoop_aggregate_cancel(struct scoop_aggregate *aggregate) {
    atomic_store(&aggregate->cancelled, true);
}

void scoop_aggregate_facts(const struct scoop_aggregate *aggregate,
                           struct scoop_aggregate_facts *facts) {
    struct scoop_aggregate_source_facts source;
    *facts = aggregate->facts;
    memcpy(facts->first_reject, aggregate->rejects.first, sizeof facts->first_reject);
    if (aggregate->source_count == 0)
        return;
    read_facts(aggregate, &source);
    add_facts(facts, &source);
}

const struct scoop_buf *scoop_aggregate_rejects(const struct scoop_aggregate *aggregate) {
    return &aggregate->rejects.lines;
}

struct scoop_aggregated *scoop_aggregate_result(struct scoop_aggregate *aggregate) {
    return scoop_aggregated_hold(aggregate->result);
}

void scoop_aggregate_free(struct scoop_aggregate *aggregate) {
    if (aggregate == NULL)
        return;
    stop_sources(aggregate);
    for (size_t i = 0; i < aggregate->source_count; i++)
        scoop_record_reading_free(aggregate->sources[i].reading);
    scoop_csv_records_free(&aggregate->csv);
    scoop_group_fields_free(&aggregate->fields);
    scoop_rejects_free(&aggregate->rejects);
    scoop_aggregated_give(aggregate->result);
    pthread_cond_destroy(&aggregate->bell.rung);
    pthread_mutex_destroy(&aggregate->bell.lock);
    scoop_free(aggregate);
}
