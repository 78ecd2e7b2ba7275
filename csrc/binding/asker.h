/* An engine and a client for one question. */
#ifndef SCOOP_BINDING_ASKER_H
#define SCOOP_BINDING_ASKER_H

#include "binding/options.h"

struct airscoop_asker {
    struct airscoop_runner runner;
    struct scoop_transfer_options options; /* the s3 options of its source are used */
    struct airscoop_providers providers;
    struct scoop_engine *engine;
    struct scoop_s3_client *client;
};

/* 0, or -1 with an exception set; then nothing is open. */
int airscoop_open_asker(struct airscoop_asker *asker, struct airscoop_state *state, PyObject *dict);
/* As airscoop_runner_call; `check` is called about once a second, or Py_None. */
int airscoop_ask(struct airscoop_asker *asker, PyObject *check,
                 int (*work)(void *user, struct scoop_error *error), void *user);
void airscoop_close_asker(struct airscoop_asker *asker);

#endif
