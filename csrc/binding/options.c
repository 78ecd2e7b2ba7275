/* From a dict of Python values to struct scoop_transfer_options, by one table. */
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "binding/options.h"

enum kind {
    PROVIDER,
    TEXT,
    SIZE,
    COUNT,
    INTEGER,
    FLAG,
    FORMAT,
    COMPRESSION,
    SIGNING,
    CHECKSUM,
    KEY_CASE
};

struct field {
    const char *name;
    enum kind kind;
    size_t offset;
};

#define AT(member) offsetof(struct scoop_transfer_options, member)

static const struct field fields[] = {
    {"source", TEXT, AT(source.uri)},
    {"source_fd", INTEGER, AT(source.fd)},
    {"source_endpoint_url", TEXT, AT(source.s3.endpoint_url)},
    {"source_region", TEXT, AT(source.s3.region)},
    {"source_access_key_id", TEXT, AT(source.s3.credentials.access_key_id)},
    {"source_secret_access_key", TEXT, AT(source.s3.credentials.secret_access_key)},
    {"source_session_token", TEXT, AT(source.s3.credentials.session_token)},
    {"source_credentials_provider", PROVIDER, AT(source.s3.provider)},
    {"source_virtual_hosts", FLAG, AT(source.s3.virtual_hosts)},
    {"source_payload_signing", SIGNING, AT(source.s3.payload_signing)},
    {"source_requester_pays", FLAG, AT(source.s3.requester_pays)},
    {"source_expected_bucket_owner", TEXT, AT(source.s3.expected_bucket_owner)},
    {"source_proxy", TEXT, AT(source.s3.proxy)},
    {"source_connect_ms", COUNT, AT(source.s3.limits.connect_ms)},
    {"source_first_byte_ms", COUNT, AT(source.s3.limits.first_byte_ms)},
    {"source_idle_ms", COUNT, AT(source.s3.limits.idle_ms)},
    {"source_least_rate", COUNT, AT(source.s3.limits.least_rate)},
    {"source_version_id", TEXT, AT(source.s3.version_id)},
    {"source_if_match", TEXT, AT(source.s3.if_match)},
    {"destination", TEXT, AT(destination.uri)},
    {"destination_fd", INTEGER, AT(destination.fd)},
    {"destination_endpoint_url", TEXT, AT(destination.s3.endpoint_url)},
    {"destination_region", TEXT, AT(destination.s3.region)},
    {"destination_access_key_id", TEXT, AT(destination.s3.credentials.access_key_id)},
    {"destination_secret_access_key", TEXT, AT(destination.s3.credentials.secret_access_key)},
    {"destination_session_token", TEXT, AT(destination.s3.credentials.session_token)},
    {"destination_credentials_provider", PROVIDER, AT(destination.s3.provider)},
    {"destination_virtual_hosts", FLAG, AT(destination.s3.virtual_hosts)},
    {"destination_payload_signing", SIGNING, AT(destination.s3.payload_signing)},
    {"destination_requester_pays", FLAG, AT(destination.s3.requester_pays)},
    {"destination_expected_bucket_owner", TEXT, AT(destination.s3.expected_bucket_owner)},
    {"destination_proxy", TEXT, AT(destination.s3.proxy)},
    {"destination_connect_ms", COUNT, AT(destination.s3.limits.connect_ms)},
    {"destination_first_byte_ms", COUNT, AT(destination.s3.limits.first_byte_ms)},
    {"destination_idle_ms", COUNT, AT(destination.s3.limits.idle_ms)},
    {"destination_least_rate", COUNT, AT(destination.s3.limits.least_rate)},
    {"content_type", TEXT, AT(object.content_type)},
    {"encryption", TEXT, AT(object.encryption)},
    {"kms_key_id", TEXT, AT(object.kms_key_id)},
    {"bucket_key", FLAG, AT(object.bucket_key)},
    {"storage_class", TEXT, AT(object.storage_class)},
    {"acl", TEXT, AT(object.acl)},
    {"cache_control", TEXT, AT(object.cache_control)},
    {"content_encoding", TEXT, AT(object.content_encoding)},
    {"content_disposition", TEXT, AT(object.content_disposition)},
    {"content_language", TEXT, AT(object.content_language)},
    {"expires", TEXT, AT(object.expires)},
    {"tags", TEXT, AT(object.tags)},
    {"metadata", TEXT, AT(object.metadata)},
    {"keep_existing", FLAG, AT(keep_existing)},
    {"if_match", TEXT, AT(if_match)},
    {"format", FORMAT, AT(format)},
    {"compression", COMPRESSION, AT(compression)},
    {"checksum", CHECKSUM, AT(checksum)},
    {"compression_level", INTEGER, AT(compression_level)},
    {"head_lines", COUNT, AT(head_lines)},
    /* A plan of one's own is for tests: growth without terabytes. */
    {"part_first_bytes", COUNT, AT(part_plan.first_bytes)},
    {"part_largest_bytes", COUNT, AT(part_plan.largest_bytes)},
    {"part_flat_parts", COUNT, AT(part_plan.flat_parts)},
    {"part_growth_parts", COUNT, AT(part_plan.growth_parts)},
    {"memory_limit", SIZE, AT(memory_limit_bytes)},
    {"max_record_bytes", SIZE, AT(max_record_bytes)},
    {"max_rejected", COUNT, AT(max_rejected)},
    {"min_records", COUNT, AT(min_records)},
    {"show_rejects", COUNT, AT(show_rejects)},
    {"rejects", TEXT, AT(rejects_uri)},
    {"held", FLAG, AT(held)},
    {"split_part", FLAG, AT(split_part)},
    {"through_client", FLAG, AT(through_client)},
    {"text_for", TEXT, AT(text_for)},
    {"allow_plain", FLAG, AT(allow_plain)},
    {"ignore_trailing_garbage", FLAG, AT(ignore_trailing_garbage)},
    {"replace_invalid", FLAG, AT(replace_invalid)},
    {"nonfinite_null", FLAG, AT(nonfinite_null)},
    {"key_case", KEY_CASE, AT(key_case)},
    {"records", TEXT, AT(records)},
    {"csv_delimiter", TEXT, AT(csv.delimiter)},
    {"csv_quote", TEXT, AT(csv.quote)},
    {"csv_escape", TEXT, AT(csv.escape)},
    {"csv_comment", TEXT, AT(csv.comment)},
    {"csv_encoding", TEXT, AT(csv.encoding)},
    {"csv_null_values", TEXT, AT(csv.null_values)},
    {"csv_skip_rows", COUNT, AT(csv.skip_rows)},
    {"csv_no_header", FLAG, AT(csv.no_header)},
    {"csv_columns", TEXT, AT(csv.columns)},
    {"allow_unknown_length", FLAG, AT(allow_unknown_length)},
    {"source_identity", TEXT, AT(source_identity)},
    {"connect_ms", COUNT, AT(web.connect_ms)},
    {"first_byte_ms", COUNT, AT(web.first_byte_ms)},
    {"idle_ms", COUNT, AT(web.idle_ms)},
    {"whole_ms", COUNT, AT(web.whole_ms)},
    {"least_rate", COUNT, AT(web.least_rate)},
    {"retry_ms", INTEGER, AT(web.retry_ms)},
    {"retry_base_ms", COUNT, AT(web.retry_base_ms)}, /* for tests: an outage without its waits */
    {"restarts", INTEGER, AT(web.restarts)},
    {"headers", TEXT, AT(web.headers)},
    {"user_agent", TEXT, AT(web.user_agent)},
    {"body", TEXT, AT(web.body)},
    {"idempotent", FLAG, AT(web.idempotent)},
    {"ca_file", TEXT, AT(ca_file)},
};

