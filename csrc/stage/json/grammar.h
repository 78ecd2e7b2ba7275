/* The grammatical half of the JSON check, by yajl. */
#ifndef SCOOP_STAGE_JSON_GRAMMAR_H
#define SCOOP_STAGE_JSON_GRAMMAR_H

#include "scoop/error.h"

struct scoop_json_grammar;

/* What a text was found to be. */
enum scoop_json_verdict { SCOOP_JSON_GOOD, SCOOP_JSON_BAD, SCOOP_JSON_FAILED };

/* NULL with NO_MEMORY; owned by the caller. */
struct scoop_json_grammar *scoop_json_grammar_new(struct scoop_error *error);
void scoop_json_grammar_free(struct scoop_json_grammar *grammar);
/* Checks whole lines that follow those given before. BAD: *bad_at is a byte of the wrong line, or
 * its newline, and *reason says what is wrong (valid until the next call); the next call starts
 * afresh. FAILED: NO_MEMORY. */
enum scoop_json_verdict scoop_json_grammar_feed(struct scoop_json_grammar *grammar,
                                                const unsigned char *lines, size_t length,
                                                size_t *bad_at, const char **reason,
                                                struct scoop_error *error);
/* Forgets an unfinished record; the next call starts afresh. */
void scoop_json_grammar_reset(struct scoop_json_grammar *grammar);

#endif
