/* The memory limit of a cgroup, as Docker, Kubernetes and systemd make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/memory_ceiling.h"

static char root[64];

static void put(const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void put_mount(const char *format) {
    char text[1024];
    snprintf(text, sizeof text, format, root);
    put("mountinfo", text);
}

static int set_up(void **state) {
    (void)state;
    strcpy(root, "/tmp/airscoop-cgroup-XXXXXX");
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int tear_down(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static uint64_t told(void) {
    return scoop_memory_ceiling_told_by(root);
}

static void without_a_cgroup_there_is_no_limit(void **state) {
    (void)state;
    assert_true(told() == UINT64_MAX);
    put("cgroup", "0::/\n");
    assert_true(told() == UINT64_MAX);
    put_mount("24 1 0:22 / %s/mount rw - tmpfs tmpfs rw\n");
    assert_true(told() == UINT64_MAX);
}

static void a_container_sees_its_own_limit_at_the_mount(void **state) {
    (void)state;
    put("cgroup", "0::/\n");
    put_mount("30 24 0:26 / %s/mount ro,nosuid shared:4 - cgroup2 cgroup rw,nsdelegate\n");
    put("mount/memory.max", "134217728\n");
    assert_true(told() == 134217728);
    put("mount/memory.max", "max\n");
    assert_true(told() == UINT64_MAX);
}

static void the_least_of_all_that_are_around_it_holds(void **state) {
    (void)state;
    put("cgroup", "0::/system.slice/airflow.service/task\n");
    put_mount("30 24 0:26 / %s/mount rw - cgroup2 cgroup rw\n");
    put("mount/system.slice/memory.max", "300000000\n");
    put("mount/system.slice/airflow.service/memory.max", "200000000\n");
    put("mount/system.slice/airflow.service/task/memory.max", "max\n");
    put("mount/memory.max", "100\n"); /* the mount's own, too: a container's */
    assert_true(told() == 100);
    put("mount/memory.max", "max\n");
    assert_true(told() == 200000000);
    put("mount/system.slice/airflow.service/task/memory.max", "150000000\n");
    assert_true(told() == 150000000);
}

static void version_1_is_read_where_its_memory_controller_is(void **state) {
    char text[512];
    (void)state;
    put("cgroup", "12:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc/run\n0::/docker/abc\n");
    snprintf(text, sizeof text,
             "33 31 0:30 /docker/abc %s/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
             "35 31 0:32 /docker/abc %s/memory rw - cgroup cgroup rw,memory\n",
             root, root);
    put("mountinfo", text);
    put("cpu/memory.limit_in_bytes", "5\n");
    put("memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("memory/run/memory.limit_in_bytes", "67108864\n");
    assert_true(told() == 67108864);
}

static void a_group_outside_of_the_mount_is_the_mounts_own(void **state) {
    (void)state;
    put("cgroup", "4:memory:/docker/abc\n");
    put_mount("35 31 0:32 /docker/abcd %s/memory rw - cgroup cgroup rw,memory\n");
    put("memory/memory.limit_in_bytes", "1000\n");
    assert_true(told() == 1000);
}

static void a_default_is_lowered_to_a_third_but_not_below_what_is_needed(void **state) {
    (void)state;
    uint64_t most = scoop_memory_ceiling_told_by("/proc/self") / 3;
    assert_int_equal(scoop_default_memory_bytes(4096, 1024), 4096);
    if (most < SIZE_MAX / 2) {
        assert_true(scoop_default_memory_bytes((size_t)most + 1, 1) == most);
        assert_true(scoop_default_memory_bytes((size_t)most + 2, (size_t)most + 1) == most + 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_cgroup_there_is_no_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_container_sees_its_own_limit_at_the_mount, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_least_of_all_that_are_around_it_holds, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(version_1_is_read_where_its_memory_controller_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_group_outside_of_the_mount_is_the_mounts_own, set_up,
                                        tear_down),
        cmocka_unit_test(a_default_is_lowered_to_a_third_but_not_below_what_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
