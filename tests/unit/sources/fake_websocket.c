// SPDX-License-Identifier: MIT
#include "fake_websocket.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

struct fake_websocket fake_websocket;

static void on_end_due(struct ht_timer *timer);
static void end_later(int code);

void fake_websocket_reset(struct ht_timer_queue *timers)
{
    memset(&fake_websocket, 0, sizeof(fake_websocket));
    fake_websocket.timers = timers;
    ht_timer_init(&fake_websocket.end_timer, on_end_due);
}

int ht_websocket_open(struct ht_http_client *client, const struct ht_websocket_options *options,
                      struct ht_websocket **socket, struct ht_error *error)
{
    struct fake_websocket *fake = &fake_websocket;
    (void)client;
    HT_ASSERT(!fake->is_there);
    fake->opened++;
    HT_ASSERT(strlen(options->url) < sizeof(fake->url));
    memcpy(fake->url, options->url, strlen(options->url) + 1);
    if (fake->refuses_to_open) {
        return ht_error_set(error, HT_EINVAL, "This is no address");
    }
    fake->options = *options;
    fake->max_message_bytes = options->max_message_bytes;
    fake->max_unsent_bytes = options->max_unsent_bytes;
    fake->is_there = true;
    fake->is_open = fake->is_paused = false;
    *socket = (struct ht_websocket *)(void *)fake;
    return 0;
}

int ht_websocket_send(struct ht_websocket *socket, enum ht_websocket_kind kind,
                      struct ht_slice bytes)
{
    struct fake_websocket *fake = (void *)socket;
    HT_ASSERT(fake == &fake_websocket && fake->is_open && kind == HT_WEBSOCKET_TEXT);
    HT_ASSERT(bytes.length <= sizeof(fake->sent) && bytes.length <= fake->max_unsent_bytes);
    memcpy(fake->sent, bytes.data, bytes.length);
    fake->sent_length = bytes.length;
    return 0;
}

void ht_websocket_ping(struct ht_websocket *socket)
{
    HT_ASSERT((void *)socket == &fake_websocket && fake_websocket.is_open);
    fake_websocket.pings++;
}

void ht_websocket_close(struct ht_websocket *socket, unsigned code)
{
    HT_ASSERT((void *)socket == &fake_websocket && fake_websocket.is_there);
    fake_websocket.closes++;
    fake_websocket.close_code = code;
    end_later(0);
}

void ht_websocket_cancel(struct ht_websocket *socket)
{
    HT_ASSERT((void *)socket == &fake_websocket && fake_websocket.is_there);
    fake_websocket.cancels++;
    end_later(HT_ECANCELED);
}

void ht_websocket_pause(struct ht_websocket *socket)
{
    HT_ASSERT((void *)socket == &fake_websocket && fake_websocket.is_open);
    fake_websocket.pauses++;
    fake_websocket.is_paused = true;
}

void ht_websocket_resume(struct ht_websocket *socket)
{
    HT_ASSERT((void *)socket == &fake_websocket && fake_websocket.is_open);
    fake_websocket.resumes++;
    fake_websocket.is_paused = false;
}

static void end_later(int code)
{
    if (!ht_timer_is_running(&fake_websocket.end_timer)) {
        fake_websocket.end_code = code;
        ht_timer_start(fake_websocket.timers, &fake_websocket.end_timer, 0);
    }
}

static void on_end_due(struct ht_timer *timer)
{
    (void)timer;
    fake_websocket_end((struct ht_websocket_end){
        .code = fake_websocket.end_code,
        .error_text = fake_websocket.end_code == 0 ? "" : "Canceled",
        .close_code = fake_websocket.end_code == 0 ? 1000 : 0,
    });
}

void fake_websocket_agree(void)
{
    HT_ASSERT(fake_websocket.is_there && !fake_websocket.is_open);
    fake_websocket.is_open = true;
    bool has_date = fake_websocket.date != NULL;
    const struct ht_http_header date = {HT_SLICE("Date"),
                                        ht_slice_text(has_date ? fake_websocket.date : "")};
    fake_websocket.options.on_open(fake_websocket.options.user, &date, has_date ? 1 : 0);
}

void fake_websocket_bytes(size_t count)
{
    HT_ASSERT(fake_websocket.is_there);
    fake_websocket.options.on_bytes(fake_websocket.options.user, count);
}

void fake_websocket_say(enum ht_websocket_kind kind, struct ht_slice bytes)
{
    struct fake_websocket *fake = &fake_websocket;
    /* Of its own, so that whoever keeps the bytes is found. */
    char *copy = malloc(bytes.length + 1);
    HT_ASSERT(fake->is_open && copy != NULL);
    memcpy(copy, bytes.data, bytes.length);
    fake_websocket_bytes(bytes.length + 2);
    if (!ht_timer_is_running(&fake->end_timer)) {
        fake->options.on_message(fake->options.user, kind, ht_slice_make(copy, bytes.length));
    }
    free(copy);
}

void fake_websocket_text(const char *text)
{
    fake_websocket_say(HT_WEBSOCKET_TEXT, ht_slice_text(text));
}

void fake_websocket_read_end(void)
{
    if (!ht_timer_is_running(&fake_websocket.end_timer)) {
        fake_websocket.options.on_read_end(fake_websocket.options.user);
    }
}

void fake_websocket_end(struct ht_websocket_end end)
{
    struct fake_websocket *fake = &fake_websocket;
    HT_ASSERT(fake->is_there);
    ht_timer_stop(fake->timers, &fake->end_timer);
    end.was_open = fake->is_open;
    end.error_text = end.error_text == NULL ? "" : end.error_text;
    fake->is_there = fake->is_open = false;
    fake->options.on_end(fake->options.user, &end);
}
