#include "base/memory_ceiling.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { LINE_BYTES = 2 * PATH_MAX, DEFAULTS_SHARE = 3 };

/* One of the two kinds of cgroups that may limit memory. */
struct hierarchy {
    const char *controller; /* in /proc/self/cgroup; "" of version 2 */
    const char *filesystem; /* in /proc/self/mountinfo */
    const char *option;     /* of that file system; "" when it has none of its own */
    const char *limit;      /* the file with the limit */
};

static const struct hierarchy hierarchies[] = {
    {"", "cgroup2", "", "memory.max"},
    {"memory", "cgroup", "memory", "memory.limit_in_bytes"},
};

/* Whether a comma separated list has the item. */
static bool has_item(const char *list, const char *item) {
    size_t length = strlen(item);
    for (const char *at = list; *at != 0; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strcspn(at, ",") == length && strncmp(at, item, length) == 0)
            return true;
    }
    return length == 0 && list[0] == 0;
}

static FILE *open_told(const char *folder, const char *name) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length < 0 || (size_t)length >= sizeof path ? NULL : fopen(path, "re");
}

/* The process's own cgroup, from lines such as "4:memory:/kubepods/pod1" or "0::/". */
static bool find_group(const char *folder, const struct hierarchy *kind, char *group) {
    char line[LINE_BYTES];
    FILE *file = open_told(folder, "cgroup");
    bool found = false;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':');
        char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (path == NULL || strlen(path + 1) >= PATH_MAX)
            continue;
        *path++ = 0;
        found = has_item(controllers + 1, kind->controller);
        strcpy(group, path);
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* A line of mountinfo: "35 31 0:32 ROOT MOUNT OPTIONS … - TYPE SOURCE OPTIONS". */
static bool read_mount(char *line, const struct hierarchy *kind, const char **root,
                       const char **mount) {
    char type[32], options[256], *end = strstr(line, " - ");
    if (end == NULL || sscanf(end, " - %31s %*s %255s", type, options) != 2 ||
        strcmp(type, kind->filesystem) != 0 ||
        (kind->option[0] != 0 && !has_item(options, kind->option)))
        return false;
    *end = 0;
    char *rest = line;
    for (int field = 0; field < 3 && rest != NULL; field++)
        strsep(&rest, " ");
    *root = strsep(&rest, " ");
    *mount = strsep(&rest, " ");
    return *mount != NULL;
}

/* Where the group lies: below the mount, without what the mount itself begins with. A group outside
 * of what is mounted (another namespace's) is the mount's own. */
static bool group_folder(const char *root, const char *mount, const char *group, char *place) {
    size_t skipped = strcmp(root, "/") == 0 ? 0 : strlen(root);
    bool below = strncmp(group, root, skipped) == 0 && (group[skipped] == '/' || !group[skipped]);
    int length = snprintf(place, PATH_MAX, "%s%s", mount, below ? group + skipped : "");
    return length > 0 && length < PATH_MAX;
}

/* Of a cgroup's folder, and the length of the mount that it begins with. */
static bool find_folder(const char *folder, const struct hierarchy *kind, char *place,
                        size_t *mount_length) {
    char line[LINE_BYTES], group[PATH_MAX];
    const char *root, *mount;
    bool found = false;
    if (!find_group(folder, kind, group))
        return false;
    FILE *file = open_told(folder, "mountinfo");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        found = read_mount(line, kind, &root, &mount) && group_folder(root, mount, group, place);
        *mount_length = found ? strlen(mount) : 0;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* "max" and what cannot be read are no limit. */
static uint64_t read_limit(const char *folder, const char *name) {
    char text[32] = "", *end = text;
    FILE *file = open_told(folder, name);
    if (file == NULL)
        return UINT64_MAX;
    uint64_t limit = fgets(text, sizeof text, file) == NULL ? 0 : strtoull(text, &end, 10);
    fclose(file);
    return end == text ? UINT64_MAX : limit;
}

/* A group has no more than each of those around it. */
static uint64_t least_limit(const char *folder, const struct hierarchy *kind) {
    char place[PATH_MAX];
    size_t mount_length;
    uint64_t least = UINT64_MAX;
    if (!find_folder(folder, kind, place, &mount_length))
        return least;
    for (;;) {
        uint64_t limit = read_limit(place, kind->limit);
        least = limit < least ? limit : least;
        char *slash = strrchr(place + mount_length, '/');
        if (slash == NULL)
            return least;
        *slash = 0;
    }
}

uint64_t scoop_memory_ceiling_told_by(const char *folder) {
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < sizeof hierarchies / sizeof *hierarchies; i++) {
        uint64_t limit = least_limit(folder, &hierarchies[i]);
        least = limit < least ? limit : least;
    }
    return least;
}

/* Read anew once a second, since a limit may change while we run; to read it takes as long as a
 * small transfer. */
static uint64_t ceiling_bytes(void) {
    static atomic_uint_fast64_t told = UINT64_MAX;
    static atomic_int_fast64_t told_at = INT64_MIN;
    int64_t now = (int64_t)(scoop_now_ms() / 1000);
    if (atomic_load(&told_at) != now) {
        atomic_store(&told, scoop_memory_ceiling_told_by("/proc/self"));
        atomic_store(&told_at, now);
    }
    return atomic_load(&told);
}

size_t scoop_default_memory_bytes(size_t usual_bytes, size_t least_bytes) {
    uint64_t most = ceiling_bytes() / DEFAULTS_SHARE;
    if (most >= usual_bytes)
        return usual_bytes;
    return most < least_bytes ? least_bytes : (size_t)most;
}
