// SPDX-License-Identifier: MIT
#include "http_stream.h"

#include "answer_text.h"
#include "http_stream_answer.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/digest.h"

#include <stdlib.h>

/*
 *   open -> (transfer) -> on_head: 200 -> on_data: piece ... -> on_done
 *                             `-- else -> on_data: collect -----^
 *
 * `patience_timer` ends an attempt that nobody answers, and the reading of an error's body.
 */

#define MAGIC            0x48745374u /* "HtSt" */
#define PIECE_BYTES      65536
#define PACKED_BYTES     8192 /* of a compressed read: deflate can make 1032 bytes of each */
#define TURN_BYTES       (256 * 1024) /* decoded; a few packed bytes can be megabytes of lines */
#define HEAD_PATIENCE_MS 30000
#define BODY_PATIENCE_MS 5000 /* an error's body comes with its head */

struct ht_http_stream {
    uint32_t magic;
    /* fixed */
    struct ht_live *live; /* not owned; so `transfer` */
    struct ht_http_transfer *transfer;
    struct ht_http_stream_options options;
    char *what, *body, *secret; /* owned */
    /* changing */
    bool is_agreed;          /* 200 came */
    bool is_closing;         /* the source wants it */
    bool is_enough;          /* canceled, since all that is wanted of an answer is there */
    bool is_late;            /* canceled, since nobody answered in time */
    int status;              /* 0 until it came */
    uint64_t not_before_ms;  /* monotonic: what the head asked for; 0: nothing */
    struct ht_buffer answer; /* the body of another status than 200 */
    struct ht_timer patience_timer;
    size_t turn_bytes; /* given in this turn of the loop */
    bool is_paused;    /* the source wants no more */
    bool is_held;      /* until the next turn */
    struct ht_timer turn_timer;
};

static int start(struct ht_http_stream *stream, struct ht_error *error);
static void on_head(void *user, int status, const struct ht_http_header *headers,
                    size_t header_count);
static void on_data(void *user, int status, struct ht_slice data);
static void note_turn(struct ht_http_stream *stream, size_t bytes);
static void on_next_turn(struct ht_timer *timer);
static void collect(struct ht_http_stream *stream, struct ht_slice data);
static void on_patience_over(struct ht_timer *timer);
static void on_done(void *user, struct ht_http_result *result);
static enum ht_source_end judge(struct ht_http_stream *stream, const struct ht_http_result *result,
                                struct ht_error *error);
static bool is_left_to_source(struct ht_http_stream *stream);
static void destroy(struct ht_http_stream *stream);
static uint64_t now_ms(const struct ht_http_stream *stream);
static struct ht_timer_queue *timers_of(const struct ht_http_stream *stream);
static struct ht_http_stream *from_user(void *user);

struct ht_http_stream *ht_http_stream_open(struct ht_live *live,
                                           const struct ht_http_stream_options *options)
{
    struct ht_error error;
    struct ht_http_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        ht_error_set(&error, HT_ENOMEM, "out of memory for a request");
        ht_live_fail(live, HT_SOURCE_END_NETWORK, &error);
        return NULL;
    }
    *stream = (struct ht_http_stream){.magic = MAGIC, .live = live, .options = *options};
    ht_buffer_init(&stream->answer, HT_ANSWER_BODY_MAX_BYTES);
    ht_timer_init(&stream->patience_timer, on_patience_over);
    ht_timer_init(&stream->turn_timer, on_next_turn);
    int result = start(stream, &error);
    if (result != 0) {
        ht_live_fail(live, result == HT_EINVAL ? HT_SOURCE_END_REFUSED : HT_SOURCE_END_NETWORK,
                     &error);
        destroy(stream);
        return NULL;
    }
    ht_timer_start(timers_of(stream), &stream->patience_timer, HEAD_PATIENCE_MS);
    return stream;
}

