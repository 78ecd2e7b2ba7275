/* The first lines of a text. */
#include <string.h>

#include "scoop/memory.h"
#include "stage/stage.h"

struct head {
    struct scoop_stage stage;
    uint64_t left; /* lines still to pass */
    bool *reached;
};

static int head_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                      size_t *consumed, struct scoop_error *error) {
    struct head *head = (struct head *)stage;
    size_t passed = 0;
    *consumed = length;
    while (head->left > 0 && passed < length) {
        const unsigned char *newline = memchr(data + passed, '\n', length - passed);
        if (newline == NULL) {
            passed = length;
        } else {
            passed = (size_t)(newline - data) + 1;
            head->left--;
        }
    }
    *head->reached = head->left == 0;
    return scoop_stage_push(stage->next, data, passed, error);
}

static int head_finish(struct scoop_stage *stage, struct scoop_error *error) {
    (void)stage;
    (void)error;
    return 0;
}

static void head_free(struct scoop_stage *stage) {
    scoop_free(stage);
}

static const struct scoop_stage_type head_type = {"head", head_write, head_finish, head_free, NULL};

struct scoop_stage *scoop_head_new(uint64_t lines, bool *reached, struct scoop_counters *counters,
                                   struct scoop_error *error) {
    struct head *head = scoop_calloc(1, sizeof *head);
    if (head == NULL) {
        scoop_fail_memory(error);
        return NULL;
    }
    head->stage.type = &head_type;
    head->stage.counters = counters;
    head->left = lines;
    head->reached = reached;
    *reached = lines == 0;
    return &head->stage;
}
