// SPDX-License-Identifier: MIT

/* The opening handshake: a head that is read again with every byte that comes says the same at the end,
 * only the right answer is taken, and no URL puts a line of its own into the request. */

#include "fuzz.h"
#include "websocket_upgrade.h"

static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char accept_of_key[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; /* RFC 6455 section 1.3 */

static void check_answer(struct ht_slice bytes);
static void check_agreement(const struct ht_websocket_answer *answer);
static bool has_field(const struct ht_websocket_answer *answer, const char *name,
                      const char *value);
static void check_body(const struct ht_websocket_answer *answer, struct ht_slice bytes);
static void check_url(struct ht_slice bytes);
static size_t count_lines(struct ht_slice text);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);

    check_answer(fuzz_rest(&input));
    check_url(fuzz_rest(&input));
    return 0;
}

static void check_answer(struct ht_slice bytes)
{
    static struct ht_websocket_answer whole, part; /* large; nothing of them lasts */
    enum ht_websocket_answer_verdict verdict = ht_websocket_answer_read(&whole, bytes);
    enum ht_websocket_answer_verdict early = HT_WEBSOCKET_ANSWER_NEEDS_MORE;
    size_t length = 0;

    while (early == HT_WEBSOCKET_ANSWER_NEEDS_MORE && length < bytes.length) {
        length += bytes.length > 600 && length + 40 < bytes.length ? 37 : 1;
        char *copy = fuzz_copy(ht_slice_make(bytes.data, length));
        early = ht_websocket_answer_read(&part, ht_slice_make(copy, length));
        if (early == HT_WEBSOCKET_ANSWER_COMPLETE) {
            FUZZ_CHECK(part.status == whole.status && part.header_count == whole.header_count &&
                           part.head_bytes == whole.head_bytes,
                       "another head: status %d and %d", part.status, whole.status);
        }
        free(copy);
    }
    FUZZ_CHECK(bytes.length == 0 || early == verdict, "verdict %d whole, %d byte by byte",
               (int)verdict, (int)early);
    if (verdict == HT_WEBSOCKET_ANSWER_COMPLETE) {
        FUZZ_CHECK(whole.head_bytes <= bytes.length && whole.status >= 101 && whole.status <= 599,
                   "status %d", whole.status);
        check_agreement(&whole);
        check_body(&whole,
                   ht_slice_make(bytes.data + whole.head_bytes, bytes.length - whole.head_bytes));
    }
}

static void check_agreement(const struct ht_websocket_answer *answer)
{
    const char *problem = NULL;

    if (ht_websocket_answer_check(answer, key, NULL, &problem) != 0) {
        FUZZ_CHECK(problem != NULL && *problem != '\0', "it says why");
        return;
    }
    FUZZ_CHECK(has_field(answer, "Sec-WebSocket-Accept", accept_of_key),
               "another key was agreed to");
    FUZZ_CHECK(!has_field(answer, "Sec-WebSocket-Protocol", NULL),
               "a subprotocol nobody asked for");
}

/* Whether a field has that value (NULL: any). */
static bool has_field(const struct ht_websocket_answer *answer, const char *name, const char *value)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (ht_slice_equal_ignoring_case(answer->headers[i].name, ht_slice_text(name)) &&
            (value == NULL || ht_slice_equal(answer->headers[i].value, ht_slice_text(value)))) {
            return true;
        }
    }
    return false;
}

/* What more bytes bring only adds to the body, and where it was complete nothing is added. */
static void check_body(const struct ht_websocket_answer *answer, struct ht_slice bytes)
{
    struct ht_buffer before, body;
    bool was_complete = false;

    ht_buffer_init(&before, HT_WEBSOCKET_BODY_MAX_BYTES);
    ht_buffer_init(&body, HT_WEBSOCKET_BODY_MAX_BYTES);
    for (size_t length = 0; length <= bytes.length; length += bytes.length > 400 ? 13 : 1) {
        char *copy = fuzz_copy(ht_slice_make(bytes.data, length));
        bool is_complete = ht_websocket_answer_body(answer, ht_slice_make(copy, length), &body);
        FUZZ_CHECK(ht_slice_starts_with(ht_buffer_slice(&body), ht_buffer_slice(&before)),
                   "the body lost something at %zu", length);
        FUZZ_CHECK(!was_complete || (is_complete && body.length == before.length),
                   "a complete body went on at %zu", length);
        was_complete = is_complete;
        ht_buffer_clear(&before);
        ht_buffer_append_slice(&before, ht_buffer_slice(&body));
        free(copy);
    }
    ht_buffer_finish(&before);
    ht_buffer_finish(&body);
}

static void check_url(struct ht_slice bytes)
{
    char *text = fuzz_text(bytes);
    struct ht_websocket_url url;
    const char *problem = NULL;
    struct ht_buffer out;

    ht_buffer_init(&out, 1u << 20);
    int status = ht_websocket_url_parse(text, &url, &problem);
    if (status == 0) {
        struct ht_websocket_request request = {.url = &url, .key = key, .agent = "fuzz"};
        FUZZ_CHECK(ht_websocket_request_format(&request, &out) == 0, "%s", text);
        FUZZ_CHECK(count_lines(ht_buffer_slice(&out)) == 8, "%s makes %s", text, out.data);
        FUZZ_CHECK(strchr(url.http_url, '?') == NULL && strchr(url.http_url, '@') == NULL, "%s",
                   url.http_url);
        FUZZ_CHECK(url.target[0] == '/' && strpbrk(url.target, " \t\r\n") == NULL,
                   "target %s of %s", url.target, text);
        FUZZ_CHECK(url.host[0] != '\0' && strpbrk(url.host, " \t\r\n/@") == NULL, "host %s of %s",
                   url.host, text);
    } else {
        FUZZ_CHECK(status == HT_EINVAL && problem != NULL && *problem != '\0', "%s", text);
    }
    ht_websocket_url_finish(&url);
    ht_buffer_finish(&out);
    free(text);
}

static size_t count_lines(struct ht_slice text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.length; i++) {
        FUZZ_CHECK(text.data[i] != '\r' || text.data[i + 1] == '\n', "a lone CR in the request");
        count += text.data[i] == '\n';
    }
    return count;
}
