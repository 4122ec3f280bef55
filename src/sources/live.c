// SPDX-License-Identifier: MIT
#include "live.h"

#include "source_cursor.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 *   start -> on_try -> connect() -> ht_live_connected -> received, message, deliver ...
 *               ^                        |                    | sink full: hold_back -> resume
 *               '------- wait <- ht_live_ended <- close() <---'-- stall, give_up, stop
 *
 * The stall timer is not set anew with each piece: it looks, when it is due, how long ago the
 * last one came.
 */

#define MAGIC           0x4c697665u /* "Live" */
#define TRY_TEXT_BYTES  40
#define FIRST_COLLECTED 256
#define MS_A_SECOND     1000

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor);
static void on_try(struct ht_timer *timer);
static void on_stall_due(struct ht_timer *timer);
static void close_attempt(struct ht_live *live);
static bool is_taking(const struct ht_live *live);
static void hold_back(struct ht_live *live);
static void resume(struct ht_source *source);
static void wait_for_try(struct ht_live *live, const struct ht_live_end *end);
static struct ht_live_end reason_of(struct ht_live *live, const struct ht_live_end *end,
                                    struct ht_error *error);
static void tell(struct ht_live *live, const struct ht_reconnect_decision *decision,
                 const struct ht_live_end *end);
static void put_in_line(char *text);
static const char *try_text(uint64_t wait_ms, int64_t at_s, char text[TRY_TEXT_BYTES]);
static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user);
static void on_stop_due(struct ht_timer *timer);
static void on_fail_due(struct ht_timer *timer);
static void destroy(struct ht_source *source);
static void set_link(struct ht_live *live, enum ht_source_link link);
static uint64_t now_ms(const struct ht_live *live);
static struct ht_live *from_source(struct ht_source *source);

void ht_live_init(struct ht_live *live, const struct ht_live_ops *ops,
                  const struct ht_live_options *options)
{
    *live = (struct ht_live){.ops = ops, .options = *options, .magic = MAGIC};
    live->source_ops = (struct ht_source_ops){
        .type = options->type,
        .start = start,
        .resume = resume,
        .stop = stop,
        .destroy = destroy,
    };
    ht_source_init(&live->source, &live->source_ops,
                   options->name != NULL ? options->name : options->type, options->clock);
    live->options.name = NULL; /* the copy counts */
    ht_timer_init(&live->try_timer, on_try);
    ht_timer_init(&live->stall_timer, on_stall_due);
    ht_timer_init(&live->stop_timer, on_stop_due);
    ht_timer_init(&live->fail_timer, on_fail_due);
}

void ht_live_finish(struct ht_live *live)
{
    HT_ASSERT(live->magic == MAGIC && !live->is_attempting);
    ht_timer_stop(live->options.timers, &live->try_timer);
    ht_timer_stop(live->options.timers, &live->stall_timer);
    ht_timer_stop(live->options.timers, &live->stop_timer);
    ht_timer_stop(live->options.timers, &live->fail_timer);
    free(live->collected);
    live->collected = NULL;
    live->magic = 0;
}

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor)
{
    struct ht_live *live = from_source(source);
    live->sink = sink;
    cursor = ht_source_cursor_own(cursor, source->name);
    if (cursor.length > 0 && live->ops->set_cursor != NULL) {
        live->ops->set_cursor(live, cursor);
    }
    ht_health_set(&source->health, HT_HEALTH_STARTING, "connecting to %s", live->ops->service);
    set_link(live, HT_SOURCE_LINK_CONNECTING);
    ht_timer_start(live->options.timers, &live->try_timer, 0);
}

static void on_try(struct ht_timer *timer)
{
    struct ht_live *live = HT_CONTAINER_OF(timer, struct ht_live, try_timer);
    HT_ASSERT(!live->is_attempting && !live->is_stopping);
    live->is_attempting = true;
    live->is_connected = false;
    live->has_streamed = false;
    live->is_closing = false;
    live->is_stalled = false;
    live->is_given_up = false;
    live->source.connection.next_try_s = 0;
    set_link(live, HT_SOURCE_LINK_CONNECTING);
    live->ops->connect(live);
}

