/* A server's words: whole characters, nothing that moves a cursor, no secret. */
#include "fuzz_run.h"
#include "text/mask.h"
#include "text/server_words.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char words[SCOOP_SERVER_WORDS_SIZE];
    scoop_server_words_find(data, size, words, sizeof words);
    size_t length = strlen(words);
    MUST(length < sizeof words && scoop_utf8_valid(words, length) == length);
    for (size_t i = 0; i < length; i++)
        MUST((unsigned char)words[i] >= ' ' && words[i] != 127);
    static struct scoop_mask mask;
    static const char other[] = "=&?%41\xc3\xa9<title><body>";
    scoop_mask_begin(&mask, words, sizeof words);
    scoop_mask_secret(&mask, "secret", 6);
    scoop_mask_secret(&mask, other, sizeof other - 1);
    scoop_mask_secret(&mask, "\xa9", 1);
    scoop_mask_end(&mask);
    length = strlen(words);
    MUST(strstr(words, "secret") == NULL && scoop_utf8_valid(words, length) == length);
    scoop_server_words_mask_queries(words);
    scoop_server_words_cut(words);
    MUST(strlen(words) <= SCOOP_SERVER_WORDS_CHARACTERS * SCOOP_UTF8_MOST);
    return 0;
}
