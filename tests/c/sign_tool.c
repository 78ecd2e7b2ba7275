/* A driver for property tests: one JSON object a line in, one out.
 * In: method, path (decoded), region, service, timestamp, payload_hash, access_key_id,
 * secret_access_key, session_token (or null), query and headers as [[name, value], ...], and the
 * flags send_payload_hash, normalize_path, encode_path. Out: authorization, canonical_request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#include "aws/auth/sigv4.h"

static yajl_val member(yajl_val object, const char *name) {
    const char *path[] = {name, NULL};
    return yajl_tree_get(object, path, yajl_t_any);
}

static const char *text(yajl_val object, const char *name) {
    return YAJL_GET_STRING(member(object, name));
}

/* The pairs at `name`, from calloc; their strings belong to the tree. */
static struct scoop_pair *pairs(yajl_val object, const char *name, size_t *count) {
    yajl_val list = member(object, name);
    *count = YAJL_GET_ARRAY(list)->len;
    struct scoop_pair *result = calloc(*count + 1, sizeof *result);
    for (size_t i = 0; result != NULL && i < *count; i++) {
        yajl_val *pair = YAJL_GET_ARRAY(YAJL_GET_ARRAY(list)->values[i])->values;
        result[i] = (struct scoop_pair){YAJL_GET_STRING(pair[0]), YAJL_GET_STRING(pair[1])};
    }
    return result;
}

static void put(yajl_gen json, const void *data, size_t length) {
    yajl_gen_string(json, data, length);
}

static void answer(const struct scoop_signed *out) {
    const unsigned char *line = NULL;
    size_t length = 0;
    yajl_gen json = yajl_gen_alloc(NULL);
    yajl_gen_map_open(json);
    put(json, "authorization", 13);
    put(json, out->result.data, out->result.length);
    put(json, "canonical_request", 17);
    put(json, out->canonical_request.data, out->canonical_request.length);
    yajl_gen_map_close(json);
    yajl_gen_get_buf(json, &line, &length);
    printf("%.*s\n", (int)length, (const char *)line);
    fflush(stdout);
    yajl_gen_free(json);
}

static const char *encode_path(const char *path, struct scoop_buf *buf, struct scoop_error *error) {
    if (scoop_uri_encode(buf, path, strlen(path), true, error) != 0)
        return NULL;
    return scoop_buf_text(buf, error);
}

static int sign_one(yajl_val task) {
    struct scoop_error error = {0};
    struct scoop_signed out = {0};
    struct scoop_buf path;
    scoop_buf_init(&path, 65536);
    size_t query_count = 0, header_count = 0;
    struct scoop_pair *query = pairs(task, "query", &query_count);
    struct scoop_pair *headers = pairs(task, "headers", &header_count);
    struct scoop_credentials credentials = {
        .access_key_id = text(task, "access_key_id"),
        .secret_access_key = text(task, "secret_access_key"),
        .session_token = text(task, "session_token"),
    };
    struct scoop_signing_request request = {
        .method = text(task, "method"),
        .path = encode_path(text(task, "path"), &path, &error),
        .query = query,
        .query_count = query_count,
        .headers = headers,
        .header_count = header_count,
        .payload_hash = text(task, "payload_hash"),
        .region = text(task, "region"),
        .service = text(task, "service"),
        .timestamp = (time_t)YAJL_GET_INTEGER(member(task, "timestamp")),
        .send_payload_hash = YAJL_IS_TRUE(member(task, "send_payload_hash")),
        .normalize_path = YAJL_IS_TRUE(member(task, "normalize_path")),
        .encode_path = YAJL_IS_TRUE(member(task, "encode_path")),
    };
    int result =
        request.path != NULL ? scoop_sign_headers(&request, &credentials, &out, &error) : -1;
    if (result == 0)
        answer(&out);
    else
        fprintf(stderr, "sign_tool: %s\n", error.message);
    scoop_signed_free(&out);
    scoop_buf_free(&path);
    free(query);
    free(headers);
    return result;
}

int main(void) {
    char *line = NULL, complaint[256];
    size_t size = 0;
    int result = 0;
    while (result == 0 && getline(&line, &size, stdin) > 0) {
        yajl_val task = yajl_tree_parse(line, complaint, sizeof complaint);
        if (task == NULL) {
            fprintf(stderr, "sign_tool: %s\n", complaint);
            result = -1;
        } else {
            result = sign_one(task);
        }
        yajl_tree_free(task);
    }
    free(line);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
