// SPDX-License-Identifier: MIT
#include "transport.h"

#include "hashtagd/base/assert.h"
#include "tls_internal.h"

#include <stdlib.h>

/*
 * Out:  send -> [ segments ] -> flush: uv_try_write of many pieces at once
 *                                 | the kernel is full
 *                                 v
 *                               uv_write of the same -> on_written -> flush again
 * With TLS the segments are encrypted into `cipher` first, which is then written.
 */

#define TRANSPORT_MAGIC       0x48745470u /* "HtTp" */
#define PIECES_A_WRITE        16
#define WRITE_MAX_BYTES       (256u * 1024u)
#define CIPHER_HIGH_BYTES     (128u * 1024u)
#define CIPHER_MAX_BYTES      (1024u * 1024u)
#define PLAIN_TEXT_STEP_BYTES 16384

struct ht_transport_segment {
    struct ht_transport_segment *next;
    struct ht_http_body *piece; /* one reference */
};

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer);
static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);
static void read_cipher(struct ht_transport *transport, struct ht_slice cipher);
static void tell_end(struct ht_transport *transport, int status);
static size_t gather(struct ht_transport *transport, uv_buf_t *pieces, size_t *bytes);
static void encrypt(struct ht_transport *transport);
static void advance(struct ht_transport *transport, size_t bytes);
static void drop_plain(struct ht_transport *transport, size_t bytes);
static void on_written(uv_write_t *write, int status);
static void finish_shutdown(struct ht_transport *transport);
static void on_shutdown(uv_shutdown_t *request, int status);
static void fail(struct ht_transport *transport, int status);
static void on_fail_due(struct ht_timer *timer);
static void on_uv_closed(uv_handle_t *handle);
static struct ht_transport *transport_from(void *pointer);

int ht_transport_accept(struct ht_transport *transport, uv_stream_t *listener,
                        const struct ht_transport_options *options, bool *is_open)
{
    transport->magic = TRANSPORT_MAGIC;
    transport->options = *options;
    ht_buffer_init(&transport->cipher, CIPHER_MAX_BYTES);
    ht_timer_init(&transport->fail_timer, on_fail_due);
    int status = uv_tcp_init(listener->loop, &transport->tcp);
    *is_open = status == 0;
    if (status != 0) {
        ht_tls_session_destroy(transport->options.tls);
        transport->options.tls = NULL;
        return status;
    }
    transport->tcp.data = transport;
    status = uv_accept(listener, (uv_stream_t *)&transport->tcp);
    if (status == 0) {
        uv_tcp_nodelay(&transport->tcp, 1);
    }
    return status;
}

void ht_transport_read_start(struct ht_transport *transport)
{
    if (transport->is_reading || transport->has_ended || transport->is_closing) {
        return;
    }
    transport->is_reading = true;
    int status = uv_read_start((uv_stream_t *)&transport->tcp, on_alloc, on_read);
    if (status != 0) {
        fail(transport, status);
    }
}

