#include "stage/csv/dialect.h"

#include <string.h>

#include "stage/csv/decode.h"
#include "stage/stage.h"

static struct scoop_csv_mark mark_of(const char *text, const char *otherwise) {
    struct scoop_csv_mark mark = {.length = 0};
    const char *given = text == NULL ? otherwise : text;
    size_t length = strlen(given);
    if (length <= sizeof mark.bytes) {
        memcpy(mark.bytes, given, length);
        mark.length = length;
    }
    return mark;
}

void scoop_csv_marks_init(struct scoop_csv_marks *marks, const struct scoop_csv_dialect *dialect) {
    memset(marks, 0, sizeof *marks);
    marks->delimiter = mark_of(dialect->delimiter, ",");
    marks->quote = mark_of(dialect->quote, "\"");
    marks->escape = mark_of(dialect->escape, "");
    if (marks->escape.length == marks->quote.length &&
        memcmp(marks->escape.bytes, marks->quote.bytes, marks->quote.length) == 0)
        marks->escape.length = 0; /* a doubled quote is one anyway */
    const struct scoop_csv_mark *all[] = {&marks->delimiter, &marks->quote, &marks->escape};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i]->length > 0)
            marks->special[all[i]->bytes[0]] = true;
    marks->special['\n'] = marks->special['\r'] = true;
}

static bool is_one_character(const char *text) {
    bool whole = false;
    size_t length = strlen(text);
    return length > 0 && scoop_utf8_take(text, length, &whole) == length && whole;
}

static int check_character(const char *name, const char *text, struct scoop_error *error) {
    if (text == NULL || (is_one_character(text) && strpbrk(text, "\r\n") == NULL))
        return 0;
    return scoop_fail(error, SCOOP_USAGE, "csv: the %s \"%.40s\" is not one character", name, text);
}

static bool equal(const char *a, const char *b) {
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

int scoop_csv_dialect_check(const struct scoop_csv_dialect *dialect, struct scoop_error *error) {
    const char *delimiter = dialect->delimiter == NULL ? "," : dialect->delimiter;
    const char *quote = dialect->quote == NULL ? "\"" : dialect->quote;
    const char *comment = dialect->comment;
    if (check_character("delimiter", delimiter, error) != 0 ||
        (quote[0] != 0 && check_character("quote", quote, error) != 0) ||
        check_character("escape", dialect->escape, error) != 0)
        return -1;
    if (equal(delimiter, quote) || equal(delimiter, dialect->escape))
        return scoop_fail(error, SCOOP_USAGE,
                          "csv: the delimiter \"%s\" is the %s, too: they have to differ",
                          delimiter, equal(delimiter, quote) ? "quote" : "escape");
    if (comment != NULL && (comment[0] == 0 || strpbrk(comment, "\r\n") != NULL))
        return scoop_fail(error, SCOOP_USAGE,
                          "csv: comment is what a line begins with that is none, such as \"#\"");
    if (equal(comment, delimiter) || equal(comment, quote))
        return scoop_fail(error, SCOOP_USAGE, "csv: the comment \"%s\" is the %s, too", comment,
                          equal(comment, quote) ? "quote" : "delimiter");
    if (dialect->columns != NULL && !dialect->no_header)
        return scoop_fail(error, SCOOP_USAGE,
                          "csv: columns name those of a text without a header: header=False");
    return dialect->encoding == NULL ? 0 : scoop_decode_check(dialect->encoding, error);
}
