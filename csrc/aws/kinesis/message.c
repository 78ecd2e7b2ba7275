#include "aws/kinesis/message.h"

#include <stdio.h>
#include <string.h>

#include "base/canonical.h"
#include "base/crypto.h"
#include "text/escapes.h"
#include "text/json_reader.h"
#include "text/utf8.h"

enum {
    MOST_KEY_CHARACTERS = 256,
    KEY_CEILING = 1 << 30,
    ENTRY_BYTES = sizeof "{\"Data\":\"\",\"PartitionKey\":\"\"},"
};

static struct scoop_json_reader reader_at(const void *text, size_t length) {
    return (struct scoop_json_reader){text, (const unsigned char *)text + length};
}

/* --- requests --- */

static int fail_line(struct scoop_error *error, const char *why) {
    return scoop_fail(error, SCOOP_BAD_RECORD, "not a change: %s", why);
}

/* The text of a change's key. */
static int find_key(const void *line, size_t length, struct scoop_json_span *key,
                    struct scoop_error *error) {
    struct scoop_json_reader reader = reader_at(line, length);
    struct scoop_json_span name;
    bool first = true;
    if (!scoop_json_begin(&reader, '{'))
        return fail_line(error, "it is no JSON object");
    for (bool found = false; !found;) {
        if (scoop_json_member(&reader, &first, &name) <= 0)
            return fail_line(error, "it has no \"key\"");
        found = scoop_json_is(&name, "key");
        if (!scoop_json_skip(&reader, key))
            return fail_line(error, "it is no JSON object");
    }
    return scoop_json_member(&reader, &first, &name) < 0 ? fail_line(error, "it is no JSON object")
                                                         : 0;
}

static int set_key(struct scoop_partition_key *key, const unsigned char *text, size_t length,
                   struct scoop_error *error) {
    if (length <= sizeof key->text && scoop_utf8_count(text, length) <= MOST_KEY_CHARACTERS) {
        memcpy(key->text, text, length);
        key->length = length;
        return 0;
    }
    key->length = SCOOP_SHA256_HEX_SIZE - 1;
    return scoop_sha256_hex(text, length, key->text, error);
}

int scoop_kinesis_partition_key(const void *line, size_t length, struct scoop_partition_key *key,
                                struct scoop_error *error) {
    struct scoop_json_span found;
    struct scoop_canonical canonical;
    struct scoop_buf text;
    if (find_key(line, length, &found, error) != 0)
        return -1;
    scoop_canonical_init(&canonical);
    scoop_buf_init(&text, KEY_CEILING);
    int status = scoop_buf_reserve(&text, scoop_canonical_room(found.data, found.length), error);
    unsigned char *end = text.data;
    if (status == 0 && scoop_canonical_write(&canonical, found.data, true, &end, error) == NULL)
        status = -1;
    if (status == 0)
        status = set_key(key, text.data, (size_t)(end - text.data), error);
    scoop_buf_free(&text);
    scoop_canonical_free(&canonical);
    return status;
}

bool scoop_kinesis_no_change(const void *line, size_t length) {
    struct scoop_json_reader reader = reader_at(line, length);
    struct scoop_json_span name;
    bool first = true, counts = false;
    int more = 0;
    if (!scoop_json_begin(&reader, '{'))
        return false;
    for (bool at_first = true; (more = scoop_json_member(&reader, &first, &name)) > 0;
         at_first = false) {
        if ((at_first && !scoop_json_is(&name, "dataset")) || scoop_json_is(&name, "key"))
            return false; /* of a change mostly at its first member */
        counts |= scoop_json_is(&name, "changes");
        if (!scoop_json_skip(&reader, NULL))
            return false;
    }
    return more == 0 && counts;
}

int scoop_kinesis_begin_request(struct scoop_buf *body, const char *stream,
                                struct scoop_error *error) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:/";
    bool arn = strncmp(stream, "arn:", 4) == 0;
    size_t length = strlen(stream);
    if (length == 0 || length > 2048 || strspn(stream, allowed) != length ||
        (!arn && strpbrk(stream, ":/") != NULL))
        return scoop_fail(error, SCOOP_USAGE, "\"%.200s\" is not the name of a stream, nor its ARN",
                          stream);
    return scoop_buf_printf(body, error, "{\"Stream%s\":\"%s\"", arn ? "ARN" : "Name", stream);
}

