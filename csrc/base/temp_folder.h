/* Temporary files, and where they go. */
#ifndef SCOOP_BASE_TEMP_FOLDER_H
#define SCOOP_BASE_TEMP_FOLDER_H

#include <stdbool.h>

/* $TMPDIR or /tmp, to be copied. The environment may change under a reader on another thread: call
 * it when an object is set up, not while it works (the binding sets up with the GIL, which whoever
 * changes os.environ has, too). */
const char *scoop_temp_folder(void);
/* Whether files of a folder are kept in memory (tmpfs, ramfs), as /tmp of many a container is: what
 * is written there counts as memory. Of a file system over another one, such as an overlay, only
 * the upper one is seen. */
bool scoop_folder_is_memory(const char *folder);
/* A file without a name, for reading and writing: whatever ends the process, nothing is left of it.
 * Its descriptor, or -1 with errno. */
int scoop_temp_file_open(const char *folder);

#endif
