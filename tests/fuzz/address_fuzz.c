/* Web addresses: what is sent is sent again unchanged, can stand in a request, and has no dots. */
#include "fuzz_run.h"
#include "text/address.h"

/* But for the host, which libcurl reads. */
static void check_sent(const char *sent) {
    struct scoop_address parts;
    MUST(scoop_address_split(sent, &parts));
    MUST(parts.path[0] == '/');
    for (const char *c = parts.path; *c != 0; c++)
        MUST(*c > ' ' && *c < 127 && *c != '#');
    for (size_t i = 0; i < parts.user_length; i++)
        MUST(parts.user[i] > ' ' && parts.user[i] < 127 && strchr("/\\?#@", parts.user[i]) == NULL);
    size_t length = strcspn(parts.path, "?");
    if (parts.path[length] == '?' && strpbrk(parts.path + length, "gGcCaA") != NULL)
        return; /* it may be signed */
    for (size_t i = 0; i + 1 < length; i++)
        if (parts.path[i] == '/')
            MUST(!(parts.path[i + 1] == '.' &&
                   (i + 2 == length || parts.path[i + 2] == '/' ||
                    (parts.path[i + 2] == '.' && (i + 3 == length || parts.path[i + 3] == '/')))));
}

static void send_it(const char *address, size_t length) {
    char *sent = malloc(scoop_address_size(length)), *again;
    MUST(sent != NULL);
    size_t bytes = scoop_address_send(address, sent);
    MUST(bytes == strlen(sent) && bytes < scoop_address_size(length));
    check_sent(sent);
    again = malloc(scoop_address_size(bytes));
    MUST(again != NULL);
    scoop_address_send(sent, again);
    MUST(strcmp(sent, again) == 0);
    free(sent);
    free(again);
}

static void resolve_it(const char *reference, size_t length) {
    static const char base[] = "https://u:p@h:8/a/b/c?d";
    char *found = malloc(scoop_address_size(length + sizeof base));
    MUST(found != NULL);
    size_t bytes = scoop_address_resolve(base, reference, found);
    MUST(bytes == strlen(found) && bytes < scoop_address_size(length + sizeof base));
    free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    MUST(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    if (scoop_address_is_web(text))
        send_it(text, strlen(text));
    resolve_it(text, strlen(text));
    free(text);
    return 0;
}
