#include "warehouse/session/made.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "warehouse/session/session_internal.h"
#include "warehouse/sql/sql_text.h"

static const char *skip_space(const char *at) {
    for (;;) {
        at += strspn(at, " \t\r\n\f\v");
        if (!scoop_sql_is_comment(at))
            return at;
        at = scoop_sql_skip_comment(at);
    }
}

static size_t word_length(const char *at) {
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '_')
        length++;
    return length;
}

static bool begins_with(const char *at, const char *const *words) {
    size_t length = word_length(at);
    for (; *words != NULL; words++)
        if (strlen(*words) == length && strncasecmp(at, *words, length) == 0)
            return true;
    return false;
}

/* Each piece between semicolons by its first word; a semicolon in quotes makes pieces, too. */
bool scoop_sql_may_commit(const char *sql, bool open) {
    static const char *const begins[] = {"begin", "start", NULL};
    static const char *const commits[] = {"commit", "end", NULL};
    static const char *const rolls_back[] = {"rollback", "abort", NULL};
    for (const char *at = skip_space(sql); *at != 0; at = skip_space(at)) {
        if (begins_with(at, begins))
            open = true;
        else if (begins_with(at, rolls_back))
            open = false;
        else if (*at != ';' && (!open || begins_with(at, commits)))
            return true;
        at += strcspn(at, ";");
        at += *at == ';';
    }
    return false;
}

bool scoop_sql_ends_transaction(const char *sql, bool truncates) {
    static const char *const ends[] = {"begin", "start", "commit", "end", "abort", NULL};
    static const char *const rollback[] = {"rollback", NULL}, *const to[] = {"to", NULL};
    static const char *const prepare[] = {"prepare", NULL}, *const truncate[] = {"truncate", NULL};
    static const char *const transaction[] = {"transaction", "work", NULL};
    const char *at = skip_space(sql);
    while (*at == ';')
        at = skip_space(at + 1);
    const char *next = skip_space(at + word_length(at));
    bool of_transaction = begins_with(next, transaction);
    if (begins_with(at, prepare))
        return of_transaction;
    if (begins_with(at, rollback)) { /* TO a savepoint goes on */
        next = of_transaction ? skip_space(next + word_length(next)) : next;
        return !begins_with(next, to);
    }
    return begins_with(at, ends) || (truncates && begins_with(at, truncate));
}

void scoop_made_add(struct scoop_made *made, const struct scoop_session *session) {
    made->some = made->some || session->made == SCOOP_COMMITTED_YES;
    made->unknown = made->unknown || session->made == SCOOP_COMMITTED_UNKNOWN;
}

int scoop_made_tell(const struct scoop_made *made, bool all, struct scoop_error *error) {
    if (made->unknown) {
        scoop_fail_prefix(error, "whether all of it was committed is unknown: ");
        error->committed = SCOOP_COMMITTED_UNKNOWN;
    } else if (made->some && all) {
        scoop_fail_prefix(error, "it was committed already: ");
        error->committed = SCOOP_COMMITTED_YES;
    } else {
        error->committed = made->some ? SCOOP_COMMITTED_UNKNOWN : SCOOP_COMMITTED_NO;
    }
    return -1;
}
