// SPDX-License-Identifier: MIT
#include "jetstream_request.h"

#include "hashtagd/json/writer.h"
#include "hashtagd/net/url.h"

/* An address of up to 8 KiB is understood everywhere. */
enum { FOLLOW_BYTES_MAX = 4096 };

static struct ht_slice without_end(struct ht_slice url, struct ht_slice end);

const char *ht_jetstream_public_url(uint64_t index)
{
    static const char *const urls[HT_JETSTREAM_HOST_COUNT] = {
        "wss://jetstream1.us-east.bsky.network",
        "wss://jetstream2.us-east.bsky.network",
        "wss://jetstream1.us-west.bsky.network",
        "wss://jetstream2.us-west.bsky.network",
    };
    return urls[index % HT_JETSTREAM_HOST_COUNT];
}

bool ht_jetstream_says_hello(const struct ht_jetstream_request *request)
{
    size_t bytes = 0;
    for (size_t i = 0; i < request->follow_count && bytes <= FOLLOW_BYTES_MAX; i++) {
        bytes += sizeof("&wantedDids=") + strlen(request->follow[i]);
    }
    return bytes > FOLLOW_BYTES_MAX;
}

int ht_jetstream_request_url(const struct ht_jetstream_request *request, struct ht_buffer *out)
{
    struct ht_slice base = ht_slice_text(request->url);
    base = without_end(base, HT_SLICE("/"));
    base = without_end(base, HT_SLICE("/subscribe"));
    base = without_end(base, HT_SLICE("/"));
    ht_buffer_append_slice(out, base);
    ht_buffer_append_text(out, "/subscribe?wantedCollections=" HT_JETSTREAM_COLLECTION);
    ht_buffer_append_format(out, "&maxMessageSizeBytes=%u", HT_JETSTREAM_EVENT_BYTES_MAX);
    if (request->is_compressed) {
        ht_buffer_append_text(out, "&compress=true");
    }
    if (request->cursor_us > 0) {
        ht_buffer_append_text(out, "&cursor=");
        ht_buffer_append_u64(out, request->cursor_us);
    }
    if (ht_jetstream_says_hello(request)) {
        ht_buffer_append_text(out, "&requireHello=true");
        return ht_buffer_status(out);
    }
    for (size_t i = 0; i < request->follow_count; i++) {
        ht_buffer_append_text(out, "&wantedDids=");
        int status = ht_url_encode(ht_slice_text(request->follow[i]), out);
        if (status != 0) {
            return status;
        }
    }
    return ht_buffer_status(out);
}

int ht_jetstream_request_hello(const struct ht_jetstream_request *request, struct ht_buffer *out)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, out);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "type");
    ht_json_write_text(&writer, "options_update");
    ht_json_write_key(&writer, "payload");
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "wantedCollections");
    ht_json_write_array_begin(&writer);
    ht_json_write_text(&writer, HT_JETSTREAM_COLLECTION);
    ht_json_write_array_end(&writer);
    ht_json_write_key(&writer, "wantedDids");
    ht_json_write_array_begin(&writer);
    for (size_t i = 0; i < request->follow_count; i++) {
        ht_json_write_text(&writer, request->follow[i]);
    }
    ht_json_write_array_end(&writer);
    ht_json_write_key(&writer, "maxMessageSizeBytes");
    ht_json_write_u64(&writer, HT_JETSTREAM_EVENT_BYTES_MAX);
    ht_json_write_object_end(&writer);
    ht_json_write_object_end(&writer);
    return ht_json_writer_status(&writer);
}

struct ht_slice ht_jetstream_host(const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *begin = scheme == NULL ? url : scheme + 3;
    size_t length = strcspn(begin, "/?#");
    for (size_t i = length; i > 0; i--) {
        if (begin[i - 1] == '@') {
            return ht_slice_make(begin + i, length - i);
        }
    }
    return ht_slice_make(begin, length);
}

static struct ht_slice without_end(struct ht_slice url, struct ht_slice end)
{
    if (url.length >= end.length &&
        memcmp(url.data + url.length - end.length, end.data, end.length) == 0) {
        url.length -= end.length;
    }
    return url;
}