/* A partition key that is JSON text has quotes and backslashes; it may have tabs between values. */
static size_t write_escaped(unsigned char *out, const char *text, size_t length) {
    unsigned char *at = out;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (scoop_needs_escape(c))
            at = scoop_escape_write(at, c);
        else
            *at++ = c;
    }
    return (size_t)(at - out);
}

size_t scoop_kinesis_record_bytes(size_t length, const struct scoop_partition_key *key) {
    return (length + 2) / 3 * 4 + 6 * key->length + ENTRY_BYTES;
}

int scoop_kinesis_add_record(struct scoop_buf *body, const void *data, size_t length,
                             const struct scoop_partition_key *key, struct scoop_error *error) {
    static const char before[] = "{\"Data\":\"", between[] = "\",\"PartitionKey\":\"",
                      after[] = "\"},";
    if (scoop_buf_reserve(body, scoop_kinesis_record_bytes(length, key), error) != 0)
        return -1;
    /* There is room: none of these fails. */
    if (scoop_buf_append(body, before, sizeof before - 1, error) != 0 ||
        scoop_base64_encode(body, data, length, error) != 0 ||
        scoop_buf_append(body, between, sizeof between - 1, error) != 0)
        return -1;
    body->length += write_escaped(body->data + body->length, key->text, key->length);
    return scoop_buf_append(body, after, sizeof after - 1, error);
}

/* --- answers --- */

static int fail_answer(struct scoop_error *error, const char *what) {
    return scoop_fail(error, SCOOP_PROTOCOL, "Kinesis' answer cannot be read: %s", what);
}

/* A string, or null: then *text stays as it is. */
static bool read_text(struct scoop_json_reader *reader, struct scoop_json_span *text) {
    return scoop_json_is_string(reader) ? scoop_json_string(reader, text)
                                        : scoop_json_skip(reader, NULL);
}

static bool read_result(struct scoop_json_reader *reader, struct scoop_kinesis_result *result) {
    struct scoop_json_span name, sequence = {NULL, 0}, shard = {NULL, 0}, code = {NULL, 0};
    bool first = true;
    int more;
    if (!scoop_json_begin(reader, '{'))
        return false;
    while ((more = scoop_json_member(reader, &first, &name)) > 0) {
        struct scoop_json_span *text = scoop_json_is(&name, "SequenceNumber") ? &sequence
                                       : scoop_json_is(&name, "ShardId")      ? &shard
                                       : scoop_json_is(&name, "ErrorCode")    ? &code
                                                                              : NULL;
        if (!(text != NULL ? read_text(reader, text) : scoop_json_skip(reader, NULL)))
            return false;
    }
    *result = (struct scoop_kinesis_result){
        .stored = code.data == NULL && sequence.length > 0 && shard.length > 0,
        .throttled =
            code.data != NULL && scoop_json_is(&code, "ProvisionedThroughputExceededException"),
        .shard = shard.data,
        .shard_length = shard.length,
        .code = code.data,
        .code_length = code.length,
    };
    return more == 0 && (result->stored || code.data != NULL);
}

static int read_results(struct scoop_json_reader *reader, struct scoop_kinesis_result *results,
                        size_t count, uint64_t *failed, struct scoop_error *error) {
    bool first = true;
    int more;
    size_t read = 0;
    if (!scoop_json_begin(reader, '['))
        return fail_answer(error, "Records is no list");
    while ((more = scoop_json_element(reader, &first)) > 0) {
        if (read == count)
            return fail_answer(error, "it has more results than there were records");
        if (!read_result(reader, &results[read]))
            return fail_answer(error, "a result says neither stored nor failed");
        *failed += !results[read++].stored;
    }
    if (more < 0 || read < count)
        return fail_answer(error, "it has fewer results than there were records");
    return 0;
}

