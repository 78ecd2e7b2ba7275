#include "stage/json/scan.h"

#include <string.h>

#include "text/escapes.h"
#include "text/scan.h"
#include "text/utf8.h"

enum class { BAD, SPACE, NEWLINE, QUOTE, OPEN, CLOSE, SEPARATOR, BARE };

/* Classes of the bytes outside strings; BARE is what numbers and words are made of. */
static const unsigned char classes[256] = {
    [' '] = SPACE,     ['\t'] = SPACE, ['\r'] = SPACE, ['\n'] = NEWLINE, ['"'] = QUOTE,
    ['['] = OPEN,      ['{'] = OPEN,   [']'] = CLOSE,  ['}'] = CLOSE,    [','] = SEPARATOR,
    [':'] = SEPARATOR, ['0'] = BARE,   ['1'] = BARE,   ['2'] = BARE,     ['3'] = BARE,
    ['4'] = BARE,      ['5'] = BARE,   ['6'] = BARE,   ['7'] = BARE,     ['8'] = BARE,
    ['9'] = BARE,      ['-'] = BARE,   ['+'] = BARE,   ['.'] = BARE,     ['e'] = BARE,
    ['E'] = BARE,      ['t'] = BARE,   ['r'] = BARE,   ['u'] = BARE,     ['f'] = BARE,
    ['a'] = BARE,      ['l'] = BARE,   ['s'] = BARE,   ['n'] = BARE,
};

/* Sets the fault; returns NULL. */
static const unsigned char *fail_at(struct scoop_json_scan *scan, const unsigned char *line,
                                    const unsigned char *p, const char *fault) {
    scan->fault = fault;
    scan->fault_at = (size_t)(p - line);
    return NULL;
}

size_t scoop_json_escape(const unsigned char *p, const char **fault, bool *unstorable) {
    size_t length;
    long code = scoop_escape_read(p, &length);
    *unstorable = code >= 0 && !scoop_is_storable(code);
    *fault = code > 0      ? "a string holds half of a surrogate pair"
             : code == 0   ? "a string holds \\u0000, which no table stores"
             : p[1] == 'u' ? "a string holds an incomplete \\u escape"
                           : "a string holds an invalid escape";
    return code < 0 ? 0 : length;
}

static const unsigned char *scan_escape(struct scoop_json_scan *scan, const unsigned char *line,
                                        const unsigned char *p) {
    const char *fault = NULL;
    bool unstorable;
    size_t length = scoop_json_escape(p, &fault, &unstorable);
    if (length == 0 || (unstorable && !scan->replace))
        return fail_at(scan, line, p, fault);
    scan->unstorable |= unstorable;
    return p + length;
}

/* From after the opening quote to after the closing one. */
static const unsigned char *scan_string(struct scoop_json_scan *scan, const unsigned char *line,
                                        const unsigned char *p, const unsigned char *end) {
    const unsigned char *begin = p;
    scan->last_string.escaped = false;
    for (;;) {
        p = scoop_skip_plain(p, end, '"');
        if (*p == '"') {
            scan->last_string.length = (size_t)(p - begin);
            scan->last_string_at = scan->earlier_length + (size_t)(begin - line);
            return p + 1;
        }
        if (*p == '\\') {
            scan->last_string.escaped = true;
            p = scan_escape(scan, line, p);
            if (p == NULL)
                return NULL;
        } else if (*p >= 0x80) {
            size_t length = scoop_utf8_sequence(p);
            if (length == 0)
                return fail_at(scan, line, p, "a string is not valid UTF-8");
            p += length;
        } else {
            return fail_at(scan, line, p,
                           *p == '\n' ? "a string is not closed at the end of its line"
                                      : "a string holds a raw control character");
        }
    }
}

