/* Each allocation of transfers over the network fails once, against an S3 in this process: the
 * object is whole, or the error is told and nothing stands there. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "scoop/memory.h"
#include "scoop/s3_ask.h"
#include "scoop/transfer.h"

enum {
    SLICE_MS = 50,
    MOST_ALLOCATIONS = 3000,
    ENOUGH_SUCCESSES = 3,
    HANG_SECONDS = 300,
    HEAD_BYTES = 8192,
    SOURCE_BYTES = 4096,
    LARGE_BYTES = 5 * 1024 * 1024 + 1000,
    PART_LIMIT_BYTES = 24 * 1024 * 1024,
};

/* --- an S3 that keeps one object's ETag and length --- */

static int listener;
static char endpoint[64], web_url[96];
static unsigned char source[SOURCE_BYTES];
static size_t source_length;
static atomic_int stored, uploads;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char stored_etag[80], rejects_etag[80];
static size_t stored_length, rejects_length, parts_length;

static void answer(int fd, const char *status, const char *headers, const void *body,
                   size_t length) {
    char head[512];
    int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status,
                        headers, length);
    if (send(fd, head, (size_t)size, MSG_NOSIGNAL) == size && body != NULL)
        (void)!send(fd, body, length, MSG_NOSIGNAL);
}

static void hex_md5(const void *data, size_t length, char hex[33]) {
    unsigned char md5[EVP_MAX_MD_SIZE];
    EVP_Digest(data, length, md5, NULL, EVP_md5(), NULL);
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", md5[i]);
}

static void store(const char *etag, size_t length) {
    pthread_mutex_lock(&lock);
    snprintf(stored_etag, sizeof stored_etag, "%s", etag);
    stored_length = length;
    pthread_mutex_unlock(&lock);
    atomic_store(&stored, 1);
}

/* Two parts of the ETags 00… and 11…, the MD5 of which is known beforehand. */
static void complete(int fd) {
    unsigned char both[32];
    char hex[33], etag[64], body[200];
    memset(both, 0x00, 16);
    memset(both + 16, 0x11, 16);
    hex_md5(both, sizeof both, hex);
    snprintf(etag, sizeof etag, "\"%s-2\"", hex);
    store(etag, parts_length);
    atomic_fetch_sub(&uploads, 1);
    snprintf(body, sizeof body,
             "<CompleteMultipartUploadResult><ETag>&quot;%s-2&quot;</ETag>"
             "</CompleteMultipartUploadResult>",
             hex);
    answer(fd, "200 OK", "", body, strlen(body));
}

static void take_put(int fd, const char *query, const unsigned char *body, size_t length) {
    char hex[33], header[64], etag[40];
    if (strstr(query, "partNumber=") != NULL) {
        int second = strstr(query, "partNumber=2") != NULL;
        pthread_mutex_lock(&lock);
        parts_length += length;
        pthread_mutex_unlock(&lock);
        answer(fd, "200 OK",
               second ? "ETag: \"11111111111111111111111111111111\"\r\n"
                      : "ETag: \"00000000000000000000000000000000\"\r\n",
               NULL, 0);
        return;
    }
    hex_md5(body, length, hex);
    snprintf(etag, sizeof etag, "\"%s\"", hex);
    if (strstr(query, "/_rejects/") == NULL) {
        store(etag, length);
    } else {
        snprintf(rejects_etag, sizeof rejects_etag, "%s", etag);
        rejects_length = length;
    }
    snprintf(header, sizeof header, "ETag: %s\r\n", etag);
    answer(fd, "200 OK", header, NULL, 0);
}

static const char created[] = "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                              "</InitiateMultipartUploadResult>";
static const char listed[] =
    "<ListBucketResult><Contents><Key>k%20</Key><Size>3</Size><ETag>e</ETag></Contents>"
    "</ListBucketResult>";

static void take_head(int fd, const char *line) {
    char head[256];
    bool rejects = strstr(line, "/_rejects/") != NULL;
    if (!rejects && !atomic_load(&stored)) {
        answer(fd, "404 Not Found", "", NULL, 0);
        return;
    }
    pthread_mutex_lock(&lock);
    int size =
        snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nETag: %s\r\nContent-Length: %zu\r\n\r\n",
                 rejects ? rejects_etag : stored_etag, rejects ? rejects_length : stored_length);
    pthread_mutex_unlock(&lock);
    (void)!send(fd, head, (size_t)size, MSG_NOSIGNAL);
}

