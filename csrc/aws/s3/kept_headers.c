#include "aws/s3/kept_headers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/invariant.h"
#include "scoop/memory.h"
#include "text/header.h"
#include "text/text.h"

static const char tagging[] = "x-amz-tagging", metadata[] = "x-amz-meta-";
static const char encoding[] = "Content-Encoding", disposition[] = "Content-Disposition";

static bool is_named(const char *name, size_t length, const char *wanted) {
    return length == strlen(wanted) && strncasecmp(name, wanted, length) == 0;
}

static bool is_metadata(const char *name, size_t length) {
    return length > sizeof metadata - 1 && strncasecmp(name, metadata, sizeof metadata - 1) == 0;
}

/* What CopyObject takes over from the source's headers. */
static bool belongs_to_the_object(const char *name, size_t length) {
    static const char *const names[] = {"Cache-Control", disposition, encoding, "Content-Language",
                                        "Expires"};
    if (is_metadata(name, length))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_named(name, length, names[i]))
            return true;
    return false;
}

bool scoop_kept_headers_holds(const char *name) {
    return belongs_to_the_object(name, strlen(name));
}

/* Whether the caller gives this header; one of the metadata stands for all. */
static bool is_given(const struct scoop_kept_headers *kept, const char *name, size_t length) {
    for (size_t i = 0; kept->given != NULL && i < kept->given->count; i++) {
        const char *given = kept->given->pairs[i].name;
        if (is_named(name, length, given) ||
            (is_metadata(name, length) && is_metadata(given, strlen(given))))
            return true;
    }
    return false;
}

static struct scoop_pair *find(struct scoop_kept_headers *kept, const char *name, size_t length) {
    for (size_t i = 0; i < kept->count; i++)
        if (is_named(name, length, kept->pairs[i].name))
            return &kept->pairs[i];
    return NULL;
}

static void drop(struct scoop_kept_headers *kept, size_t index) {
    scoop_free((char *)kept->pairs[index].name);
    scoop_free((char *)kept->pairs[index].value);
    kept->count--;
    for (size_t i = index; i < kept->count; i++)
        kept->pairs[i] = kept->pairs[i + 1];
}

static bool drop_named(struct scoop_kept_headers *kept, const char *name) {
    struct scoop_pair *pair = find(kept, name, strlen(name));
    if (pair != NULL)
        drop(kept, (size_t)(pair - kept->pairs));
    return pair != NULL;
}

static int keep(struct scoop_kept_headers *kept, const char *name, size_t name_length,
                const char *value, size_t value_length) {
    if (!SCOOP_INVARIANT(kept->count <= SCOOP_KEPT_MOST, NULL))
        return -1;
    struct scoop_pair *pair = &kept->pairs[kept->count++];
    pair->name = scoop_strndup(name, name_length);
    pair->value = scoop_strndup(value, value_length);
    return pair->name == NULL || pair->value == NULL ? -1 : 0;
}

/* A header that comes again counts once; another value is joined to the first, as HTTP has it. */
static int join(struct scoop_pair *pair, const char *value, size_t length) {
    size_t before = strlen(pair->value);
    if (before == length && memcmp(pair->value, value, length) == 0)
        return 0;
    size_t size = before + length + 3;
    char *joined = scoop_malloc(size);
    if (joined == NULL)
        return -1;
    snprintf(joined, size, "%s, %.*s", pair->value, (int)length, value);
    scoop_free((char *)pair->value);
    pair->value = joined;
    return 0;
}

/* Says of something that it is not taken along. */
static void say(struct scoop_kept_headers *kept, const char *what, const char *why) {
    size_t length = strlen(kept->lost);
    scoop_text_print(kept->lost + length, sizeof kept->lost - length, "%s%.120s: %.160s",
                     length > 0 ? "\n" : "", what, why);
}

/* --- what an answer tells --- */