int scoop_kinesis_parse_results(const void *body, size_t length,
                                struct scoop_kinesis_result *results, size_t count,
                                struct scoop_error *error) {
    struct scoop_json_reader reader = reader_at(body, length);
    struct scoop_json_span name;
    bool first = true, found = false, told = false;
    uint64_t failed = 0, failed_told = 0;
    int more;
    if (!scoop_json_begin(&reader, '{'))
        return fail_answer(error, "it is no JSON object");
    while ((more = scoop_json_member(&reader, &first, &name)) > 0) {
        if (!found && scoop_json_is(&name, "Records")) {
            found = true;
            if (read_results(&reader, results, count, &failed, error) != 0)
                return -1;
        } else if (scoop_json_is(&name, "FailedRecordCount")) {
            told = true;
            if (!scoop_json_count(&reader, &failed_told))
                return fail_answer(error, "FailedRecordCount is no number");
        } else if (!scoop_json_skip(&reader, NULL)) {
            return fail_answer(error, "it is no JSON object");
        }
    }
    if (more < 0 || !found || !scoop_json_at_end(&reader))
        return fail_answer(error, found ? "it is cut short" : "it has no Records");
    if (told && failed_told != failed)
        return fail_answer(error, "FailedRecordCount is not the number of failed results");
    return 0;
}

static bool read_summary(struct scoop_json_reader *reader, struct scoop_kinesis_stream *stream) {
    struct scoop_json_span name;
    bool first = true;
    int more;
    uint64_t kibibytes = 0;
    if (!scoop_json_begin(reader, '{'))
        return false;
    while ((more = scoop_json_member(reader, &first, &name)) > 0) {
        struct scoop_json_span text = {(const unsigned char *)"", 0};
        bool taken;
        if (scoop_json_is(&name, "StreamStatus")) {
            taken = read_text(reader, &text);
            scoop_json_decode(&text, stream->status, sizeof stream->status);
        } else if (scoop_json_is(&name, "RecordDistributionStrategy")) {
            taken = read_text(reader, &text);
            scoop_json_decode(&text, stream->distribution, sizeof stream->distribution);
        } else if (scoop_json_is(&name, "MaxRecordSizeInKiB")) {
            taken = scoop_json_count(reader, &kibibytes);
        } else if (scoop_json_is(&name, "OpenShardCount")) {
            taken = scoop_json_count(reader, &stream->open_shards);
        } else {
            taken = scoop_json_skip(reader, NULL);
        }
        if (!taken)
            return false;
    }
    if (kibibytes > 0)
        stream->record_bytes = kibibytes < SCOOP_KINESIS_LARGEST_RECORD_BYTES / 1024
                                   ? (size_t)kibibytes * 1024
                                   : SCOOP_KINESIS_LARGEST_RECORD_BYTES;
    return more == 0 && stream->status[0] != 0;
}

int scoop_kinesis_parse_stream(const void *body, size_t length, struct scoop_kinesis_stream *stream,
                               struct scoop_error *error) {
    struct scoop_json_reader reader = reader_at(body, length);
    struct scoop_json_span name;
    bool first = true, found = false;
    int more = -1;
    *stream = (struct scoop_kinesis_stream){.record_bytes = SCOOP_KINESIS_RECORD_BYTES};
    if (!scoop_json_begin(&reader, '{'))
        return fail_answer(error, "it is no JSON object");
    while ((more = scoop_json_member(&reader, &first, &name)) > 0) {
        bool summary = scoop_json_is(&name, "StreamDescriptionSummary");
        found = found || summary;
        if (!(summary ? read_summary(&reader, stream) : scoop_json_skip(&reader, NULL)))
            return fail_answer(error, "it does not describe a stream");
    }
    if (more < 0 || !found || !scoop_json_at_end(&reader))
        return fail_answer(error, "it does not describe a stream");
    return 0;
}

void scoop_kinesis_parse_error(const void *body, size_t length, struct scoop_kinesis_error *out) {
    struct scoop_json_reader reader = reader_at(body, length);
    struct scoop_json_span name, code = {NULL, 0}, message = {NULL, 0};
    bool first = true;
    out->code[0] = out->message[0] = 0;
    if (!scoop_json_begin(&reader, '{'))
        return;
    while (scoop_json_member(&reader, &first, &name) > 0) {
        bool text = scoop_json_is(&name, "message") || scoop_json_is(&name, "Message");
        struct scoop_json_span *span = scoop_json_is(&name, "__type") ? &code : &message;
        if (!(span == &code || text ? read_text(&reader, span) : scoop_json_skip(&reader, NULL)))
            return;
    }
    for (size_t i = code.length; i > 0; i--)
        if (code.data[i - 1] == '#') {
            code.data += i;
            code.length -= i;
            break;
        }
    if (code.data != NULL)
        scoop_json_decode(&code, out->code, sizeof out->code);
    if (message.data != NULL)
        scoop_json_decode(&message, out->message, sizeof out->message);
}
