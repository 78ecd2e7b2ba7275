/* What the files about files share. */
#ifndef SCOOP_SOURCE_FILE_INTERNAL_H
#define SCOOP_SOURCE_FILE_INTERNAL_H

#include <sys/stat.h>

#include "scoop/resume.h"

void scoop_file_identity(const struct stat *facts, char text[SCOOP_SOURCE_IDENTITY_SIZE]);

#endif
