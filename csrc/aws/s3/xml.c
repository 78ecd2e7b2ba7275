#include "aws/s3/xml.h"

#include <string.h>

#include <expat.h>

#include "scoop/buffer.h"
#include "scoop/memory.h"

struct reader {
    XML_Parser parser;
    const struct scoop_xml_handler *handler;
    struct scoop_buf path;
    struct scoop_buf text;
    unsigned depth;
    bool failed; /* *error holds the reason why the parser was stopped */
    struct scoop_error *error;
};

static void stop(struct reader *reader) {
    reader->failed = true;
    XML_StopParser(reader->parser, XML_FALSE);
}

static const char *local_name(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon != NULL ? colon + 1 : name;
}

static int open_element(struct reader *reader, const char *name) {
    if (reader->depth == SCOOP_XML_MAX_DEPTH)
        return scoop_fail(reader->error, SCOOP_PROTOCOL, "XML is nested deeper than %d",
                          SCOOP_XML_MAX_DEPTH);
    reader->depth++;
    reader->text.length = 0;
    if (scoop_buf_append(&reader->path, "/", 1, reader->error) != 0 ||
        scoop_buf_append_text(&reader->path, local_name(name), reader->error) != 0)
        return -1;
    if (reader->handler->on_start == NULL)
        return 0;
    const char *path = scoop_buf_text(&reader->path, reader->error);
    if (path == NULL)
        return -1;
    return reader->handler->on_start(reader->handler->user, path, reader->error);
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct reader *reader = user;
    (void)attributes;
    if (!reader->failed && open_element(reader, name) != 0)
        stop(reader);
}

static int close_element(struct reader *reader, const char *name) {
    if (reader->handler->on_end != NULL) {
        const char *path = scoop_buf_text(&reader->path, reader->error);
        const char *text = scoop_buf_text(&reader->text, reader->error);
        if (path == NULL || text == NULL)
            return -1;
        if (reader->handler->on_end(reader->handler->user, path, text, reader->text.length,
                                    reader->error) != 0)
            return -1;
    }
    reader->depth--;
    reader->path.length -= strlen(local_name(name)) + 1;
    reader->text.length = 0;
    return 0;
}

static void on_end(void *user, const XML_Char *name) {
    struct reader *reader = user;
    if (!reader->failed && close_element(reader, name) != 0)
        stop(reader);
}

static void on_text(void *user, const XML_Char *text, int length) {
    struct reader *reader = user;
    if (!reader->failed &&
        scoop_buf_append(&reader->text, text, (size_t)length, reader->error) != 0)
        stop(reader);
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_internal_subset) {
    struct reader *reader = user;
    (void)name, (void)system_id, (void)public_id, (void)has_internal_subset;
    scoop_fail(reader->error, SCOOP_PROTOCOL, "XML with a DOCTYPE is refused");
    stop(reader);
}

static int parse(struct reader *reader, const void *data, size_t length) {
    if (XML_Parse(reader->parser, data, (int)length, XML_TRUE) == XML_STATUS_OK)
        return 0;
    if (reader->failed)
        return -1;
    enum XML_Error code = XML_GetErrorCode(reader->parser);
    if (code == XML_ERROR_NO_MEMORY)
        return scoop_fail_memory(reader->error);
    return scoop_fail(reader->error, SCOOP_PROTOCOL, "bad XML: %s", XML_ErrorString(code));
}

int scoop_xml_read(const void *data, size_t length, const struct scoop_xml_handler *handler,
                   struct scoop_error *error) {
    static const XML_Memory_Handling_Suite memory = {scoop_malloc, scoop_realloc, scoop_free};
    if (length > SCOOP_XML_MAX_BYTES)
        return scoop_fail(error, SCOOP_TOO_LARGE, "an XML document of %zu bytes is too large",
                          length);
    /* Servers keep a slow connection alive with white space, also before the XML declaration. */
    const char *start = data;
    for (; length > 0 && strchr(" \t\r\n", *start) != NULL && *start != 0; start++)
        length--;
    struct reader reader = {.handler = handler, .error = error};
    scoop_buf_init(&reader.path, SCOOP_XML_MAX_PATH_BYTES);
    scoop_buf_init(&reader.text, SCOOP_XML_MAX_TEXT_BYTES);
    reader.parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (reader.parser == NULL)
        return scoop_fail_memory(error);
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    int result = parse(&reader, start, length);
    XML_ParserFree(reader.parser);
    scoop_buf_free(&reader.path);
    scoop_buf_free(&reader.text);
    return result;
}
