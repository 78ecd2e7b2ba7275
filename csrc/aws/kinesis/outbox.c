#include "aws/kinesis/outbox.h"

#include <string.h>

#include "aws/kinesis/key_set.h"
#include "base/invariant.h"
#include "base/retry.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "text/key_hash.h"

enum {
    MOST_IN_FLIGHT = 64,
    FIRST_WINDOW = 2,
    TAIL_BYTES = 2, /* "]}" in place of the last comma, and one more */
    THROTTLED_STEPS =
        2, /* the first delay of a throttled request is as long as the third of another */
};

enum parcel_state { FREE, FILLING, SEALED, WAITING, UNDER_WAY };

/* A record of a request: where its entry stands in the body, comma included. */
struct item {
    uint64_t number; /* of the change */
    uint64_t key;
    uint32_t at, length;
    uint32_t data_bytes;
};

struct scoop_parcel {
    enum parcel_state state;
    struct scoop_buf body;
    struct item items[SCOOP_KINESIS_MOST_RECORDS]; /* in the order of the changes */
    size_t count;
    size_t data_bytes; /* with keys */
    uint64_t opened_ms, sent_ms, due_ms;
    unsigned fruitless;             /* tries in a row in which none of its records was stored */
    struct scoop_patience patience; /* since it began that nothing at all was stored */
    bool waits_for_any;             /* it has begun */
    uint64_t stored_seen;
};

struct scoop_outbox {
    struct scoop_outbox_options options;
    struct scoop_buf head; /* how each body begins */
    struct scoop_parcel *parcels[MOST_IN_FLIGHT + 1];
    size_t parcel_count;
    struct scoop_parcel *filling; /* also when it is sealed, but was never sent */
    struct scoop_key_set keys;    /* of unacknowledged changes */
    struct scoop_shards shards;
    uint64_t next_number;
    bool ended;
    unsigned window, credit;
    uint64_t narrowed_ms; /* when the window became smaller last */
    struct scoop_outbox_facts facts;
    struct scoop_kinesis_result results[SCOOP_KINESIS_MOST_RECORDS];
};

