#include "base/error_facts.h"

#include <string.h>

#include "text/text.h"

/* NULL where there is no room: none of our errors has so many. */
static struct scoop_error_fact *add(struct scoop_error *error, enum scoop_fact name,
                                    enum scoop_fact_kind kind) {
    if (error->fact_count == SCOOP_ERROR_FACTS_MOST)
        return NULL;
    struct scoop_error_fact *fact = &error->facts[error->fact_count++];
    *fact = (struct scoop_error_fact){
        .name = name, .kind = kind, .at = (uint16_t)error->fact_texts_used};
    return fact;
}

void scoop_error_number(struct scoop_error *error, enum scoop_fact name, int64_t number) {
    struct scoop_error_fact *fact = add(error, name, SCOOP_FACT_IS_NUMBER);
    if (fact != NULL)
        fact->number = number;
}

void scoop_error_ratio(struct scoop_error *error, enum scoop_fact name, double ratio) {
    struct scoop_error_fact *fact = add(error, name, SCOOP_FACT_IS_RATIO);
    if (fact != NULL)
        fact->ratio = ratio;
}

/* False: it was cut. */
static bool keep(struct scoop_error *error, const char *text) {
    char *to = error->fact_texts + error->fact_texts_used;
    size_t room = sizeof error->fact_texts - error->fact_texts_used;
    if (room == 0)
        return false;
    error->fact_texts_used += scoop_text_print(to, room, "%s", text) + 1;
    return strlen(text) < room;
}

void scoop_error_text(struct scoop_error *error, enum scoop_fact name, const char *text) {
    struct scoop_error_fact *fact = add(error, name, SCOOP_FACT_IS_TEXT);
    if (fact != NULL)
        keep(error, text);
}

void scoop_error_list(struct scoop_error *error, enum scoop_fact name, const char *const *texts,
                      size_t count) {
    struct scoop_error_fact *fact = add(error, name, SCOOP_FACT_IS_LIST);
    for (size_t i = 0; fact != NULL && i < count; i++, fact->count++)
        if (!keep(error, texts[i])) {
            error->fact_texts_used = fact->at;
            error->fact_count--;
            return;
        }
}

int scoop_error_counts(struct scoop_error *error, const char *counted, int64_t expected,
                       int64_t found) {
    scoop_error_text(error, SCOOP_FACT_COUNTED, counted);
    scoop_error_number(error, SCOOP_FACT_EXPECTED, expected);
    scoop_error_number(error, SCOOP_FACT_FOUND, found);
    return -1;
}

int scoop_fail_too_few(struct scoop_error *error, const char *source, int64_t least,
                       int64_t found) {
    scoop_fail(error, SCOOP_TOO_FEW_RECORDS,
               "%s gave %lld records, and min_records is %lld: nothing is kept of them", source,
               (long long)found, (long long)least);
    scoop_error_text(error, SCOOP_FACT_LIMIT_NAME, "min_records");
    scoop_error_number(error, SCOOP_FACT_LIMIT, least);
    scoop_error_text(error, SCOOP_FACT_COUNTED, "records");
    scoop_error_number(error, SCOOP_FACT_FOUND, found);
    return -1;
}
