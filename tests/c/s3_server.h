/* An S3 in the test's process, with fixed answers: it gives one source, whole or in ranges, and
 * keeps the ETag and length of one object that is stored. */
#ifndef S3_SERVER_H
#define S3_SERVER_H

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>

enum {
    HEAD_BYTES = 8192,
    MOST_BODY_BYTES = 6 * 1024 * 1024,
    DRIP_BYTES = 64 * 1024,
    DRIP_US = 2000,
};

static int listener;
static pthread_t server;
static char endpoint[64], web_url[96];
static const unsigned char *source;
static size_t source_length;
static uint64_t claimed_length; /* of the source, by HEAD */
static bool encodes;            /* the source is labelled as encoded by gzip */
static bool drips;              /* the source comes slowly, unless a range is asked for */
static atomic_int breaks;       /* of so many answers the source ends early */
static size_t breaks_at;        /* … after so many bytes */
static bool proves_nothing;     /* the source has no ETag, and no ranges */
static bool refuses_part_copies;
static char copied_upload[32]; /* the name of the upload that the last copied part belongs to */
static atomic_int stored, uploads;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char stored_etag[80], rejects_etag[80];
static uint64_t stored_length, rejects_length, parts_length;

static void hex_md5(const void *data, size_t length, char hex[33]) {
    unsigned char md5[EVP_MAX_MD_SIZE];
    EVP_Digest(data, length, md5, NULL, EVP_md5(), NULL);
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", md5[i]);
}

static int send_head(int fd, const char *status, const char *headers, uint64_t length) {
    char head[512];
    int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %" PRIu64 "\r\n\r\n",
                        status, headers, length);
    return send(fd, head, (size_t)size, MSG_NOSIGNAL) == size ? 0 : -1;
}

static void answer(int fd, const char *status, const char *headers, const void *body,
                   size_t length) {
    if (send_head(fd, status, headers, length) == 0 && body != NULL)
        (void)!send(fd, body, length, MSG_NOSIGNAL);
}

static void answer_text(int fd, const char *status, const char *text) {
    answer(fd, status, "", text, strlen(text));
}

/* --- what is stored --- */

static void store(const char *etag, uint64_t length) {
    pthread_mutex_lock(&lock);
    snprintf(stored_etag, sizeof stored_etag, "%s", etag);
    stored_length = length;
    pthread_mutex_unlock(&lock);
    atomic_store(&stored, 1);
}

/* Part n has the ETag of 32 digits n, so the whole object's is known beforehand. */
static void part_etag(unsigned number, char etag[40]) {
    char digits[33];
    memset(digits, '0' + (int)number, 32);
    digits[32] = 0;
    snprintf(etag, 40, "\"%s\"", digits);
}

/* Ends an upload: the only one, or one that a creation whose answer was lost has left. */
static bool end_upload(int fd) {
    if (atomic_fetch_sub(&uploads, 1) > 0)
        return true;
    atomic_fetch_add(&uploads, 1);
    answer_text(fd, "404 Not Found", "<Error><Code>NoSuchUpload</Code></Error>");
    return false;
}

static void complete(int fd, const char *body) {
    unsigned char all[9 * 16];
    char hex[33], etag[64], text[240];
    unsigned count = 0;
    for (const char *at = body; (at = strstr(at, "<PartNumber>")) != NULL && count < 9; at++)
        memset(all + 16 * (size_t)count, 0x11 * (int)(count + 1), 16), count++;
    hex_md5(all, 16 * (size_t)count, hex);
    snprintf(etag, sizeof etag, "\"%s-%u\"", hex, count);
    if (!end_upload(fd))
        return;
    store(etag, parts_length);
    snprintf(text, sizeof text,
             "<CompleteMultipartUploadResult><ETag>&quot;%s-%u&quot;</ETag>"
             "</CompleteMultipartUploadResult>",
             hex, count);
    answer_text(fd, "200 OK", text);
}

static void add_part(uint64_t length) {
    pthread_mutex_lock(&lock);
    parts_length += length;
    pthread_mutex_unlock(&lock);
}