struct scoop_outbox *scoop_outbox_new(const struct scoop_outbox_options *options,
                                      struct scoop_error *error) {
    struct scoop_outbox *outbox = scoop_calloc(1, sizeof *outbox);
    if (outbox == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    outbox->options = *options;
    outbox->options.stream = NULL;
    if (outbox->options.max_in_flight > MOST_IN_FLIGHT)
        outbox->options.max_in_flight = MOST_IN_FLIGHT;
    outbox->parcel_count = outbox->options.max_in_flight + 1;
    outbox->next_number = options->first_number;
    outbox->window =
        FIRST_WINDOW < outbox->options.max_in_flight ? FIRST_WINDOW : outbox->options.max_in_flight;
    scoop_buf_init(&outbox->head, 4096);
    size_t most_keys = outbox->parcel_count * SCOOP_KINESIS_MOST_RECORDS;
    if (scoop_kinesis_begin_request(&outbox->head, options->stream, error) == 0 &&
        scoop_buf_append_text(&outbox->head, ",\"Records\":[", error) == 0 &&
        scoop_key_set_init(&outbox->keys, most_keys, error) == 0)
        return outbox;
    scoop_outbox_free(outbox);
    return NULL;
}

void scoop_outbox_free(struct scoop_outbox *outbox) {
    if (outbox == NULL)
        return;
    for (size_t i = 0; i < outbox->parcel_count; i++) {
        if (outbox->parcels[i] != NULL)
            scoop_buf_free(&outbox->parcels[i]->body);
        scoop_free(outbox->parcels[i]);
    }
    scoop_buf_free(&outbox->head);
    scoop_key_set_free(&outbox->keys);
    scoop_shards_free(&outbox->shards);
    scoop_free(outbox);
}

/* --- filling --- */

static size_t held_bytes(const struct scoop_outbox *outbox) {
    size_t bytes = 0;
    for (size_t i = 0; i < outbox->parcel_count; i++)
        bytes += outbox->parcels[i] == NULL ? 0 : outbox->parcels[i]->body.capacity;
    return bytes;
}

static bool others_are_under_way(const struct scoop_outbox *outbox) {
    for (size_t i = 0; i < outbox->parcel_count; i++) {
        const struct scoop_parcel *parcel = outbox->parcels[i];
        if (parcel != NULL && parcel != outbox->filling && parcel->state != FREE)
            return true;
    }
    return false;
}

/* What the buffer's capacity becomes with so many bytes more. */
static size_t grown_capacity(const struct scoop_buf *buf, size_t more) {
    size_t capacity = buf->capacity < 256 ? 256 : buf->capacity;
    while (capacity < buf->length + more + 1)
        capacity *= 2;
    return capacity;
}

static void give_back_free_ones(struct scoop_outbox *outbox) {
    for (size_t i = 0; i < outbox->parcel_count; i++)
        if (outbox->parcels[i] != NULL && outbox->parcels[i]->state == FREE)
            scoop_buf_free(&outbox->parcels[i]->body);
}

/* Whether the memory allows for so many bytes more in a request; one alone is always allowed. */
static bool memory_allows(struct scoop_outbox *outbox, const struct scoop_buf *body, size_t more) {
    size_t grown = grown_capacity(body, more), limit = outbox->options.memory_bytes;
    if (grown == body->capacity || held_bytes(outbox) - body->capacity + grown <= limit)
        return true;
    give_back_free_ones(outbox);
    return held_bytes(outbox) - body->capacity + grown <= limit ||
           (!others_are_under_way(outbox) && body->length <= outbox->head.length);
}

static bool fits(struct scoop_outbox *outbox, const struct scoop_parcel *parcel, size_t data_bytes,
                 size_t entry_bytes) {
    return parcel->count < SCOOP_KINESIS_MOST_RECORDS &&
           (parcel->count == 0 ||
            (parcel->data_bytes + data_bytes <= SCOOP_KINESIS_MOST_DATA_BYTES &&
             parcel->body.length + entry_bytes + TAIL_BYTES <= SCOOP_KINESIS_MOST_REQUEST_BYTES)) &&
           memory_allows(outbox, &parcel->body, entry_bytes + TAIL_BYTES);
}

/* A parcel that is free, with the head of a request in it; *parcel is NULL when none is. 0 or -1.
 */
static int take_free(struct scoop_outbox *outbox, struct scoop_parcel **parcel,
                     struct scoop_error *error) {
    *parcel = NULL;
    for (size_t i = 0; i < outbox->parcel_count && *parcel == NULL; i++) {
        if (outbox->parcels[i] == NULL) {
            outbox->parcels[i] = scoop_calloc(1, sizeof **parcel);
            if (outbox->parcels[i] == NULL)
                return scoop_fail_memory(error);
            scoop_buf_init(&outbox->parcels[i]->body, 2 * SCOOP_KINESIS_MOST_REQUEST_BYTES);
        }
        if (outbox->parcels[i]->state == FREE)
            *parcel = outbox->parcels[i];
    }
    if (*parcel == NULL)
        return 0;
    (*parcel)->body.length = (*parcel)->count = (*parcel)->data_bytes = 0;
    (*parcel)->fruitless = 0;
    (*parcel)->waits_for_any = false;
    return scoop_buf_append(&(*parcel)->body, outbox->head.data, outbox->head.length, error);
}

static int fail_change(const struct scoop_outbox *outbox, struct scoop_error *error) {
    scoop_error_say(error, "change %llu: %.900s", (unsigned long long)outbox->next_number + 1,
                    error->message);
    return -1;
}

static int append(struct scoop_outbox *outbox, struct scoop_parcel *parcel, const void *line,
                  size_t length, const struct scoop_partition_key *key, uint64_t hash,
                  struct scoop_error *error) {
    size_t before = parcel->body.length;
    if (!SCOOP_INVARIANT(parcel->state == FILLING, error) ||
        !SCOOP_INVARIANT(parcel->count < SCOOP_KINESIS_MOST_RECORDS, error))
        return -1;
    if (scoop_buf_reserve(&parcel->body, scoop_kinesis_record_bytes(length, key) + TAIL_BYTES,
                          error) != 0 ||
        scoop_kinesis_add_record(&parcel->body, line, length, key, error) != 0)
        return -1;
    parcel->items[parcel->count++] = (struct item){
        .number = outbox->next_number++,
        .key = hash,
        .at = (uint32_t)before,
        .length = (uint32_t)(parcel->body.length - before),
        .data_bytes = (uint32_t)length,
    };
    parcel->data_bytes += length + key->length;
    /* A change of a key that is under way would overtake it. */
    return SCOOP_INVARIANT(scoop_key_set_add(&outbox->keys, hash), error) ? 1 : -1;
}

static int open_parcel(struct scoop_outbox *outbox, size_t entry_bytes, uint64_t now,
                       struct scoop_error *error) {
    struct scoop_parcel *parcel;
    if (take_free(outbox, &parcel, error) != 0)
        return -1;
    if (parcel == NULL || !memory_allows(outbox, &parcel->body, entry_bytes + TAIL_BYTES))
        return 0;
    parcel->state = FILLING;
    parcel->opened_ms = now;
    parcel->stored_seen = outbox->facts.sent;
    outbox->filling = parcel;
    return 1;
}

int scoop_outbox_offer(struct scoop_outbox *outbox, const void *line, size_t length, uint64_t now,
                       struct scoop_error *error) {
    struct scoop_partition_key key;
    if (outbox->filling != NULL && outbox->filling->state == SEALED)
        return 0;
    if (scoop_kinesis_partition_key(line, length, &key, error) != 0)
        return fail_change(outbox, error);
    if (length + key.length > outbox->options.max_record_bytes) {
        scoop_fail(
            error, SCOOP_TOO_LARGE,
            "%zu bytes of data and %zu of key are more than the %zu that the stream takes in "
            "a record; raise its MaxRecordSizeInKiB or make the row smaller",
            length, key.length, outbox->options.max_record_bytes);
        return fail_change(outbox, error);
    }
    size_t entry_bytes = scoop_kinesis_record_bytes(length, &key);
    uint64_t hash = scoop_key_hash_of(key.text, key.length).low;
    bool waits = scoop_key_set_has(&outbox->keys, hash);
    if (outbox->filling != NULL &&
        (waits || !fits(outbox, outbox->filling, length + key.length, entry_bytes)))
        outbox->filling->state = SEALED;
    if (waits || (outbox->filling != NULL && outbox->filling->state == SEALED))
        return 0;
    if (outbox->filling == NULL) {
        int opened = open_parcel(outbox, entry_bytes, now, error);
        if (opened <= 0)
            return opened;
    }
    return append(outbox, outbox->filling, line, length, &key, hash, error);
}

void scoop_outbox_end(struct scoop_outbox *outbox) {
    outbox->ended = true;
}

bool scoop_outbox_is_empty(const struct scoop_outbox *outbox) {
    return outbox->filling == NULL && outbox->facts.in_flight == 0;
}

/* --- sending --- */

/* When the request that is being filled is due, if the window allows for it. */
static bool filling_is_due(const struct scoop_outbox *outbox, uint64_t now, uint64_t *due_ms) {
    const struct scoop_parcel *filling = outbox->filling;
    if (filling == NULL || filling->count == 0 || outbox->facts.in_flight >= outbox->window)
        return false;
    *due_ms = filling->state == SEALED || outbox->ended
                  ? now
                  : filling->opened_ms + outbox->options.max_age_ms;
    return true;
}

/* The entries end in commas; the last one's makes room for the end. */
static void send_off(struct scoop_outbox *outbox, struct scoop_parcel *parcel, uint64_t now) {
    struct scoop_buf *body = &parcel->body;
    body->data[body->length - 1] = ']';
    body->data[body->length++] = '}';
    if (parcel->state == WAITING)
        outbox->facts.retried += parcel->count;
    else
        outbox->facts.in_flight++;
    if (parcel == outbox->filling)
        outbox->filling = NULL;
    parcel->state = UNDER_WAY;
    parcel->sent_ms = now;
    outbox->facts.calls++;
}

struct scoop_parcel *scoop_outbox_next(struct scoop_outbox *outbox, uint64_t now) {
    struct scoop_parcel *chosen = NULL;
    uint64_t due_ms;
    for (size_t i = 0; i < outbox->parcel_count; i++) {
        struct scoop_parcel *parcel = outbox->parcels[i];
        if (parcel != NULL && parcel->state == WAITING && parcel->due_ms <= now &&
            (chosen == NULL || parcel->items[0].number < chosen->items[0].number))
            chosen = parcel;
    }
    if (chosen == NULL && filling_is_due(outbox, now, &due_ms) && due_ms <= now)
        chosen = outbox->filling;
    if (chosen != NULL)
        send_off(outbox, chosen, now);
    return chosen;
}

uint64_t scoop_outbox_wait_ms(const struct scoop_outbox *outbox, uint64_t now, uint64_t most_ms) {
    uint64_t due_ms, until = now + most_ms;
    if (filling_is_due(outbox, now, &due_ms) && due_ms < until)
        until = due_ms;
    for (size_t i = 0; i < outbox->parcel_count; i++) {
        const struct scoop_parcel *parcel = outbox->parcels[i];
        if (parcel != NULL && parcel->state == WAITING && parcel->due_ms < until)
            until = parcel->due_ms;
    }
    return until > now ? until - now : 0;
}

const struct scoop_buf *scoop_parcel_body(const struct scoop_parcel *parcel) {
    return &parcel->body;
}

/* --- answers --- */

/* Requests that were under way together narrow the window once. */
static void narrow(struct scoop_outbox *outbox, const struct scoop_parcel *parcel, uint64_t now) {
    outbox->credit = 0;
    if (parcel->sent_ms < outbox->narrowed_ms)
        return;
    outbox->window = outbox->window > 1 ? outbox->window / 2 : 1;
    outbox->narrowed_ms = now + 1;
}

static void widen(struct scoop_outbox *outbox) {
    if (++outbox->credit < outbox->window || outbox->window >= outbox->options.max_in_flight)
        return;
    outbox->window++;
    outbox->credit = 0;
}

/* Keeps the entries of the items that were not stored. */
static void keep_failed(struct scoop_outbox *outbox, struct scoop_parcel *parcel) {
    size_t kept = 0;
    parcel->body.length = outbox->head.length;
    for (size_t i = 0; i < parcel->count; i++) {
        struct item item = parcel->items[i];
        if (outbox->results[i].stored)
            continue;
        unsigned char *to = parcel->body.data + parcel->body.length;
        memmove(to, parcel->body.data + item.at, item.length);
        to[item.length - 1] = ',';
        item.at = (uint32_t)parcel->body.length;
        parcel->body.length += item.length;
        parcel->items[kept++] = item;
    }
    parcel->count = kept;
}

static void release(struct scoop_outbox *outbox, struct scoop_parcel *parcel) {
    parcel->state = FREE;
    parcel->count = 0;
    outbox->facts.in_flight -= SCOOP_INVARIANT(outbox->facts.in_flight > 0, NULL);
    if (parcel->body.capacity > outbox->options.memory_bytes / outbox->parcel_count)
        scoop_buf_free(&parcel->body);
}

/* 0: it is due again later; -1: it was tried for too long. */
static int delay(struct scoop_outbox *outbox, struct scoop_parcel *parcel, bool throttled,
                 uint64_t now, double random01) {
    if (!parcel->waits_for_any || outbox->facts.sent != parcel->stored_seen)
        scoop_patience_begin(&parcel->patience, parcel->sent_ms);
    parcel->waits_for_any = true;
    parcel->stored_seen = outbox->facts.sent;
    if (scoop_patience_ends(&parcel->patience, now, outbox->options.retry_ms))
        return -1;
    uint32_t step = parcel->fruitless + (throttled ? THROTTLED_STEPS : 0);
    parcel->state = WAITING;
    parcel->due_ms = now + scoop_retry_delay_ms(step, false, random01);
    SCOOP_TRACE("publish", "of %zu records some were not stored%s; again in %llu ms, try %u",
                parcel->count, throttled ? " (throttled)" : "",
                (unsigned long long)(parcel->due_ms - now), parcel->fruitless + 1);
    if (throttled)
        narrow(outbox, parcel, now);
    return 0;
}

static int fail_tries(const struct scoop_parcel *parcel, const struct scoop_kinesis_result *result,
                      struct scoop_error *error) {
    scoop_fail(error, result->throttled ? SCOOP_THROTTLED : SCOOP_HTTP,
               "Kinesis refused records with %.*s; nothing was stored in %.1f s",
               (int)(result->code_length < 80 ? result->code_length : 80), result->code,
               (double)parcel->patience.spent_ms / 1000);
    error->retryable = true;
    return -1;
}

static int note_stored(struct scoop_outbox *outbox, const struct item *item,
                       const struct scoop_kinesis_result *result, struct scoop_error *error) {
    scoop_key_set_remove(&outbox->keys, item->key);
    outbox->facts.sent++;
    outbox->facts.sent_bytes += item->data_bytes;
    return scoop_shards_count(&outbox->shards, result->shard, result->shard_length, error);
}

int scoop_outbox_answered(struct scoop_outbox *outbox, struct scoop_parcel *parcel,
                          const void *body, size_t length, uint64_t now, double random01,
                          struct scoop_error *error) {
    const struct scoop_kinesis_result *refused = NULL;
    struct scoop_error unread = {0};
    uint64_t stored_before = outbox->facts.sent;
    bool throttled = false;
    if (!SCOOP_INVARIANT(parcel->state == UNDER_WAY, error))
        return -1;
    if (scoop_kinesis_parse_results(body, length, outbox->results, parcel->count, &unread) != 0)
        return scoop_outbox_failed(outbox, parcel, &unread, false, now, random01, error);
    for (size_t i = 0; i < parcel->count; i++) {
        const struct scoop_kinesis_result *result = &outbox->results[i];
        if (result->stored && note_stored(outbox, &parcel->items[i], result, error) != 0)
            return -1;
        outbox->facts.throttled += result->throttled;
        throttled = throttled || result->throttled;
        refused = result->stored ? refused : result;
    }
    if (refused == NULL) {
        release(outbox, parcel);
        widen(outbox);
        return 0;
    }
    parcel->fruitless = outbox->facts.sent != stored_before ? 0 : parcel->fruitless + 1;
    if (delay(outbox, parcel, throttled, now, random01) != 0)
        return fail_tries(parcel, refused, error);
    keep_failed(outbox, parcel);
    return 0;
}

int scoop_outbox_failed(struct scoop_outbox *outbox, struct scoop_parcel *parcel,
                        const struct scoop_error *failure, bool throttled, uint64_t now,
                        double random01, struct scoop_error *error) {
    if (!SCOOP_INVARIANT(parcel->state == UNDER_WAY, error))
        return -1;
    for (size_t i = 0; i < parcel->count; i++)
        outbox->results[i].stored = false;
    parcel->fruitless++;
    outbox->facts.throttled += throttled ? parcel->count : 0;
    if (delay(outbox, parcel, throttled, now, random01) != 0) {
        *error = *failure;
        return -1;
    }
    keep_failed(outbox, parcel);
    return 0;
}

void scoop_outbox_facts(const struct scoop_outbox *outbox, struct scoop_outbox_facts *facts) {
    *facts = outbox->facts;
    facts->window = outbox->window;
    facts->acknowledged = outbox->next_number;
    for (size_t i = 0; i < outbox->parcel_count; i++) {
        const struct scoop_parcel *parcel = outbox->parcels[i];
        if (parcel != NULL && parcel->count > 0 && parcel->items[0].number < facts->acknowledged)
            facts->acknowledged = parcel->items[0].number;
    }
}

const struct scoop_shards *scoop_outbox_shards(const struct scoop_outbox *outbox) {
    return &outbox->shards;
}