void ht_live_connected(struct ht_live *live)
{
    HT_ASSERT(live->is_attempting && !live->is_connected);
    if (live->is_closing) {
        return; /* too late */
    }
    live->is_connected = true;
    live->connected_ms = now_ms(live);
    live->last_byte_ms = live->connected_ms;
    live->source.connection.connects++;
    set_link(live, HT_SOURCE_LINK_CONNECTED);
    ht_health_set(&live->source.health, HT_HEALTH_WORKING, "%s", "");
    ht_log_info(live->options.log, "source", "connected", HT_TEXT("source", live->source.name),
                HT_TEXT("service", live->ops->service));
    ht_timer_start(live->options.timers, &live->stall_timer, live->options.stall_timeout_ms);
    if (live->is_sink_full) {
        hold_back(live);
    }
}

void ht_live_received(struct ht_live *live, size_t count)
{
    struct ht_source_connection *connection = &live->source.connection;
    if (count == 0) {
        return;
    }
    live->has_streamed = live->is_connected;
    live->last_byte_ms = now_ms(live);
    connection->received_bytes += count;
    connection->last_byte_s = ht_clock_wall_s(live->options.clock);
    if (is_taking(live)) {
        ht_health_succeed(&live->source.health);
    }
}

static void on_stall_due(struct ht_timer *timer)
{
    struct ht_live *live = HT_CONTAINER_OF(timer, struct ht_live, stall_timer);
    uint64_t silent_ms = now_ms(live) - live->last_byte_ms;
    uint64_t patience_ms = live->options.stall_timeout_ms;
    if (!live->is_sink_full && silent_ms >= patience_ms) {
        live->is_stalled = true;
        close_attempt(live);
        return;
    }
    ht_timer_start(live->options.timers, timer,
                   live->is_sink_full ? patience_ms : patience_ms - silent_ms);
}

static void close_attempt(struct ht_live *live)
{
    if (live->is_attempting && !live->is_closing) {
        live->is_closing = true;
        ht_timer_stop(live->options.timers, &live->stall_timer);
        live->ops->close(live);
    }
}

/* Whether messages of the connection count: none do once it is given up. */
static bool is_taking(const struct ht_live *live)
{
    return live->is_attempting && !live->is_closing && !live->is_stopping;
}

void ht_live_message(struct ht_live *live, struct ht_slice message)
{
    if (!is_taking(live)) {
        return;
    }
    if (live->collected_count == live->collected_capacity) {
        size_t capacity =
            live->collected_capacity == 0 ? FIRST_COLLECTED : live->collected_capacity * 2;
        struct ht_slice *longer = realloc(live->collected, capacity * sizeof(*longer));
        if (longer == NULL) {
            struct ht_error error;
            ht_error_set(&error, HT_ENOMEM, "out of memory for its messages");
            live->source.connection.gaps++;
            ht_live_give_up(live, HT_SOURCE_END_NETWORK, &error);
            return;
        }
        live->collected = longer;
        live->collected_capacity = capacity;
    }
    live->collected[live->collected_count++] = message;
}

void ht_live_refuse(struct ht_live *live, struct ht_slice bytes, const char *reason)
{
    if (!live->is_stopping) {
        live->sink->ops->refuse(live->sink, &live->source, bytes, reason);
        live->has_news = true;
    }
}

void ht_live_deliver(struct ht_live *live)
{
    struct ht_source *source = &live->source;
    size_t count = live->collected_count;
    live->collected_count = 0;
    if ((count == 0 && !live->has_news) || live->is_stopping) {
        return;
    }
    char text[HT_SOURCE_OWN_CURSOR_BYTES];
    size_t length = live->ops->cursor != NULL ? live->ops->cursor(live, text) : 0;
    live->has_news = false;
    source->position += count;
    if (count > 0) {
        source->connection.last_message_s = ht_clock_wall_s(live->options.clock);
        ht_rate_add(&source->messages, now_ms(live), count);
    }
    /* what is refused must not outrun the sink either, so it is asked without a message too */
    if (!live->sink->ops->deliver(live->sink, source, live->collected, count,
                                  ht_slice_make(text, length))) {
        live->is_sink_full = true;
        hold_back(live);
    }
}

void ht_live_move_cursor(struct ht_live *live)
{
    live->has_news = true;
    ht_live_deliver(live);
}

