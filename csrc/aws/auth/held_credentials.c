#include "aws/auth/held_credentials.h"

#include <string.h>

#include "base/crypto.h"
#include "scoop/memory.h"
#include "scoop/trace.h"
#include "text/header.h"

enum { REFRESH_BEFORE_SECONDS = 120 };

static int copy_text(char **out, const char *text) {
    *out = text == NULL || text[0] == 0 ? NULL : scoop_strdup(text);
    return text != NULL && text[0] != 0 && *out == NULL ? -1 : 0;
}

static void free_texts(struct scoop_held_credentials *own) {
    scoop_free(own->access_key_id);
    scoop_free_secret(own->secret_access_key);
    scoop_free_secret(own->session_token);
    own->access_key_id = own->secret_access_key = own->session_token = NULL;
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* How the text cannot be what it is meant to be, or NULL. `sent`: it stands in a header as it is.
 */
static const char *fault_of(const char *text, bool sent) {
    size_t length = text == NULL ? 0 : strlen(text);
    if (length == 0)
        return NULL;
    if (text[length - 1] == '\n' || text[length - 1] == '\r')
        return "ends in a line break, as the text of a file does; take it off";
    if (is_blank(text[0]) || is_blank(text[length - 1]))
        return "has white space around it; take it off";
    if (!scoop_header_is_value(text, length))
        return "holds a line break or another control character";
    for (size_t i = 0; sent && i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return "holds a blank or a character that is not ASCII";
    return NULL;
}

/* They are not shown: the fault is told in words. */
static int check(const struct scoop_credentials *credentials, struct scoop_error *error) {
    const struct {
        const char *name, *text;
        bool sent;
    } parts[] = {
        {"access key id", credentials->access_key_id, true},
        {"secret access key", credentials->secret_access_key, false},
        {"session token", credentials->session_token, true},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *fault = fault_of(parts[i].text, parts[i].sent);
        if (fault != NULL)
            return scoop_fail(error, SCOOP_CREDENTIALS, "the %s %s", parts[i].name, fault);
    }
    return 0;
}

/* Those held stay until the new ones are copied: what is given may be what is held, and without
 * memory an upload can still be aborted. */
static int set(struct scoop_held_credentials *own, const struct scoop_credentials *credentials,
               struct scoop_error *error) {
    struct scoop_held_credentials copy = {0};
    if (check(credentials, error) != 0)
        return -1;
    if (copy_text(&copy.access_key_id, credentials->access_key_id) != 0 ||
        copy_text(&copy.secret_access_key, credentials->secret_access_key) != 0 ||
        copy_text(&copy.session_token, credentials->session_token) != 0) {
        free_texts(&copy);
        return scoop_fail_memory(error);
    }
    free_texts(own);
    own->access_key_id = copy.access_key_id;
    own->secret_access_key = copy.secret_access_key;
    own->session_token = copy.session_token;
    return 0;
}

int scoop_held_credentials_init(struct scoop_held_credentials *own,
                                const struct scoop_credentials *credentials,
                                const struct scoop_credentials_provider *provider,
                                struct scoop_error *error) {
    own->provider = *provider;
    return set(own, credentials, error);
}

void scoop_held_credentials_free(struct scoop_held_credentials *own) {
    free_texts(own);
}

static bool same_text(const char *own, const char *text) {
    return strcmp(own == NULL ? "" : own, text == NULL ? "" : text) == 0;
}

static bool same(const struct scoop_held_credentials *own, const struct scoop_credentials *other) {
    return same_text(own->access_key_id, other->access_key_id) &&
           same_text(own->secret_access_key, other->secret_access_key) &&
           same_text(own->session_token, other->session_token);
}

/* Well before they expire; of short-lived ones, after half their time. */
static int64_t when_to_ask(int64_t now, int64_t expires_at) {
    int64_t half = now + (expires_at - now) / 2, before = expires_at - REFRESH_BEFORE_SECONDS;
    return expires_at == 0 ? 0 : before > half ? before : half;
}

static int ask(struct scoop_held_credentials *own, int64_t now, bool refused,
               struct scoop_error *error) {
    const struct scoop_credentials held = {own->access_key_id, own->secret_access_key,
                                           own->session_token};
    struct scoop_credentials given = {NULL, NULL, NULL};
    int64_t expires_at = 0;
    SCOOP_TRACE("credentials", "the provider is asked%s", refused ? ": they were refused" : "");
    if (own->provider.get(own->provider.user, &held, &given, &expires_at, error) != 0)
        return -1;
    if (expires_at != 0 && expires_at <= now)
        return scoop_fail(error, SCOOP_EXPIRED,
                          "the credentials provider gave credentials that have expired");
    if (refused && same(own, &given))
        return scoop_fail(error, SCOOP_EXPIRED,
                          "the credentials were refused as expired, and the credentials provider "
                          "gave the same again");
    if (set(own, &given, error) != 0)
        return -1;
    own->ask_at = when_to_ask(now, expires_at);
    own->generation++;
    if (expires_at == 0)
        SCOOP_TRACE("credentials", "what it gave holds until it is refused");
    else
        SCOOP_TRACE("credentials", "what it gave holds for %lld s", (long long)(expires_at - now));
    return 0;
}

int scoop_held_credentials_prepare(struct scoop_held_credentials *own, int64_t now,
                                   struct scoop_error *error) {
    bool due = own->access_key_id == NULL || (own->ask_at != 0 && now >= own->ask_at);
    if (own->provider.get == NULL || own->failed || !due)
        return 0;
    int status = ask(own, now, false, error);
    own->failed = status != 0;
    return status;
}

int scoop_held_credentials_renew(struct scoop_held_credentials *own, uint32_t generation,
                                 int64_t now, struct scoop_error *error) {
    if (own->provider.get == NULL || own->failed)
        return 1;
    if (generation != own->generation)
        return 0;
    int status = ask(own, now, true, error);
    own->failed = status != 0;
    return status;
}
