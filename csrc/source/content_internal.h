/* What an answer tells of the file that it brings. */
#ifndef SCOOP_SOURCE_CONTENT_INTERNAL_H
#define SCOOP_SOURCE_CONTENT_INTERNAL_H

#include "net/http.h"
#include "source/source.h"

/* Notes Content-Type and Content-Encoding, printable; of several headers of one name all. */
void scoop_source_note_content(struct scoop_source *source, struct scoop_http_exchange *exchange);

#endif