struct choice {
    enum kind kind;
    const char *text;
    int value;
};

static const struct choice choices[] = {
    {FORMAT, "raw", SCOOP_FORMAT_RAW},
    {FORMAT, "jsonl", SCOOP_FORMAT_JSONL},
    {FORMAT, "python-literal", SCOOP_FORMAT_PYTHON_LITERAL},
    {FORMAT, "json-array", SCOOP_FORMAT_JSON_ARRAY},
    {FORMAT, "json-values", SCOOP_FORMAT_JSON_VALUES},
    {FORMAT, "csv", SCOOP_FORMAT_CSV},
    {KEY_CASE, "error", SCOOP_KEY_CASE_REJECT},
    {KEY_CASE, "rename", SCOOP_KEY_CASE_RENAME},
    {KEY_CASE, "keep", SCOOP_KEY_CASE_KEEP},
    {COMPRESSION, "auto", SCOOP_COMPRESSION_AUTO},
    {COMPRESSION, "keep", SCOOP_COMPRESSION_KEEP},
    {COMPRESSION, "gzip", SCOOP_COMPRESSION_GZIP},
    {COMPRESSION, "none", SCOOP_COMPRESSION_NONE},
    {CHECKSUM, "crc32c", SCOOP_S3_CHECKSUM_CRC32C},
    {CHECKSUM, "crc64nvme", SCOOP_S3_CHECKSUM_CRC64NVME},
    {CHECKSUM, "none", SCOOP_S3_CHECKSUM_NONE},
    {SIGNING, "auto", SCOOP_PAYLOAD_SIGNING_AUTO},
    {SIGNING, "never", SCOOP_PAYLOAD_SIGNING_NEVER},
    {SIGNING, "always", SCOOP_PAYLOAD_SIGNING_ALWAYS},
};

