// SPDX-License-Identifier: MIT
#include "fake_transport.h"

#include "fuzz.h"

struct fake_transport fake_transport;

static void take(size_t bytes);

void fake_transport_reset(void)
{
    fake_transport = (struct fake_transport){.room = SIZE_MAX};
    ht_buffer_init(&fake_transport.sent, 256u << 20);
    ht_buffer_init(&fake_transport.queue, 256u << 20);
}

void fake_transport_finish(void)
{
    ht_buffer_finish(&fake_transport.sent);
    ht_buffer_finish(&fake_transport.queue);
}

int ht_transport_accept(struct ht_transport *transport, uv_stream_t *listener,
                        const struct ht_transport_options *options, bool *is_open)
{
    (void)listener;
    transport->options = *options;
    transport->tcp.io_watcher.fd = -1;
    fake_transport.transport = transport;
    *is_open = true;
    return 0;
}

void ht_transport_read_start(struct ht_transport *transport)
{
    (void)transport;
    fake_transport.is_reading = !fake_transport.has_ended && !fake_transport.is_closing;
}

void ht_transport_read_stop(struct ht_transport *transport)
{
    (void)transport;
    fake_transport.is_reading = false;
}

void ht_transport_send(struct ht_transport *transport, struct ht_http_body *piece)
{
    (void)transport;
    if (!fake_transport.is_closing && piece != fake_transport.left_out) {
        ht_buffer_append_slice(&fake_transport.queue, ht_http_body_slice(piece));
        FUZZ_CHECK(ht_buffer_status(&fake_transport.queue) == 0, "output without end");
    }
}

void ht_transport_flush(struct ht_transport *transport)
{
    (void)transport;
    if (!fake_transport.is_closing) {
        size_t bytes = fake_transport.room;
        take(bytes);
        fake_transport.room = bytes == SIZE_MAX ? SIZE_MAX : 0;
    }
}

static void take(size_t bytes)
{
    struct ht_buffer *queue = &fake_transport.queue;

    bytes = bytes < queue->length ? bytes : queue->length;
    if (bytes > 0) {
        ht_buffer_append(&fake_transport.sent, queue->data, bytes);
        ht_buffer_drop_front(queue, bytes);
    }
}

size_t ht_transport_unsent_bytes(const struct ht_transport *transport)
{
    (void)transport;
    return fake_transport.queue.length;
}

uint64_t ht_transport_sent_bytes(const struct ht_transport *transport)
{
    (void)transport;
    return fake_transport.sent.length;
}

void ht_transport_shutdown(struct ht_transport *transport)
{
    (void)transport;
    fake_transport.is_shut = true;
}

void ht_transport_close(struct ht_transport *transport)
{
    (void)transport;
    fake_transport.is_closing = true;
    fake_transport.is_reading = false;
}

void fake_transport_receive(struct ht_slice bytes)
{
    FUZZ_CHECK(fake_transport.is_reading, "nobody reads");
    fake_transport.transport->options.events->on_data(fake_transport.transport, bytes);
}

void fake_transport_end(void)
{
    if (!fake_transport.is_closing && !fake_transport.has_ended) {
        fake_transport.has_ended = true;
        fake_transport.is_reading = false;
        fake_transport.transport->options.events->on_end(fake_transport.transport, 0);
    }
}

void fake_transport_break(void)
{
    if (!fake_transport.is_closing) {
        fake_transport.has_ended = true;
        fake_transport.is_reading = false;
        fake_transport.transport->options.events->on_end(fake_transport.transport, UV_ECONNRESET);
        FUZZ_CHECK(fake_transport.is_closing, "it keeps a broken connection");
    }
}

void fake_transport_drain(size_t bytes)
{
    bool had_some = fake_transport.queue.length > 0;

    if (fake_transport.is_closing) {
        return;
    }
    take(bytes);
    if (had_some && fake_transport.queue.length == 0) {
        fake_transport.transport->options.events->on_drained(fake_transport.transport);
    }
}

bool fake_transport_closed(void)
{
    struct ht_transport *transport = fake_transport.transport;

    if (transport == NULL || !fake_transport.is_closing) {
        return false;
    }
    fake_transport.transport = NULL;
    transport->options.events->on_closed(transport);
    return true;
}
