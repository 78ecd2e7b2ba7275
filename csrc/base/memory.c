#include "scoop/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE_BYTES = 4096, HUGE_PAGE_BYTES = 2 * 1024 * 1024 };

#ifdef SCOOP_TORTURE
#include <stdatomic.h>

static atomic_long allocations;
static atomic_long countdown;

void scoop_memory_fail_at(long nth) {
    atomic_store(&countdown, nth);
}

static int must_fail(void) {
    const char *at = getenv("SCOOP_FAIL_ALLOC_AT");
    if (atomic_load(&countdown) > 0 && atomic_fetch_sub(&countdown, 1) == 1)
        return 1;
    return at != NULL && atomic_fetch_add(&allocations, 1) + 1 == atol(at);
}
#else
static int must_fail(void) {
    return 0;
}
#endif

void *scoop_malloc(size_t size_bytes) {
    return must_fail() ? NULL : malloc(size_bytes);
}

void *scoop_malloc_huge(size_t size_bytes) {
    if (must_fail() || size_bytes > SIZE_MAX - HUGE_PAGE_BYTES)
        return NULL;
    size_t pages = (size_bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES;
    void *block = aligned_alloc(HUGE_PAGE_BYTES, pages * HUGE_PAGE_BYTES);
    if (block != NULL)
        madvise(block, pages * HUGE_PAGE_BYTES, MADV_HUGEPAGE); /* if it may not be: small ones */
    return block;
}

void *scoop_calloc(size_t count, size_t size_bytes) {
    return must_fail() ? NULL : calloc(count, size_bytes);
}

void *scoop_realloc(void *block, size_t size_bytes) {
    return must_fail() ? NULL : realloc(block, size_bytes);
}

char *scoop_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = scoop_malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

char *scoop_strndup(const char *text, size_t length) {
    char *copy = scoop_malloc(length + 1);
    if (copy == NULL)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

void *scoop_map(size_t size_bytes) {
    if (must_fail())
        return NULL;
    void *block = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return block == MAP_FAILED ? NULL : block;
}

/* Begins at a huge page, so that as much as can be is in such. */
void *scoop_map_table(size_t size_bytes) {
    size_t slack = size_bytes < HUGE_PAGE_BYTES ? 0 : HUGE_PAGE_BYTES;
    if (must_fail())
        return NULL;
    unsigned char *block = mmap(NULL, size_bytes + slack, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED || slack == 0)
        return block == MAP_FAILED ? NULL : block;
    size_t head = (size_t)(-(uintptr_t)block % HUGE_PAGE_BYTES);
    scoop_unmap_part(block, 0, head);
    scoop_unmap_part(block, head + size_bytes, size_bytes + slack);
    madvise(block + head, size_bytes, MADV_HUGEPAGE); /* if it may not be: small ones */
    return block + head;
}

void scoop_unmap_part(void *block, size_t from_bytes, size_t to_bytes) {
    size_t from = (from_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    size_t to = (to_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (from < to)
        munmap((unsigned char *)block + from, to - from);
}

void scoop_empty_part(void *block, size_t from_bytes, size_t to_bytes) {
    size_t from = (from_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    size_t to = (to_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (from < to)
        madvise((unsigned char *)block + from, to - from, MADV_DONTNEED);
}

void scoop_unmap(void *block, size_t size_bytes) {
    if (block != NULL)
        munmap(block, size_bytes);
}

void scoop_free(void *block) {
    free(block);
}
