// SPDX-License-Identifier: MIT
#include "websocket_upgrade.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"
#include "hashtagd/base/random.h"
#include "hashtagd/json/base64.h"

#include <stdlib.h>

#define KEY_RANDOM_BYTES   16
#define ACCEPT_GUID        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */
#define CHUNK_SIZE_DIGITS  8
#define STATUS_LINE_LENGTH 12 /* "HTTP/1.1 101" */

static int append_header(struct ht_buffer *out, struct ht_slice name, struct ht_slice value);
static bool is_own_header(struct ht_slice name);
static bool has_break(struct ht_slice text);
static bool take_line(struct ht_slice *rest, struct ht_slice *line);
static bool read_status(struct ht_slice line, int *status);
static bool read_field(struct ht_websocket_answer *answer, struct ht_slice line);
static bool has_token(const struct ht_websocket_answer *answer, const char *name,
                      const char *token);
static struct ht_slice take_token(struct ht_slice *list);
static struct ht_slice find(const struct ht_websocket_answer *answer, const char *name);
static size_t count_fields(const struct ht_websocket_answer *answer, const char *name);
static bool read_chunks(struct ht_slice bytes, struct ht_buffer *body);
static bool read_chunk_size(struct ht_slice line, uint64_t *size);
static bool append_cut(struct ht_buffer *body, struct ht_slice bytes);

int ht_websocket_key_make(char key[HT_WEBSOCKET_KEY_BYTES])
{
    char bytes[KEY_RANDOM_BYTES];
    int status = ht_random_secret(bytes, sizeof bytes);

    if (status == 0) {
        key[ht_base64_encode(ht_slice_make(bytes, sizeof bytes), key)] = '\0';
    }
    return status;
}

void ht_websocket_accept_of(const char *key, char accept[HT_WEBSOCKET_ACCEPT_BYTES])
{
    char text[HT_WEBSOCKET_KEY_BYTES + sizeof ACCEPT_GUID];
    uint8_t digest[HT_DIGEST_SHA1_BYTES];
    size_t length = strlen(key);

    HT_ASSERT(length < HT_WEBSOCKET_KEY_BYTES);
    memcpy(text, key, length);
    memcpy(text + length, ACCEPT_GUID, sizeof ACCEPT_GUID);
    ht_digest_sha1(ht_slice_text(text), digest);
    accept[ht_base64_encode(ht_slice_make(digest, sizeof digest), accept)] = '\0';
}

int ht_websocket_request_format(const struct ht_websocket_request *request, struct ht_buffer *out)
{
    int status = 0;

    ht_buffer_append_format(out,
                            "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: %s\r\n",
                            request->url->target, request->url->host, request->key);
    if (request->subprotocol != NULL) {
        status = append_header(out, HT_SLICE("Sec-WebSocket-Protocol"),
                               ht_slice_text(request->subprotocol));
    }
    if (ht_http_header_find(request->headers, request->header_count, "User-Agent").data == NULL) {
        status = status == 0
                     ? append_header(out, HT_SLICE("User-Agent"), ht_slice_text(request->agent))
                     : status;
    }
    for (size_t i = 0; status == 0 && i < request->header_count; i++) {
        struct ht_http_header field = request->headers[i];
        status =
            is_own_header(field.name) ? HT_EINVAL : append_header(out, field.name, field.value);
    }
    ht_buffer_append_text(out, "\r\n");
    return status == 0 ? ht_buffer_status(out) : status;
}

static int append_header(struct ht_buffer *out, struct ht_slice name, struct ht_slice value)
{
    if (name.length == 0 || has_break(name) || has_break(value)) {
        return HT_EINVAL;
    }
    ht_buffer_append_slice(out, name);
    ht_buffer_append_text(out, ": ");
    ht_buffer_append_slice(out, value);
    return ht_buffer_append_text(out, "\r\n");
}

/* What the handshake itself says; a second word would contradict it. */
static bool is_own_header(struct ht_slice name)
{
    static const char *const own[] = {"Host",
                                      "Upgrade",
                                      "Connection",
                                      "Sec-WebSocket-Key",
                                      "Sec-WebSocket-Version",
                                      "Sec-WebSocket-Protocol",
                                      "Sec-WebSocket-Extensions"};

    for (size_t i = 0; i < HT_COUNT_OF(own); i++) {
        if (ht_slice_equal_ignoring_case(name, ht_slice_text(own[i]))) {
            return true;
        }
    }
    return false;
}

