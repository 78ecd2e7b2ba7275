/* How a long call hears that it should stop. */
#ifndef SCOOP_INTERRUPT_H
#define SCOOP_INTERRUPT_H

/* Every call that waits asks `check` at least once in SCOOP_SLICE_MS, on the thread that made the
 * call. A non-zero answer means: cancel, clean up, end with SCOOP_CANCELLED. NULL for the struct or
 * for `check` means: never. */
struct scoop_interrupt {
    int (*check)(void *user);
    void *user;
};

enum { SCOOP_SLICE_MS = 200 };

#endif
