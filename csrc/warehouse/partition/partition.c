/* Registers partitions, and proves by the catalog that they are where they should be. */
#include "warehouse/partition/partition_internal.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "scoop/memory.h"
#include "warehouse/session/made.h"
#include "warehouse/session/session.h"

enum { SQL_CEILING_BYTES = 16 * 1024 * 1024 };
/* One that adds and moves, one that moves what others put elsewhere meanwhile, one that looks. */
enum { ROUNDS = 3 };

static const char *find_value(const struct scoop_partition *partition, const char *column) {
    for (size_t i = 0; i < partition->count; i++)
        if (strcasecmp(partition->names[i], column) == 0)
            return partition->values[i];
    return NULL;
}

static int check_location(const struct scoop_partition *partition, struct scoop_error *error) {
    const char *location = partition->location;
    if (location == NULL || strncmp(location, "s3://", 5) != 0 || location[5] == 0)
        return scoop_fail(error, SCOOP_USAGE,
                          "the partition's location '%.300s' is not an s3:// address",
                          location == NULL ? "" : location);
    return 0;
}

static int check_name(const struct scoop_partition *partition, size_t at,
                      const struct scoop_table_name *table, const struct scoop_partition_list *list,
                      struct scoop_error *error) {
    const char *name = partition->names[at];
    for (size_t i = 0; i < at; i++)
        if (strcasecmp(name, partition->names[i]) == 0)
            return scoop_fail(error, SCOOP_USAGE, "\"%.127s\" is given twice", name);
    for (size_t i = 0; i < list->column_count; i++)
        if (strcasecmp(name, list->columns[i]) == 0)
            return 0;
    return scoop_fail(error, SCOOP_USAGE, "\"%.127s\" is not a partition column of %.127s.%.127s",
                      name, table->schema, table->table);
}

/* Puts the values in the order of the table's columns, each in its one spelling. */
static int arrange(const struct scoop_partition *partition, const struct scoop_table_name *table,
                   const struct scoop_partition_list *list, char **values,
                   struct scoop_error *error) {
    for (size_t i = 0; i < list->column_count; i++)
        if (find_value(partition, list->columns[i]) == NULL)
            return scoop_fail(error, SCOOP_USAGE,
                              "%.127s.%.127s is partitioned by \"%.127s\", which has no value here",
                              table->schema, table->table, list->columns[i]);
    for (size_t i = 0; i < partition->count; i++)
        if (check_name(partition, i, table, list, error) != 0)
            return -1;
    for (size_t i = 0; i < list->column_count; i++) {
        values[i] =
            scoop_partition_normal_copy(list, i, find_value(partition, list->columns[i]), error);
        if (values[i] == NULL)
            return -1;
    }
    return check_location(partition, error);
}

static bool same_values(const char *const *left, const char *const *right, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (left[i] == NULL || right[i] == NULL || strcmp(left[i], right[i]) != 0)
            return false;
    return true;
}

/* A partition that was asked for. */
struct wanted {
    struct scoop_partition partition; /* values in the table's order and in their one spelling */
    char **values;                    /* what partition.values points to */
    size_t known;                     /* where the catalog has it; list.count when it has not */
    bool set;                         /* its location was set by us */
    bool there;                       /* at its place, as far as we know */
};

/* One call of scoop_partition_add. */
struct registration {
    struct scoop_session *session;
    struct scoop_table_name table;
    const struct scoop_interrupt *interrupt;
    struct scoop_partition_list list;
    size_t column_count;
    struct wanted *wanted;
    size_t count;
    struct scoop_made made;
};

static int arrange_all(struct registration *registration, const struct scoop_partition *partitions,
                       struct scoop_error *error) {
    size_t columns = registration->column_count = registration->list.column_count;
    registration->wanted = scoop_calloc(registration->count + 1, sizeof *registration->wanted);
    if (registration->wanted == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < registration->count; i++) {
        struct wanted *wanted = &registration->wanted[i];
        wanted->values = scoop_calloc(columns + 1, sizeof *wanted->values);
        if (wanted->values == NULL)
            return scoop_fail_memory(error);
        if (arrange(&partitions[i], &registration->table, &registration->list, wanted->values,
                    error) != 0)
            return -1;
        for (size_t j = 0; j < i; j++)
            if (same_values((const char *const *)wanted->values,
                            registration->wanted[j].partition.values, columns))
                return scoop_fail(error, SCOOP_USAGE, "the partition %.127s=%.200s is given twice",
                                  registration->list.columns[0], wanted->values[0]);
        wanted->partition.values = (const char *const *)wanted->values;
        wanted->partition.count = columns;
        wanted->partition.location = partitions[i].location;
    }
    return 0;
}

