// SPDX-License-Identifier: MIT
#include "events.h"

#include "admin_internal.h"
#include "deletion.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/net/sse.h"

#include <stdlib.h>

enum {
    CLIENT_MAGIC = 0x65766373,
    STATUS_TICKS = 5,
    STATE_DELAY_MS = 100,
    DELETIONS_AT_ONCE_BYTES = 65536,
};

/* A list that at least one client looks at. */
struct ht_events_channel {
    enum ht_tally_window window;
    uint32_t limit;
    size_t client_count;
    uint64_t version;           /* of the tally, when `frame` was built */
    struct ht_http_body *frame; /* the last `top`; owned reference; may be NULL */
    struct ht_events_channel *next;
};

struct ht_events_client {
    uint32_t magic;
    struct ht_events *events;
    struct ht_sse *sse;
    struct ht_events_channel *channel; /* borrowed from the list */
    struct ht_events_client *next;
};

static struct ht_events_channel *hold_channel(struct ht_events *events, enum ht_tally_window window,
                                              uint32_t limit);
static void on_gone(void *user);
static void drop_client(struct ht_events_client *client);
static void send_to_all(struct ht_events *events, const char *name, struct ht_buffer *json);
static void on_state_due(struct ht_timer *timer);
static void on_deletions_due(struct ht_timer *timer);
static void on_record(void *user, const struct ht_archiver_record *record);

void ht_events_init(struct ht_events *events, struct ht_admin *admin)
{
    *events = (struct ht_events){.admin = admin};
    ht_timer_init(&events->state_timer, on_state_due);
    ht_timer_init(&events->deletions_timer, on_deletions_due);
    ht_buffer_init(&events->deletions, HT_ADMIN_MAX_ANSWER_BYTES);
    if (admin->context.archiver != NULL) {
        ht_archiver_listen(admin->context.archiver, on_record, events);
    }
}

/* Frames */

static struct ht_http_body *take_frame(const char *name, struct ht_buffer *json)
{
    struct ht_http_body *frame = NULL;
    if (ht_buffer_status(json) == 0) {
        frame = ht_sse_format(name, ht_buffer_slice(json));
    }
    ht_buffer_finish(json);
    return frame;
}

static struct ht_http_body *build_status(struct ht_events *events)
{
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    ht_status_format(events->admin, &json);
    return take_frame("status", &json);
}

/* The channel's list as it is now, built anew only where something changed. */
static void refresh(struct ht_events *events, struct ht_events_channel *channel)
{
    struct ht_tally *tally = events->admin->context.tally;
    uint64_t version = ht_tally_version(tally);
    if (channel->frame != NULL && channel->version == version) {
        return;
    }
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    struct ht_list_query query = {
        .window = channel->window, .limit = channel->limit, .has_series = true};
    if (ht_list_format(tally, &query, &json) != 0) {
        ht_buffer_finish(&json);
        return;
    }
    ht_http_body_release(channel->frame);
    channel->frame = take_frame("top", &json);
    channel->version = version;
}

/* Clients */

void ht_events_add(struct ht_events *events, struct ht_http_request *request,
                   enum ht_tally_window window, uint32_t limit)
{
    struct ht_events_client *client = NULL;
    if (events->client_count >= HT_EVENTS_MAX_CLIENTS || events->is_closed) {
        ht_http_respond_problem(request, 503, "Too many clients listen to events already.");
        return;
    }
    struct ht_events_channel *channel = hold_channel(events, window, limit);
    client = channel == NULL ? NULL : calloc(1, sizeof(*client));
    if (client == NULL) {
        ht_http_respond_problem(request, 503, "Out of memory; try again in a moment.");
        return;
    }
    struct ht_sse_options options = {.on_gone = on_gone, .user = client};
    if (ht_sse_begin(request, &options, &client->sse) != 0) { /* answered already */
        free(client);
        return;
    }
    client->magic = CLIENT_MAGIC;
    client->events = events;
    client->channel = channel;
    channel->client_count++;
    client->next = events->clients;
    events->clients = client;
    events->client_count++;
    refresh(events, channel);
    if (channel->frame != NULL) {
        ht_sse_send_frame(client->sse, channel->frame);
    }
    struct ht_http_body *status = build_status(events);
    if (status != NULL) {
        ht_sse_send_frame(client->sse, status);
    }
    ht_http_body_release(status);
}

static struct ht_events_channel *hold_channel(struct ht_events *events, enum ht_tally_window window,
                                              uint32_t limit)
{
    for (struct ht_events_channel *at = events->channels; at != NULL; at = at->next) {
        if (at->window == window && at->limit == limit) {
            return at;
        }
    }
    struct ht_events_channel *channel = calloc(1, sizeof(*channel));
    if (channel != NULL) {
        channel->window = window;
        channel->limit = limit;
        channel->next = events->channels;
        events->channels = channel;
    }
    return channel;
}

static void on_gone(void *user)
{
    struct ht_events_client *client = user;
    HT_ASSERT(client->magic == CLIENT_MAGIC);
    drop_client(client);
}

static void drop_client(struct ht_events_client *client)
{
    struct ht_events *events = client->events;
    struct ht_events_client **at = &events->clients;
    while (*at != client) {
        at = &(*at)->next;
    }
    *at = client->next;
    events->client_count--;
    client->channel->client_count--;
    client->magic = 0;
    free(client);
}

/* Ticks */

static void drop_empty_channels(struct ht_events *events)
{
    for (struct ht_events_channel **at = &events->channels; *at != NULL;) {
        struct ht_events_channel *channel = *at;
        if (channel->client_count > 0) {
            at = &channel->next;
            continue;
        }
        *at = channel->next;
        ht_http_body_release(channel->frame);
        free(channel);
    }
}

