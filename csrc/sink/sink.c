#include "sink/sink.h"

#include <string.h>

void scoop_sink_facts(const struct scoop_sink *sink, struct scoop_sink_facts *facts) {
    memset(facts, 0, sizeof *facts);
    if (sink->facts != NULL)
        *facts = *sink->facts;
}