static bool has_break(struct ht_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\r' || text.data[i] == '\n' || text.data[i] == '\0') {
            return true;
        }
    }
    return false;
}

enum ht_websocket_answer_verdict ht_websocket_answer_read(struct ht_websocket_answer *answer,
                                                          struct ht_slice bytes)
{
    struct ht_slice rest = bytes;
    struct ht_slice line;
    bool has_status = false;

    answer->status = 0;
    answer->header_count = 0;
    while (take_line(&rest, &line)) {
        if ((size_t)(rest.data - bytes.data) > HT_WEBSOCKET_HEAD_MAX_BYTES) {
            return HT_WEBSOCKET_ANSWER_BROKEN;
        }
        if (!has_status) {
            if (!read_status(line, &answer->status)) {
                return HT_WEBSOCKET_ANSWER_BROKEN;
            }
            has_status = true;
        } else if (line.length > 0) {
            if (!read_field(answer, line)) {
                return HT_WEBSOCKET_ANSWER_BROKEN;
            }
        } else if (answer->status < 200 && answer->status != 101) {
            has_status = false; /* an interim answer: the next one follows */
            answer->header_count = 0;
        } else {
            answer->head_bytes = (size_t)(rest.data - bytes.data);
            return HT_WEBSOCKET_ANSWER_COMPLETE;
        }
    }
    size_t compared = rest.length < 5 ? rest.length : 5;
    bool is_http = has_status || compared == 0 || memcmp(rest.data, "HTTP/", compared) == 0;
    return bytes.length > HT_WEBSOCKET_HEAD_MAX_BYTES || !is_http ? HT_WEBSOCKET_ANSWER_BROKEN
                                                                  : HT_WEBSOCKET_ANSWER_NEEDS_MORE;
}

/* Takes a line, whose end is left out, off the front; false where no end is there yet. */
static bool take_line(struct ht_slice *rest, struct ht_slice *line)
{
    const char *end = rest->length == 0 ? NULL : memchr(rest->data, '\n', rest->length);

    if (end == NULL) {
        return false;
    }
    size_t length = (size_t)(end - rest->data);
    *line = ht_slice_make(rest->data, length);
    if (length > 0 && line->data[length - 1] == '\r') {
        line->length--;
    }
    *rest = ht_slice_make(end + 1, rest->length - length - 1);
    return true;
}

static bool read_status(struct ht_slice line, int *status)
{
    uint64_t number;

    if (line.length < STATUS_LINE_LENGTH || !ht_slice_starts_with(line, HT_SLICE("HTTP/1.")) ||
        line.data[8] != ' ' || (line.length > STATUS_LINE_LENGTH && line.data[12] != ' ')) {
        return false;
    }
    if (ht_slice_to_u64(ht_slice_make(line.data + 9, 3), 599, &number) != 0 || number < 100) {
        return false;
    }
    *status = (int)number;
    return true;
}

static bool read_field(struct ht_websocket_answer *answer, struct ht_slice line)
{
    const char *colon = memchr(line.data, ':', line.length);

    if (colon == NULL || colon == line.data || line.data[0] == ' ' || line.data[0] == '\t' ||
        has_break(line) || answer->header_count == HT_WEBSOCKET_HEADERS_MAX) {
        return false;
    }
    size_t name_length = (size_t)(colon - line.data);
    answer->headers[answer->header_count++] = (struct ht_http_header){
        ht_slice_make(line.data, name_length),
        ht_slice_trim(ht_slice_make(colon + 1, line.length - name_length - 1))};
    return true;
}

