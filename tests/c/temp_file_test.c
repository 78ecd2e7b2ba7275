/* Temporary files: where they go, and that nothing is left of them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/temp_file.h"

static bool knows_unnamed = true; /* whether the file system does */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
    if ((flags & O_TMPFILE) == O_TMPFILE && !knows_unnamed) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_open(path, flags, 0600);
}

static char folder[] = "/tmp/scoop-temp-XXXXXX";

static int begin(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int end(void **state) {
    (void)state;
    return rmdir(folder);
}

static unsigned entries(void) {
    unsigned count = 0;
    DIR *opened = opendir(folder);
    assert_non_null(opened);
    for (struct dirent *entry = readdir(opened); entry != NULL; entry = readdir(opened))
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(opened);
    return count;
}

static void expect_unnamed(void) {
    char text[4] = "";
    struct stat facts;
    int fd = scoop_temp_file_open(folder);
    assert_true(fd >= 0);
    assert_int_equal(entries(), 0);
    assert_int_equal(fstat(fd, &facts), 0);
    assert_int_equal(facts.st_nlink, 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(pwrite(fd, "abc", 3, 5), 3);
    assert_int_equal(pread(fd, text, 3, 5), 3);
    assert_string_equal(text, "abc");
    close(fd);
}

static void a_file_has_no_name(void **state) {
    (void)state;
    expect_unnamed();
}

static void nor_where_the_file_system_makes_only_files_with_one(void **state) {
    (void)state;
    knows_unnamed = false;
    expect_unnamed();
    knows_unnamed = true;
}

static void a_folder_that_cannot_be_written_to_is_said(void **state) {
    (void)state;
    char path[5000];
    memset(path, '/', sizeof path - 1);
    path[sizeof path - 1] = 0;
    assert_int_equal(scoop_temp_file_open("/nowhere/at/all"), -1);
    assert_int_equal(errno, ENOENT);
    knows_unnamed = false;
    assert_int_equal(scoop_temp_file_open("/nowhere/at/all"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(scoop_temp_file_open(path), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    knows_unnamed = true;
}

static void the_environment_names_the_folder(void **state) {
    (void)state;
    setenv("TMPDIR", folder, 1);
    assert_string_equal(scoop_temp_folder(), folder);
    setenv("TMPDIR", "", 1);
    assert_string_equal(scoop_temp_folder(), "/tmp");
    unsetenv("TMPDIR");
    assert_string_equal(scoop_temp_folder(), "/tmp");
}

static void a_folder_in_memory_is_known(void **state) {
    (void)state;
    assert_true(scoop_folder_is_memory("/dev/shm"));
    assert_false(scoop_folder_is_memory("/proc"));
    assert_false(scoop_folder_is_memory("/nowhere/at/all"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_no_name),
        cmocka_unit_test(nor_where_the_file_system_makes_only_files_with_one),
        cmocka_unit_test(a_folder_that_cannot_be_written_to_is_said),
        cmocka_unit_test(the_environment_names_the_folder),
        cmocka_unit_test(a_folder_in_memory_is_known),
    };
    return cmocka_run_group_tests_name("temp_file", tests, begin, end);
}
