#include "warehouse/load/apply_version.h"

#include <string.h>

#include "text/text.h"

static bool is_told(const struct scoop_apply_version *version) {
    return version->version[0] != 0;
}

static bool same_previous(const struct scoop_apply_version *version, const char *previous) {
    return previous == NULL ? version->first
                            : !version->first && strcmp(version->previous, previous) == 0;
}

static bool is_same(const struct scoop_apply_version *version,
                    const struct scoop_change_stamp *stamp) {
    if (stamp->version == NULL)
        return !is_told(version);
    return is_told(version) && strcmp(version->dataset, stamp->dataset) == 0 &&
           strcmp(version->version, stamp->version) == 0 && same_previous(version, stamp->previous);
}

static int take_text(char *to, size_t size, const char *text, uint64_t number,
                     struct scoop_error *error) {
    size_t length = text == NULL ? 0 : strlen(text);
    if (length >= size)
        return scoop_fail(error, SCOOP_BAD_RECORD,
                          "change %llu: what it is of has %zu bytes, more than %zu: %.60s…",
                          (unsigned long long)number, length, size - 1, text);
    memcpy(to, text == NULL ? "" : text, length + 1);
    return 0;
}

int scoop_apply_version_take(struct scoop_apply_version *version,
                             const struct scoop_change_record *record, struct scoop_error *error) {
    const struct scoop_change_stamp *stamp = &record->stamp;
    if (record->place.number > 1 && is_same(version, stamp))
        return 0;
    if (record->place.number > 1)
        return scoop_fail(error, SCOOP_BAD_RECORD,
                          "change %llu is of %.60s%s%.60s, and those before it of %.60s%s%.60s; "
                          "apply one version after the other",
                          (unsigned long long)record->place.number,
                          stamp->version == NULL ? "no version" : stamp->dataset,
                          stamp->version == NULL ? "" : " version ",
                          stamp->version == NULL ? "" : stamp->version,
                          is_told(version) ? version->dataset : "no version",
                          is_told(version) ? " version " : "", version->version);
    version->first = stamp->version != NULL && stamp->previous == NULL;
    if (take_text(version->dataset, sizeof version->dataset, stamp->dataset, 1, error) != 0 ||
        take_text(version->version, sizeof version->version, stamp->version, 1, error) != 0)
        return -1;
    return take_text(version->previous, sizeof version->previous, stamp->previous, 1, error);
}

static bool same_version(const struct scoop_apply_version *left,
                         const struct scoop_apply_version *right) {
    return strcmp(left->dataset, right->dataset) == 0 && strcmp(left->version, right->version) == 0;
}

static bool same_content(const struct scoop_applied_entry *entry,
                         const struct scoop_change_source_facts *source) {
    return strcmp(entry->content, source->content) == 0 ||
           strcmp(entry->digest, source->digest) == 0;
}

static bool is_last(const struct scoop_applied *applied,
                    const struct scoop_change_source_facts *source) {
    const struct scoop_applied_entry *last = &applied->last;
    if (last->at[0] == 0 || !same_content(last, source))
        return false;
    return !is_told(&source->version) || !is_told(&last->version) ||
           same_version(&last->version, &source->version);
}

#define AGAIN "; to apply the file all the same say again (--again)"

static int fail_version(const struct scoop_applied_entry *at,
                        const struct scoop_apply_version *file, struct scoop_error *error) {
    if (strcmp(at->version.dataset, file->dataset) != 0)
        return scoop_fail(error, SCOOP_WRONG_VERSION,
                          "the changes are of %.200s version %.200s, and the table is of %.200s, "
                          "version %.200s since %s (UTC)" AGAIN,
                          file->dataset, file->version, at->version.dataset, at->version.version,
                          at->at);
    if (strcmp(at->version.version, file->version) == 0)
        return scoop_fail(error, SCOOP_WRONG_VERSION,
                          "version %.200s of %.200s was applied at %s (UTC) with other changes, or "
                          "another file after it" AGAIN,
                          file->version, file->dataset, at->at);
    return scoop_fail(error, SCOOP_WRONG_VERSION,
                      "version %.200s of %.200s follows %s%.200s, and the table is at version "
                      "%.200s since %s (UTC); apply the file that follows that one" AGAIN,
                      file->version, file->dataset, file->first ? "no version" : "version ",
                      file->previous, at->version.version, at->at);
}

enum scoop_apply_turn scoop_apply_turn(const struct scoop_applied *applied,
                                       const struct scoop_change_source_facts *source,
                                       struct scoop_error *error) {
    const struct scoop_apply_version *file = &source->version;
    const struct scoop_applied_entry *at = &applied->last_version;
    if (is_last(applied, source))
        return SCOOP_APPLY_TURN_DONE;
    if (!is_told(file) || at->at[0] == 0)
        return applied->before[0] != 0 ? SCOOP_APPLY_TURN_UNSURE : SCOOP_APPLY_TURN_NOW;
    if (strcmp(at->version.dataset, file->dataset) == 0 &&
        strcmp(at->version.version, file->version) != 0 && !file->first &&
        strcmp(at->version.version, file->previous) == 0)
        return SCOOP_APPLY_TURN_NOW;
    fail_version(at, file, error);
    return SCOOP_APPLY_TURN_WRONG;
}
