/* A file of changes applied to a table by key, in one transaction. */
#ifndef SCOOP_APPLY_H
#define SCOOP_APPLY_H

#include "scoop/changes.h"
#include "scoop/digest.h"
#include "scoop/insert.h"
#include "scoop/session.h"
#include "scoop/transfer.h"

/* What a text becomes in a column of JSON (jsonb, json, SUPER). Other JSON stays what it is. */
enum scoop_json_texts {
    SCOOP_JSON_TEXTS_AS_TOLD, /* PARSE where the changes say that their export was CSV, else VALUE
                               */
    SCOOP_JSON_TEXTS_VALUE,   /* a string of JSON */
    SCOOP_JSON_TEXTS_PARSE,   /* the JSON that is written in it */
};

struct scoop_apply_options {
    /* Where the changes are read; of these, only what concerns a source is looked at. */
    const struct scoop_transfer_options *changes;
    const char *table; /* schema.table */
    const char *const *keys;
    size_t key_count;
    const char *const *ignored; /* columns of the file that are left out */
    size_t ignored_count;
    int64_t expected_changes; /* what the file must hold; negative: not known */
    enum scoop_json_texts json_texts;
    bool again;                   /* also when it is not the file's turn, or was */
    bool dry_run;                 /* all is done but the COMMIT, and taken back; nobody is asked */
    struct scoop_load_facts load; /* for airscoop.applied; etag is the source's own */
    /* Asked right before COMMIT: 0, or -1 with *error, and nothing is applied. NULL: nobody is. */
    int (*before_commit)(void *user, struct scoop_error *error);
    void *user;
};

enum { SCOOP_DATASET_BYTES = 1024, SCOOP_VERSION_BYTES = 512 };

/* Which version of what a file is of, and which one it follows; texts are "" where it does not say
 * so. */
struct scoop_apply_version {
    char dataset[SCOOP_DATASET_BYTES + 1];
    char version[SCOOP_VERSION_BYTES + 1], previous[SCOOP_VERSION_BYTES + 1];
    bool first; /* it follows none */
};

struct scoop_change_source_facts {
    uint64_t source_bytes, text_bytes;
    char etag[128];
    uint32_t retries;
    char digest[SCOOP_SHA256_HEX_SIZE]; /* of all lines, once all were read; else "" */
    /* The same of all changes, whatever their order, and however they are written. */
    char content[SCOOP_SHA256_HEX_SIZE];
    struct scoop_apply_version version;
};

struct scoop_apply_facts {
    int64_t changes[SCOOP_CHANGE_OPS]; /* in the file */
    int64_t applied[SCOOP_CHANGE_OPS]; /* rows that were changed: the same, or all 0 */
    bool already_applied;              /* nothing was left to do */
    enum scoop_json_texts json_texts;  /* never AS_TOLD */
    struct scoop_change_source_facts source;
    int attempts; /* 1 when no concurrent transaction got in the way */
};

/* Names are matched as they are, else without regard to case where that is unambiguous. All changes
 * are staged in a temporary table with the target's types; a key has one change at most. What each
 * statement touches must be as many rows as the file has changes of its kind. Changes of one table
 * wait for each other, and for its inserts, at a companion table; on PostgreSQL other writers wait,
 * too. airscoop.applied gets a row for each run that changed something, or took the table to
 * another version. A file that is the table's last entry there is applied already. So is one whose
 * inserts and updates stand in the table, as text, and whose deleted keys do not, if it has any of
 * the former. A file that is not the successor of the table's version is WRONG_VERSION, and one
 * without a version that was applied before and stands there no longer ALREADY_APPLIED, unless
 * `again`. The transaction is tried again, up to 5 times, when a concurrent one gets in the way. 0,
 * or -1: then nothing was applied, unless the connection was lost or the run cancelled during
 * COMMIT; the message says so, and that running again is safe. Errors beside the session's and the
 * source's:
 * COUNT_MISMATCH (a key that is there, or is not), DUPLICATE_KEY, BAD_RECORD (a value that does not
 * fit), SCHEMA_CHANGED (a column that the table lacks), LOCK_TIMEOUT, SERIALIZATION, USAGE. */
int scoop_apply(struct scoop_session *session, const struct scoop_apply_options *options,
                const struct scoop_interrupt *interrupt, struct scoop_apply_facts *facts,
                struct scoop_error *error);

#endif
