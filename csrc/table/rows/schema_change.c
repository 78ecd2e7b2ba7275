#include "table/rows/schema_change.h"

#include <string.h>

#include "base/error_facts.h"
#include "table/rows/column_case.h"
#include "text/example.h"

enum { NAME_SIZE = 200, LIST_SIZE = 200 };

/* It is neither added nor gone: a table has one place for both, and a key would be two. */
static int fail_case(const struct scoop_plan_options *options, const char *before, const char *now,
                     struct scoop_error *error) {
    char was[NAME_SIZE], is[NAME_SIZE];
    scoop_example(was, sizeof was, before, strlen(before));
    scoop_example(is, sizeof is, now, strlen(now));
    scoop_fail(error, SCOOP_SCHEMA_CHANGED,
               "the column \"%s\" of %.150s is \"%s\" in %.150s, which no on_schema_change takes "
               "for the same column or for another one; give both exports one spelling",
               was, options->old_name, is, options->new_name);
    scoop_error_list(error, SCOOP_FACT_ADDED, &now, 1);
    scoop_error_list(error, SCOOP_FACT_GONE, &before, 1);
    return -1;
}

static int check_keys(const struct scoop_plan_options *options, struct scoop_error *error) {
    const struct scoop_columns *old = options->old_columns, *new = options->new_columns;
    for (size_t i = 0; i < options->key_count; i++) {
        long before = scoop_columns_find_key(old, options->keys[i]);
        long now = scoop_columns_find_key(new, options->keys[i]);
        if (before >= 0 && now >= 0 && strcmp(old->names[before], new->names[now]) != 0)
            return fail_case(options, old->names[before], new->names[now], error);
    }
    return 0;
}

/* Of all names that the exports have. */
static int check_case(const struct scoop_plan_options *options, const struct scoop_columns *added,
                      struct scoop_error *error) {
    static const struct scoop_columns none;
    const struct scoop_columns *old = options->old_columns;
    struct scoop_columns all = {0};
    bool found = false;
    size_t one = 0, two = 0;
    int status = scoop_columns_missing(old, &none, &all, error);
    if (status == 0)
        status = scoop_columns_missing(added, &none, &all, error);
    if (status == 0)
        status = scoop_columns_find_case(&all, &found, &one, &two, error);
    /* Two of one export are that export's fault. */
    if (status == 0 && found && one < old->count && two >= old->count)
        status = fail_case(options, all.names[one], all.names[two], error);
    scoop_columns_free(&all);
    return status;
}

static int fail_alone(const struct scoop_plan_options *options, const struct scoop_columns *added,
                      const struct scoop_columns *gone, struct scoop_error *error) {
    char added_text[LIST_SIZE], gone_text[LIST_SIZE];
    size_t added_count = scoop_columns_show(added, added_text, sizeof added_text);
    size_t gone_count = scoop_columns_show(gone, gone_text, sizeof gone_text);
    scoop_fail(error, SCOOP_SCHEMA_CHANGED,
               "the columns changed from %.150s to %.150s:%s%s%s%s%s; if that is meant, "
               "compare them all with on_schema_change=\"all\", where one that an export lacks "
               "is null",
               options->old_name, options->new_name, added_count > 0 ? " added: " : "", added_text,
               added_count > 0 && gone_count > 0 ? ";" : "", gone_count > 0 ? " gone: " : "",
               gone_text);
    scoop_error_list(error, SCOOP_FACT_ADDED, (const char *const *)added->names, added->count);
    scoop_error_list(error, SCOOP_FACT_GONE, (const char *const *)gone->names, gone->count);
    return -1;
}

int scoop_schema_change_check(const struct scoop_plan_options *options, struct scoop_error *error) {
    const struct scoop_columns *old = options->old_columns, *new = options->new_columns;
    struct scoop_columns added = {0}, gone = {0};
    int status = check_keys(options, error);
    if (status == 0)
        status = scoop_columns_missing(new, old, &added, error);
    if (status == 0)
        status = scoop_columns_missing(old, new, &gone, error);
    bool alone = added.count > 0 || gone.count > 0;
    if (status == 0 && !options->any_case && added.count > 0 && gone.count > 0)
        status = check_case(options, &added, error);
    if (status == 0 && alone && options->schema_change == SCOOP_SCHEMA_CHANGE_ERROR)
        status = fail_alone(options, &added, &gone, error);
    scoop_columns_free(&added);
    scoop_columns_free(&gone);
    return status;
}