/* Whether the catalog shows it at its place. One that is cut proves nothing, so it counts only if
 * we have set it. */
static bool at_its_place(const struct registration *registration, const struct wanted *wanted) {
    const char *shown = registration->list.locations[wanted->known];
    if (strlen(shown) < SCOOP_LOCATION_SHOWN_BYTES)
        return scoop_partition_same_location(shown, wanted->partition.location);
    return wanted->set && scoop_partition_may_hold(shown, wanted->partition.location);
}

/* Finds each in the catalog as it was read last. */
static int find_known(struct registration *registration, struct scoop_error *error) {
    const struct scoop_partition_list *list = &registration->list;
    for (size_t i = 0; i < registration->count; i++) {
        struct wanted *wanted = &registration->wanted[i];
        wanted->partition.names = (const char *const *)list->columns;
        wanted->known = list->count;
        for (size_t at = 0; at < list->count; at++) {
            if (!same_values((const char *const *)list->normals[at], wanted->partition.values,
                             list->column_count))
                continue;
            if (wanted->known < list->count)
                return scoop_fail(error, SCOOP_PARTITION_CONFLICT,
                                  "the catalog has the partition %.127s=%.200s twice, spelled in "
                                  "two ways; drop one of them",
                                  list->columns[0], wanted->values[0]);
            wanted->known = at;
        }
        wanted->there = wanted->known < list->count && at_its_place(registration, wanted);
    }
    return 0;
}

/* Runs what `built` appended to sql, and frees it. *carried_out also where a cancel came after it.
 */
static int run(struct registration *registration, int built, struct scoop_buf *sql,
               bool *carried_out, struct scoop_error *error) {
    const char *text = built == 0 ? scoop_buf_text(sql, error) : NULL;
    int result = text == NULL ? -1
                              : scoop_session_run(registration->session, text,
                                                  registration->interrupt, error);
    *carried_out = text != NULL && scoop_session_succeeded(registration->session);
    if (text != NULL)
        scoop_made_add(&registration->made, registration->session);
    scoop_buf_free(sql);
    return result;
}

/* New ones, which one statement adds. */
struct batch {
    struct wanted *wanted[SCOOP_PARTITIONS_PER_STATEMENT];
    size_t count;
};

static int add_batch(struct registration *registration, struct batch *batch,
                     struct scoop_error *error) {
    const struct scoop_partition *partitions[SCOOP_PARTITIONS_PER_STATEMENT];
    struct scoop_buf sql;
    if (batch->count == 0)
        return 0;
    for (size_t i = 0; i < batch->count; i++)
        partitions[i] = &batch->wanted[i]->partition;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    int built =
        scoop_partition_sql_add(&registration->table, partitions, batch->count, &sql, error);
    bool added;
    int result = run(registration, built, &sql, &added, error);
    for (size_t i = 0; i < batch->count; i++)
        batch->wanted[i]->there = added;
    batch->count = 0;
    return result;
}

/* Adds those that the catalog has not. */
static int add_new(struct registration *registration, bool *changed, struct scoop_error *error) {
    struct batch batch = {.count = 0};
    for (size_t i = 0; i < registration->count; i++) {
        struct wanted *wanted = &registration->wanted[i];
        if (wanted->known < registration->list.count)
            continue;
        *changed = true;
        wanted->partition.status = SCOOP_ADDED;
        batch.wanted[batch.count++] = wanted;
        if (batch.count == SCOOP_PARTITIONS_PER_STATEMENT &&
            add_batch(registration, &batch, error) != 0)
            return -1;
    }
    return add_batch(registration, &batch, error);
}

/* In the catalog's own spelling, by which it finds the partition. */
static int move(struct registration *registration, struct wanted *wanted,
                struct scoop_error *error) {
    struct scoop_partition known = wanted->partition;
    struct scoop_buf sql;
    known.values = (const char *const *)registration->list.values[wanted->known];
    wanted->set = true;
    scoop_buf_init(&sql, SQL_CEILING_BYTES);
    int built = scoop_partition_sql_move(&registration->table, &known, &sql, error);
    return run(registration, built, &sql, &wanted->there, error);
}

