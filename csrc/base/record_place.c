#include "base/record_place.h"

#include <stdarg.h>
#include <string.h>

#include "scoop/memory.h"
#include "text/text.h"

void scoop_record_place_print(char text[SCOOP_PLACE_SIZE], struct scoop_record_place place) {
    if (place.offset == SCOOP_NO_OFFSET)
        scoop_text_print(text, SCOOP_PLACE_SIZE, "line %llu", (unsigned long long)place.line);
    else
        scoop_text_print(text, SCOOP_PLACE_SIZE, "line %llu (byte %llu)",
                         (unsigned long long)place.line, (unsigned long long)place.offset);
}

int scoop_fail_record(struct scoop_error *error, struct scoop_record_place place,
                      const char *format, ...) {
    char where[SCOOP_PLACE_SIZE], what[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    scoop_text_vprint(what, sizeof what, format, arguments);
    va_end(arguments);
    scoop_record_place_print(where, place);
    scoop_fail(error, SCOOP_BAD_RECORD, "%s: %s", where, what);
    scoop_error_record(error, place, what);
    return -1;
}

void scoop_error_record(struct scoop_error *error, struct scoop_record_place place,
                        const char *reason) {
    struct scoop_error_record *record = &error->record;
    memset(record, 0, sizeof *record);
    record->given = true;
    record->line = place.line;
    record->has_offset = place.offset != SCOOP_NO_OFFSET;
    record->byte_offset = record->has_offset ? place.offset : 0;
    scoop_text_print(record->reason, sizeof record->reason, "%s", reason);
}

void scoop_error_line(struct scoop_error *error, const char *source, uint64_t line) {
    error->record = (struct scoop_error_record){.given = true, .line = line};
    scoop_text_print(error->record.source, sizeof error->record.source, "%s", source);
}

void scoop_error_name_source(struct scoop_error *error, const char *name) {
    if (strncmp(error->message, name, strlen(name)) != 0)
        scoop_error_say(error, "%s: %.500s", name, error->message);
    if (error->record.given)
        scoop_text_print(error->record.source, sizeof error->record.source, "%s", name);
}

void scoop_record_places_free(struct scoop_record_places *places) {
    scoop_free(places->marks);
    memset(places, 0, sizeof *places);
}

static int make_room(struct scoop_record_places *places, struct scoop_error *error) {
    if (places->first > places->capacity / 2) {
        places->count -= places->first;
        memmove(places->marks, places->marks + places->first,
                places->count * sizeof *places->marks);
        places->first = 0;
    }
    if (places->count < places->capacity)
        return 0;
    size_t capacity = places->capacity == 0 ? 16 : places->capacity * 2;
    struct scoop_record_mark *grown = scoop_realloc(places->marks, capacity * sizeof *grown);
    if (grown == NULL)
        return scoop_fail_memory(error);
    places->marks = grown;
    places->capacity = capacity;
    return 0;
}

int scoop_record_places_tell(struct scoop_record_places *places, struct scoop_record_place place,
                             uint64_t records, uint64_t bytes, struct scoop_error *error) {
    if (place.line != places->next.line || place.offset != places->next.offset) {
        if (make_room(places, error) != 0)
            return -1;
        places->marks[places->count++] = (struct scoop_record_mark){places->told, place};
    }
    places->told += records;
    places->next = (struct scoop_record_place){place.line + records, place.offset + bytes};
    return 0;
}

void scoop_record_places_look_up(const struct scoop_record_places *places, size_t *mark,
                                 uint64_t record, struct scoop_record_place *place) {
    for (; *mark < places->count && places->marks[*mark].record <= record; ++*mark)
        *place = places->marks[*mark].place;
}

int scoop_record_places_move(struct scoop_record_places *from, struct scoop_record_places *to,
                             struct scoop_error *error) {
    for (; from->first < from->count; from->first++) {
        if (make_room(to, error) != 0)
            return -1;
        to->marks[to->count++] = from->marks[from->first];
    }
    from->first = from->count = 0;
    return 0;
}
