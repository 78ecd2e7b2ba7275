/* What the name of an export tells of its format. Private to csrc/stream. */
#ifndef SCOOP_STREAM_TABLE_FORMAT_H
#define SCOOP_STREAM_TABLE_FORMAT_H

#include "scoop/delta.h"

/* AUTO when the name does not tell. */
enum scoop_table_format scoop_table_format_by_name(const char *uri);

#endif