static void serve(int fd, const char *head, const unsigned char *body, size_t length) {
    bool of_upload = strstr(head, "uploadId=") != NULL && strstr(head, "partNumber=") == NULL;
    if (strncmp(head, "PUT", 3) == 0) {
        take_put(fd, head, body, length);
    } else if (strncmp(head, "POST", 4) == 0 && of_upload) {
        complete(fd);
    } else if (strncmp(head, "POST", 4) == 0) {
        atomic_fetch_add(&uploads, 1);
        answer(fd, "200 OK", "", created, sizeof created - 1);
    } else if (strncmp(head, "DELETE", 6) == 0) {
        if (of_upload)
            atomic_fetch_sub(&uploads, 1);
        answer(fd, "204 No Content", "", NULL, 0);
    } else if (strncmp(head, "HEAD", 4) == 0) {
        take_head(fd, head);
    } else if (of_upload) {
        answer(fd, "404 Not Found", "", NULL, 0);
    } else if (strstr(head, "list-type=2") != NULL) {
        answer(fd, "200 OK", "", listed, sizeof listed - 1);
    } else {
        answer(fd, "200 OK", "ETag: \"source\"\r\nAccept-Ranges: bytes\r\n", source, source_length);
    }
}

/* One connection, with as many requests as come. */
static void *talk(void *user) {
    int fd = (int)(intptr_t)user;
    unsigned char *data = malloc(HEAD_BYTES + LARGE_BYTES + 1);
    size_t have = 0;
    ssize_t got = 0;
    while (data != NULL) {
        data[have] = 0;
        unsigned char *end = memmem(data, have, "\r\n\r\n", 4);
        if (end != NULL) {
            char head[HEAD_BYTES] = "";
            size_t head_length = (size_t)(end - data) + 4;
            memcpy(head, data, head_length < HEAD_BYTES ? head_length : HEAD_BYTES - 1);
            const char *field = strcasestr(head, "Content-Length:");
            size_t length = field == NULL ? 0 : strtoul(field + 15, NULL, 10);
            if (have >= head_length + length) {
                *strstr(head, "\r\n") = 0;
                serve(fd, head, data + head_length, length);
                have -= head_length + length;
                memmove(data, data + head_length + length, have);
                continue;
            }
        }
        got = recv(fd, data + have, HEAD_BYTES + LARGE_BYTES - have, 0);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    free(data);
    close(fd);
    return NULL;
}

static void *listen_on(void *user) {
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    (void)user;
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            break;
        if (pthread_create(&thread, &detached, talk, (void *)(intptr_t)fd) != 0)
            close(fd);
    }
    pthread_attr_destroy(&detached);
    return NULL;
}

static pthread_t server;
static char large_path[] = "/tmp/scoop-torture-XXXXXX";

static int start_server(void **state) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    (void)state;
    alarm(HANG_SECONDS);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int large = mkstemp(large_path);
    if (large < 0 || ftruncate(large, LARGE_BYTES) != 0 || close(large) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return -1;
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", ntohs(address.sin_port));
    snprintf(web_url, sizeof web_url, "%s/files/data", endpoint);
    return pthread_create(&server, NULL, listen_on, NULL);
}

static int stop_server(void **state) {
    (void)state;
    unlink(large_path);
    shutdown(listener, SHUT_RDWR);
    close(listener);
    return pthread_join(server, NULL);
}

/* --- the transfers --- */

static struct scoop_s3_options s3(void) {
    return (struct scoop_s3_options){
        .endpoint_url = endpoint,
        .credentials = {"id", "secret", NULL},
        .payload_signing = SCOOP_PAYLOAD_SIGNING_NEVER,
    };
}

static struct scoop_transfer_options to_s3(const char *from, const char *to) {
    return (struct scoop_transfer_options){
        .source = {.uri = from, .s3 = s3()},
        .destination = {.uri = to, .s3 = s3()},
        .format = SCOOP_FORMAT_JSONL,
    };
}

static enum scoop_transfer_state run(const struct scoop_transfer_options *options,
                                     struct scoop_error *error) {
    enum scoop_transfer_state state = SCOOP_TRANSFER_RUNNING;
    struct scoop_transfer *transfer = scoop_transfer_new(options, error);
    if (transfer == NULL)
        return SCOOP_TRANSFER_FAILED;
    while (state == SCOOP_TRANSFER_RUNNING)
        state = scoop_transfer_run(transfer, SLICE_MS, error);
    scoop_transfer_free(transfer);
    return state;
}

static void fail_at(long nth) {
#ifdef SCOOP_TORTURE
    scoop_memory_fail_at(nth);
#else
    (void)nth;
#endif
}

