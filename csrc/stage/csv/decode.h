/* From the encoding that a dialect names to UTF-8. */
#ifndef SCOOP_STAGE_CSV_DECODE_H
#define SCOOP_STAGE_CSV_DECODE_H

#include "scoop/error.h"

/* 0, or -1 with USAGE when nobody knows an encoding of that name. */
int scoop_decode_check(const char *encoding, struct scoop_error *error);

#endif
