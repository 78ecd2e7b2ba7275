/* What a file of changes says, whatever the order of its lines and however they are written. */
#ifndef SCOOP_WAREHOUSE_LOAD_CONTENT_H
#define SCOOP_WAREHOUSE_LOAD_CONTENT_H

#include "scoop/digest.h"
#include "scoop/error.h"
#include "table/changes/line.h"

/* The sum, modulo 2^256, of a SHA-256 of each change. */
struct scoop_content;

struct scoop_content *scoop_content_new(struct scoop_error *error);
/* 0 or -1. A line that is no change adds nothing. */
int scoop_content_add(struct scoop_content *content, const struct scoop_change_record *record,
                      struct scoop_error *error);
/* The sum so far, in hex. */
void scoop_content_show(const struct scoop_content *content, char text[SCOOP_SHA256_HEX_SIZE]);
/* NULL is allowed. */
void scoop_content_free(struct scoop_content *content);

#endif
