#include "warehouse/load/content.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "scoop/memory.h"
#include "text/hex.h"

enum { TEXT_CEILING = 1 << 30 };

struct scoop_content {
    unsigned char sum[SCOOP_SHA256_BYTES];
    struct scoop_buf text;                      /* of one change */
    const struct scoop_change_member **members; /* of one change, by their names */
    size_t capacity;
};

struct scoop_content *scoop_content_new(struct scoop_error *error) {
    struct scoop_content *content = scoop_calloc(1, sizeof *content);
    if (content == NULL)
        scoop_fail_memory(error);
    else
        scoop_buf_init(&content->text, TEXT_CEILING);
    return content;
}

void scoop_content_free(struct scoop_content *content) {
    if (content == NULL)
        return;
    scoop_buf_free(&content->text);
    scoop_free(content->members);
    scoop_free(content);
}

static int by_name(const void *a, const void *b) {
    const struct scoop_change_member *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static int sort(struct scoop_content *content, const struct scoop_change_member *members,
                size_t count, struct scoop_error *error) {
    if (count > content->capacity) {
        void *grown = scoop_realloc(content->members, count * sizeof(void *));
        if (grown == NULL)
            return scoop_fail_memory(error);
        content->members = grown;
        content->capacity = count;
    }
    for (size_t i = 0; i < count; i++)
        content->members[i] = &members[i];
    qsort(content->members, count, sizeof(void *), by_name);
    return 0;
}

/* Its name, its kind (null, text, other JSON) and its value; each is closed by a NUL, which none
 * of them has. */
static int put_member(struct scoop_content *content, const struct scoop_change_member *member,
                      struct scoop_error *error) {
    const char kind = member->value == NULL ? 'N' : member->is_text ? 'T' : 'J';
    if (scoop_buf_append(&content->text, member->name, strlen(member->name) + 1, error) != 0 ||
        scoop_buf_append(&content->text, &kind, 1, error) != 0)
        return -1;
    return member->value == NULL
               ? 0
               : scoop_buf_append(&content->text, member->value, member->value_length + 1, error);
}

static void add(struct scoop_content *content, const unsigned char hash[SCOOP_SHA256_BYTES]) {
    unsigned carry = 0;
    for (size_t i = SCOOP_SHA256_BYTES; i-- > 0; carry >>= 8) {
        carry += (unsigned)content->sum[i] + hash[i];
        content->sum[i] = (unsigned char)carry;
    }
}

/* Of a DELETE the key is all that counts; else the row has it, too. */
int scoop_content_add(struct scoop_content *content, const struct scoop_change_record *record,
                      struct scoop_error *error) {
    unsigned char hash[SCOOP_SHA256_BYTES];
    if (record->op == SCOOP_CHANGE_OPS)
        return 0;
    bool by_key = record->op == SCOOP_CHANGE_DELETE;
    size_t count = by_key ? record->key_count : record->row_count;
    const char *op = scoop_change_op_name(record->op);
    content->text.length = 0;
    if (sort(content, by_key ? record->key : record->row, count, error) != 0 ||
        scoop_buf_append(&content->text, op, 1, error) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (put_member(content, content->members[i], error) != 0)
            return -1;
    scoop_sha256_short(content->text.data, content->text.length, hash);
    add(content, hash);
    return 0;
}

void scoop_content_show(const struct scoop_content *content, char text[SCOOP_SHA256_HEX_SIZE]) {
    scoop_hex_encode(content->sum, sizeof content->sum, text);
}