/* Stops reading where there is something to read. */
static void hold_back(struct ht_live *live)
{
    if (!live->is_connected || !is_taking(live) ||
        live->source.connection.link == HT_SOURCE_LINK_PAUSED) {
        return;
    }
    live->source.connection.pauses++;
    set_link(live, HT_SOURCE_LINK_PAUSED);
    ht_health_set(&live->source.health, HT_HEALTH_PAUSED,
                  "holds %s back until there is room behind it", live->ops->service);
    live->ops->pause(live);
}

static void resume(struct ht_source *source)
{
    struct ht_live *live = from_source(source);
    live->is_sink_full = false;
    if (source->connection.link != HT_SOURCE_LINK_PAUSED || !is_taking(live)) {
        return;
    }
    live->last_byte_ms = now_ms(live); /* what came meanwhile was not looked at */
    set_link(live, HT_SOURCE_LINK_CONNECTED);
    ht_health_set(&source->health, HT_HEALTH_WORKING, "%s", "");
    live->ops->resume(live);
}

void ht_live_give_up(struct ht_live *live, enum ht_source_end end, const struct ht_error *error)
{
    if (!is_taking(live)) {
        return;
    }
    live->is_given_up = true;
    live->given_up_as = end;
    live->given_up_error = error != NULL ? *error : (struct ht_error){0};
    ht_live_deliver(live); /* what came before counts, and its bytes are there now */
    close_attempt(live);
}

void ht_live_ended(struct ht_live *live, const struct ht_live_end *end)
{
    HT_ASSERT(live->is_attempting);
    live->is_attempting = false;
    live->collected_count = 0;
    ht_timer_stop(live->options.timers, &live->stall_timer);
    if (live->is_stopping) {
        ht_timer_start(live->options.timers, &live->stop_timer, 0);
    } else {
        wait_for_try(live, end);
    }
    live->is_connected = false;
}

void ht_live_fail(struct ht_live *live, enum ht_source_end end, const struct ht_error *error)
{
    HT_ASSERT(live->is_attempting);
    live->failed_error = *error;
    live->failed = (struct ht_live_end){.end = end, .error = &live->failed_error};
    ht_timer_start(live->options.timers, &live->fail_timer, 0);
}

static void on_fail_due(struct ht_timer *timer)
{
    struct ht_live *live = HT_CONTAINER_OF(timer, struct ht_live, fail_timer);
    ht_live_ended(live, &live->failed);
}

static void wait_for_try(struct ht_live *live, const struct ht_live_end *end)
{
    struct ht_error error;
    struct ht_live_end reason = reason_of(live, end, &error);
    struct ht_reconnect_input input = {
        .end = reason.end,
        .has_streamed = live->has_streamed,
        .lived_ms = live->is_connected ? now_ms(live) - live->connected_ms : 0,
        .at_least_ms = reason.at_least_ms,
    };
    struct ht_reconnect_decision decision =
        ht_reconnect_decide(&live->reconnect, &input, live->options.random);
    live->source.connection.ends[reason.end]++;
    live->source.connection.next_try_s =
        (ht_clock_wall_ms(live->options.clock) + (int64_t)decision.wait_ms + MS_A_SECOND - 1) /
        MS_A_SECOND;
    set_link(live, HT_SOURCE_LINK_WAITING);
    tell(live, &decision, &reason);
    ht_timer_start(live->options.timers, &live->try_timer, decision.wait_ms);
}

/* Of a sentence, without its full stop: more follows. */
static int length_without_stop(const char *text)
{
    size_t length = strlen(text);
    bool is_sentence = length > 1 && text[length - 1] == '.' && text[length - 2] != '.';
    return (int)(is_sentence ? length - 1 : length);
}

/* What ended it: where we closed it, the reason for that, and not what the adapter saw of it. */
static struct ht_live_end reason_of(struct ht_live *live, const struct ht_live_end *end,
                                    struct ht_error *error)
{
    struct ht_live_end reason = *end;
    if (live->is_given_up) {
        reason = (struct ht_live_end){live->given_up_as, &live->given_up_error, end->at_least_ms};
    } else if (live->is_stalled) {
        ht_error_set(error, HT_ETIMEDOUT, "no byte came for %" PRIu64 " s",
                     live->options.stall_timeout_ms / MS_A_SECOND);
        reason = (struct ht_live_end){HT_SOURCE_END_STALLED, error, 0};
    }
    if (reason.error == NULL || reason.error->text[0] == '\0') {
        ht_error_set(error, HT_ECONNECTION, "%s", ht_source_end_text(reason.end));
        reason.error = error;
    }
    return reason;
}

