#include "scoop/temp_folder.h"

#include <stdlib.h>

const char *scoop_temp_folder(void) {
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] != 0 ? folder : "/tmp";
}
