// SPDX-License-Identifier: MIT
#include "stream_world.h"

#define NOW_MS        INT64_C(1783175888000)
#define JUMPS_MAX     400
#define TRANSFERS_MAX 8

static const int statuses[16] = {200, 200, 200, 200, 200, 200, 200, 200,
                                 401, 403, 404, 420, 429, 500, 204, 301};

struct ht_http_transfer {
    bool is_running;
    struct ht_http_transfer_options options; /* its texts are not kept */
    bool is_paused, is_canceled, is_answered;
    int status;
    struct ht_http_header header;
    struct ht_slice body; /* not yet given */
    struct fuzz_cuts cuts;
};

/* One run; the functions of net/http_client.h find it here. */
static struct run {
    struct stream_world world;
    struct ht_source_sink sink;
    struct ht_source *source;
    struct ht_slice script;
    unsigned seed; /* of the cuts, and of when the sink is full; 0: whole, never */
    struct ht_random random;
    bool is_full, is_stopped;
    unsigned jumps;
    struct ht_buffer messages, refused;
    char cursor[HT_SOURCE_CURSOR_BYTES];
    size_t cursor_length;
    struct ht_http_transfer transfers[TRANSFERS_MAX];
} run;

static void run_script(struct ht_slice script, unsigned seed, unsigned choice,
                       stream_world_create_fn create);
static bool step(void);
static void settle(void);
static bool answer(struct ht_http_transfer *transfer);
static bool take_answer(struct ht_http_transfer *transfer);
static bool give_piece(struct ht_http_transfer *transfer);
static void finish_transfer(struct ht_http_transfer *transfer, int code);
static bool jump(void);
static void stop(void);
static bool deliver(struct ht_source_sink *sink, const struct ht_source *from,
                    const struct ht_slice *messages, size_t count, struct ht_slice cursor);
static void refuse(struct ht_source_sink *sink, const struct ht_source *from, struct ht_slice bytes,
                   const char *reason);
static void on_stopped(void *user);

void stream_world_check(const uint8_t *data, size_t size, stream_world_create_fn create)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned seed = fuzz_take_byte(&input);
    unsigned choice = fuzz_take_byte(&input);
    char whole_cursor[HT_SOURCE_CURSOR_BYTES];

    run_script(fuzz_rest(&input), 0, choice, create);
    struct ht_buffer messages = run.messages, refused = run.refused;
    size_t length = run.cursor_length;
    memcpy(whole_cursor, run.cursor, length);
    run_script(fuzz_rest(&input), seed, choice, create);
    FUZZ_CHECK_SAME(ht_buffer_slice(&messages), ht_buffer_slice(&run.messages), "messages");
    FUZZ_CHECK_SAME(ht_buffer_slice(&refused), ht_buffer_slice(&run.refused), "refused");
    FUZZ_CHECK_SAME(ht_slice_make(whole_cursor, length),
                    ht_slice_make(run.cursor, run.cursor_length), "cursors");
    ht_buffer_finish(&messages);
    ht_buffer_finish(&refused);
    ht_buffer_finish(&run.messages);
    ht_buffer_finish(&run.refused);
}

static void run_script(struct ht_slice script, unsigned seed, unsigned choice,
                       stream_world_create_fn create)
{
    static const struct ht_source_sink_ops ops = {deliver, refuse};

    memset(&run, 0, sizeof run);
    run.sink.ops = &ops;
    run.script = script;
    run.seed = seed;
    ht_random_init(&run.random, seed);
    ht_buffer_init(&run.messages, FUZZ_JOURNAL_MAX_BYTES);
    ht_buffer_init(&run.refused, FUZZ_JOURNAL_MAX_BYTES);
    ht_manual_clock_init(&run.world.clock, 5000000000, NOW_MS);
    ht_timer_queue_init(&run.world.timers, &run.world.clock.clock);
    ht_random_init(&run.world.random, 7);
    run.world.client = (struct ht_http_client *)(void *)&run;
    run.world.choice = choice;
    run.source = create(&run.world);
    run.source->ops->start(run.source, &run.sink, HT_SLICE(""));
    while (step()) {
    }
    stop();
    ht_timer_queue_finish(&run.world.timers);
}