static const unsigned char *skip_digits(const unsigned char *p) {
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The end of the number at p, or NULL. */
static const unsigned char *number_end(const unsigned char *p) {
    const unsigned char *digits;
    if (*p == '-')
        p++;
    digits = p;
    p = skip_digits(p);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NULL;
    if (*p == '.') {
        digits = p + 1;
        p = skip_digits(digits);
        if (p == digits)
            return NULL;
    }
    if (*p == 'e' || *p == 'E') {
        digits = p + (p[1] == '+' || p[1] == '-' ? 2 : 1);
        p = skip_digits(digits);
        if (p == digits)
            return NULL;
    }
    return p;
}

/* The end of the number or word at p, or NULL. */
static const unsigned char *scalar_end(const unsigned char *p, size_t left) {
    static const char *const words[] = {"true", "false", "null"};
    const unsigned char *stop = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (left >= strlen(words[i]) && memcmp(p, words[i], strlen(words[i])) == 0)
            stop = p + strlen(words[i]);
    if (stop == NULL)
        stop = number_end(p);
    return stop == NULL || classes[*stop] == BARE ? NULL : stop;
}

bool scoop_json_is_bare(unsigned char byte) {
    return classes[byte] == BARE;
}

bool scoop_json_is_scalar(const unsigned char *text, size_t length) {
    return scalar_end(text, length) == text + length;
}

/* A number or word that is a whole record: yajl, which here reads many values after each other,
 * would take "012" or "truefalse" for two. */
static const unsigned char *scan_scalar(struct scoop_json_scan *scan, const unsigned char *line,
                                        const unsigned char *p, size_t left) {
    const unsigned char *stop = scalar_end(p, left);
    return stop == NULL ? fail_at(scan, line, p, "an invalid number or word") : stop;
}

const char *scoop_json_name_bad(unsigned char byte) {
    if (byte == 'N' || byte == 'I')
        return "NaN and Infinity are not JSON";
    if (byte == '\'')
        return "strings need double quotes";
    if (byte < 0x20)
        return "a raw control character between the values";
    return "an unexpected character outside a string";
}

/* At nesting 0 a value begins at p: there may be only one. */
static bool begin_value(struct scoop_json_scan *scan, const unsigned char *line,
                        const unsigned char *p) {
    if (scan->value) {
        fail_at(scan, line, p, "more than one value on a line");
        return false;
    }
    scan->value = true;
    return true;
}

/* The last string is a key: a colon follows at p. */
static const unsigned char *take_key(struct scoop_json_scan *scan, const unsigned char *line,
                                     const unsigned char *p) {
    struct scoop_json_key key = scan->last_string;
    if (scan->key_case == SCOOP_KEY_CASE_KEEP)
        return p + 1;
    key.text = scan->last_string_at < scan->earlier_length
                   ? scan->earlier + scan->last_string_at
                   : line + (scan->last_string_at - scan->earlier_length);
    if (scoop_json_keys_add(scan->keys, key, scan->last_string_at) == 0)
        return p + 1;
    scan->fault = NULL;
    return NULL;
}

/* A bracket closes at p: were the keys, if it is an object's, all different? */
static const unsigned char *close_keys(struct scoop_json_scan *scan, const unsigned char *line,
                                       const unsigned char *p) {
    struct scoop_json_halves record = {scan->earlier, scan->earlier_length, line};
    size_t at = 0;
    bool says = scan->key_case == SCOOP_KEY_CASE_REJECT;
    if (scan->key_case == SCOOP_KEY_CASE_KEEP ||
        scoop_json_keys_close(scan->keys, scan->bases[scan->depth], record, says, &at))
        return p + 1;
    scan->clashes = true;
    if (scan->key_case == SCOOP_KEY_CASE_RENAME)
        return p + 1;
    scan->fault = scan->keys->fault;
    scan->fault_at = at - scan->earlier_length;
    return NULL;
}

/* A bracket at p; after it. */
static const unsigned char *scan_bracket(struct scoop_json_scan *scan, const unsigned char *line,
                                         const unsigned char *p, bool opens) {
    if (opens && scan->depth + scan->within == SCOOP_JSON_MAX_DEPTH)
        return fail_at(scan, line, p,
                       scan->within == 0 ? "nesting deeper than 1000"
                                         : "nesting deeper than 1000 once the row is in a change");
    if (!opens && scan->depth == 0)
        return fail_at(scan, line, p, "a closing bracket without its opening one");
    if (!opens) {
        scan->depth--;
        return close_keys(scan, line, p);
    }
    if (scan->key_case != SCOOP_KEY_CASE_KEEP)
        scan->bases[scan->depth] = scan->keys->count;
    scan->depth++;
    return p + 1;
}

/* The token at p, of a class other than NEWLINE; after it, or NULL. */
static const unsigned char *scan_token(struct scoop_json_scan *scan, const unsigned char *line,
                                       const unsigned char *p, const unsigned char *end) {
    enum class class = classes[*p];
    if (scan->depth == 0 && (class == QUOTE || class == OPEN || class == BARE) &&
        !begin_value(scan, line, p))
        return NULL;
    switch (class) {
    case QUOTE:
        return scan_string(scan, line, p + 1, end);
    case OPEN:
    case CLOSE:
        return scan_bracket(scan, line, p, class == OPEN);
    case SEPARATOR:
        if (scan->depth == 0)
            return fail_at(scan, line, p, "a comma or colon outside brackets");
        return *p == ':' ? take_key(scan, line, p) : p + 1;
    case BARE:
        return scan->depth > 0 ? p + 1 : scan_scalar(scan, line, p, (size_t)(end - p));
    case BAD:
        return fail_at(scan, line, p, scoop_json_name_bad(*p));
    case SPACE:
    case NEWLINE:
        break;
    }
    return p + 1;
}

int scoop_json_scan_line(struct scoop_json_scan *scan, const unsigned char *line, size_t length,
                         unsigned char *skeleton, size_t *skeleton_length) {
    const unsigned char *p = line;
    unsigned char *out = skeleton;
    while (*p != '\n') {
        const unsigned char *next = scan_token(scan, line, p, line + length);
        if (next == NULL)
            return -1;
        *out++ = *p;
        if (*p == '"')
            *out++ = '"';
        else if (next - p > 1) /* a scalar at nesting 0 */
            out = (unsigned char *)mempcpy(out, p + 1, (size_t)(next - p) - 1);
        p = next;
    }
    *out++ = '\n';
    *skeleton_length = (size_t)(out - skeleton);
    return 0;
}

int scoop_json_replace(const unsigned char *record, size_t length, struct scoop_buf *out,
                       struct scoop_error *error) {
    const unsigned char *end = record + length;
    while (record < end) {
        const unsigned char *backslash = memchr(record, '\\', (size_t)(end - record));
        const unsigned char *stop = backslash != NULL ? backslash : end;
        if (scoop_buf_append(out, record, (size_t)(stop - record), error) != 0)
            return -1;
        record = stop;
        if (backslash != NULL) {
            const char *fault;
            bool unstorable;
            size_t escape = scoop_json_escape(stop, &fault, &unstorable);
            const void *text = unstorable ? (const void *)"\\ufffd" : stop;
            if (scoop_buf_append(out, text, escape, error) != 0)
                return -1;
            record += escape;
        }
    }
    return 0;
}