static int start(struct ht_http_stream *stream, struct ht_error *error)
{
    const struct ht_http_stream_options *options = &stream->options;
    stream->what = ht_slice_to_text(ht_slice_text_or_empty(options->what));
    stream->body = ht_slice_to_text(options->body);
    stream->secret = ht_slice_to_text(ht_slice_or_empty(
        ht_http_header_find(options->headers, options->header_count, "Authorization")));
    if (stream->what == NULL || stream->body == NULL || stream->secret == NULL) {
        return ht_error_set(error, HT_ENOMEM, "out of memory for a request");
    }
    const struct ht_http_transfer_options transfer = {
        .method = options->method,
        .url = options->url,
        .is_path_as_is = true, /* what was signed is what is sent */
        .headers = options->headers,
        .header_count = options->header_count,
        .body = {stream->body, options->body.length},
        .is_fresh = true,
        .accepts_compressed = options->accepts_compressed,
        .piece_bytes = options->accepts_compressed ? PACKED_BYTES : PIECE_BYTES,
        .on_head = on_head,
        .on_data = on_data,
        .on_done = on_done,
        .user = stream,
    };
    /* what is not copied here dies with the caller's call */
    stream->options.url = NULL;
    stream->options.headers = NULL;
    stream->options.what = stream->what;
    return ht_http_transfer_start(options->client, &transfer, &stream->transfer, error);
}

static void on_head(void *user, int status, const struct ht_http_header *headers,
                    size_t header_count)
{
    struct ht_http_stream *stream = from_user(user);
    stream->status = status;
    if (stream->options.on_head != NULL) {
        stream->options.on_head(stream->options.user, status, headers, header_count);
    }
    uint64_t wait_ms = ht_http_stream_note_limits(stream->live, status, headers, header_count);
    stream->not_before_ms = wait_ms > 0 ? now_ms(stream) + wait_ms : 0;
    if (status == 200) {
        stream->is_agreed = true;
        ht_timer_stop(timers_of(stream), &stream->patience_timer);
        ht_live_connected(stream->live);
    } else {
        ht_timer_start(timers_of(stream), &stream->patience_timer, BODY_PATIENCE_MS);
    }
}

static void on_data(void *user, int status, struct ht_slice data)
{
    struct ht_http_stream *stream = from_user(user);
    (void)status;
    if (!stream->is_agreed) {
        collect(stream, data);
        return;
    }
    ht_live_received(stream->live, data.length);
    stream->options.on_piece(stream->options.user, data);
    ht_live_deliver(stream->live);
    note_turn(stream, data.length);
}

/* The loop has other work: what is more than a turn's measure waits for the next one. */
static void note_turn(struct ht_http_stream *stream, size_t bytes)
{
    if (stream->turn_bytes == 0) {
        ht_timer_start(timers_of(stream), &stream->turn_timer, 0);
    }
    stream->turn_bytes += bytes;
    if (stream->turn_bytes >= TURN_BYTES && !stream->is_held) {
        stream->is_held = true;
        ht_http_transfer_pause(stream->transfer);
    }
}

static void on_next_turn(struct ht_timer *timer)
{
    struct ht_http_stream *stream = HT_CONTAINER_OF(timer, struct ht_http_stream, turn_timer);
    bool was_held = stream->is_held;
    stream->turn_bytes = 0;
    stream->is_held = false;
    if (was_held && !stream->is_paused) {
        ht_http_transfer_resume(stream->transfer);
    }
}

static void collect(struct ht_http_stream *stream, struct ht_slice data)
{
    size_t room = HT_ANSWER_BODY_MAX_BYTES - stream->answer.length;
    bool is_full = data.length >= room;
    (void)ht_buffer_append(&stream->answer, data.data, is_full ? room : data.length);
    if (is_full || ht_buffer_status(&stream->answer) != 0) {
        stream->is_enough = true;
        ht_http_transfer_cancel(stream->transfer);
    }
}

