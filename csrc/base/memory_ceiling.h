/* What the process may have at most: its cgroup's memory limit, where there is one. */
#ifndef SCOOP_BASE_MEMORY_CEILING_H
#define SCOOP_BASE_MEMORY_CEILING_H

#include <stddef.h>
#include <stdint.h>

/* The ceiling: the least limit of the process's cgroup (of version 2 or 1) and of those around it
 * that can be seen; UINT64_MAX without one. Told by the files `cgroup` and `mountinfo` of a folder
 * as /proc/self is one. Any thread. */
uint64_t scoop_memory_ceiling_told_by(const char *folder);

/* A memory limit that nobody gave: `usual_bytes`, but no more than a third of the ceiling (the rest
 * is the program's, and what threads and connections have), and never less than `least_bytes`. */
size_t scoop_default_memory_bytes(size_t usual_bytes, size_t least_bytes);

#endif