static void tell(struct ht_live *live, const struct ht_reconnect_decision *decision,
                 const struct ht_live_end *end)
{
    char when[TRY_TEXT_BYTES];
    struct ht_error error;
    const char *text = end->error->text;
    /* what it is and when must be there, even where the service has much to say */
    int room = HT_ERROR_TEXT_BYTES - TRY_TEXT_BYTES - (int)strlen(live->ops->service) - 4;
    int length = length_without_stop(text);
    bool is_long = length > room;
    while (is_long && room > 0 && (text[room - 3] & 0xC0) == 0x80) {
        room--; /* at the border of a character */
    }
    ht_error_set(&error, end->error->code, "%s: %.*s%s; %s", live->ops->service,
                 is_long ? room - 3 : length, text, is_long ? "..." : "",
                 try_text(decision->wait_ms, live->source.connection.next_try_s, when));
    put_in_line(error.text);
    ht_log_debug(live->options.log, "source", "the connection ended",
                 HT_TEXT("source", live->source.name),
                 HT_TEXT("reason", ht_source_end_name(end->end)),
                 HT_NUMBER("wait_ms", decision->wait_ms), HT_TEXT("error", text));
    ht_health_fail(&live->source.health,
                   decision->needs_person ? HT_HEALTH_FAILED : HT_HEALTH_WAITING, &error);
}

/* What a service says may hold anything, and terminals obey control characters. */
static void put_in_line(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7F) {
            *text = ' ';
        }
    }
}

/* The time of day, which is still true when somebody reads it; no wait is as long as a day. */
static const char *try_text(uint64_t wait_ms, int64_t at_s, char text[TRY_TEXT_BYTES])
{
    enum { TIME_AT = 11, TIME_BYTES = 8 };
    char time[HT_TIME_UTC_BYTES];
    if (wait_ms == 0) {
        (void)snprintf(text, TRY_TEXT_BYTES, "connecting again");
    } else {
        (void)snprintf(text, TRY_TEXT_BYTES, "next try at %.*s UTC", TIME_BYTES,
                       ht_time_format_utc(at_s * MS_A_SECOND, time) + TIME_AT);
    }
    return text;
}

static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user)
{
    struct ht_live *live = from_source(source);
    HT_ASSERT(!live->is_stopping);
    live->is_stopping = true;
    live->on_stopped = on_stopped;
    live->on_stopped_user = user;
    live->collected_count = 0;
    ht_timer_stop(live->options.timers, &live->try_timer);
    ht_health_set(&source->health, HT_HEALTH_STOPPED, "%s", "");
    if (live->is_attempting) {
        close_attempt(live);
    } else {
        ht_timer_start(live->options.timers, &live->stop_timer, 0);
    }
}

static void on_stop_due(struct ht_timer *timer)
{
    struct ht_live *live = HT_CONTAINER_OF(timer, struct ht_live, stop_timer);
    live->source.connection.next_try_s = 0;
    set_link(live, HT_SOURCE_LINK_CLOSED);
    live->on_stopped(live->on_stopped_user);
}

static void destroy(struct ht_source *source)
{
    if (source != NULL) {
        struct ht_live *live = from_source(source);
        HT_ASSERT(!live->is_attempting);
        live->ops->destroy(live);
    }
}

void ht_live_note_time(struct ht_live *live, int64_t message_wall_ms)
{
    int64_t age_ms = ht_clock_wall_ms(live->options.clock) - message_wall_ms;
    live->source.connection.behind_ms = age_ms > 0 ? age_ms : 0;
}

static void set_link(struct ht_live *live, enum ht_source_link link)
{
    struct ht_source_connection *connection = &live->source.connection;
    if (connection->link != link) {
        connection->link = link;
        connection->since_s = ht_clock_wall_s(live->options.clock);
    }
}

static uint64_t now_ms(const struct ht_live *live)
{
    return ht_clock_monotonic_ms(live->options.clock);
}

static struct ht_live *from_source(struct ht_source *source)
{
    struct ht_live *live = HT_CONTAINER_OF(source, struct ht_live, source);
    HT_ASSERT(live->magic == MAGIC);
    return live;
}
