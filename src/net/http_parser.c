// SPDX-License-Identifier: MIT
#include "http_parser.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/error.h"

#include <string.h>

/* one chunk line with its extensions, or all trailers */
#define FRAMING_RUN_MAX_BYTES 4096u
/* chunks of one byte need 5 bytes of framing a byte of body; more than 16 is no honest client */
#define FRAMING_FREE_BYTES 65536u
#define FRAMING_RATIO      16u

static int on_method(llhttp_t *llhttp, const char *at, size_t length);
static int on_url(llhttp_t *llhttp, const char *at, size_t length);
static int on_header_field(llhttp_t *llhttp, const char *at, size_t length);
static int on_header_value(llhttp_t *llhttp, const char *at, size_t length);
static int on_headers_complete(llhttp_t *llhttp);
static int on_llhttp_body(llhttp_t *llhttp, const char *at, size_t length);
static int on_message_complete(llhttp_t *llhttp);
static int refuse_head(struct ht_http_parser *parser, struct ht_slice bytes,
                       struct ht_http_refusal *refusal);
static int check_target(struct ht_http_parsed_head *head, size_t max_target_bytes,
                        struct ht_http_refusal *refusal);
static int check_host(struct ht_http_parsed_head *head, struct ht_http_refusal *refusal);
static int check_framing(const struct ht_http_parser *parser, struct ht_http_parsed_head *head,
                         struct ht_http_refusal *refusal);
static int check_expectation(struct ht_http_parsed_head *head, struct ht_http_refusal *refusal);
static enum ht_http_verdict refuse_body(const struct ht_http_parser *parser,
                                        struct ht_http_refusal *refusal);
static bool take_framing(struct ht_http_parser *parser, const char *end);
static enum ht_http_method method_from(uint8_t method);
static bool is_host_byte(unsigned char byte);
static int refuse(struct ht_http_refusal *refusal, int status, const char *detail);

static const llhttp_settings_t settings = {
    .on_method = on_method,
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_llhttp_body,
    .on_message_complete = on_message_complete,
};

void ht_http_parser_init(struct ht_http_parser *parser)
{
    memset(parser, 0, sizeof *parser);
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
    parser->llhttp.data = parser;
}

int ht_http_parser_head(struct ht_http_parser *parser, struct ht_slice bytes,
                        struct ht_http_parsed_head *head, size_t max_target_bytes,
                        struct ht_http_refusal *refusal)
{
    parser->head = head;
    llhttp_errno_t status = llhttp_execute(&parser->llhttp, bytes.data, bytes.length);
    if (status == HPE_PAUSED_UPGRADE) {
        /* an upgrade may be ignored (RFC 9110 section 7.8); CONNECT is the handler's to refuse */
        status = HPE_OK;
        parser->is_complete = true;
    } else if (status == HPE_PAUSED && parser->is_complete) {
        status = HPE_OK;
    }
    if (status != HPE_OK || parser->head != NULL) {
        return refuse_head(parser, bytes, refusal);
    }
    head->version_minor = llhttp_get_http_minor(&parser->llhttp);
    head->keep_alive = llhttp_should_keep_alive(&parser->llhttp) != 0;
    head->method = method_from(llhttp_get_method(&parser->llhttp));
    int result = check_target(head, max_target_bytes, refusal);
    result = result == 0 ? check_host(head, refusal) : result;
    result = result == 0 ? check_framing(parser, head, refusal) : result;
    return result == 0 ? check_expectation(head, refusal) : result;
}

static int on_method(llhttp_t *llhttp, const char *at, size_t length)
{
    struct ht_http_parser *parser = llhttp->data;

    parser->head->method_name = ht_slice_make(at, length);
    return HPE_OK;
}

static int on_url(llhttp_t *llhttp, const char *at, size_t length)
{
    struct ht_http_parser *parser = llhttp->data;

    parser->head->target = ht_slice_make(at, length);
    return HPE_OK;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t length)
{
    struct ht_http_parser *parser = llhttp->data;
    struct ht_http_parsed_head *head = parser->head;

    if (head == NULL) {
        return HPE_OK; /* a trailer: nobody asked for it */
    }
    if (head->header_count == head->header_capacity) {
        return HPE_USER;
    }
    head->headers[head->header_count++] =
        (struct ht_http_header){ht_slice_make(at, length), ht_slice_make(at + length, 0)};
    return HPE_OK;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length)
{
    struct ht_http_parser *parser = llhttp->data;
    struct ht_http_parsed_head *head = parser->head;

    if (head != NULL && head->header_count > 0) {
        head->headers[head->header_count - 1].value = ht_slice_trim(ht_slice_make(at, length));
    }
    return HPE_OK;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct ht_http_parser *parser = llhttp->data;

    parser->head = NULL;
    return HPE_OK;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct ht_http_parser *parser = llhttp->data;

    parser->is_complete = true;
    return HPE_PAUSED; /* the next request gets a parser of its own */
}

