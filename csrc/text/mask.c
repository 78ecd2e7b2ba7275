#include "text/mask.h"

#include <ctype.h>
#include <string.h>

#include "text/hex.h"
#include "text/utf8.h"

enum { START = 4, RUN = 12 };

static size_t hash_start(const char *at) {
    uint32_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes * 2654435761u >> 22;
}

static size_t hash_run(const char *at) {
    uint64_t low;
    uint32_t high;
    memcpy(&low, at, sizeof low);
    memcpy(&high, at + sizeof low, sizeof high);
    return (low ^ (uint64_t)high << 29) * 0x9e3779b97f4a7c15u >> 55;
}

static void index_view(struct scoop_mask_view *view) {
    for (size_t i = 0; i + START <= view->length; i++)
        view->starts[hash_start(view->text + i)] = true;
    for (size_t i = 0; i + RUN <= view->length; i++) {
        uint16_t *first = &view->first[hash_run(view->text + i)];
        view->next[i] = *first;
        *first = (uint16_t)(i + 1);
    }
}

/* Bytes of the text that are one in the decoded view, which is written to *byte. */
static size_t decode(const char *text, size_t left, char *byte) {
    long escaped = scoop_hex_escaped(text, left);
    bool slashed = left > 1 && *text == '\\' && strchr("/\"\\", text[1]) != NULL;
    *byte = escaped >= 0 ? (char)escaped : text[slashed];
    return escaped >= 0 ? 3 : slashed ? 2 : 1;
}

void scoop_mask_begin(struct scoop_mask *mask, char *text, size_t size) {
    memset(mask, 0, sizeof *mask);
    mask->text = text;
    mask->size = size < SCOOP_MASK_SIZE ? size : SCOOP_MASK_SIZE;
    size_t length = strnlen(text, mask->size - 1);
    mask->plain.length = length;
    memcpy(mask->plain.text, text, length);
    for (size_t i = 0; i <= length; i++)
        mask->plain.at[i] = (uint16_t)i;
    index_view(&mask->plain);
    struct scoop_mask_view *decoded = &mask->decoded;
    for (size_t i = 0; i < length; decoded->length++) {
        decoded->at[decoded->length] = (uint16_t)i;
        i += decode(text + i, length - i, &decoded->text[decoded->length]);
    }
    decoded->at[decoded->length] = (uint16_t)length;
    if (decoded->length == length)
        decoded->length = 0; /* it is the same */
    index_view(decoded);
}

static void hide(struct scoop_mask *mask, const struct scoop_mask_view *view, size_t place,
                 size_t length) {
    size_t at = view->at[place];
    memset(mask->hidden + at, true, view->at[place + length] - at);
}

/* Each run of the text is hidden once, then out of the index: else a text and a secret of one
 * letter would take the product of their lengths. */
static void hide_runs(struct scoop_mask *mask, struct scoop_mask_view *view, const char *secret,
                      size_t length) {
    for (size_t i = 0; i + RUN <= length; i++)
        for (uint16_t *link = &view->first[hash_run(secret + i)]; *link != 0;) {
            size_t place = *link - 1u;
            if (memcmp(view->text + place, secret + i, RUN) == 0) {
                hide(mask, view, place, RUN);
                *link = view->next[place];
            } else {
                link = &view->next[place];
            }
        }
}

static bool is_word(const struct scoop_mask_view *view, size_t place, size_t length) {
    size_t end = place + length;
    return (place == 0 || !isalnum((unsigned char)view->text[place - 1])) &&
           (end == view->length || !isalnum((unsigned char)view->text[end]));
}

static void hide_whole(struct scoop_mask *mask, const struct scoop_mask_view *view,
                       const char *secret, size_t length) {
    const char *at = view->text, *end = view->text + view->length;
    if (length >= START && !view->starts[hash_start(secret)])
        return;
    while ((at = memmem(at, (size_t)(end - at), secret, length)) != NULL) {
        size_t place = (size_t)(at++ - view->text);
        if (length >= START || is_word(view, place, length))
            hide(mask, view, place, length);
    }
}

void scoop_mask_secret(struct scoop_mask *mask, const char *secret, size_t length) {
    struct scoop_mask_view *const views[] = {&mask->plain, &mask->decoded};
    for (size_t i = 0; i < 2 && length > 0; i++)
        if (length >= RUN)
            hide_runs(mask, views[i], secret, length);
        else
            hide_whole(mask, views[i], secret, length);
}

/* Characters are shown or hidden as a whole. */
void scoop_mask_end(struct scoop_mask *mask) {
    const struct scoop_mask_view *plain = &mask->plain;
    size_t used = 0;
    bool was_hidden = false, whole;
    for (size_t i = 0, taken; i < plain->length; i += taken) {
        taken = scoop_utf8_take(plain->text + i, plain->length - i, &whole);
        bool is_hidden = memchr(mask->hidden + i, true, taken) != NULL;
        size_t more = is_hidden ? (was_hidden ? 0 : 3) : taken;
        if (used + more >= mask->size)
            break;
        memcpy(mask->text + used, is_hidden ? "***" : plain->text + i, more);
        used += more;
        was_hidden = is_hidden;
    }
    mask->text[used] = 0;
}
