/* What the first bytes tell of the content, and what is done with it by that. */
#include "copy/compression.h"
#include "copy/places.h"
#include "copy/transfer_internal.h"

/* The first bytes of the file; where the server has encoded it, of what is inside. */
struct first {
    const unsigned char *data;
    size_t length;
};

/* Of a file that is named as gzip data the label is about the file itself, unless what is inside is
 * gzip, too. An empty body is not encoded. */
static bool is_encoded(const struct scoop_transfer *transfer) {
    const struct scoop_encoded *encoded = transfer->attempt.encoded;
    if (encoded == NULL || encoded->raw.length == 0)
        return false;
    return !scoop_name_is_gzip(transfer->options.source.uri) ||
           scoop_sniff_is_gzip_header(encoded->head, encoded->head_length);
}

static struct first first_bytes(const struct scoop_transfer *transfer, bool decodes) {
    const struct scoop_attempt *attempt = &transfer->attempt;
    const struct scoop_encoded *encoded = attempt->encoded;
    if (decodes)
        return (struct first){encoded->head, encoded->head_length};
    if (encoded != NULL)
        return (struct first){encoded->raw.data, encoded->raw.length};
    return (struct first){attempt->prefix, attempt->prefix_length};
}

static int fail_misnamed(const struct scoop_transfer *transfer, const struct first *first,
                         struct scoop_error *error) {
    const char *type = transfer->attempt.source->content_type;
    return scoop_fail(error, SCOOP_CORRUPT,
                      "%s is named as gzip data, but looks like %s%s%s%s; allow_plain accepts it",
                      transfer->source_name, scoop_sniff_looks(first->data, first->length),
                      type[0] == 0 ? "" : " (Content-Type: ", type, type[0] == 0 ? "" : ")");
}

/* An empty object or file is nobody's mistake; an empty answer often is. */
static bool is_misnamed(const struct scoop_transfer *transfer, const struct first *first) {
    const struct scoop_transfer_options *options = &transfer->options;
    if (!scoop_compression_wants_gzip(options) ||
        scoop_sniff(first->data, first->length) == SCOOP_CONTENT_GZIP)
        return false;
    return first->length > 0 || scoop_place_is_http(options->source.uri);
}

/* Two bytes may be like gzip's by chance: where nothing but the content says that it is gzip, and
 * nobody reads it, a header has to be there. */
static bool is_gzip(const struct scoop_transfer *transfer, const struct first *first) {
    const struct scoop_transfer_options *options = &transfer->options;
    if (scoop_compression_decide(options, true) != SCOOP_KEPT)
        return true;
    return scoop_compression_proves(options, transfer->attempt.source->length_known) &&
           (scoop_name_is_gzip(options->source.uri) ||
            scoop_sniff_is_gzip_header(first->data, first->length));
}

static enum scoop_content content_of(const struct scoop_transfer *transfer,
                                     const struct first *first) {
    if (transfer->options.split_part || scoop_transfer_start_bytes(transfer) > 0)
        return SCOOP_CONTENT_PLAIN;
    enum scoop_content content = scoop_sniff(first->data, first->length);
    return content == SCOOP_CONTENT_GZIP && !is_gzip(transfer, first) ? SCOOP_CONTENT_PLAIN
                                                                      : content;
}

static int check_encoding(const struct scoop_transfer *transfer, struct scoop_error *error) {
    const struct scoop_encoded *encoded = transfer->attempt.encoded;
    if (scoop_sniff(encoded->raw.data, encoded->raw.length) == SCOOP_CONTENT_GZIP)
        return 0;
    return scoop_fail(error, SCOOP_CORRUPT,
                      "%s: the server says that the body is encoded as %s, but it looks like %s",
                      transfer->source_name, transfer->attempt.source->content_encoding,
                      scoop_sniff_looks(encoded->raw.data, encoded->raw.length));
}

int scoop_transfer_look_at_content(struct scoop_transfer *transfer,
                                   struct scoop_chain_options *options, struct scoop_error *error) {
    struct scoop_attempt *attempt = &transfer->attempt;
    bool middle = scoop_transfer_start_bytes(transfer) > 0;
    attempt->decodes = is_encoded(transfer);
    options->coding = attempt->decodes ? &attempt->coding : NULL;
    struct first first = first_bytes(transfer, attempt->decodes);
    if (attempt->decodes && check_encoding(transfer, error) != 0)
        return -1;
    if (!middle && is_misnamed(transfer, &first))
        return fail_misnamed(transfer, &first, error);
    options->content = content_of(transfer, &first);
    bool gzip = options->content == SCOOP_CONTENT_GZIP;
    options->handling = scoop_compression_decide(&transfer->options, gzip);
    if (gzip && options->handling == SCOOP_KEPT && transfer->options.text_for != NULL)
        return scoop_fail(
            error, SCOOP_USAGE,
            "%s is gzip data, which would be kept and cannot be cut: split_bytes needs "
            "compression \"gzip\" or a format",
            transfer->source_name);
    if (!attempt->source->length_known && !gzip && !attempt->decodes)
        return scoop_fail(error, SCOOP_LENGTH_UNKNOWN,
                          "%s: of a body without a known length only gzip data shows its own end",
                          transfer->source_name);
    attempt->handling = options->handling;
    attempt->gzip = gzip;
    attempt->seems_gzip = !middle && scoop_sniff_is_gzip_header(first.data, first.length);
    return 0;
}