static int usage(struct airscoop_state *state, const char *format, const char *first,
                 const char *second) {
    struct scoop_error error = {0};
    scoop_fail(&error, SCOOP_USAGE, format, first, second);
    airscoop_raise(state, &error);
    return -1;
}

static int set_choice(struct airscoop_state *state, const struct field *field, PyObject *value,
                      void *target) {
    const char *text = airscoop_given_text(state, field->name, value);
    if (text == NULL)
        return -1;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (choices[i].kind != field->kind || strcmp(choices[i].text, text) != 0)
            continue;
        memcpy(target, &choices[i].value, sizeof(int));
        return 0;
    }
    return usage(state, "%s cannot be \"%s\"", field->name, text);
}

/* Of what is no bool Python code would be asked. */
static int set_flag(struct airscoop_state *state, const struct field *field, PyObject *value,
                    bool *target) {
    if (!PyBool_Check(value))
        return usage(state, "%s is not True or False%s", field->name, "");
    *target = value == Py_True;
    return 0;
}

static int set_integer(PyObject *value, int *target) {
    if (!PyLong_Check(value))
        return -1;
    long number = PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (number < INT_MIN || number > INT_MAX)
        return -1;
    *target = (int)number;
    return 0;
}

static int set_field(struct airscoop_runner *runner, const struct field *field, PyObject *value,
                     struct scoop_transfer_options *options, struct airscoop_providers *providers) {
    struct airscoop_state *state = runner->state;
    void *target = (char *)options + field->offset;
    switch (field->kind) {
    case PROVIDER:
        airscoop_provider_set(&providers->ends[field->offset == AT(destination.s3.provider)],
                              runner, value, target);
        return 0;
    case TEXT:
        *(const char **)target = airscoop_given_text(state, field->name, value);
        return *(const char **)target == NULL ? -1 : 0;
    case SIZE:
        *(size_t *)target = PyLong_AsSize_t(value);
        return PyErr_Occurred() ? -1 : 0;
    case COUNT:
        *(uint64_t *)target = PyLong_AsUnsignedLongLong(value);
        return PyErr_Occurred() ? -1 : 0;
    case INTEGER:
        return set_integer(value, target);
    case FLAG:
        return set_flag(state, field, value, target);
    default:
        return set_choice(state, field, value, target);
    }
}

/* A number that cannot be one is wrong usage, by whatever name Python calls it. */
static int refuse_number(struct airscoop_state *state, const struct field *field) {
    if (field->kind != SIZE && field->kind != COUNT && field->kind != INTEGER)
        return -1;
    PyErr_Clear();
    return usage(state, "%s is not a whole number, or out of range%s", field->name, "");
}

int airscoop_read_options(struct airscoop_runner *runner, PyObject *dict,
                          struct scoop_transfer_options *options,
                          struct airscoop_providers *providers) {
    struct airscoop_state *state = runner->state;
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        const char *name = PyUnicode_AsUTF8AndSize(key, NULL);
        const struct field *field = NULL;
        if (name == NULL)
            return -1;
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (strcmp(fields[i].name, name) == 0)
                field = &fields[i];
        if (field == NULL)
            return usage(state, "there is no option %s%s", name, "");
        if (value != Py_None && set_field(runner, field, value, options, providers) != 0)
            return refuse_number(state, field);
    }
    return 0;
}
