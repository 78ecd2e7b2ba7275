/* Endpoints, s3:// names and percent-encoding: what is read can be written and read again. */
#include "aws/uri.h"
#include "fuzz_run.h"

enum { CEILING_BYTES = 1 << 24, TEXT_BYTES = SCOOP_HOST_SIZE + SCOOP_PREFIX_SIZE + 32 };

static void read_endpoint(const char *url) {
    struct scoop_endpoint endpoint, again;
    struct scoop_error error = {0};
    char text[TEXT_BYTES];
    int result = scoop_endpoint_parse(url, &endpoint, &error);
    MUST((result == 0) == (error.code == SCOOP_OK));
    if (result != 0)
        return;
    MUST(endpoint.host[0] != 0 && endpoint.port != 0);
    MUST(strncmp(endpoint.authority, endpoint.host, strlen(endpoint.host)) == 0);
    snprintf(text, sizeof text, "%s://%s%s", endpoint.tls ? "https" : "http", endpoint.authority,
             endpoint.prefix);
    MUST(scoop_endpoint_parse(text, &again, &error) == 0);
    MUST(again.tls == endpoint.tls && again.port == endpoint.port);
    MUST(again.host_is_ip == endpoint.host_is_ip);
    MUST(strcmp(again.host, endpoint.host) == 0);
    MUST(strcmp(again.authority, endpoint.authority) == 0);
    MUST(strcmp(again.prefix, endpoint.prefix) == 0);
}

static void read_s3_uri(const char *text) {
    struct scoop_s3_uri uri;
    struct scoop_error error = {0};
    int result = scoop_s3_uri_parse(text, &uri, &error);
    MUST((result == 0) == (error.code == SCOOP_OK));
    if (result != 0)
        return;
    size_t bucket = strlen(uri.bucket);
    MUST(bucket > 0 && strncmp(text + 5, uri.bucket, bucket) == 0);
    MUST(uri.key >= text && uri.key + strlen(uri.key) == text + strlen(text));
    MUST(strlen(uri.key) <= SCOOP_KEY_BYTES);
}

static void encode_and_decode(const char *text, size_t length) {
    struct scoop_buf encoded, decoded;
    struct scoop_error error = {0};
    scoop_buf_init(&encoded, CEILING_BYTES);
    scoop_buf_init(&decoded, CEILING_BYTES);
    MUST(scoop_uri_encode(&encoded, text, length, length % 2, &error) == 0);
    MUST(scoop_uri_decode(&decoded, (const char *)encoded.data, encoded.length, true, &error) == 0);
    MUST(decoded.length == length && (length == 0 || memcmp(decoded.data, text, length) == 0));
    decoded.length = 0;
    if (scoop_uri_decode(&decoded, text, length, false, &error) == 0)
        MUST(decoded.length <= length);
    else
        MUST(error.code == SCOOP_PROTOCOL);
    scoop_buf_free(&encoded);
    scoop_buf_free(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    MUST(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    read_endpoint(text);
    read_s3_uri(text);
    encode_and_decode(text, size);
    free(text);
    return 0;
}