/* Sets the location of those that the catalog has elsewhere. */
static int move_known(struct registration *registration, int round, bool *changed,
                      struct scoop_error *error) {
    for (size_t i = 0; i < registration->count; i++) {
        struct wanted *wanted = &registration->wanted[i];
        if (wanted->known == registration->list.count)
            continue;
        if (round == 1)
            wanted->partition.status = SCOOP_UNCHANGED;
        if (wanted->there)
            continue;
        const char *shown = registration->list.locations[wanted->known];
        if (round == ROUNDS)
            return scoop_fail(error, SCOOP_PROTOCOL,
                              "another session sets the location of %.127s=%.200s, too: it is "
                              "%.200s now; run it again",
                              registration->list.columns[0], wanted->values[0], shown);
        /* A cut location that may be the one that we added is set to be sure, and stays added. */
        if (round == 1 || strlen(shown) < SCOOP_LOCATION_SHOWN_BYTES ||
            !scoop_partition_may_hold(shown, wanted->partition.location))
            wanted->partition.status = SCOOP_MOVED;
        if (move(registration, wanted, error) != 0)
            return -1;
        *changed = true;
    }
    return 0;
}

static int check_there(const struct registration *registration, struct scoop_error *error) {
    for (size_t i = 0; i < registration->count; i++)
        if (registration->wanted[i].known == registration->list.count)
            return scoop_fail(error, SCOOP_PROTOCOL,
                              "the partition %.127s=%.200s was added, and the catalog does not "
                              "show it; another session may drop it, so run it again",
                              registration->list.columns[0], registration->wanted[i].values[0]);
    return 0;
}

static int read_again(struct registration *registration, struct scoop_error *error) {
    scoop_partition_list_free(&registration->list);
    if (scoop_partition_read(registration->session, &registration->table, registration->interrupt,
                             &registration->list, error) != 0)
        return -1;
    if (registration->list.column_count == registration->column_count)
        return find_known(registration, error);
    return scoop_fail(error, SCOOP_NOT_FOUND, "the table was changed meanwhile; run it again");
}

/* ADD IF NOT EXISTS does nothing where another session was faster, so the catalog has the word. */
static int settle(struct registration *registration, struct scoop_error *error) {
    for (int round = 1;; round++) {
        bool changed = false;
        int result =
            round == 1 ? add_new(registration, &changed, error) : check_there(registration, error);
        if (result == 0)
            result = move_known(registration, round, &changed, error);
        if (result != 0 || !changed)
            return result;
        if (read_again(registration, error) != 0)
            return -1;
    }
}

static void release(struct registration *registration) {
    for (size_t i = 0; registration->wanted != NULL && i < registration->count; i++) {
        char **values = registration->wanted[i].values;
        for (size_t j = 0; values != NULL && j < registration->column_count; j++)
            scoop_free(values[j]);
        scoop_free(values);
    }
    scoop_free(registration->wanted);
    scoop_partition_list_free(&registration->list);
}

int scoop_partition_add(struct scoop_session *session, const char *table,
                        struct scoop_partition *partitions, size_t count,
                        const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct registration registration = {.session = session, .interrupt = interrupt, .count = count};
    int result = scoop_sql_split(table, &registration.table, error);
    if (result == 0)
        result = scoop_session_holds(session, &registration.table, interrupt, error);
    if (result == 0)
        result = scoop_session_alone(session, "add_partitions", interrupt, error);
    if (result == 0)
        result = scoop_partition_list(session, table, interrupt, &registration.list, error);
    if (result == 0)
        result = arrange_all(&registration, partitions, error);
    if (result == 0)
        result = find_known(&registration, error);
    if (result == 0)
        result = settle(&registration, error);
    for (size_t i = 0; result == 0 && i < count; i++)
        partitions[i].status = registration.wanted[i].partition.status;
    bool all = registration.wanted != NULL;
    for (size_t i = 0; all && i < count; i++)
        all = registration.wanted[i].there;
    release(&registration);
    if (result == 0)
        return 0;
    scoop_made_tell(&registration.made, all, error);
    return scoop_fail_prefix(error, "partitions of %.250s: ", table);
}
