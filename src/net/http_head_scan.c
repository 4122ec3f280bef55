// SPDX-License-Identifier: MIT
#include "http_parser.h"

#include <string.h>

/* "OPTIONS " and " HTTP/1.1" and room to spare: a longer request line has a target over its limit */
#define REQUEST_LINE_EXTRA_BYTES 64

static enum ht_http_verdict scan_line(struct ht_http_head_scan *scan, struct ht_slice line,
                                      const struct ht_http_head_limits *limits,
                                      struct ht_http_refusal *refusal);
static enum ht_http_verdict scan_request_line(struct ht_slice line,
                                              const struct ht_http_head_limits *limits,
                                              struct ht_http_refusal *refusal);
static enum ht_http_verdict scan_header_line(struct ht_http_head_scan *scan, struct ht_slice line,
                                             const struct ht_http_head_limits *limits,
                                             struct ht_http_refusal *refusal);
static enum ht_http_verdict check_size(const struct ht_http_head_scan *scan, struct ht_slice input,
                                       const struct ht_http_head_limits *limits,
                                       struct ht_http_refusal *refusal);
static bool has_high_byte(struct ht_slice line);
static enum ht_http_verdict refuse(struct ht_http_refusal *refusal, int status, const char *detail);

enum ht_http_verdict ht_http_head_scan_run(struct ht_http_head_scan *scan, struct ht_slice input,
                                           const struct ht_http_head_limits *limits,
                                           struct ht_http_refusal *refusal)
{
    while (scan->searched < input.length) {
        const char *from = input.data + scan->searched;
        const char *end = memchr(from, '\n', input.length - scan->searched);
        if (end == NULL) {
            break;
        }
        size_t next = (size_t)(end - input.data) + 1;
        struct ht_slice line =
            ht_slice_make(input.data + scan->line_start, next - scan->line_start);
        scan->line_start = next;
        scan->searched = next;
        if (next > limits->max_head_bytes) {
            break;
        }
        enum ht_http_verdict verdict = scan_line(scan, line, limits, refusal);
        if (verdict != HT_HTTP_NEEDS_MORE) {
            return verdict;
        }
    }
    if (scan->searched < input.length) {
        scan->searched = input.length;
    }
    return check_size(scan, input, limits, refusal);
}

/* `line` has its line end. */
static enum ht_http_verdict scan_line(struct ht_http_head_scan *scan, struct ht_slice line,
                                      const struct ht_http_head_limits *limits,
                                      struct ht_http_refusal *refusal)
{
    if (line.length < 2 || line.data[line.length - 2] != '\r') {
        return refuse(refusal, 400, "A line of the head ends without a carriage return.");
    }
    line.length -= 2;
    if (line.length > 0 && memchr(line.data, '\r', line.length) != NULL) {
        return refuse(refusal, 400, "The head has a carriage return inside a line.");
    }
    if (has_high_byte(line)) {
        return refuse(refusal, 400, "The head has bytes outside ASCII; percent-encode them.");
    }
    if (scan->has_request_line) {
        return scan_header_line(scan, line, limits, refusal);
    }
    if (line.length == 0) {
        scan->request_start = scan->line_start; /* RFC 9112 section 2.2 */
        return HT_HTTP_NEEDS_MORE;
    }
    scan->has_request_line = true;
    return scan_request_line(line, limits, refusal);
}

static enum ht_http_verdict scan_request_line(struct ht_slice line,
                                              const struct ht_http_head_limits *limits,
                                              struct ht_http_refusal *refusal)
{
    if (line.length > limits->max_target_bytes + REQUEST_LINE_EXTRA_BYTES) {
        return refuse(refusal, 414, "The request target is too long.");
    }
    const char *first = memchr(line.data, ' ', line.length);
    const char *last = memrchr(line.data, ' ', line.length);
    if (first == NULL || last == NULL) {
        return refuse(refusal, 400, "The request line is not \"method target version\".");
    }
    /* one space on either side of the target; llhttp steps over more of them before it */
    if (first < last && memchr(first + 1, ' ', (size_t)(last - first - 1)) != NULL) {
        return refuse(refusal, 400, "The request line has more than two spaces.");
    }
    size_t at = (size_t)(last - line.data) + 1;
    struct ht_slice version = ht_slice_make(line.data + at, line.length - at);
    if (ht_slice_equal(version, HT_SLICE("HTTP/1.1")) ||
        ht_slice_equal(version, HT_SLICE("HTTP/1.0"))) {
        return first < last
                   ? HT_HTTP_NEEDS_MORE
                   : refuse(refusal, 400, "The request line is not \"method target version\".");
    }
    if (ht_slice_starts_with(version, HT_SLICE("HTTP/"))) {
        return refuse(refusal, 505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
    }
    return refuse(refusal, 400, "The request line does not end with an HTTP version.");
}

static enum ht_http_verdict scan_header_line(struct ht_http_head_scan *scan, struct ht_slice line,
                                             const struct ht_http_head_limits *limits,
                                             struct ht_http_refusal *refusal)
{
    if (line.length == 0) {
        return HT_HTTP_COMPLETE;
    }
    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return refuse(refusal, 400, "A header line begins with white space (obsolete folding).");
    }
    if (line.data[0] == ':') {
        return refuse(refusal, 400, "A header field has no name.");
    }
    if (++scan->header_count > limits->max_header_count) {
        return refuse(refusal, 431, "There are too many header fields.");
    }
    return HT_HTTP_NEEDS_MORE;
}

/* All of `input` was looked at, and the end is not in it. */
static enum ht_http_verdict check_size(const struct ht_http_head_scan *scan, struct ht_slice input,
                                       const struct ht_http_head_limits *limits,
                                       struct ht_http_refusal *refusal)
{
    size_t line_bytes = input.length - scan->line_start;

    if (!scan->has_request_line &&
        line_bytes > limits->max_target_bytes + REQUEST_LINE_EXTRA_BYTES) {
        return refuse(refusal, 414, "The request target is too long.");
    }
    if (input.length > limits->max_head_bytes) {
        return refuse(refusal, 431, "The head of the request is too large.");
    }
    if (line_bytes > 1 && memchr(input.data + scan->line_start, '\r', line_bytes - 1) != NULL) {
        return refuse(refusal, 400, "The head has a carriage return inside a line.");
    }
    return HT_HTTP_NEEDS_MORE;
}

static bool has_high_byte(struct ht_slice line)
{
    unsigned char all = 0;

    for (size_t i = 0; i < line.length; i++) {
        all |= (unsigned char)line.data[i];
    }
    return all >= 0x80;
}

static enum ht_http_verdict refuse(struct ht_http_refusal *refusal, int status, const char *detail)
{
    *refusal = (struct ht_http_refusal){status, detail};
    return HT_HTTP_REFUSED;
}
