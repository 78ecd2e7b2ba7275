/* The one allocator of libscoop, so that tests can fail every allocation in turn. */
#ifndef SCOOP_MEMORY_H
#define SCOOP_MEMORY_H

#include <stddef.h>

/* Like malloc, calloc, realloc, strdup and free. Any thread. NULL when memory is exhausted, or when
 * the environment variable SCOOP_FAIL_ALLOC_AT=n names this, the n-th, allocation (builds with
 * -DSCOOP_TORTURE only). What they return is released with scoop_free. */
void *scoop_malloc(size_t size_bytes);
/* For a block of 1 MiB or more that is filled to its end: in huge pages where there are some, each
 * of which is one fault and not 512. Released with scoop_free, never grown. */
void *scoop_malloc_huge(size_t size_bytes);
void *scoop_calloc(size_t count, size_t size_bytes);
void *scoop_realloc(void *block, size_t size_bytes);
char *scoop_strdup(const char *text);
char *scoop_strndup(const char *text, size_t length);
void scoop_free(void *block);

/* Zeroed memory straight from the system, all of it present, and given back at once when it is
 * unmapped: for large blocks whose sum is promised to stay within a limit. NULL as above. */
void *scoop_map(size_t size_bytes);
/* The same for tables that are looked into at random: in huge pages where there are some, present
 * only where it was written to. */
void *scoop_map_table(size_t size_bytes);
void scoop_unmap(void *block, size_t size_bytes);
/* Gives back a part of a block, as far as it has pages of its own. */
void scoop_unmap_part(void *block, size_t from_bytes, size_t to_bytes);
/* The same, but the addresses stay; what is read there is 0. */
void scoop_empty_part(void *block, size_t from_bytes, size_t to_bytes);

#ifdef SCOOP_TORTURE
/* Makes the nth allocation from now on fail, once; 0: none. For tests that run in one process. */
void scoop_memory_fail_at(long nth);
#endif

#endif
