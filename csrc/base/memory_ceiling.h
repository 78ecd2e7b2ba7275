/* What the process may have at most: its cgroup's memory limit, where there is one. */
#ifndef SCOOP_BASE_MEMORY_CEILING_H
#define SCOOP_BASE_MEMORY_CEILING_H

#include <stddef.h>
#include <stdint.h>

/* The least limit of the process's cgroup (of version 2 or 1) and of those around it that can be
 * seen; UINT64_MAX without one. Read anew once a second, since a limit may change while we run; to
 * read it takes as long as a small transfer. Any thread. */
uint64_t scoop_memory_ceiling_bytes(void);
/* The same, told by the files `cgroup` and `mountinfo` of a folder as /proc/self is one. */
uint64_t scoop_memory_ceiling_told_by(const char *folder);

/* A memory limit that nobody gave: `usual_bytes`, but no more than a third of the ceiling (the rest
 * is the program's, and what threads and connections have), and never less than `least_bytes`. */
size_t scoop_default_memory_bytes(size_t usual_bytes, size_t least_bytes);

#endif
