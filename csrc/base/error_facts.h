/* Facts that an error has beside its message: each becomes an attribute of the exception. Set them
 * when the message is set, which forgets earlier ones. */
#ifndef SCOOP_BASE_ERROR_FACTS_H
#define SCOOP_BASE_ERROR_FACTS_H

#include "scoop/error.h"

void scoop_error_number(struct scoop_error *error, enum scoop_fact name, int64_t number);
void scoop_error_ratio(struct scoop_error *error, enum scoop_fact name, double ratio);
/* Cut to fit. */
void scoop_error_text(struct scoop_error *error, enum scoop_fact name, const char *text);
/* All of them; a list that has no room is no fact. */
void scoop_error_list(struct scoop_error *error, enum scoop_fact name, const char *const *texts,
                      size_t count);

/* What was counted ("records"), and the two numbers that should be equal. Returns -1. */
int scoop_error_counts(struct scoop_error *error, const char *counted, int64_t expected,
                       int64_t found);

/* TOO_FEW_RECORDS: `found`, where `least` is what min_records asks for. Returns -1. */
int scoop_fail_too_few(struct scoop_error *error, const char *source, int64_t least, int64_t found);

#endif