/* CopyObject and UploadPartCopy. */
static void copy(int fd, const char *head, unsigned number) {
    char etag[40], text[160];
    uint64_t first = 0, last = 0;
    const char *range = strcasestr(head, "x-amz-copy-source-range:");
    if (number == 0) {
        store("\"source\"", claimed_length);
        answer_text(fd, "200 OK", "<CopyObjectResult><ETag>\"source\"</ETag></CopyObjectResult>");
        return;
    }
    if (refuses_part_copies) {
        answer_text(fd, "400 Bad Request", "<Error><Code>InvalidArgument</Code></Error>");
        return;
    }
    pthread_mutex_lock(&lock);
    sscanf(strstr(head, "uploadId="), "uploadId=%31[^& ]", copied_upload);
    pthread_mutex_unlock(&lock);
    if (range != NULL && sscanf(range + 24, " bytes=%" SCNu64 "-%" SCNu64, &first, &last) == 2)
        add_part(last - first + 1);
    part_etag(number, etag);
    snprintf(text, sizeof text, "<CopyPartResult><ETag>%s</ETag></CopyPartResult>", etag);
    answer_text(fd, "200 OK", text);
}

static void take_put(int fd, const char *head, const unsigned char *body, size_t length) {
    char hex[33], header[64], etag[40];
    const char *field = strstr(head, "partNumber=");
    unsigned number = field == NULL ? 0 : (unsigned)strtoul(field + 11, NULL, 10);
    if (strcasestr(head, "x-amz-copy-source:") != NULL) {
        copy(fd, head, number);
        return;
    }
    if (number > 0) {
        add_part(length);
        part_etag(number, etag);
    } else {
        hex_md5(body, length, hex);
        snprintf(etag, sizeof etag, "\"%s\"", hex);
        if (strstr(head, "/_rejects/") == NULL) {
            store(etag, length);
        } else {
            snprintf(rejects_etag, sizeof rejects_etag, "%s", etag);
            rejects_length = length;
        }
    }
    snprintf(header, sizeof header, "ETag: %s\r\n", etag);
    answer(fd, "200 OK", header, NULL, 0);
}

static void take_head(int fd, const char *head) {
    char header[128];
    bool rejects = strstr(head, "/_rejects/") != NULL;
    if (strncmp(head, "HEAD /bucket/source", 19) == 0) {
        send_head(fd, "200 OK", "ETag: \"source\"\r\nx-amz-tagging-count: 1\r\n", claimed_length);
        return;
    }
    if (!rejects && !atomic_load(&stored)) {
        answer(fd, "404 Not Found", "", NULL, 0);
        return;
    }
    pthread_mutex_lock(&lock);
    snprintf(header, sizeof header, "ETag: %s\r\n", rejects ? rejects_etag : stored_etag);
    uint64_t length = rejects ? rejects_length : stored_length;
    pthread_mutex_unlock(&lock);
    send_head(fd, "200 OK", header, length);
}

/* --- what is read --- */

