/* Whether what was written is what a partition reads. */
#include <string.h>
#include <strings.h>

#include "scoop/memory.h"
#include "warehouse/partition/partition.h"
#include "warehouse/partition/partition_internal.h"
#include "warehouse/session/session.h"

enum { VALUE_CEILING_BYTES = 64 * 1024, NO_COLUMN = -1 };

/* The partitions that a filter reads; a filter may name some of the partition columns only. */
struct filter {
    const struct scoop_partition *given;
    const struct scoop_partition_list *list;
    int *columns;   /* of the list, one a name; NO_COLUMN for a column of the rows */
    char **normals; /* one a name; NULL where there is no column */
};

static int find_column(const struct scoop_partition_list *list, const char *name) {
    for (size_t i = 0; i < list->column_count; i++)
        if (strcasecmp(list->columns[i], name) == 0)
            return (int)i;
    return NO_COLUMN;
}

static int fill(struct filter *filter, struct scoop_error *error) {
    size_t count = filter->given->count;
    filter->columns = scoop_calloc(count + 1, sizeof *filter->columns);
    filter->normals = scoop_calloc(count + 1, sizeof *filter->normals);
    if (filter->columns == NULL || filter->normals == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        filter->columns[i] = find_column(filter->list, filter->given->names[i]);
        if (filter->columns[i] == NO_COLUMN)
            continue;
        filter->normals[i] = scoop_partition_normal_copy(filter->list, (size_t)filter->columns[i],
                                                         filter->given->values[i], error);
        if (filter->normals[i] == NULL)
            return -1;
    }
    return 0;
}

static void release(struct filter *filter) {
    for (size_t i = 0; filter->normals != NULL && i < filter->given->count; i++)
        scoop_free(filter->normals[i]);
    scoop_free(filter->normals);
    scoop_free(filter->columns);
}

static bool reads(const struct filter *filter, size_t partition) {
    char **values = filter->list->normals[partition];
    for (size_t i = 0; i < filter->given->count; i++) {
        if (filter->columns[i] == NO_COLUMN)
            continue;
        const char *value = values[filter->columns[i]];
        if (value == NULL || strcmp(value, filter->normals[i]) != 0)
            return false;
    }
    return true;
}

static int check_object(const struct filter *filter, const char *object,
                        struct scoop_error *error) {
    const char *other = NULL;
    for (size_t i = 0; i < filter->list->count; i++) {
        if (!reads(filter, i))
            continue;
        other = filter->list->locations[i];
        if (scoop_partition_may_hold(other, object))
            return 0;
    }
    if (other == NULL)
        return scoop_fail(error, SCOOP_PARTITION_CONFLICT,
                          "the catalog has no partition with these values, so %.300s is not read; "
                          "add the partition first",
                          object);
    return scoop_fail(error, SCOOP_PARTITION_CONFLICT,
                      "the catalog has the partition at %.200s, so %.300s is not read; set its "
                      "location first, by add_partitions",
                      other, object);
}

int scoop_partition_check_objects(struct scoop_session *session,
                                  const struct scoop_table_name *table,
                                  const struct scoop_partition *given, const char *const *objects,
                                  size_t count, const struct scoop_interrupt *interrupt,
                                  struct scoop_error *error) {
    struct scoop_partition_list list;
    if (count == 0 || scoop_session_dialect(session) != SCOOP_REDSHIFT)
        return 0;
    if (scoop_partition_read(session, table, interrupt, &list, error) != 0)
        return -1;
    struct filter filter = {.given = given, .list = &list};
    int result = list.column_count == 0 ? 0 : fill(&filter, error);
    for (size_t i = 0; list.column_count > 0 && result == 0 && i < count; i++)
        result = check_object(&filter, objects[i], error);
    release(&filter);
    scoop_partition_list_free(&list);
    return result;
}
