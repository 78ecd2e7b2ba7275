/* A sink that drops what is written: the source is read and checked, no more. */
#include "sink/state_internal.h"

static bool null_ready(struct scoop_sink *base, size_t room_bytes) {
    (void)base;
    (void)room_bytes;
    return true;
}

static int null_write(struct scoop_sink *base, const void *data, size_t length,
                      struct scoop_error *error) {
    (void)base;
    (void)data;
    (void)length;
    (void)error;
    return 0;
}

static const struct scoop_sink_type null_type = {"null",
                                                 null_ready,
                                                 null_write,
                                                 scoop_state_sink_seal,
                                                 scoop_state_sink_poll,
                                                 scoop_state_sink_commit,
                                                 scoop_state_sink_abort,
                                                 scoop_state_sink_free};

struct scoop_sink *scoop_null_sink_new(struct scoop_error *error) {
    return (struct scoop_sink *)scoop_state_sink_new(sizeof(struct scoop_state_sink), &null_type,
                                                     error);
}