static int note_content_type(struct scoop_kept_headers *kept, const char *value, size_t length) {
    if (kept->content_type_given || !scoop_header_is_value(value, length))
        return 0;
    scoop_free(kept->content_type);
    kept->content_type = scoop_strndup(value, length);
    return kept->content_type == NULL ? -1 : 0;
}

/* Servers that store what was on the wire tell of the chunks of the upload. */
static size_t skip_chunked(const char **value, size_t length) {
    static const char chunked[] = "aws-chunked";
    size_t skipped = sizeof chunked - 1;
    if (length < skipped || strncasecmp(*value, chunked, skipped) != 0)
        return length;
    while (skipped < length && ((*value)[skipped] == ',' || (*value)[skipped] == ' '))
        skipped++;
    *value += skipped;
    return length - skipped;
}

static int note_object_header(struct scoop_kept_headers *kept, const char *name, size_t name_length,
                              const char *value, size_t value_length) {
    char shown[128];
    if (is_named(name, name_length, encoding))
        value_length = skip_chunked(&value, value_length);
    if (value_length == 0 && !is_metadata(name, name_length))
        return 0;
    bool sendable =
        scoop_header_is_name(name, name_length) && scoop_header_is_value(value, value_length);
    struct scoop_pair *pair = find(kept, name, name_length);
    if (sendable && pair != NULL)
        return join(pair, value, value_length);
    if (sendable && kept->count < SCOOP_KEPT_MOST)
        return keep(kept, name, name_length, value, value_length);
    kept->incomplete = true;
    scoop_text_print(shown, sizeof shown, "%.*s", (int)name_length, name);
    say(kept, shown, sendable ? "there are too many to be sent" : "it cannot be sent");
    return 0;
}

int scoop_kept_headers_note(void *user, const char *name, size_t name_length, const char *value,
                            size_t value_length) {
    struct scoop_kept_headers *kept = user;
    kept->noted = true;
    if (is_named(name, name_length, "x-amz-tagging-count"))
        kept->tagged = value_length > 0 && value[0] != '0';
    if (is_named(name, name_length, "Content-Type"))
        return note_content_type(kept, value, value_length);
    if (is_named(name, name_length, "x-amz-missing-meta") && value_length > 0 && value[0] != '0') {
        kept->incomplete = true;
        say(kept, "metadata", "the server keeps entries that no header can hold");
    }
    if (!belongs_to_the_object(name, name_length) || is_given(kept, name, name_length))
        return 0;
    return note_object_header(kept, name, name_length, value, value_length);
}

bool scoop_kept_headers_want_tags(const struct scoop_kept_headers *kept) {
    return !is_given(kept, tagging, sizeof tagging - 1);
}

int scoop_kept_headers_add_tags(struct scoop_kept_headers *kept, const char *tags, size_t length,
                                struct scoop_error *error) {
    if (length == 0 || !scoop_kept_headers_want_tags(kept))
        return 0;
    return keep(kept, tagging, sizeof tagging - 1, tags, length) == 0 ? 0
                                                                      : scoop_fail_memory(error);
}

void scoop_kept_headers_tags_refused(struct scoop_kept_headers *kept, int http_status) {
    char why[80];
    bool refused = http_status >= 400;
    bool has_none = refused && http_status != 401 && http_status != 403;
    if (has_none && !kept->tagged)
        return;
    if (refused)
        snprintf(why, sizeof why, "they cannot be read (s3:GetObjectTagging, HTTP %d)",
                 http_status);
    else
        snprintf(why, sizeof why, "the server's answer is no list of tags");
    say(kept, "tags", why);
}

/* --- what stays true --- */

/* The last of the codings is the outermost. */
static void take_off_gzip(struct scoop_kept_headers *kept) {
    struct scoop_pair *pair = find(kept, encoding, sizeof encoding - 1);
    if (pair == NULL)
        return;
    char *value = (char *)pair->value, *comma = strrchr(value, ',');
    char *last = comma == NULL ? value : comma + 1;
    last += strspn(last, " \t");
    if (strcasecmp(last, "gzip") != 0 && strcasecmp(last, "x-gzip") != 0)
        return;
    if (comma == NULL)
        drop_named(kept, encoding);
    else
        *comma = 0;
}

