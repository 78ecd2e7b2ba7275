// ceilings FILE.gz: prints as JSON how many MB a second one core does of each step that a transfer
// is made of, with the libraries that airscoop uses; plain text for the steps that read text.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <isa-l.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

enum { MIB = 1 << 20, TEXT_MIB = 64, BLOCK_BYTES = 256 * 1024, LOOPBACK_MIB = 1024 };

struct data {
    unsigned char *packed, *text, *scratch;
    size_t packed_bytes, text_bytes;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double cpu_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void read_file(const char *path, struct data *data)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(path);
    }
    data->packed = malloc((size_t)TEXT_MIB * MIB);
    data->text = malloc((size_t)TEXT_MIB * MIB);
    data->scratch = malloc((size_t)TEXT_MIB * MIB * 2);
    if (data->packed == NULL || data->text == NULL || data->scratch == NULL) {
        fail("memory");
    }
    data->packed_bytes = fread(data->packed, 1, (size_t)TEXT_MIB * MIB, file);
    fclose(file);
}

static void inflate_text(struct data *data)
{
    struct inflate_state state;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    state.next_in = data->packed;
    state.avail_in = (uint32_t)data->packed_bytes;
    state.next_out = data->text;
    state.avail_out = (uint32_t)TEXT_MIB * MIB;
    isal_inflate(&state);
    data->text_bytes = state.total_out;
}

static void deflate_text(struct data *data)
{
    static unsigned char work[ISAL_DEF_LVL1_DEFAULT];
    struct isal_zstream stream;
    isal_deflate_init(&stream);
    stream.level = 1;
    stream.level_buf = work;
    stream.level_buf_size = sizeof work;
    stream.gzip_flag = IGZIP_GZIP;
    stream.end_of_stream = 1;
    stream.next_in = data->text;
    stream.avail_in = (uint32_t)data->text_bytes;
    stream.next_out = data->scratch;
    stream.avail_out = (uint32_t)TEXT_MIB * MIB * 2;
    isal_deflate(&stream);
}

static void copy_text(struct data *data)
{
    for (size_t at = 0; at + BLOCK_BYTES <= data->text_bytes; at += BLOCK_BYTES) {
        memcpy(data->scratch + at % MIB, data->text + at, BLOCK_BYTES);
    }
}

static void crc32_text(struct data *data)
{
    volatile uint32_t crc = crc32_gzip_refl(0, data->text, data->text_bytes);
    (void)crc;
}

static void crc32c_text(struct data *data)
{
    volatile unsigned crc = crc32_iscsi(data->text, (int)data->text_bytes, 0);
    (void)crc;
}

static void sha256_text(struct data *data)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_Digest(data->text, data->text_bytes, digest, NULL, EVP_sha256(), NULL);
}

// One parse over the lines: what a check without callbacks costs at best.
static void check_text(struct data *data)
{
    yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
    yajl_config(parser, yajl_allow_multiple_values, 1);
    yajl_config(parser, yajl_dont_validate_strings, 0);
    yajl_parse(parser, data->text, data->text_bytes);
    yajl_free(parser);
}

static double mb_per_s(void (*step)(struct data *), struct data *data)
{
    step(data);
    int times = 0;
    double start_s = cpu_s();
    do {
        step(data);
        times++;
    } while (cpu_s() - start_s < 0.5);
    return (double)data->text_bytes * times / 1e6 / (cpu_s() - start_s);
}

static int listen_here(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0 || bind(server, (struct sockaddr *)address, length) != 0 || listen(server, 1) != 0 ||
        getsockname(server, (struct sockaddr *)address, &length) != 0) {
        fail("socket");
    }
    return server;
}

static void send_blocks(const struct sockaddr_in *address, struct data *data)
{
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (client < 0 || connect(client, (const struct sockaddr *)address, sizeof *address) != 0) {
        fail("connect");
    }
    for (long left = (long)LOOPBACK_MIB * MIB; left > 0;) {
        ssize_t sent = write(client, data->scratch, BLOCK_BYTES);
        if (sent <= 0) {
            fail("write");
        }
        left -= sent;
    }
    close(client);
}

// What a core does that receives from another process over the loopback interface, and one that sends.
static void loopback(struct data *data, double *receives, double *sends)
{
    struct sockaddr_in address;
    int server = listen_here(&address);
    pid_t child = fork();
    if (child == 0) {
        send_blocks(&address, data);
        _exit(0);
    }
    int connection = accept(server, NULL, NULL);
    double start_s = cpu_s(), bytes = 0;
    ssize_t got;
    while ((got = read(connection, data->scratch, BLOCK_BYTES)) > 0) {
        bytes += (double)got;
    }
    *receives = bytes / 1e6 / (cpu_s() - start_s);
    struct rusage usage;
    wait4(child, NULL, 0, &usage);
    double child_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    *sends = bytes / 1e6 / child_s;
    close(connection);
    close(server);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: ceilings FILE.gz\n");
        return 2;
    }
    struct data data = {0};
    read_file(argv[1], &data);
    inflate_text(&data);
    double receives, sends;
    loopback(&data, &receives, &sends);
    printf("{\"inflate\": %.0f, ", mb_per_s(inflate_text, &data));
    printf("\"deflate level 1\": %.0f, ", mb_per_s(deflate_text, &data));
    printf("\"JSON check\": %.0f, ", mb_per_s(check_text, &data));
    printf("\"CRC-32 of gzip\": %.0f, ", mb_per_s(crc32_text, &data));
    printf("\"CRC32C\": %.0f, ", mb_per_s(crc32c_text, &data));
    printf("\"SHA-256\": %.0f, ", mb_per_s(sha256_text, &data));
    printf("\"memcpy\": %.0f, ", mb_per_s(copy_text, &data));
    printf("\"receive over loopback\": %.0f, \"send over loopback\": %.0f}\n", receives, sends);
    return 0;
}
