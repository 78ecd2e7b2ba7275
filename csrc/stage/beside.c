/* Passes bytes on unchanged while another chain reads them too. */
#include "scoop/memory.h"
#include "stage/stage.h"

struct beside_stage {
    struct scoop_stage base;
    struct scoop_stage *inner;
};

static int beside_write(struct scoop_stage *base, const unsigned char *data, size_t length,
                        size_t *consumed, struct scoop_error *error) {
    struct beside_stage *stage = (struct beside_stage *)base;
    *consumed = length;
    if (scoop_stage_push(stage->inner, data, length, error) != 0)
        return -1;
    return scoop_stage_push(base->next, data, length, error);
}

static int beside_finish(struct scoop_stage *base, struct scoop_error *error) {
    return scoop_stage_finish_chain(((struct beside_stage *)base)->inner, error);
}

static void beside_free(struct scoop_stage *base) {
    scoop_stage_free_chain(((struct beside_stage *)base)->inner);
    scoop_free(base);
}

static const struct scoop_stage_type beside_type = {"beside", beside_write, beside_finish,
                                                    beside_free, NULL};

struct scoop_stage *scoop_beside_new(struct scoop_stage *inner, struct scoop_counters *counters,
                                     struct scoop_error *error) {
    struct beside_stage *stage = scoop_calloc(1, sizeof *stage);
    if (stage == NULL) {
        scoop_fail_memory(error);
        scoop_stage_free_chain(inner);
        return NULL;
    }
    stage->base.type = &beside_type;
    stage->base.counters = counters;
    stage->inner = inner;
    return &stage->base;
}

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
    scoop_free(stage);
}

static const struct scoop_stage_type drop_type = {"drop", drop_write, drop_finish, drop_free, NULL};

struct scoop_stage *scoop_drop_new(struct scoop_counters *counters, struct scoop_error *error) {
    struct scoop_stage *stage = scoop_calloc(1, sizeof *stage);
    if (stage == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    stage->type = &drop_type;
    stage->counters = counters;
    return stage;
}