/* One thing happens; whether any did. Time passes only where nothing else can happen, so that it passes
 * in the same way however the bodies are cut. */
static bool step(void)
{
    settle();
    if (run.is_full) {
        run.is_full = false;
        run.source->ops->resume(run.source);
        return true;
    }
    for (size_t i = 0; i < TRANSFERS_MAX; i++) {
        struct ht_http_transfer *transfer = &run.transfers[i];
        if (transfer->is_running && transfer->is_canceled) {
            finish_transfer(transfer, HT_ECANCELED);
            return true;
        }
    }
    for (int is_stream = 0; is_stream < 2; is_stream++) { /* short answers first */
        for (size_t i = 0; i < TRANSFERS_MAX; i++) {
            struct ht_http_transfer *transfer = &run.transfers[i];
            if (transfer->is_running && (transfer->options.on_data != NULL) == (is_stream == 1) &&
                answer(transfer)) {
                return true;
            }
        }
    }
    return run.script.length > 0 && run.jumps++ < JUMPS_MAX && jump();
}

/* What is due now. */
static void settle(void)
{
    for (unsigned i = 0; ht_timer_queue_next_ns(&run.world.timers) == 0; i++) {
        FUZZ_CHECK(i < 100000, "its timers never rest");
        ht_timer_queue_run(&run.world.timers);
    }
}

static bool answer(struct ht_http_transfer *transfer)
{
    if (!transfer->is_answered) {
        return take_answer(transfer);
    }
    if (transfer->options.on_data != NULL && transfer->is_paused) {
        return false;
    }
    if (transfer->options.on_data != NULL && give_piece(transfer)) {
        return true;
    }
    finish_transfer(transfer, 0);
    return true;
}

/* False where nobody answers any more. */
static bool take_answer(struct ht_http_transfer *transfer)
{
    struct ht_slice script = run.script;
    if (script.length == 0) {
        return false;
    }
    const char *end = memmem(script.data, script.length, "\xfe\xfe", 2);
    size_t length = end == NULL ? script.length : (size_t)(end - script.data);
    size_t taken = end == NULL ? length : length + 2;
    struct ht_slice part = ht_slice_make(script.data, length);
    run.script = ht_slice_make(script.data + taken, script.length - taken);
    transfer->is_answered = true;
    transfer->status = length == 0 ? 200 : statuses[(unsigned char)part.data[0] % 16];
    part = length == 0 ? part : ht_slice_make(part.data + 1, length - 1);
    const char *line = part.length == 0 ? NULL : memchr(part.data, '\n', part.length);
    size_t line_length = line == NULL ? 0 : (size_t)(line - part.data);
    const char *colon = line_length == 0 ? NULL : memchr(part.data, ':', line_length);
    if (colon != NULL) {
        size_t name = (size_t)(colon - part.data);
        transfer->header = (struct ht_http_header){
            ht_slice_make(part.data, name),
            ht_slice_trim(ht_slice_make(colon + 1, line_length - name - 1))};
    }
    size_t skipped = line == NULL ? 0 : line_length + 1;
    transfer->body = ht_slice_make(part.data + skipped, part.length - skipped);
    fuzz_cuts_init(&transfer->cuts, transfer->body, run.seed);
    if (transfer->options.on_head != NULL) {
        transfer->options.on_head(transfer->options.user, transfer->status, &transfer->header,
                                  colon != NULL);
    }
    return true;
}

static bool give_piece(struct ht_http_transfer *transfer)
{
    struct ht_slice piece;

    if (!fuzz_cuts_next(&transfer->cuts, &piece)) {
        return false;
    }
    transfer->options.on_data(transfer->options.user, transfer->status, piece);
    return true;
}

