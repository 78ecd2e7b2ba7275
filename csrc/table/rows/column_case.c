#include "table/rows/column_case.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scoop/memory.h"

static int fold(unsigned char byte) {
    return byte >= 'A' && byte <= 'Z' ? byte + 'a' - 'A' : byte;
}

static int compare(const char *one, const char *other) {
    while (*one != 0 && fold((unsigned char)*one) == fold((unsigned char)*other)) {
        one++;
        other++;
    }
    return fold((unsigned char)*one) - fold((unsigned char)*other);
}

/* By name, then by place. */
static int order(const void *a, const void *b, void *names) {
    const size_t *one = a, *other = b;
    char **of = names;
    int difference = compare(of[*one], of[*other]);
    if (difference != 0)
        return difference;
    return *one < *other ? -1 : *one > *other;
}

int scoop_columns_find_case(const struct scoop_columns *columns, bool *found, size_t *one,
                            size_t *two, struct scoop_error *error) {
    size_t count = columns->count, *places = scoop_calloc(count + 1, sizeof *places);
    *found = false;
    if (places == NULL)
        return scoop_fail_memory(error);
    for (size_t i = 0; i < count; i++)
        places[i] = i;
    qsort_r(places, count, sizeof *places, order, columns->names);
    for (size_t i = 1; i < count; i++) {
        if (compare(columns->names[places[i - 1]], columns->names[places[i]]) != 0 ||
            (*found && places[i] > *two))
            continue;
        *found = true;
        *one = places[i - 1];
        *two = places[i];
    }
    scoop_free(places);
    return 0;
}

int scoop_columns_check_case(const struct scoop_columns *columns, const char *export_name,
                             struct scoop_error *error) {
    bool found;
    size_t one, two;
    if (scoop_columns_find_case(columns, &found, &one, &two, error) != 0)
        return -1;
    if (!found)
        return 0;
    return scoop_fail(error, SCOOP_BAD_RECORD,
                      "%.200s: the columns \"%.100s\" and \"%.100s\" are equal but for case, which "
                      "warehouses fold; on_key_case=\"rename\" numbers the later one of a row, "
                      "on_key_case=\"keep\" keeps both, there and wherever the changes are read",
                      export_name, columns->names[one], columns->names[two]);
}

static bool is_taken(const struct scoop_columns *columns, const char *name) {
    for (size_t i = 0; i < columns->count; i++)
        if (compare(columns->names[i], name) == 0)
            return true;
    return false;
}

static int number(struct scoop_columns *columns, size_t column, struct scoop_error *error) {
    size_t length = strlen(columns->names[column]);
    char *name = scoop_malloc(length + 24);
    if (name == NULL)
        return scoop_fail_memory(error);
    for (unsigned next = 2; next < UINT32_MAX; next++) {
        snprintf(name, length + 24, "%s_%u", columns->names[column], next);
        if (!is_taken(columns, name))
            break;
    }
    scoop_free(columns->names[column]);
    columns->names[column] = name;
    return 0;
}

/* With names that were changed where they stand. */
static int make_anew(struct scoop_columns *columns, struct scoop_error *error) {
    struct scoop_columns fresh = {0};
    for (size_t i = 0; i < columns->count; i++)
        if (scoop_columns_add(&fresh, columns->names[i], strlen(columns->names[i]), error) != 0) {
            scoop_columns_free(&fresh);
            return -1;
        }
    scoop_columns_free(columns);
    *columns = fresh;
    return 0;
}

int scoop_columns_rename(struct scoop_columns *columns, struct scoop_error *error) {
    for (;;) {
        bool found;
        size_t one, two;
        if (scoop_columns_find_case(columns, &found, &one, &two, error) != 0)
            return -1;
        if (!found)
            return make_anew(columns, error);
        if (number(columns, two, error) != 0)
            return -1;
    }
}