static void send_tops(struct ht_events *events)
{
    for (struct ht_events_channel *channel = events->channels; channel != NULL;
         channel = channel->next) {
        struct ht_http_body *before = channel->frame;
        uint64_t version = channel->version;
        refresh(events, channel);
        if (channel->frame == NULL || (channel->frame == before && channel->version == version)) {
            continue;
        }
        for (struct ht_events_client *at = events->clients; at != NULL; at = at->next) {
            if (at->channel == channel) {
                ht_sse_send_frame(at->sse, channel->frame);
            }
        }
    }
}

static void send_rates(struct ht_events *events)
{
    const struct ht_admin_context *context = &events->admin->context;
    uint64_t now_ms = ht_clock_monotonic_ms(context->clock);
    uint64_t lag_records = 0;
    int64_t lag_ms = 0;
    for (size_t i = 0; i < ht_count_shard_count(context->count); i++) {
        struct ht_count_shard_status shard;
        ht_count_shard_get(context->count, i, &shard);
        lag_records += shard.behind_records;
        lag_ms = shard.behind_ms > lag_ms ? shard.behind_ms : lag_ms;
    }
    struct ht_buffer json;
    ht_buffer_init(&json, 4096);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, &json);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "at");
    ht_json_write_i64(&writer, ht_clock_wall_s(context->clock));
    ht_json_write_key(&writer, "tweets");
    ht_json_write_real(&writer, ht_rate_per_second(ht_count_tweet_rate(context->count), now_ms));
    ht_json_write_key(&writer, "hashtags");
    ht_json_write_real(&writer, ht_rate_per_second(ht_count_hashtag_rate(context->count), now_ms));
    ht_json_write_key(&writer, "lag_seconds");
    ht_json_write_real(&writer, (double)lag_ms / 1000);
    ht_json_write_key(&writer, "lag_records");
    ht_json_write_u64(&writer, lag_records);
    ht_json_write_object_end(&writer);
    send_to_all(events, "rates", &json);
}

static void send_status(struct ht_events *events)
{
    struct ht_http_body *frame = build_status(events);
    for (struct ht_events_client *at = events->clients; frame != NULL && at != NULL;
         at = at->next) {
        ht_sse_send_frame(at->sse, frame);
    }
    ht_http_body_release(frame);
}

void ht_events_tick(struct ht_events *events)
{
    events->ticks++;
    drop_empty_channels(events);
    if (events->clients == NULL) {
        return;
    }
    send_tops(events);
    send_rates(events);
    if (events->ticks % STATUS_TICKS == 0) {
        send_status(events);
    }
}

static void send_to_all(struct ht_events *events, const char *name, struct ht_buffer *json)
{
    struct ht_http_body *frame = take_frame(name, json);
    for (struct ht_events_client *at = events->clients; frame != NULL && at != NULL;
         at = at->next) {
        ht_sse_send_frame(at->sse, frame);
    }
    ht_http_body_release(frame);
}

/* What happens between ticks */

void ht_events_note_state(struct ht_events *events)
{
    if (events->clients != NULL && !ht_timer_is_running(&events->state_timer)) {
        ht_timer_start(events->admin->context.timers, &events->state_timer, STATE_DELAY_MS);
    }
}

static void on_state_due(struct ht_timer *timer)
{
    send_status(HT_CONTAINER_OF(timer, struct ht_events, state_timer));
}

/* A thousand hashtags may expire at once: a write for each and every client would hold the loop. */
static void send_deletions(struct ht_events *events)
{
    struct ht_http_body *frames = ht_http_body_create(ht_buffer_slice(&events->deletions));
    for (struct ht_events_client *at = events->clients; frames != NULL && at != NULL;
         at = at->next) {
        ht_sse_send_frame(at->sse, frames);
    }
    ht_http_body_release(frames);
    ht_buffer_finish(&events->deletions);
    ht_buffer_init(&events->deletions, HT_ADMIN_MAX_ANSWER_BYTES);
}

static void on_deletions_due(struct ht_timer *timer)
{
    send_deletions(HT_CONTAINER_OF(timer, struct ht_events, deletions_timer));
}

static void on_record(void *user, const struct ht_archiver_record *record)
{
    struct ht_events *events = user;
    if (events->clients == NULL) {
        return;
    }
    struct ht_buffer json;
    ht_buffer_init(&json, HT_ADMIN_MAX_ANSWER_BYTES);
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, &json);
    ht_deletion_format(record, true, &writer);
    struct ht_http_body *frame = take_frame("deleted", &json);
    if (frame != NULL) {
        (void)ht_buffer_append_slice(&events->deletions, ht_http_body_slice(frame));
        ht_http_body_release(frame);
    }
    if (events->deletions.length >= DELETIONS_AT_ONCE_BYTES) {
        send_deletions(events);
    } else if (!ht_timer_is_running(&events->deletions_timer)) {
        ht_timer_start(events->admin->context.timers, &events->deletions_timer, 0);
    }
}

/* The end */

void ht_events_close(struct ht_events *events)
{
    events->is_closed = true;
    ht_timer_stop(events->admin->context.timers, &events->state_timer);
    ht_timer_stop(events->admin->context.timers, &events->deletions_timer);
    send_deletions(events);
    if (events->admin->context.archiver != NULL) {
        ht_archiver_listen(events->admin->context.archiver, NULL, NULL);
    }
    struct ht_events_client *next;
    for (struct ht_events_client *client = events->clients; client != NULL; client = next) {
        next = client->next;
        ht_sse_close(client->sse);
        drop_client(client);
    }
}

void ht_events_finish(struct ht_events *events)
{
    HT_ASSERT(events->clients == NULL);
    ht_buffer_finish(&events->deletions);
    drop_empty_channels(events);
}