static int refuse_head(struct ht_http_parser *parser, struct ht_slice bytes,
                       struct ht_http_refusal *refusal)
{
    switch (llhttp_get_errno(&parser->llhttp)) {
    case HPE_INVALID_METHOD:
        for (size_t i = 0; i < bytes.length && bytes.data[i] != ' '; i++) {
            if (bytes.data[i] < 'A' || bytes.data[i] > 'Z') {
                return refuse(refusal, 400, "The request does not begin with a method.");
            }
        }
        return refuse(refusal, 501, "The request method is not known here.");
    case HPE_INVALID_VERSION:
        return refuse(refusal, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    case HPE_INVALID_URL:
        return refuse(refusal, 400, "The request target is malformed.");
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
        return refuse(refusal, 400, "Content-Length is malformed, repeated or contradicted.");
    case HPE_INVALID_TRANSFER_ENCODING:
        return refuse(refusal, 400, "Transfer-Encoding does not end with chunked.");
    case HPE_INVALID_HEADER_TOKEN:
        return refuse(refusal, 400, "A header field has a character that is not allowed.");
    default:
        return refuse(refusal, 400, "The head of the request is malformed.");
    }
}

static int check_target(struct ht_http_parsed_head *head, size_t max_target_bytes,
                        struct ht_http_refusal *refusal)
{
    if (head->target.length > max_target_bytes) {
        return refuse(refusal, 414, "The request target is too long.");
    }
    if (ht_slice_equal(head->method_name, HT_SLICE("CONNECT"))) {
        return refuse(refusal, 501, "This server is no proxy.");
    }
    if (ht_url_split_target(head->target, &head->parts) != 0) {
        return refuse(refusal, 400, "The request target is malformed.");
    }
    bool is_star = ht_slice_equal(head->parts.path, HT_SLICE("*"));
    if (is_star && head->method != HT_HTTP_OPTIONS) {
        return refuse(refusal, 400, "The request target \"*\" goes with OPTIONS alone.");
    }
    return 0;
}

static int check_host(struct ht_http_parsed_head *head, struct ht_http_refusal *refusal)
{
    size_t count = 0;

    for (size_t i = 0; i < head->header_count; i++) {
        if (ht_slice_equal_ignoring_case(head->headers[i].name, HT_SLICE("Host"))) {
            head->host = head->headers[i].value;
            count++;
        }
    }
    if (count > 1) {
        return refuse(refusal, 400, "There is more than one Host field.");
    }
    if (count == 0 && head->version_minor > 0) {
        return refuse(refusal, 400, "The Host field is missing.");
    }
    if (head->parts.authority.data != NULL) {
        head->host = head->parts.authority; /* RFC 9112 section 3.2.2 */
    }
    for (size_t i = 0; i < head->host.length; i++) {
        if (!is_host_byte((unsigned char)head->host.data[i])) {
            return refuse(refusal, 400, "The host is malformed.");
        }
    }
    return 0;
}

static int check_framing(const struct ht_http_parser *parser, struct ht_http_parsed_head *head,
                         struct ht_http_refusal *refusal)
{
    struct ht_slice coding = ht_slice_make(NULL, 0);
    size_t coding_count = 0;