static void finish_transfer(struct ht_http_transfer *transfer, int code)
{
    struct ht_http_transfer_options options = transfer->options;
    struct ht_http_header header = transfer->header;
    struct ht_http_result result = {
        .code = code,
        .status = transfer->is_answered ? transfer->status : 0,
        .error_text = code == 0 ? "" : "Canceled",
        .headers = &header,
        .header_count = header.name.data != NULL,
    };

    fuzz_cuts_finish(&transfer->cuts);
    ht_buffer_init(&result.body, 1u << 20);
    if (options.on_data == NULL && code == 0) {
        ht_buffer_append_slice(&result.body, transfer->body);
    }
    memset(transfer, 0, sizeof *transfer);
    options.on_done(options.user, &result);
    ht_buffer_finish(&result.body);
}

/* To the next timer; false where there is none. */
static bool jump(void)
{
    uint64_t next_ns = ht_timer_queue_next_ns(&run.world.timers);

    if (next_ns == UINT64_MAX) {
        return false;
    }
    ht_manual_clock_advance_ms(&run.world.clock, next_ns / 1000000 + 1);
    return true;
}

static void stop(void)
{
    run.script.length = 0;
    run.source->ops->stop(run.source, on_stopped, NULL);
    FUZZ_CHECK(!run.is_stopped, "it says that it has stopped from inside");
    for (unsigned i = 0; !run.is_stopped; i++) {
        FUZZ_CHECK(i < 2000 && (step() || run.is_stopped || jump()), "it never stops");
    }
    for (size_t i = 0; i < TRANSFERS_MAX; i++) {
        FUZZ_CHECK(!run.transfers[i].is_running, "a transfer is left");
    }
    run.source->ops->destroy(run.source);
    FUZZ_CHECK(ht_timer_queue_next_ns(&run.world.timers) == UINT64_MAX, "a timer is left");
}

static bool deliver(struct ht_source_sink *sink, const struct ht_source *from,
                    const struct ht_slice *messages, size_t count, struct ht_slice cursor)
{
    (void)sink;
    (void)from;
    FUZZ_CHECK(!run.is_stopped, "after it had stopped");
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(messages[i].length > 0, "an empty message");
        fuzz_note(&run.messages, "message", 0, messages[i]);
    }
    FUZZ_CHECK(cursor.length <= sizeof run.cursor, "a cursor of %zu bytes", cursor.length);
    if (cursor.length > 0) {
        memcpy(run.cursor, cursor.data, cursor.length);
        run.cursor_length = cursor.length;
    }
    run.is_full = run.seed > 0 && ht_random_below(&run.random, 4) == 0;
    return !run.is_full;
}

static void refuse(struct ht_source_sink *sink, const struct ht_source *from, struct ht_slice bytes,
                   const char *reason)
{
    (void)sink;
    (void)from;
    fuzz_note(&run.refused, reason, 0, bytes);
}

static void on_stopped(void *user)
{
    (void)user;
    run.is_stopped = true;
}

/* --- net/http_client.h --- */

int ht_http_transfer_start(struct ht_http_client *client,
                           const struct ht_http_transfer_options *options,
                           struct ht_http_transfer **out, struct ht_error *error)
{
    (void)client;
    (void)error;
    struct ht_http_transfer *transfer = run.transfers;
    while (transfer->is_running) {
        transfer++;
        FUZZ_CHECK(transfer < run.transfers + TRANSFERS_MAX, "too many transfers at once");
    }
    /* what goes on the wire must be whole */
    FUZZ_CHECK(strpbrk(options->url, " \r\n") == NULL, "asks for %s", options->url);
    for (size_t i = 0; i < options->header_count; i++) {
        struct ht_slice value = options->headers[i].value;
        FUZZ_CHECK(value.length == 0 || (memchr(value.data, '\n', value.length) == NULL &&
                                         memchr(value.data, '\r', value.length) == NULL),
                   "a header with a line end");
    }
    *transfer = (struct ht_http_transfer){.is_running = true, .options = *options};
    if (out != NULL) {
        *out = transfer;
    }
    return 0;
}

void ht_http_transfer_cancel(struct ht_http_transfer *transfer)
{
    transfer->is_canceled = true;
}

void ht_http_transfer_pause(struct ht_http_transfer *transfer)
{
    transfer->is_paused = true;
}

void ht_http_transfer_resume(struct ht_http_transfer *transfer)
{
    transfer->is_paused = false;
}