static void give_source(int fd, const char *head) {
    char headers[160] = "ETag: \"source\"\r\nAccept-Ranges: bytes\r\n";
    const char *range = strcasestr(head, "\nRange: bytes=");
    size_t first = 0, last = source_length - 1,
           step = drips && range == NULL ? DRIP_BYTES : SIZE_MAX;
    bool broken = atomic_load(&breaks) > 0 && atomic_fetch_sub(&breaks, 1) > 0;
    if (proves_nothing)
        headers[0] = 0;
    if (range != NULL) {
        char *end;
        first = strtoul(range + 14, &end, 10);
        if (end[1] >= '0' && end[1] <= '9' && strtoul(end + 1, NULL, 10) < last)
            last = strtoul(end + 1, NULL, 10);
        snprintf(headers, sizeof headers,
                 "ETag: \"source\"\r\nContent-Range: bytes %zu-%zu/%zu\r\n", first, last,
                 source_length);
    }
    if (encodes)
        snprintf(headers + strlen(headers), sizeof headers - strlen(headers),
                 "Content-Encoding: gzip\r\n");
    if (send_head(fd, range == NULL ? "200 OK" : "206 Partial Content", headers,
                  last + 1 - first) != 0)
        return;
    if (broken && breaks_at < last + 1 - first)
        last = first + breaks_at - 1;
    for (size_t left; (left = last + 1 - first) > 0;) {
        ssize_t sent = send(fd, source + first, left < step ? left : step, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        first += (size_t)sent;
        if (step < left)
            usleep(DRIP_US);
    }
    if (broken)
        shutdown(fd, SHUT_RDWR);
}

static void give(int fd, const char *head, bool of_upload) {
    if (of_upload)
        answer(fd, "404 Not Found", "", NULL, 0);
    else if (strstr(head, "?tagging") != NULL)
        answer_text(fd, "200 OK",
                    "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>");
    else if (strstr(head, "list-type=2") != NULL)
        answer_text(fd, "200 OK",
                    "<ListBucketResult><Contents><Key>k%20</Key><Size>3</Size><ETag>e</ETag>"
                    "</Contents></ListBucketResult>");
    else
        give_source(fd, head);
}

/* `head` ends with its last line, `line` is its first. */
static void serve(int fd, const char *line, const char *head, const unsigned char *body,
                  size_t length) {
    bool of_upload = strstr(line, "uploadId=") != NULL && strstr(line, "partNumber=") == NULL;
    if (strstr(head, "Credential=old/") != NULL) {
        answer_text(fd, "400 Bad Request", "<Error><Code>ExpiredToken</Code></Error>");
    } else if (strncmp(line, "PUT", 3) == 0) {
        take_put(fd, head, body, length);
    } else if (strncmp(line, "POST", 4) == 0 && of_upload) {
        complete(fd, (const char *)body);
    } else if (strncmp(line, "POST", 4) == 0) {
        atomic_fetch_add(&uploads, 1);
        answer_text(fd, "200 OK",
                    "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                    "</InitiateMultipartUploadResult>");
    } else if (strncmp(line, "DELETE", 6) == 0) {
        if (!of_upload || end_upload(fd))
            answer(fd, "204 No Content", "", NULL, 0);
    } else if (strncmp(line, "HEAD", 4) == 0) {
        take_head(fd, line);
    } else {
        give(fd, head, of_upload);
    }
}

/* One connection, with as many requests as come, each of them after the answer to the last. */
static void *talk(void *user) {
    int fd = (int)(intptr_t)user;
    unsigned char *data = malloc(HEAD_BYTES + MOST_BODY_BYTES + 1);
    size_t have = 0;
    while (data != NULL) {
        data[have] = 0;
        unsigned char *end = memmem(data, have, "\r\n\r\n", 4);
        if (end != NULL) {
            char head[HEAD_BYTES] = "", line[HEAD_BYTES];
            size_t head_length = (size_t)(end - data) + 4;
            memcpy(head, data, head_length < HEAD_BYTES ? head_length : HEAD_BYTES - 1);
            const char *field = strcasestr(head, "\nContent-Length:");
            size_t length = field == NULL ? 0 : strtoul(field + 16, NULL, 10);
            if (have >= head_length + length) {
                memcpy(line, head, sizeof line);
                *strstr(line, "\r\n") = 0;
                serve(fd, line, head, data + head_length, length);
                have -= head_length + length;
                memmove(data, data + head_length + length, have);
                continue;
            }
        }
        ssize_t got = recv(fd, data + have, HEAD_BYTES + MOST_BODY_BYTES - have, 0);
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

/* 0 or -1. */
static int start_server(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 64) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return -1;
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d", ntohs(address.sin_port));
    snprintf(web_url, sizeof web_url, "%s/files/data", endpoint);
    return pthread_create(&server, NULL, listen_on, NULL);
}

static int stop_server(void) {
    shutdown(listener, SHUT_RDWR);
    close(listener);
    return pthread_join(server, NULL);
}

#endif
