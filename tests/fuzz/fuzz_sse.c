// SPDX-License-Identifier: MIT

/* Events with hostile hashtags in them: what ht_sse_format() writes is read back by the event reader
 * as one event with the same data, and a hashtag in JSON comes out of it as it went in. */

#include "event_reader.h"
#include "fuzz.h"

#include "hashtagd/json/json.h"
#include "hashtagd/json/writer.h"
#include "hashtagd/net/sse.h"

#define ROOM_BYTES (1u << 20)

struct seen {
    struct ht_buffer name, data;
    unsigned count;
};

static void check(struct ht_slice data, bool is_json);
static void on_event(void *user, struct ht_slice name, struct ht_slice data);
static void on_bad(void *user, struct ht_slice bytes, const char *reason);
static void normalise(struct ht_slice data, struct ht_buffer *out);
static void check_json(struct ht_slice tag);
static void write_hashtag(struct ht_slice tag, struct ht_buffer *out);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(ht_slice_make(data, size));

    check(ht_slice_make(copy, size), false);
    check_json(ht_slice_make(copy, size));
    free(copy);
    return 0;
}

static void check(struct ht_slice data, bool is_json)
{
    static const struct ht_event_reader_events events = {on_event, on_bad};
    struct ht_event_reader reader;
    struct seen seen = {.count = 0};
    struct ht_buffer wanted;
    struct ht_http_body *frame = ht_sse_format("top", data);

    FUZZ_CHECK(frame != NULL, "it has room");
    ht_buffer_init(&seen.name, ROOM_BYTES);
    ht_buffer_init(&seen.data, ROOM_BYTES);
    ht_buffer_init(&wanted, ROOM_BYTES);
    ht_event_reader_init(&reader, &events, &seen, ROOM_BYTES);
    FUZZ_CHECK(ht_event_reader_feed(&reader, ht_http_body_slice(frame)) == 0, "fed");
    FUZZ_CHECK(seen.count == 1, "%u events", seen.count);
    FUZZ_CHECK_SAME(ht_buffer_slice(&seen.name), HT_SLICE("top"), "the name");
    normalise(data, &wanted);
    FUZZ_CHECK_SAME(ht_buffer_slice(&seen.data), ht_buffer_slice(&wanted), "the data");
    FUZZ_CHECK(!is_json || data.length == 0 || memchr(data.data, '\n', data.length) == NULL,
               "JSON has no line ends");
    ht_event_reader_finish(&reader);
    ht_http_body_release(frame);
    ht_buffer_finish(&seen.name);
    ht_buffer_finish(&seen.data);
    ht_buffer_finish(&wanted);
}

static void on_event(void *user, struct ht_slice name, struct ht_slice data)
{
    struct seen *seen = user;

    seen->count++;
    ht_buffer_append_slice(&seen->name, name);
    ht_buffer_append_slice(&seen->data, data);
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    (void)user;
    FUZZ_CHECK(false, "%s, %zu bytes", reason, bytes.length);
}

/* Every line end becomes an LF: more than that the format cannot carry. */
static void normalise(struct ht_slice data, struct ht_buffer *out)
{
    for (size_t i = 0; i < data.length; i++) {
        bool is_pair = data.data[i] == '\r' && i + 1 < data.length && data.data[i + 1] == '\n';
        ht_buffer_append_byte(out, data.data[i] == '\r' ? '\n' : data.data[i]);
        i += is_pair ? 1 : 0;
    }
}

/* What goes to the dashboard: {"hashtag":...}. Whatever the bytes, it is JSON that jansson reads; a
 * text that is UTF-8 comes back as it was. */
static void check_json(struct ht_slice tag)
{
    struct ht_buffer json, again;

    ht_buffer_init(&json, ROOM_BYTES);
    ht_buffer_init(&again, ROOM_BYTES);
    write_hashtag(tag, &json);
    check(ht_buffer_slice(&json), true);
    struct ht_json *root = ht_json_parse(ht_buffer_slice(&json), 0, NULL, NULL);
    FUZZ_CHECK(root != NULL, "%s", json.data);
    write_hashtag(ht_json_text(ht_json_member(root, "hashtag")), &again);
    FUZZ_CHECK_SAME(ht_buffer_slice(&json), ht_buffer_slice(&again), "written, read, written");
    ht_buffer_finish(&again);
    ht_buffer_finish(&json);
    ht_json_destroy(root);
}

static void write_hashtag(struct ht_slice tag, struct ht_buffer *out)
{
    struct ht_json_writer writer;

    ht_json_writer_init(&writer, out);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "hashtag");
    ht_json_write_slice(&writer, tag);
    ht_json_write_object_end(&writer);
    FUZZ_CHECK(ht_json_writer_status(&writer) == 0, "it has room");
}