int ht_websocket_answer_check(const struct ht_websocket_answer *answer, const char *key,
                              const char *subprotocol, const char **problem)
{
    char accept[HT_WEBSOCKET_ACCEPT_BYTES];
    struct ht_slice protocol = find(answer, "Sec-WebSocket-Protocol");

    ht_websocket_accept_of(key, accept);
    *problem = "";
    if (!has_token(answer, "Upgrade", "websocket")) {
        *problem = "Upgrade does not say websocket";
    } else if (!has_token(answer, "Connection", "upgrade")) {
        *problem = "Connection does not say Upgrade";
    } else if (count_fields(answer, "Sec-WebSocket-Accept") != 1 ||
               !ht_slice_equal(find(answer, "Sec-WebSocket-Accept"), ht_slice_text(accept))) {
        *problem = "Sec-WebSocket-Accept does not fit the key that was sent";
    } else if (find(answer, "Sec-WebSocket-Extensions").length > 0) {
        *problem = "it has an extension that was not asked for";
    } else if (subprotocol == NULL && protocol.data != NULL) {
        *problem = "it has a subprotocol that was not asked for";
    } else if (subprotocol != NULL && !ht_slice_equal(protocol, ht_slice_text(subprotocol))) {
        *problem = "it does not have the subprotocol that was asked for";
    }
    return **problem == '\0' ? 0 : HT_EPARSE;
}

/* Whether one of the fields called `name` has `token` in its list, in any case. */
static bool has_token(const struct ht_websocket_answer *answer, const char *name, const char *token)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        struct ht_slice list = answer->headers[i].value;
        if (!ht_slice_equal_ignoring_case(answer->headers[i].name, ht_slice_text(name))) {
            continue;
        }
        while (list.length > 0) {
            if (ht_slice_equal_ignoring_case(take_token(&list), ht_slice_text(token))) {
                return true;
            }
        }
    }
    return false;
}

static struct ht_slice take_token(struct ht_slice *list)
{
    const char *comma = memchr(list->data, ',', list->length);
    size_t length = comma == NULL ? list->length : (size_t)(comma - list->data);
    size_t taken = comma == NULL ? length : length + 1;
    struct ht_slice token = ht_slice_trim(ht_slice_make(list->data, length));

    *list = ht_slice_make(list->data + taken, list->length - taken);
    return token;
}

static struct ht_slice find(const struct ht_websocket_answer *answer, const char *name)
{
    return ht_http_header_find(answer->headers, answer->header_count, name);
}

static size_t count_fields(const struct ht_websocket_answer *answer, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < answer->header_count; i++) {
        count += ht_slice_equal_ignoring_case(answer->headers[i].name, ht_slice_text(name));
    }
    return count;
}

bool ht_websocket_answer_body(const struct ht_websocket_answer *answer, struct ht_slice bytes,
                              struct ht_buffer *body)
{
    uint64_t length = UINT64_MAX;
    struct ht_slice announced = find(answer, "Content-Length");

    ht_buffer_clear(body);
    if (answer->status == 204 || answer->status == 304) {
        return true;
    }
    if (has_token(answer, "Transfer-Encoding", "chunked")) {
        return read_chunks(bytes, body);
    }
    if (announced.data != NULL && ht_slice_to_u64(announced, UINT64_MAX - 1, &length) == 0 &&
        bytes.length >= length) {
        append_cut(body, ht_slice_make(bytes.data, (size_t)length));
        return true;
    }
    return !append_cut(body, bytes);
}

static bool read_chunks(struct ht_slice bytes, struct ht_buffer *body)
{
    struct ht_slice line;
    uint64_t size;

    while (take_line(&bytes, &line)) {
        if (line.length == 0) {
            continue; /* the end of the chunk before */
        }
        if (!read_chunk_size(line, &size) || size == 0) {
            return true;
        }
        size_t here = size < bytes.length ? (size_t)size : bytes.length;
        if (!append_cut(body, ht_slice_make(bytes.data, here))) {
            return true;
        }
        bytes = ht_slice_make(bytes.data + here, bytes.length - here);
    }
    return false;
}

static bool read_chunk_size(struct ht_slice line, uint64_t *size)
{
    size_t digits = 0;

    *size = 0;
    while (digits < line.length && digits < CHUNK_SIZE_DIGITS) {
        char digit = line.data[digits];
        char lower = (char)(digit | 0x20);
        if (digit >= '0' && digit <= '9') {
            *size = *size * 16 + (uint64_t)(digit - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            *size = *size * 16 + (uint64_t)(lower - 'a' + 10);
        } else {
            break;
        }
        digits++;
    }
    return digits > 0;
}

/* False where not all of it had room: the rest is not wanted. */
static bool append_cut(struct ht_buffer *body, struct ht_slice bytes)
{
    size_t room = body->max_bytes - body->length;

    ht_buffer_append(body, bytes.data, bytes.length < room ? bytes.length : room);
    return bytes.length < room;
}
