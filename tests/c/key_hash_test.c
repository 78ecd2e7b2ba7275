/* The hash of keys: nobody who gives the keys can choose what they have in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "text/key_hash.h"

enum { KEYS = 2000, PARTITIONS = 256, LONG_BYTES = 600 };

static const char *self;

/* The seed that a process of its own has chosen. */
static uint64_t seed_of_another_process(void) {
    char command[512];
    unsigned long long seed = 0;
    snprintf(command, sizeof command, "%s seed", self);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%llu", &seed), 1);
    assert_int_equal(pclose(pipe), 0);
    return seed;
}

static void each_process_has_a_seed_of_its_own(void **state) {
    (void)state;
    uint64_t one = seed_of_another_process(), other = seed_of_another_process();
    assert_true(one != other);
    assert_true(scoop_hash_seed.seed != 0 && scoop_hash_seed.seed != one);
}

static unsigned partition_of(unsigned key) {
    char text[16];
    int length = snprintf(text, sizeof text, "%u", key);
    return (unsigned)(scoop_key_hash_of(text, (size_t)length).high >> 56);
}

static void keys_that_were_chosen_for_one_partition_are_spread(void **state) {
    static unsigned chosen[KEYS];
    unsigned counts[PARTITIONS] = {0}, used = 0;
    size_t count = 0;
    (void)state;
    scoop_hash_set_seed(0); /* the hash that everybody knows */
    for (unsigned key = 0; count < KEYS; key++)
        if (partition_of(key) == 7)
            chosen[count++] = key;
    scoop_hash_set_seed(0x0123456789abcdefu);
    for (size_t i = 0; i < KEYS; i++)
        counts[partition_of(chosen[i])]++;
    for (size_t i = 0; i < PARTITIONS; i++) {
        used += counts[i] > 0;
        assert_true(counts[i] < KEYS / 32);
    }
    assert_true(used > PARTITIONS / 2);
}

static void the_seed_counts_for_keys_of_any_length(void **state) {
    unsigned char key[LONG_BYTES];
    (void)state;
    memset(key, 'k', sizeof key);
    for (size_t length = 0; length <= sizeof key; length++) {
        scoop_hash_set_seed(1);
        struct scoop_key_hash one = scoop_key_hash_of(key, length);
        scoop_hash_set_seed(2);
        struct scoop_key_hash other = scoop_key_hash_of(key, length);
        assert_true(one.high != other.high && one.low != other.low);
        scoop_hash_set_seed(1);
        struct scoop_key_hash again = scoop_key_hash_of(key, length);
        assert_true(one.high == again.high && one.low == again.low);
    }
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_process_has_a_seed_of_its_own),
        cmocka_unit_test(keys_that_were_chosen_for_one_partition_are_spread),
        cmocka_unit_test(the_seed_counts_for_keys_of_any_length),
    };
    self = arguments[0];
    if (count > 1) {
        printf("%llu\n", (unsigned long long)scoop_hash_seed.seed);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