    for (size_t i = 0; i < head->header_count; i++) {
        if (ht_slice_equal_ignoring_case(head->headers[i].name, HT_SLICE("Transfer-Encoding"))) {
            coding = head->headers[i].value;
            coding_count++;
        }
    }
    if (coding_count > 0 && head->version_minor == 0) {
        return refuse(refusal, 400, "HTTP/1.0 has no Transfer-Encoding.");
    }
    if (coding_count > 1 ||
        (coding_count == 1 && !ht_slice_equal_ignoring_case(coding, HT_SLICE("chunked")))) {
        return refuse(refusal, 501, "The only transfer coding known here is chunked, once.");
    }
    struct ht_slice length =
        ht_http_header_find(head->headers, head->header_count, "Content-Length");
    head->is_chunked = coding_count == 1;
    head->has_length = length.data != NULL;
    if (head->has_length && ht_slice_to_u64(length, UINT64_MAX, &head->content_length) != 0) {
        return refuse(refusal, 400, "Content-Length is malformed.");
    }
    /* llhttp and this check must agree on whether there is a body, or the next request is found in
     * the wrong place */
    bool has_body = head->is_chunked || head->content_length > 0;
    if (has_body == parser->is_complete) {
        return refuse(refusal, 400, "The length of the request is unclear.");
    }
    return 0;
}

static int check_expectation(struct ht_http_parsed_head *head, struct ht_http_refusal *refusal)
{
    struct ht_slice expect = ht_http_header_find(head->headers, head->header_count, "Expect");

    if (expect.data == NULL || head->version_minor == 0) {
        return 0; /* RFC 9110 section 10.1.1: a server ignores it in HTTP/1.0 */
    }
    if (!ht_slice_equal_ignoring_case(expect, HT_SLICE("100-continue"))) {
        return refuse(refusal, 417, "The only expectation known here is 100-continue.");
    }
    head->expects_continue = true;
    return 0;
}

enum ht_http_verdict ht_http_parser_body(struct ht_http_parser *parser, struct ht_slice input,
                                         size_t *consumed, struct ht_http_refusal *refusal)
{
    *consumed = 0;
    if (parser->is_complete) {
        return HT_HTTP_COMPLETE;
    }
    parser->mark = input.data;
    llhttp_errno_t status = llhttp_execute(&parser->llhttp, input.data, input.length);
    bool is_end = status == HPE_PAUSED && parser->is_complete;
    const char *end = is_end ? llhttp_get_error_pos(&parser->llhttp) : input.data + input.length;
    if ((status != HPE_OK && !is_end) || !take_framing(parser, end)) {
        return refuse_body(parser, refusal);
    }
    *consumed = (size_t)(end - input.data);
    return is_end ? HT_HTTP_COMPLETE : HT_HTTP_NEEDS_MORE;
}

static int on_llhttp_body(llhttp_t *llhttp, const char *at, size_t length)
{
    struct ht_http_parser *parser = llhttp->data;

    if (!take_framing(parser, at)) {
        return HPE_USER;
    }
    parser->framing_run = 0;
    parser->framing_last = '\0';
    parser->mark = at + length;
    parser->body_total += length;
    parser->body_status = parser->on_body(parser->user, ht_slice_make(at, length));
    return parser->body_status == 0 ? HPE_OK : HPE_USER;
}

/* Whether the bytes around the body, from the mark to `end`, are in proportion, and lines that every
 * reader takes apart in the same way: each ends with CR LF, none is folded or a field without name. */
static bool take_framing(struct ht_http_parser *parser, const char *end)
{
    uint64_t bytes = (uint64_t)(end - parser->mark);

    for (const char *at = parser->mark; at < end; at++) {
        bool begins_line = parser->framing_last == '\n';
        if ((*at == '\n' && parser->framing_last != '\r') ||
            (begins_line && (*at == ':' || *at == ' ' || *at == '\t'))) {
            return false;
        }
        parser->framing_last = *at;
    }
    parser->framing_run += bytes;
    parser->framing_total += bytes;
    return parser->framing_run <= FRAMING_RUN_MAX_BYTES &&
           parser->framing_total <= FRAMING_FREE_BYTES + FRAMING_RATIO * parser->body_total;
}

static enum ht_http_verdict refuse_body(const struct ht_http_parser *parser,
                                        struct ht_http_refusal *refusal)
{
    if (parser->body_status == 413) {
        refuse(refusal, 413, "The body of the request is too large.");
    } else if (parser->body_status == 503) {
        refuse(refusal, 503, "Too many request bodies are in memory; try again in a moment.");
    } else {
        refuse(refusal, 400, "The chunked body is malformed.");
    }
    return HT_HTTP_REFUSED;
}

static enum ht_http_method method_from(uint8_t method)
{
    switch (method) {
    case HTTP_GET:
        return HT_HTTP_GET;
    case HTTP_HEAD:
        return HT_HTTP_HEAD;
    case HTTP_POST:
        return HT_HTTP_POST;
    case HTTP_PUT:
        return HT_HTTP_PUT;
    case HTTP_DELETE:
        return HT_HTTP_DELETE;
    case HTTP_OPTIONS:
        return HT_HTTP_OPTIONS;
    case HTTP_PATCH:
        return HT_HTTP_PATCH;
    default:
        return HT_HTTP_OTHER;
    }
}

static bool is_host_byte(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') ||
           (byte != 0 && strchr("-._~:[]%!$&'()*+,;=", byte) != NULL);
}

static int refuse(struct ht_http_refusal *refusal, int status, const char *detail)
{
    *refusal = (struct ht_http_refusal){status, detail};
    return HT_EPARSE;
}
