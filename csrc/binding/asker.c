#include "asker.h"

#include <string.h>

int airscoop_open_asker(struct airscoop_asker *asker, struct airscoop_state *state,
                        PyObject *dict) {
    struct scoop_error error = {0};
    memset(asker, 0, sizeof *asker);
    if (airscoop_read_options(state, dict, &asker->options, &asker->providers) != 0) {
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

void airscoop_close_asker(struct airscoop_asker *asker) {
    scoop_s3_client_free(asker->client);
    scoop_engine_free(asker->engine);
    airscoop_providers_free(&asker->providers);
}