/* `lost_uploads`: how often an upload may stay because its name could not be kept. */
static void survives(const struct scoop_transfer_options *options, int lost_uploads) {
    int successes = 0, left = 0;
    for (long nth = 1; successes < ENOUGH_SUCCESSES; nth++) {
        struct scoop_error error = {0};
        assert_true(nth < MOST_ALLOCATIONS);
        atomic_store(&stored, 0);
        atomic_store(&uploads, 0);
        parts_length = 0;
        fail_at(nth);
        enum scoop_transfer_state ended = run(options, &error);
        fail_at(0);
        left += atomic_load(&uploads);
        if (ended == SCOOP_TRANSFER_DONE) {
            assert_true(atomic_load(&stored));
            successes++;
            continue;
        }
        if (error.code != SCOOP_NO_MEMORY)
            fail_msg("allocation %ld: %s", nth, error.message);
        assert_false(atomic_load(&stored));
        successes = 0;
    }
    assert_true(left <= lost_uploads);
}

static const char good[] = "{\"a\": 1}\n{\"b\": [2, \"c\"]}\n";
static const char one_bad[] = "{\"a\": 1}\n[bad\n{\"b\": 2}\n";
static const char literals[] = "{'a': 1}\n{'b': (2, 'c')}\n";

static void serve_plain(const char *text) {
    source_length = strlen(text);
    memcpy(source, text, source_length);
}

static void serve_gzip(const char *text) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)text;
    stream.avail_in = (unsigned)strlen(text);
    stream.next_out = source;
    stream.avail_out = sizeof source;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    source_length = sizeof source - stream.avail_out;
    deflateEnd(&stream);
}

static void lines_from_http_survive(void **state) {
    struct scoop_transfer_options options = to_s3(web_url, "s3://bucket/k");
    (void)state;
    serve_plain(good);
    survives(&options, 0);
}

static void gzip_passed_on_survives(void **state) {
    struct scoop_transfer_options options = to_s3("s3://bucket/source", "s3://bucket/k.gz");
    (void)state;
    serve_gzip(good);
    survives(&options, 0);
}

static void literals_compressed_survive(void **state) {
    struct scoop_transfer_options options = to_s3(web_url, "s3://bucket/k.gz");
    (void)state;
    options.format = SCOOP_FORMAT_PYTHON_LITERAL;
    serve_gzip(literals);
    survives(&options, 0);
}

static void rejects_survive(void **state) {
    struct scoop_transfer_options options = to_s3(web_url, "s3://bucket/k");
    (void)state;
    options.max_rejected = 1;
    options.rejects_uri = "s3://bucket/_rejects/rejects.jsonl";
    serve_plain(one_bad);
    survives(&options, 0);
}

static void an_upload_in_parts_survives(void **state) {
    struct scoop_transfer_options options = to_s3(large_path, "s3://bucket/k");
    (void)state;
    options.format = SCOOP_FORMAT_RAW;
    options.memory_limit_bytes = PART_LIMIT_BYTES;
    survives(&options, 4);
}

static int count_object(void *user, const struct scoop_s3_object *object,
                        struct scoop_error *error) {
    (void)object;
    (void)error;
    ++*(int *)user;
    return 0;
}

static int list_and_head(struct scoop_error *error) {
    struct scoop_engine_options none = {0};
    struct scoop_s3_options place = s3();
    struct scoop_s3_page page = {0};
    struct scoop_s3_object_facts facts = {0};
    int objects = 0, status = -1;
    struct scoop_engine *engine = scoop_engine_new(&none, error);
    if (engine == NULL)
        return -1;
    struct scoop_s3_client *client = scoop_s3_client_new(engine, &place, error);
    if (client != NULL)
        status = scoop_s3_list_page(client, "bucket", "k", NULL, count_object, &objects, &page,
                                    NULL, error);
    if (status == 0)
        status = scoop_s3_head(client, "bucket", "k", &facts, NULL, error);
    if (status == 0)
        assert_int_equal(objects, 1);
    scoop_s3_page_free(&page);
    scoop_s3_client_free(client);
    scoop_engine_free(engine);
    return status;
}

static void listing_and_head_survive(void **state) {
    int successes = 0;
    (void)state;
    store("\"etag\"", 3);
    for (long nth = 1; successes < ENOUGH_SUCCESSES; nth++) {
        struct scoop_error error = {0};
        assert_true(nth < MOST_ALLOCATIONS);
        fail_at(nth);
        int status = list_and_head(&error);
        fail_at(0);
        successes = status == 0 ? successes + 1 : 0;
        if (status != 0 && error.code != SCOOP_NO_MEMORY)
            fail_msg("allocation %ld: %s", nth, error.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_from_http_survive),     cmocka_unit_test(gzip_passed_on_survives),
        cmocka_unit_test(literals_compressed_survive), cmocka_unit_test(rejects_survive),
        cmocka_unit_test(an_upload_in_parts_survives), cmocka_unit_test(listing_and_head_survive),
    };
    return cmocka_run_group_tests_name("network_torture", tests, start_server, stop_server);
}
