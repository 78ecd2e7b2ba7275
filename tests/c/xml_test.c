/* The XML reader: what it tells, what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/s3/xml.h"
#include "scoop/buffer.h"

static int note_start(void *user, const char *path, struct scoop_error *error) {
    return scoop_buf_printf(user, error, "<%s>", path);
}

static int note_end(void *user, const char *path, const char *text, size_t length,
                    struct scoop_error *error) {
    assert_int_equal(strlen(text), length);
    return scoop_buf_printf(user, error, "%s=%s;", path, text);
}

/* Reads document and compares the log of its events, or the code of its fault. */
static void expect(const char *document, const char *log, enum scoop_code code) {
    struct scoop_error error = {0};
    struct scoop_buf buf;
    scoop_buf_init(&buf, 1 << 20);
    struct scoop_xml_handler handler = {note_start, note_end, &buf};
    int result = scoop_xml_read(document, strlen(document), &handler, &error);
    assert_int_equal(result, code == SCOOP_OK ? 0 : -1);
    assert_int_equal(error.code, code);
    if (log != NULL)
        assert_string_equal(scoop_buf_text(&buf, &error), log);
    scoop_buf_free(&buf);
}

static void elements_come_with_path_and_text(void **state) {
    (void)state;
    expect("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A><B>one</B> \n<C a='b'/><B>t&amp;w&#x6f;"
           "</B></A>\n",
           "</A></A/B>/A/B=one;</A/C>/A/C=;</A/B>/A/B=t&wo;/A=;", SCOOP_OK);
}

static void namespace_prefixes_are_dropped(void **state) {
    (void)state;
    expect("<s:A xmlns:s='u'><B xmlns='v'>x</B><s:B/></s:A>", "</A></A/B>/A/B=x;</A/B>/A/B=;/A=;",
           SCOOP_OK);
}

static void text_is_that_after_the_last_child(void **state) {
    (void)state;
    expect("<A>one<B>two</B>three<![CDATA[<&>]]></A>", "</A></A/B>/A/B=two;/A=three<&>;", SCOOP_OK);
}

static void white_space_may_come_first(void **state) {
    (void)state;
    expect("   \n\n <?xml version='1.0'?> <A/>", "</A>/A=;", SCOOP_OK);
}

static void broken_documents_are_refused(void **state) {
    (void)state;
    static const char *const documents[] = {
        "",
        "   ",
        "x",
        "<A>",
        "<A></B>",
        "<A/><B/>",
        "<A/>x",
        "<A",
        "<A><B></A>",
        "<A>&no;</A>",
        "<A>\x01</A>",
        "<A>\xff\xfe</A>",
        "{}",
        "<s:A><s:B></A>",
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
        expect(documents[i], NULL, SCOOP_PROTOCOL);
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    static const char whole[] = "<?xml version='1.0'?><A><B>t&amp;w</B><C x='1'/></A>";
    struct scoop_xml_handler nothing = {NULL, NULL, NULL};
    for (size_t length = 0; length < sizeof whole; length++) {
        struct scoop_error error = {0};
        char *cut = malloc(length + 1); /* the exact size, for the sanitizer */
        assert_non_null(cut);
        memcpy(cut, whole, length);
        int result = scoop_xml_read(cut, length, &nothing, &error);
        assert_int_equal(result, length == sizeof whole - 1 ? 0 : -1);
        free(cut);
    }
}

static void doctype_and_entities_are_refused(void **state) {
    (void)state;
    expect("<!DOCTYPE A><A/>", "", SCOOP_PROTOCOL);
    expect("<!DOCTYPE A [<!ENTITY e 'x'>]><A>&e;</A>", "", SCOOP_PROTOCOL);
    expect("<!DOCTYPE A SYSTEM 'file:///etc/passwd'><A/>", "", SCOOP_PROTOCOL);
}

static void depth_is_bounded(void **state) {
    (void)state;
    for (int depth = SCOOP_XML_MAX_DEPTH; depth <= SCOOP_XML_MAX_DEPTH + 1; depth++) {
        char document[1024] = "";
        for (int i = 0; i < depth; i++)
            strcat(document, "<A>");
        for (int i = 0; i < depth; i++)
            strcat(document, "</A>");
        expect(document, NULL, depth <= SCOOP_XML_MAX_DEPTH ? SCOOP_OK : SCOOP_PROTOCOL);
    }
}

static void sizes_are_bounded(void **state) {
    (void)state;
    size_t most = SCOOP_XML_MAX_BYTES;
    char *document = malloc(most + 2);
    assert_non_null(document);
    memset(document, ' ', most + 2);
    document[most + 1] = 0;
    expect(document, "", SCOOP_TOO_LARGE);
    memset(document, 'x', SCOOP_XML_MAX_TEXT_BYTES + 100);
    memcpy(document, "<A>", 3);
    strcpy(document + 3 + SCOOP_XML_MAX_TEXT_BYTES + 1, "</A>");
    expect(document, NULL, SCOOP_TOO_LARGE);
    strcpy(document + 3 + SCOOP_XML_MAX_TEXT_BYTES, "</A>");
    expect(document, NULL, SCOOP_OK);
    free(document);
}

static int refuse(void *user, const char *path, const char *text, size_t length,
                  struct scoop_error *error) {
    int *calls = user;
    (void)text, (void)length;
    ++*calls;
    return scoop_fail(error, SCOOP_BAD_RECORD, "no %s", path);
}

static void callback_ends_the_reading_with_its_error(void **state) {
    (void)state;
    static const char document[] = "<A><B/><C/></A>";
    struct scoop_error error = {0};
    int calls = 0;
    struct scoop_xml_handler handler = {.on_end = refuse, .user = &calls};
    assert_int_equal(scoop_xml_read(document, sizeof document - 1, &handler, &error), -1);
    assert_int_equal(calls, 1);
    assert_int_equal(error.code, SCOOP_BAD_RECORD);
    assert_string_equal(error.message, "no /A/B");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_with_path_and_text),
        cmocka_unit_test(namespace_prefixes_are_dropped),
        cmocka_unit_test(text_is_that_after_the_last_child),
        cmocka_unit_test(white_space_may_come_first),
        cmocka_unit_test(broken_documents_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(doctype_and_entities_are_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(callback_ends_the_reading_with_its_error),
    };
    return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
