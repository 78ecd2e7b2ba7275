/* What a session leaves behind of its password. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "scoop/session.h"

enum { PASSWORD_BYTES = 16, BEFORE_BYTES = 64, PIECE_BYTES = 1 << 20, MASK = 0x80 };

/* The password is here only with every byte changed, so that the search does not find itself. */
static const unsigned char masked[PASSWORD_BYTES] = {
    'p' | MASK, 'w' | MASK, '-' | MASK, '7' | MASK, 'f' | MASK, '3' | MASK, '9' | MASK, 'a' | MASK,
    'q' | MASK, 'x' | MASK, '4' | MASK, 'k' | MASK, 'z' | MASK, '1' | MASK, '8' | MASK, 'm' | MASK};

/* Behind what the allocator itself writes over. */
static void unmask(char password[BEFORE_BYTES + PASSWORD_BYTES + 1]) {
    memset(password, '-', BEFORE_BYTES);
    for (size_t i = 0; i < PASSWORD_BYTES; i++)
        password[BEFORE_BYTES + i] = (char)(masked[i] & ~MASK);
    password[BEFORE_BYTES + PASSWORD_BYTES] = 0;
}

static size_t count_in(const unsigned char *bytes, size_t length) {
    size_t count = 0;
    for (size_t at = 0; at + PASSWORD_BYTES <= length; at++) {
        size_t same = 0;
        while (same < PASSWORD_BYTES && (bytes[at + same] | MASK) == masked[same] &&
               (bytes[at + same] & MASK) == 0)
            same++;
        count += same == PASSWORD_BYTES;
    }
    return count;
}

/* How often the password stands in what was allocated, and may have been released. */
static size_t count_copies(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    unsigned char *piece =
        mmap(NULL, PIECE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char line[512];
    size_t count = 0;
    assert_non_null(maps);
    assert_true(memory >= 0 && piece != MAP_FAILED);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from = 0, to = 0;
        /* Not the stack, what is read into, nor the sanitizers' own terabytes. */
        if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 || strstr(line, " rw") == NULL ||
            strstr(line, "[stack]") != NULL || to - from > 1ul << 32 ||
            (from <= (uintptr_t)piece && (uintptr_t)piece < to))
            continue;
        for (; from < to; from += PIECE_BYTES - PASSWORD_BYTES) {
            size_t wanted = to - from < PIECE_BYTES ? to - from : PIECE_BYTES;
            ssize_t got = pread(memory, piece, wanted, (off_t)from);
            count += got > 0 ? count_in(piece, (size_t)got) : 0;
            if (to - from <= PIECE_BYTES)
                break;
        }
    }
    munmap(piece, PIECE_BYTES);
    close(memory);
    fclose(maps);
    return count;
}

static struct scoop_session *made_of_pairs(void) {
    static const char *const keywords[] = {"host", "port", "password", NULL};
    struct scoop_error error = {0};
    char password[BEFORE_BYTES + PASSWORD_BYTES + 1];
    const char *const values[] = {"127.0.0.1", "1", password, NULL};
    unmask(password);
    struct scoop_session *session = scoop_session_new(
        &(struct scoop_session_options){.keywords = keywords, .values = values}, &error);
    scoop_wipe(password, sizeof password);
    return session;
}

static void a_session_holds_its_password_once_until_it_is_released(void **state) {
    (void)state;
    assert_int_equal(count_copies(), 0);
    struct scoop_session *session = made_of_pairs();
    assert_non_null(session);
    assert_int_equal(count_copies(), 1);
    scoop_session_free(session);
    assert_int_equal(count_copies(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_holds_its_password_once_until_it_is_released),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
