#include "stage/checked_lines.h"

#include <stddef.h>

#include "stage/sniff.h"

static struct scoop_checked_lines *lines_of(struct scoop_stage *end) {
    return (struct scoop_checked_lines *)((char *)end - offsetof(struct scoop_checked_lines, end));
}

static int end_write(struct scoop_stage *stage, const unsigned char *data, size_t length,
                     size_t *consumed, struct scoop_error *error) {
    *consumed = length;
    return scoop_buf_append(&lines_of(stage)->text, data, length, error);
}

static int end_finish(struct scoop_stage *stage, struct scoop_error *error) {
    struct scoop_buf *text = &lines_of(stage)->text;
    bool ended = text->length == 0 || text->data[text->length - 1] == '\n';
    return ended ? 0 : scoop_buf_append(text, "\n", 1, error);
}

static void end_free(struct scoop_stage *stage) {
    (void)stage; /* a part of the lines */
}

static const struct scoop_stage_type end_type = {
    .name = "lines", .write = end_write, .finish = end_finish, .free = end_free};

int scoop_checked_lines_init(struct scoop_checked_lines *lines,
                             const struct scoop_record_options *options,
                             struct scoop_error *error) {
    struct scoop_record_options records = *options;
    records.places = &lines->places;
    scoop_buf_init(&lines->text, SIZE_MAX); /* a record and what arrives at once */
    lines->end.type = &end_type;
    lines->end.counters = &lines->counters;
    lines->check = scoop_json_check_new(&records, &lines->counters, error);
    if (lines->check == NULL)
        return -1;
    lines->check->next = &lines->end;
    return 0;
}

void scoop_checked_lines_free(struct scoop_checked_lines *lines) {
    scoop_stage_free_chain(lines->check);
    scoop_record_places_free(&lines->places);
    scoop_buf_free(&lines->text);
}

static int begin(struct scoop_checked_lines *lines, const struct scoop_buf *chunk,
                 struct scoop_error *error) {
    enum scoop_content content = scoop_sniff(chunk->data, chunk->length);
    lines->begun = true;
    if (content == SCOOP_CONTENT_PLAIN)
        return 0;
    return scoop_fail(error, SCOOP_UNSUPPORTED,
                      "%s data; only plain UTF-8 text and gzip can be read as records",
                      scoop_content_name(content));
}

int scoop_checked_lines_add(struct scoop_checked_lines *lines, const struct scoop_buf *chunk,
                            bool last, struct scoop_error *error) {
    if (!lines->begun && chunk->length > 0 && begin(lines, chunk, error) != 0)
        return -1;
    if (scoop_stage_push(lines->check, chunk->data, chunk->length, error) != 0)
        return -1;
    return last ? scoop_stage_finish_chain(lines->check, error) : 0;
}
