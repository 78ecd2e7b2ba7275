#include "stage/stage.h"

#include "base/invariant.h"

int scoop_stage_push(struct scoop_stage *stage, const void *data, size_t length,
                     struct scoop_error *error) {
    const unsigned char *bytes = data;
    while (length > 0) {
        size_t consumed = 0;
        if (stage->type->write(stage, bytes, length, &consumed, error) != 0 ||
            !SCOOP_INVARIANT(consumed <= length, error))
            return -1;
        bytes += consumed;
        length -= consumed;
    }
    return 0;
}

int scoop_stage_finish_chain(struct scoop_stage *stage, struct scoop_error *error) {
    for (; stage != NULL; stage = stage->next)
        if (stage->type->finish(stage, error) != 0)
            return -1;
    return 0;
}

void scoop_stage_free_chain(struct scoop_stage *stage) {
    while (stage != NULL) {
        struct scoop_stage *next = stage->next;
        stage->type->free(stage);
        stage = next;
    }
}

bool scoop_counters_edited(const struct scoop_counters *counters) {
    return counters->bom_stripped || counters->blank_lines > 0 || counters->records_rejected > 0 ||
           counters->records_changed > 0;
}
