#include "base/temp_folder.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <sys/vfs.h>

const char *scoop_temp_folder(void) {
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] != 0 ? folder : "/tmp";
}

bool scoop_folder_is_memory(const char *folder) {
    struct statfs about;
    return statfs(folder, &about) == 0 &&
           (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC);
}
