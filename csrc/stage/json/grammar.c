#include "stage/json/grammar.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "scoop/memory.h"

/* yajl uses what its allocator returns unchecked. So a failed allocation leaves yajl by longjmp,
 * and its blocks stand in a list from which they can all be released. */
struct block {
    _Alignas(max_align_t) struct block *next;
    struct block **link; /* what points here */
};

struct scoop_json_grammar {
    yajl_handle handle; /* NULL: made by the next feed */
    yajl_alloc_funcs allocator;
    struct block *blocks;
    jmp_buf no_memory;
    char reason[160];
};

static void *link_block(struct scoop_json_grammar *grammar, struct block *block) {
    if (block == NULL)
        longjmp(grammar->no_memory, 1);
    block->next = grammar->blocks;
    block->link = &grammar->blocks;
    if (block->next != NULL)
        block->next->link = &block->next;
    grammar->blocks = block;
    return block + 1;
}

static void unlink_block(struct block *block) {
    *block->link = block->next;
    if (block->next != NULL)
        block->next->link = block->link;
}

static void *allocate(void *context, size_t size_bytes) {
    return link_block(context, scoop_malloc(sizeof(struct block) + size_bytes));
}

static void release(void *context, void *data) {
    (void)context;
    if (data == NULL)
        return;
    struct block *block = (struct block *)data - 1;
    unlink_block(block);
    scoop_free(block);
}

static void *reallocate(void *context, void *data, size_t size_bytes) {
    struct scoop_json_grammar *grammar = context;
    if (data == NULL)
        return allocate(context, size_bytes);
    struct block *block = (struct block *)data - 1;
    struct block *grown = scoop_realloc(block, sizeof(struct block) + size_bytes);
    if (grown == NULL)
        longjmp(grammar->no_memory, 1); /* the old block is still in the list */
    *grown->link = grown;
    if (grown->next != NULL)
        grown->next->link = &grown->next;
    return grown + 1;
}

void scoop_json_grammar_reset(struct scoop_json_grammar *grammar) {
    while (grammar->blocks != NULL) {
        struct block *block = grammar->blocks;
        grammar->blocks = block->next;
        scoop_free(block);
    }
    grammar->handle = NULL;
}

struct scoop_json_grammar *scoop_json_grammar_new(struct scoop_error *error) {
    struct scoop_json_grammar *grammar = scoop_calloc(1, sizeof *grammar);
    if (grammar == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    grammar->allocator = (yajl_alloc_funcs){allocate, reallocate, release, grammar};
    return grammar;
}

void scoop_json_grammar_free(struct scoop_json_grammar *grammar) {
    if (grammar != NULL)
        scoop_json_grammar_reset(grammar);
    scoop_free(grammar);
}

/* May leave by longjmp. */
static bool parse(struct scoop_json_grammar *grammar, const unsigned char *lines, size_t length,
                  size_t *bad_at) {
    if (grammar->handle == NULL) {
        grammar->handle = yajl_alloc(NULL, &grammar->allocator, grammar);
        yajl_config(grammar->handle, yajl_allow_multiple_values, 1);
        yajl_config(grammar->handle, yajl_dont_validate_strings, 1); /* the scan has done it */
    }
    if (yajl_parse(grammar->handle, lines, length) == yajl_status_ok)
        return true;
    *bad_at = yajl_get_bytes_consumed(grammar->handle);
    const char *text = (const char *)yajl_get_error(grammar->handle, 0, lines, length);
    snprintf(grammar->reason, sizeof grammar->reason, "%.*s", (int)strcspn(text, "\n"), text);
    return false;
}

enum scoop_json_verdict scoop_json_grammar_feed(struct scoop_json_grammar *grammar,
                                                const unsigned char *lines, size_t length,
                                                size_t *bad_at, const char **reason,
                                                struct scoop_error *error) {
    if (setjmp(grammar->no_memory) != 0) {
        scoop_json_grammar_reset(grammar);
        scoop_fail_memory(error);
        return SCOOP_JSON_FAILED;
    }
    if (parse(grammar, lines, length, bad_at))
        return SCOOP_JSON_GOOD;
    scoop_json_grammar_reset(grammar);
    *reason = grammar->reason;
    return SCOOP_JSON_BAD;
}
