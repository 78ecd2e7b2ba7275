/* What proves that a file is one of a split output, written by us at this very place: the files of
 * an earlier run may be removed, those of others may not. In S3 it is metadata of the object, here
 * an extended attribute. */
#ifndef SCOOP_SPLIT_MARK_H
#define SCOOP_SPLIT_MARK_H

#include <stdbool.h>

/* On S3 the header's value is Python's (airscoop/transfer/split_files.py). */
#define SCOOP_SPLIT_HEADER "x-amz-meta-airscoop-split"

/* Marks the open file, whole and not yet named, that is going to be `path`. A file system without
 * such attributes leaves it unmarked: then nothing is proven, and nothing removed. */
void scoop_split_mark_set(int fd, const char *path);
/* Whether what stands at `path` (a link is followed) was marked for this place, and neither moved,
 * copied nor written to since. */
bool scoop_split_mark_holds(const char *path);

#endif