void ht_transport_read_stop(struct ht_transport *transport)
{
    if (transport->is_reading) {
        transport->is_reading = false;
        uv_read_stop((uv_stream_t *)&transport->tcp);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct ht_transport *transport = transport_from(handle->data);

    (void)suggested;
    *buffer = uv_buf_init(transport->options.read_memory,
                          (unsigned int)transport->options.read_memory_bytes);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct ht_transport *transport = transport_from(stream->data);

    if (count == 0 || transport->is_closing) {
        return;
    }
    if (count < 0) {
        tell_end(transport, count == UV_EOF ? 0 : (int)count);
        return;
    }
    struct ht_slice data = ht_slice_make(buffer->base, (size_t)count);
    if (transport->options.tls == NULL) {
        transport->options.events->on_data(transport, data);
    } else {
        read_cipher(transport, data);
    }
}

static void read_cipher(struct ht_transport *transport, struct ht_slice cipher)
{
    char plain[PLAIN_TEXT_STEP_BYTES];
    size_t length = 0;
    enum ht_tls_read result = HT_TLS_READ_FAILED;

    if (ht_tls_session_feed(transport->options.tls, cipher) == 0) {
        do {
            result = ht_tls_session_read(transport->options.tls, plain, sizeof plain, &length);
            if (result == HT_TLS_READ_DATA) {
                transport->options.events->on_data(transport, ht_slice_make(plain, length));
            }
        } while (result == HT_TLS_READ_DATA && !transport->is_closing);
    }
    if (transport->is_closing) {
        return;
    }
    /* the handshake's answers, an alert, or what waited for the handshake */
    ht_transport_flush(transport);
    if (result == HT_TLS_READ_END || result == HT_TLS_READ_FAILED) {
        tell_end(transport, result == HT_TLS_READ_END ? 0 : UV_EPROTO);
    }
}

static void tell_end(struct ht_transport *transport, int status)
{
    if (transport->has_ended || transport->is_closing) {
        return;
    }
    ht_transport_read_stop(transport);
    transport->has_ended = true;
    transport->options.events->on_end(transport, status);
}

void ht_transport_send(struct ht_transport *transport, struct ht_http_body *piece)
{
    size_t length = ht_http_body_slice(piece).length;

    if (length == 0 || transport->is_closing || transport->failure != 0) {
        return;
    }
    struct ht_transport_segment *segment = malloc(sizeof *segment);
    if (segment == NULL) {
        fail(transport, UV_ENOMEM);
        return;
    }
    *segment = (struct ht_transport_segment){NULL, ht_http_body_hold(piece)};
    if (transport->last == NULL) {
        transport->first = segment;
    } else {
        transport->last->next = segment;
    }
    transport->last = segment;
    transport->queued_bytes += length;
}

void ht_transport_flush(struct ht_transport *transport)
{
    uv_buf_t pieces[PIECES_A_WRITE];

    while (transport->writing_bytes == 0 && transport->failure == 0 && !transport->is_closing) {
        size_t bytes;
        size_t count = gather(transport, pieces, &bytes);
        if (count == 0) {
            finish_shutdown(transport);
            return;
        }
        int sent = uv_try_write((uv_stream_t *)&transport->tcp, pieces, (unsigned int)count);
        if (sent < 0 && sent != UV_EAGAIN) {
            fail(transport, sent);
            return;
        }
        if (sent > 0) {
            advance(transport, (size_t)sent);
            continue;
        }
        transport->write.data = transport;
        int status = uv_write(&transport->write, (uv_stream_t *)&transport->tcp, pieces,
                              (unsigned int)count, on_written);
        if (status != 0) {
            fail(transport, status);
            return;
        }
        transport->writing_bytes = bytes;
    }
}

/* The next pieces to write, none where nothing waits. */
static size_t gather(struct ht_transport *transport, uv_buf_t *pieces, size_t *bytes)
{
    size_t count = 0;

    *bytes = 0;
    if (transport->options.tls != NULL) {
        encrypt(transport);
        if (transport->cipher.length > 0) {
            pieces[count++] =
                uv_buf_init(transport->cipher.data, (unsigned int)transport->cipher.length);
            *bytes = transport->cipher.length;
        }
        return count;
    }
    size_t offset = transport->first_offset;
    for (struct ht_transport_segment *segment = transport->first;
         segment != NULL && count < PIECES_A_WRITE && *bytes < WRITE_MAX_BYTES;
         segment = segment->next) {
        struct ht_slice piece = ht_http_body_slice(segment->piece);
        size_t length = piece.length - offset;
        length = length < WRITE_MAX_BYTES ? length : WRITE_MAX_BYTES;
        /* libuv does not write to it; its type has no const */
        pieces[count].base = (char *)(uintptr_t)(piece.data + offset);
        pieces[count++].len = length;
        *bytes += length;
        if (length < piece.length - offset) {
            break; /* the piece behind it must not overtake its rest */
        }
        offset = 0;
    }
    return count;
}

static void encrypt(struct ht_transport *transport)
{
    struct ht_tls_session *tls = transport->options.tls;

    int status = ht_tls_session_output(tls, &transport->cipher);
    while (status == 0 && transport->first != NULL &&
           transport->cipher.length < CIPHER_HIGH_BYTES) {
        struct ht_slice piece = ht_http_body_slice(transport->first->piece);
        int taken =
            ht_tls_session_write(tls, ht_slice_make(piece.data + transport->first_offset,
                                                    piece.length - transport->first_offset));
        if (taken <= 0) {
            status = taken;
            break;
        }
        drop_plain(transport, (size_t)taken);
        status = ht_tls_session_output(tls, &transport->cipher);
    }
    if (status == 0 && transport->shutdown_wanted && transport->first == NULL) {
        ht_tls_session_end(tls);
        status = ht_tls_session_output(tls, &transport->cipher);
    }
    if (status != 0) {
        fail(transport, UV_EPROTO);
    }
}

/* `bytes` of what gather() gave are with the kernel. */
static void advance(struct ht_transport *transport, size_t bytes)
{
    transport->sent_bytes_total += bytes;
    if (transport->options.tls != NULL) {
        ht_buffer_drop_front(&transport->cipher, bytes);
    } else {
        drop_plain(transport, bytes);
    }
}

static void drop_plain(struct ht_transport *transport, size_t bytes)
{
    transport->queued_bytes -= bytes;
    transport->first_offset += bytes;
    while (transport->first != NULL) {
        struct ht_transport_segment *segment = transport->first;
        size_t length = ht_http_body_slice(segment->piece).length;
        if (transport->first_offset < length) {
            break;
        }
        transport->first_offset -= length;
        transport->first = segment->next;
        transport->last = transport->first == NULL ? NULL : transport->last;
        ht_http_body_release(segment->piece);
        free(segment);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct ht_transport *transport = transport_from(write->data);
    size_t bytes = transport->writing_bytes;

    transport->writing_bytes = 0;
    if (transport->is_closing) {
        return;
    }
    if (status != 0) {
        fail(transport, status);
        return;
    }
    advance(transport, bytes);
    ht_transport_flush(transport);
    if (ht_transport_unsent_bytes(transport) == 0 && transport->failure == 0) {
        transport->options.events->on_drained(transport);
    }
}

size_t ht_transport_unsent_bytes(const struct ht_transport *transport)
{
    size_t unsent = transport->queued_bytes + transport->cipher.length;

    if (transport->writing_bytes > 0) {
        unsent -= transport->writing_bytes;
        unsent += uv_stream_get_write_queue_size((const uv_stream_t *)&transport->tcp);
    }
    return unsent;
}

uint64_t ht_transport_sent_bytes(const struct ht_transport *transport)
{
    uint64_t sent = transport->sent_bytes_total;

    if (transport->writing_bytes > 0) {
        sent += transport->writing_bytes;
        sent -= uv_stream_get_write_queue_size((const uv_stream_t *)&transport->tcp);
    }
    return sent;
}

void ht_transport_shutdown(struct ht_transport *transport)
{
    transport->shutdown_wanted = true;
    ht_transport_flush(transport);
}

static void finish_shutdown(struct ht_transport *transport)
{
    if (!transport->shutdown_wanted || transport->shutdown_started || transport->failure != 0) {
        return;
    }
    transport->shutdown_started = true;
    transport->shutdown.data = transport;
    int status = uv_shutdown(&transport->shutdown, (uv_stream_t *)&transport->tcp, on_shutdown);
    if (status != 0) {
        fail(transport, status);
    }
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct ht_transport *transport = transport_from(request->data);

    if (status != 0 && !transport->is_closing) {
        fail(transport, status);
    }
}

static void fail(struct ht_transport *transport, int status)
{
    if (transport->failure == 0 && !transport->is_closing) {
        transport->failure = status;
        ht_timer_start(transport->options.timers, &transport->fail_timer, 0);
    }
}

static void on_fail_due(struct ht_timer *timer)
{
    struct ht_transport *transport = HT_CONTAINER_OF(timer, struct ht_transport, fail_timer);

    /* even after a proper end of the peer's side: now nothing can be sent either */
    if (!transport->is_closing) {
        ht_transport_read_stop(transport);
        transport->has_ended = true;
        transport->options.events->on_end(transport, transport->failure);
    }
}

void ht_transport_close(struct ht_transport *transport)
{
    if (transport->is_closing) {
        return;
    }
    transport->is_closing = true;
    ht_timer_stop(transport->options.timers, &transport->fail_timer);
    uv_close((uv_handle_t *)&transport->tcp, on_uv_closed);
}

static void on_uv_closed(uv_handle_t *handle)
{
    struct ht_transport *transport = transport_from(handle->data);

    /* only now: the kernel's write may have pointed into them */
    drop_plain(transport, transport->queued_bytes);
    ht_buffer_finish(&transport->cipher);
    ht_tls_session_destroy(transport->options.tls);
    transport->magic = 0;
    transport->options.events->on_closed(transport);
}

static struct ht_transport *transport_from(void *pointer)
{
    struct ht_transport *transport = pointer;

    HT_ASSERT(transport != NULL && transport->magic == TRANSPORT_MAGIC);
    return transport;
}
