#include "warehouse/load/apply_spelling.h"

#include <string.h>

#include "base/error_facts.h"
#include "base/record_place.h"
#include "text/text.h"
#include "warehouse/load/change_source.h"

enum { KEY_BYTES = 200 };

/* Two changes, each as: INSERT "id"='01' */
struct pair {
    uint64_t numbers[2];
    uint64_t lines[2]; /* 0: unknown */
    char texts[2][KEY_BYTES];
};

static void show(const struct scoop_change_record *record, char *text) {
    size_t used = scoop_text_print(text, KEY_BYTES, "%s ", scoop_change_op_name(record->op));
    for (size_t i = 0; i < record->key_count && used < KEY_BYTES; i++)
        used += scoop_text_print(text + used, KEY_BYTES - used, "%s\"%.60s\"='%.60s'",
                                 i == 0 ? "" : ", ", record->key[i].name,
                                 record->key[i].value == NULL ? "" : record->key[i].value);
}

static bool wants_stop(const struct scoop_interrupt *interrupt) {
    return interrupt != NULL && interrupt->check != NULL && interrupt->check(interrupt->user) != 0;
}

/* Whether both were found. */
static bool read_pair(struct scoop_change_source *source, struct pair *pair,
                      const struct scoop_interrupt *interrupt) {
    struct scoop_change_record record;
    struct scoop_error ignored = {0};
    for (;;) {
        switch (scoop_change_source_next(source, &record, &ignored)) {
        case SCOOP_CHANGE_READ_ONE:
            for (size_t i = 0; i < 2; i++)
                if (record.place.number == pair->numbers[i]) {
                    pair->lines[i] = record.place.record.line;
                    show(&record, pair->texts[i]);
                }
            if (record.place.number >= pair->numbers[1])
                return pair->texts[0][0] != 0 && pair->texts[1][0] != 0;
            break;
        case SCOOP_CHANGE_READ_NONE:
            if (wants_stop(interrupt))
                return false;
            break;
        case SCOOP_CHANGE_READ_END:
        case SCOOP_CHANGE_READ_FAILED:
            return false;
        }
    }
}

/* Behind the operation's name. */
static const char *key_in(const char *text) {
    return text + strcspn(text, " ");
}

int scoop_apply_fail_repeated(const struct scoop_apply_options *options, uint64_t first,
                              uint64_t last, const char *key,
                              const struct scoop_interrupt *interrupt, struct scoop_error *error) {
    struct scoop_error ignored = {0};
    struct pair pair = {.numbers = {first, last}};
    struct scoop_change_source *source = scoop_change_source_new(options->changes, &ignored);
    bool found = source != NULL && read_pair(source, &pair, interrupt);
    char name[300] = "";
    if (source != NULL)
        scoop_text_print(name, sizeof name, "%s", scoop_change_source_name(source));
    scoop_change_source_free(source);
    if (found && strcmp(key_in(pair.texts[0]), key_in(pair.texts[1])) != 0)
        scoop_fail(error, SCOOP_DUPLICATE_KEY,
                   "two texts are one value of the key's type in the table, %.150s in the "
                   "changes %llu and %llu (%s and %s), and a row has one change; write keys "
                   "in one spelling in both exports, or give the column a type that tells "
                   "the texts apart, such as varchar",
                   key, (unsigned long long)first, (unsigned long long)last, pair.texts[0],
                   pair.texts[1]);
    else
        scoop_fail(error, SCOOP_DUPLICATE_KEY,
                   "several changes have one key: %s in the changes %llu and %llu; a file holds "
                   "one change a key, as airscoop.delta writes it",
                   key, (unsigned long long)first, (unsigned long long)last);
    scoop_error_text(error, SCOOP_FACT_KEY, key);
    scoop_error_line(error, name, pair.lines[1]);
    if (pair.lines[0] > 0)
        scoop_error_number(error, SCOOP_FACT_EARLIER_LINE, (int64_t)pair.lines[0]);
    return -1;
}
