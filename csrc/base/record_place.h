/* Where a record stands in its source, as every reader says it. */
#ifndef SCOOP_BASE_RECORD_PLACE_H
#define SCOOP_BASE_RECORD_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "scoop/error.h"

#define SCOOP_NO_OFFSET UINT64_MAX

struct scoop_record_place {
    uint64_t line;   /* from 1 */
    uint64_t offset; /* of its first byte, from 0; SCOOP_NO_OFFSET: that is not known */
};

enum { SCOOP_PLACE_SIZE = 64 };

/* "line 3 (byte 17)". */
void scoop_record_place_print(char text[SCOOP_PLACE_SIZE], struct scoop_record_place place);
/* BAD_RECORD: the place, a colon, and what is said. Always -1. */
int scoop_fail_record(struct scoop_error *error, struct scoop_record_place place,
                      const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The line, perhaps 0, of a source that an error is about. */
void scoop_error_line(struct scoop_error *error, const char *source, uint64_t line);
/* For those who do not know whose record it is: puts the source's name before what an error says,
 * unless it is there. */
void scoop_error_name_source(struct scoop_error *error, const char *name);

/* Gives an error these facts of the record that it is about. */
void scoop_error_record(struct scoop_error *error, struct scoop_record_place place,
                        const char *reason);

/* Where the records of a text that is passed on stood: only what does not follow from the record
 * before is kept, as after blank lines. The one who reads it drops what is behind him. */
struct scoop_record_mark {
    uint64_t record; /* from 0 */
    struct scoop_record_place place;
};

struct scoop_record_places {
    struct scoop_record_mark *marks;
    size_t first, count, capacity;  /* those before `first` are dropped */
    uint64_t told;                  /* records so far */
    struct scoop_record_place next; /* where one that follows at once begins */
};

void scoop_record_places_free(struct scoop_record_places *places);
/* So many records, of a line each, that begin there are passed on as so many bytes. 0, or -1 with
 * NO_MEMORY. */
int scoop_record_places_tell(struct scoop_record_places *places, struct scoop_record_place place,
                             uint64_t records, uint64_t bytes, struct scoop_error *error);
/* *place, where the record stands if it follows the one before, becomes where it stands. *mark is
 * the first mark that was not looked at: `first`, where nobody needs those before again. */
void scoop_record_places_look_up(const struct scoop_record_places *places, size_t *mark,
                                 uint64_t record, struct scoop_record_place *place);
/* Moves the marks that were not dropped behind those of `to`, which are of the same text. 0, or -1
 * with NO_MEMORY. */
int scoop_record_places_move(struct scoop_record_places *from, struct scoop_record_places *to,
                             struct scoop_error *error);

#endif