static bool is_gzip_type(const char *type) {
    static const char *const types[] = {"application/gzip", "application/x-gzip",
                                        "application/gzip-compressed", "application/gzipped"};
    size_t length = strcspn(type, "; \t");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_named(type, length, types[i]))
            return true;
    return false;
}

static void forget_content_type(struct scoop_kept_headers *kept) {
    scoop_free(kept->content_type);
    kept->content_type = NULL;
}

/* A file's name that promises gzip data. */
static void forget_gzip_name(struct scoop_kept_headers *kept) {
    struct scoop_pair *pair = find(kept, disposition, sizeof disposition - 1);
    for (const char *at = pair == NULL ? "" : pair->value; *at != 0; at++)
        if (strncasecmp(at, ".gz", 3) == 0) {
            drop_named(kept, disposition);
            say(kept, disposition, "it names a gzip file, which the copy is not");
            return;
        }
}

void scoop_kept_headers_adapt(struct scoop_kept_headers *kept, enum scoop_kept_change change,
                              bool to_gzip) {
    if (change == SCOOP_KEPT_UNCHANGED)
        return;
    if (change == SCOOP_KEPT_INFLATED)
        take_off_gzip(kept);
    else
        drop_named(kept, encoding);
    if (kept->content_type != NULL &&
        (change != SCOOP_KEPT_INFLATED || is_gzip_type(kept->content_type)))
        forget_content_type(kept);
    if (!to_gzip)
        forget_gzip_name(kept);
}

/* --- what a destination does not take --- */

bool scoop_kept_headers_lose_tags(struct scoop_kept_headers *kept, const char *why) {
    if (!drop_named(kept, tagging))
        return false;
    say(kept, "tags", why);
    return true;
}

bool scoop_kept_headers_lose_metadata(struct scoop_kept_headers *kept, const char *why) {
    bool any = false;
    for (size_t i = kept->count; i > 0; i--)
        if (is_metadata(kept->pairs[i - 1].name, strlen(kept->pairs[i - 1].name))) {
            drop(kept, i - 1);
            any = true;
        }
    if (any)
        say(kept, "metadata", why);
    return any;
}

static void add_name(char *names, size_t size, const char *name) {
    size_t length = strlen(names);
    scoop_text_print(names + length, size - length, "%s%s", length > 0 ? ", " : "", name);
}

static void drop_all(struct scoop_kept_headers *kept) {
    while (kept->count > 0)
        drop(kept, kept->count - 1);
    forget_content_type(kept);
}

void scoop_kept_headers_lose_all(struct scoop_kept_headers *kept, const char *why) {
    char names[160] = "";
    const char *type = kept->content_type;
    bool metadata_named = false;
    if (kept->tagged && scoop_kept_headers_want_tags(kept))
        add_name(names, sizeof names, "tags");
    if (type != NULL && strstr(type, "/octet-stream") == NULL)
        add_name(names, sizeof names, "Content-Type");
    for (size_t i = 0; i < kept->count; i++) {
        const char *name = kept->pairs[i].name;
        if (!is_metadata(name, strlen(name)))
            add_name(names, sizeof names, name);
        else if (!metadata_named)
            add_name(names, sizeof names, "metadata");
        metadata_named = metadata_named || is_metadata(name, strlen(name));
    }
    if (names[0] != 0)
        say(kept, names, why);
    drop_all(kept);
}

void scoop_kept_headers_begin(struct scoop_kept_headers *kept) {
    drop_all(kept);
    kept->noted = kept->tagged = kept->incomplete = false;
    kept->lost[0] = 0;
}

void scoop_kept_headers_free(struct scoop_kept_headers *kept) {
    scoop_kept_headers_begin(kept);
}
