// SPDX-License-Identifier: MIT

/* The source jetstream over a WebSocket that says what the fuzzer wants, in texts and in frames packed
 * with its dictionary: the same messages and the same cursor however many come in one read. */

#include "fuzz.h"
#include "sources/fake_sink.h"
#include "sources/fake_websocket.h"
#include "zstd_training.h"

#include "hashtagd/base/zstd.h"
#include "hashtagd/sources/jetstream_source.h"

#define NOW_MS           INT64_C(1783175888000)
#define DICTIONARY_BYTES 8192
#define PACKED_BYTES     70000

struct world {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_random random;
    struct fake_sink sink;
    struct ht_source *source;
    bool is_stopped;
};

static struct ht_slice dictionary(void);
static void run(struct world *world, struct ht_slice script, bool is_compressed, bool reads_single);
static void agree(struct world *world);
static void say_last(struct world *world);
static void say(struct ht_slice part, struct ht_zstd *zstd, bool reads_single);
static void pass(struct world *world, uint64_t ms);
static void stop(struct world *world);
static void on_stopped(void *user);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned choice = fuzz_take_byte(&input);
    static struct world single, many; /* large; run() makes them new */

    run(&single, fuzz_rest(&input), (choice & 1) != 0, true);
    run(&many, fuzz_rest(&input), (choice & 1) != 0, false);
    FUZZ_CHECK_SAME(ht_buffer_slice(&single.sink.bytes), ht_buffer_slice(&many.sink.bytes),
                    "messages");
    FUZZ_CHECK_SAME(ht_buffer_slice(&single.sink.reasons), ht_buffer_slice(&many.sink.reasons),
                    "refused");
    FUZZ_CHECK_SAME(fake_sink_cursor(&single.sink), fake_sink_cursor(&many.sink), "cursors");
    fake_sink_finish(&single.sink);
    fake_sink_finish(&many.sink);
    return 0;
}

/* One that was trained on made-up messages, with the number of the published one. */
static struct ht_slice dictionary(void)
{
    static char bytes[DICTIONARY_BYTES];
    static size_t length;

    if (length == 0) {
        length = train_dictionary(HT_JETSTREAM_DICTIONARY_ID, bytes, sizeof bytes);
        FUZZ_CHECK(length > 0, "no dictionary");
    }
    return ht_slice_make(bytes, length);
}

static void run(struct world *world, struct ht_slice script, bool is_compressed, bool reads_single)
{
    memset(world, 0, sizeof *world);
    ht_manual_clock_init(&world->clock, 5000000000, NOW_MS);
    ht_timer_queue_init(&world->timers, &world->clock.clock);
    ht_random_init(&world->random, 7);
    fake_sink_init(&world->sink);
    fake_websocket_reset(&world->timers);
    struct ht_jetstream_source_options options = {
        .clock = &world->clock.clock,
        .timers = &world->timers,
        .random = &world->random,
        .accepts_compressed = is_compressed,
        .dictionary = is_compressed ? dictionary() : HT_SLICE(""),
    };
    struct ht_zstd *zstd = ht_zstd_create_with(1, dictionary());
    world->source = ht_jetstream_source_create(&options);
    FUZZ_CHECK(world->source != NULL && zstd != NULL, "memory");
    world->source->ops->start(world->source, &world->sink.sink, HT_SLICE(""));
    pass(world, 10);
    while (script.length > 0) {
        agree(world);
        const char *end = memmem(script.data, script.length, "\xfe\xfe", 2);
        size_t length = end == NULL ? script.length : (size_t)(end - script.data);
        size_t taken = end == NULL ? length : length + 2;
        say(ht_slice_make(script.data, length), zstd, reads_single);
        script = ht_slice_make(script.data + taken, script.length - taken);
    }
    say_last(world);
    stop(world);
    ht_zstd_destroy(zstd);
    ht_timer_queue_finish(&world->timers);
}

/* Waits until it connects, and agrees. */
static void agree(struct world *world)
{
    for (unsigned i = 0; i < 40 && !fake_websocket.is_there; i++) {
        pass(world, 60000);
    }
    FUZZ_CHECK(fake_websocket.is_there, "it never tries again");
    if (!fake_websocket.is_open) {
        fake_websocket_agree();
    }
}

/* A post that nobody said before, and with it the cursor. */
static void say_last(struct world *world)
{
    agree(world);
    fake_websocket_text(
        "{\"did\":\"did:plc:last\",\"time_us\":1783175889000000,\"kind\":\"commit\","
        "\"commit\":{\"rev\":\"3last\",\"operation\":\"create\",\"collection\":"
        "\"app.bsky.feed.post\",\"rkey\":\"3last\",\"record\":{\"text\":\"#a\"}}}");
    fake_websocket_read_end();
}

/* The first byte says how: a text, bytes as they are, bytes that are packed first, or the end of the
 * connection. */
static void say(struct ht_slice part, struct ht_zstd *zstd, bool reads_single)
{
    char packed[PACKED_BYTES];
    size_t length = 0;
    unsigned how = part.length == 0 ? 0 : (unsigned char)part.data[0] % 8;

    part = part.length == 0 ? part : ht_slice_make(part.data + 1, part.length - 1);
    if (how == 7) {
        fake_websocket_read_end();
        fake_websocket_end((struct ht_websocket_end){.close_code = 1001});
        return;
    }
    if (how >= 4 && ht_zstd_pack(zstd, part, packed, sizeof packed, &length) == 0) {
        fake_websocket_say(HT_WEBSOCKET_BINARY, ht_slice_make(packed, length));
    } else {
        fake_websocket_say(how == 3 ? HT_WEBSOCKET_BINARY : HT_WEBSOCKET_TEXT, part);
    }
    if (reads_single) {
        fake_websocket_read_end();
    }
}

static void pass(struct world *world, uint64_t ms)
{
    while (ms > 0) {
        uint64_t next_ns = ht_timer_queue_next_ns(&world->timers);
        uint64_t step_ms = next_ns / 1000000 + 1;
        step_ms = step_ms < ms ? step_ms : ms;
        ht_manual_clock_advance_ms(&world->clock, step_ms);
        ht_timer_queue_run(&world->timers);
        ms -= step_ms;
    }
}

static void stop(struct world *world)
{
    world->source->ops->stop(world->source, on_stopped, world);
    FUZZ_CHECK(!world->is_stopped, "it says that it has stopped from inside");
    pass(world, 5000);
    FUZZ_CHECK(world->is_stopped && !fake_websocket.is_there, "it does not stop");
    world->source->ops->destroy(world->source);
    FUZZ_CHECK(ht_timer_queue_next_ns(&world->timers) == UINT64_MAX, "a timer is left");
}

static void on_stopped(void *user)
{
    ((struct world *)user)->is_stopped = true;
}
