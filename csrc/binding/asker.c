#include "binding/asker.h"

#include <string.h>

static const struct airscoop_runner_type runner_type = {.name = "question", .advice = ""};

int airscoop_open_asker(struct airscoop_asker *asker, struct airscoop_state *state,
                        PyObject *dict) {
    struct scoop_error error = {0};
    memset(asker, 0, sizeof *asker);
    airscoop_runner_init(&asker->runner, &runner_type, state, NULL);
    airscoop_runner_set_up(&asker->runner);
    if (airscoop_read_options(&asker->runner, dict, &asker->options, &asker->providers) != 0) {
        airscoop_providers_free(&asker->providers);
        return -1;
    }
    struct scoop_engine_options engine = {.ca_file = asker->options.ca_file};
    asker->engine = scoop_engine_new(&engine, &error);
    if (asker->engine != NULL)
        asker->client = scoop_s3_client_new(asker->engine, &asker->options.source.s3, &error);
    if (asker->client != NULL)
        return 0;
    scoop_engine_free(asker->engine);
    airscoop_providers_free(&asker->providers);
    airscoop_raise(state, &error);
    return -1;
}

int airscoop_ask(struct airscoop_asker *asker, PyObject *check,
                 int (*work)(void *user, struct scoop_error *error), void *user) {
    if (airscoop_runner_begin(&asker->runner, check == Py_None ? NULL : check) != 0)
        return -1;
    return airscoop_runner_call(&asker->runner, work, user);
}

void airscoop_close_asker(struct airscoop_asker *asker) {
    if (airscoop_runner_is_ours(&asker->runner)) {
        scoop_s3_client_free(asker->client);
        scoop_engine_free(asker->engine);
    }
    airscoop_providers_free(&asker->providers);
}
