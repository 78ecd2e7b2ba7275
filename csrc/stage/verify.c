/* Passes gzip bytes on unchanged while they are inflated and checked beside. */
#include "scoop/memory.h"
#include "scoop/stage.h"

struct verify_stage {
    struct scoop_stage base;
    struct scoop_stage *gunzip;
    struct scoop_stage drop; /* where the inflated bytes end */
};

static int drop_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error) {
    (void)stage;
    (void)data;
    (void)error;
    *consumed = length;
    return 0;
}

static int drop_finish(struct scoop_stage *stage, struct scoop_error *error) {
    (void)stage;
    (void)error;
    return 0;
}

static void drop_free(struct scoop_stage *stage) {
    (void)stage;
}

static const struct scoop_stage_type drop_type = {"drop", drop_write, drop_finish, drop_free};

static int verify_write(struct scoop_stage *base, const unsigned char *data, size_t length,
                        size_t *consumed, struct scoop_error *error) {
    struct verify_stage *stage = (struct verify_stage *)base;
    if (scoop_stage_push(stage->gunzip, data, length, error) != 0)
        return -1;
    *consumed = length;
    return scoop_stage_push(base->next, data, length, error);
}

static int verify_finish(struct scoop_stage *base, struct scoop_error *error) {
    struct verify_stage *stage = (struct verify_stage *)base;
    return stage->gunzip->type->finish(stage->gunzip, error);
}

static void verify_free(struct scoop_stage *base) {
    struct verify_stage *stage = (struct verify_stage *)base;
    if (stage->gunzip != NULL)
        stage->gunzip->type->free(stage->gunzip);
    scoop_free(stage);
}

static const struct scoop_stage_type verify_type = {"verify", verify_write, verify_finish,
                                                    verify_free};

struct scoop_stage *scoop_verify_gzip_new(struct scoop_counters *counters,
                                          struct scoop_error *error) {
    const struct scoop_gunzip_options options = {0};
    struct verify_stage *stage = scoop_calloc(1, sizeof *stage);
    if (stage == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    stage->base.type = &verify_type;
    stage->base.counters = counters;
    stage->drop.type = &drop_type;
    stage->gunzip = scoop_gunzip_new(&options, counters, error);
    if (stage->gunzip == NULL) {
        verify_free(&stage->base);
        return NULL;
    }
    stage->gunzip->next = &stage->drop;
    return &stage->base;
}