static void on_patience_over(struct ht_timer *timer)
{
    struct ht_http_stream *stream = HT_CONTAINER_OF(timer, struct ht_http_stream, patience_timer);
    stream->is_enough = stream->status != 0;
    stream->is_late = stream->status == 0;
    ht_http_transfer_cancel(stream->transfer);
}

static void on_done(void *user, struct ht_http_result *result)
{
    struct ht_http_stream *stream = from_user(user);
    struct ht_live *live = stream->live;
    struct ht_error error = {0};
    uint64_t end_ms = now_ms(stream); /* a stream may have outlived what its head asked for */
    struct ht_live_end end = {
        .error = &error,
        .at_least_ms = stream->not_before_ms > end_ms ? stream->not_before_ms - end_ms : 0};
    end.end = judge(stream, result, &error);
    bool is_taken_over = is_left_to_source(stream);
    if (stream->options.on_over != NULL) {
        stream->options.on_over(stream->options.user);
    }
    destroy(stream);
    if (!is_taken_over) {
        ht_live_ended(live, &end);
    }
}

static bool is_left_to_source(struct ht_http_stream *stream)
{
    return stream->options.takes_over != NULL && stream->status != 0 && !stream->is_agreed &&
           !stream->is_closing &&
           stream->options.takes_over(stream->options.user, stream->status,
                                      ht_buffer_slice(&stream->answer));
}

static enum ht_source_end judge(struct ht_http_stream *stream, const struct ht_http_result *result,
                                struct ht_error *error)
{
    enum ht_source_end reason = HT_SOURCE_END_ENDED;
    if (stream->is_late) {
        ht_error_set(error, HT_ETIMEDOUT, "%s: no answer came in %d s", stream->what,
                     HEAD_PATIENCE_MS / 1000);
        return HT_SOURCE_END_NETWORK;
    }
    if (stream->is_closing || (stream->is_agreed && result->code == 0)) {
        return reason;
    }
    if (stream->is_agreed || stream->status == 0) {
        ht_http_stream_explain(stream->what, result, &reason, error);
        return reason;
    }
    struct ht_http_stream_answer answer = {
        .what = stream->what,
        .status = stream->status,
        .body = ht_buffer_slice(&stream->answer),
        .secret = ht_slice_text(stream->secret),
    };
    if (stream->options.cure != NULL) {
        answer.cure = stream->options.cure(stream->options.user, answer.status, answer.body);
    }
    ht_http_stream_explain_answer(&answer, &reason, error);
    return reason;
}

void ht_http_stream_close(struct ht_http_stream *stream)
{
    if (stream != NULL) {
        stream->is_closing = true;
        ht_http_transfer_cancel(stream->transfer);
    }
}

void ht_http_stream_pause(struct ht_http_stream *stream)
{
    stream->is_paused = true;
    ht_http_transfer_pause(stream->transfer);
}

void ht_http_stream_resume(struct ht_http_stream *stream)
{
    stream->is_paused = false;
    if (!stream->is_held) {
        ht_http_transfer_resume(stream->transfer);
    }
}

static void destroy(struct ht_http_stream *stream)
{
    ht_timer_stop(timers_of(stream), &stream->patience_timer);
    ht_timer_stop(timers_of(stream), &stream->turn_timer);
    ht_buffer_finish(&stream->answer);
    free(stream->what);
    free(stream->body);
    if (stream->secret != NULL) {
        ht_digest_wipe(stream->secret, strlen(stream->secret));
        free(stream->secret);
    }
    stream->magic = 0;
    free(stream);
}

static uint64_t now_ms(const struct ht_http_stream *stream)
{
    return ht_clock_monotonic_ms(stream->live->options.clock);
}

static struct ht_timer_queue *timers_of(const struct ht_http_stream *stream)
{
    return stream->live->options.timers;
}

static struct ht_http_stream *from_user(void *user)
{
    struct ht_http_stream *stream = user;
    HT_ASSERT(stream->magic == MAGIC);
    return stream;
}
