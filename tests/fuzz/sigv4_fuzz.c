/* Signing: any request can be signed, the same again, and in whatever order its query is given.
 * Input: a byte of flags, then texts that each end at a NUL: path, method, region, and in turn
 * names and values, of the query first and then of headers. */
#include "aws/auth/sigv4.h"
#include "fuzz_run.h"

enum { MOST_PAIRS = 8, FIXED_TEXTS = 3, MOST_TEXTS = FIXED_TEXTS + 4 * MOST_PAIRS };
enum { NORMALIZE = 1, ENCODE = 2, SEND_HASH = 4, OMIT_TOKEN = 8, NO_HOST = 16 };

struct input {
    char *copy;
    const char *texts[MOST_TEXTS];
    size_t count;
    struct scoop_pair query[MOST_PAIRS], headers[MOST_PAIRS + 1];
    struct scoop_signing_request request;
};

static void split(struct input *input, const uint8_t *data, size_t size) {
    input->copy = calloc(1, size + 1);
    MUST(input->copy != NULL);
    memcpy(input->copy, data, size);
    for (size_t i = 0; i < MOST_TEXTS; i++)
        input->texts[i] = "";
    for (size_t at = 0; at < size && input->count < MOST_TEXTS; at += strlen(input->copy + at) + 1)
        input->texts[input->count++] = input->copy + at;
}

static void make_request(struct input *input, unsigned flags) {
    struct scoop_signing_request *request = &input->request;
    size_t texts = input->count > FIXED_TEXTS ? input->count - FIXED_TEXTS : 0;
    for (size_t i = 0; i < texts / 2; i++) {
        struct scoop_pair pair = {input->texts[FIXED_TEXTS + 2 * i],
                                  input->texts[FIXED_TEXTS + 2 * i + 1]};
        if (request->query_count < MOST_PAIRS)
            input->query[request->query_count++] = pair;
        else
            input->headers[request->header_count++] = pair;
    }
    if (!(flags & NO_HOST))
        input->headers[request->header_count++] = (struct scoop_pair){"Host", "h.example"};
    request->path = input->texts[0];
    request->method = input->texts[1];
    request->region = input->texts[2];
    request->service = "s3";
    request->query = input->query;
    request->headers = input->headers;
    request->timestamp = 1440938160;
    request->normalize_path = flags & NORMALIZE;
    request->encode_path = flags & ENCODE;
    request->send_payload_hash = flags & SEND_HASH;
    request->omit_session_token = flags & OMIT_TOKEN;
}

static void reverse_query(struct input *input) {
    for (size_t i = 0; i < input->request.query_count / 2; i++) {
        struct scoop_pair *other = &input->query[input->request.query_count - 1 - i];
        struct scoop_pair pair = input->query[i];
        input->query[i] = *other;
        *other = pair;
    }
}

static const struct scoop_credentials keys = {"id", "secret", "token"};

static void sign_twice(struct input *input) {
    struct scoop_error error = {0}, error_again = {0};
    struct scoop_signed once = {0}, again = {0};
    int result = scoop_sign_headers(&input->request, &keys, &once, &error);
    reverse_query(input);
    int result_again = scoop_sign_headers(&input->request, &keys, &again, &error_again);
    MUST((result == 0) == (error.code == SCOOP_OK));
    MUST(result == result_again && error.code == error_again.code);
    if (result == 0) {
        MUST(strlen(once.signature) == SCOOP_SHA256_HEX_SIZE - 1);
        MUST(strcmp(once.signature, again.signature) == 0);
        MUST(fuzz_same_bytes(&once.canonical_request, &again.canonical_request));
        MUST(fuzz_same_bytes(&once.result, &again.result));
    }
    scoop_signed_free(&once);
    scoop_signed_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input input = {.copy = NULL};
    if (size < 1)
        return 0;
    split(&input, data + 1, size - 1);
    make_request(&input, data[0]);
    sign_twice(&input);
    free(input.copy);
    return 0;
}
