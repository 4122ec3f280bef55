// SPDX-License-Identifier: MIT
/* Long answers taken piece by piece: heads, compression, pauses. The server is raw bytes. */
#include "hashtagd/net/http_client.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/gzip.h"
#include "raw_server.h"

#include <poll.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <cmocka.h>

#define KEPT_BYTES 4096
#define CHUNKED    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
#define UNTIL_END  "HTTP/1.1 200 OK\r\nConnection: close\r\n"

/* One transfer against one raw server, and what was seen of it. */
struct stream {
    struct raw_server server;
    struct ht_loop *loop;
    struct ht_http_client *client;
    struct ht_http_transfer *transfer;
    struct ht_timer timer;
    sem_t seen; /* posted for each piece */
    /* what the test wants */
    bool is_tls, collects, waits_for_server;
    bool pauses_in_head, cancels_in_head, pauses_each, resumes_at_once, cancels_in_first;
    uint64_t pause_ms;
    /* seen */
    unsigned head_count, data_count, done_count, paused_data_count, late_head_count;
    int head_status, code, status;
    bool is_paused, is_canceled;
    size_t data_bytes, largest_piece;
    atomic_size_t held_back_bytes; /* set once the server is held back */
    bool server_failed;
    char header[64], data[KEPT_BYTES], error_text[256];
};

static void on_resume_due(struct ht_timer *timer)
{
    struct stream *stream = HT_CONTAINER_OF(timer, struct stream, timer);

    if (stream->waits_for_server && atomic_load(&stream->held_back_bytes) == 0) {
        ht_timer_start(ht_loop_timers(stream->loop), timer, stream->pause_ms);
    } else if (stream->transfer != NULL) {
        stream->is_paused = false;
        ht_http_transfer_resume(stream->transfer);
    }
}

static void pause_now(struct stream *stream)
{
    stream->is_paused = true;
    ht_http_transfer_pause(stream->transfer);
    ht_timer_start(ht_loop_timers(stream->loop), &stream->timer, stream->pause_ms);
}

static void on_head(void *user, int status, const struct ht_http_header *headers, size_t count)
{
    struct stream *stream = user;
    struct ht_slice value = ht_http_header_find(headers, count, "X-Kind");

    stream->head_count++;
    stream->head_status = status;
    stream->late_head_count += stream->data_count > 0;
    snprintf(stream->header, sizeof stream->header, "%.*s", (int)value.length,
             value.data == NULL ? "" : value.data);
    if (stream->pauses_in_head) {
        pause_now(stream);
    }
    if (stream->cancels_in_head) {
        ht_http_transfer_cancel(stream->transfer);
    }
}

static void on_data(void *user, int status, struct ht_slice data)
{
    struct stream *stream = user;

    assert_int_equal(status, stream->head_status);
    assert_false(stream->is_canceled);
    for (size_t i = 0; i < data.length && stream->data_bytes + i < KEPT_BYTES - 1; i++) {
        stream->data[stream->data_bytes + i] = data.data[i];
    }
    stream->data_count++;
    stream->data_bytes += data.length;
    stream->paused_data_count += stream->is_paused;
    stream->largest_piece =
        data.length > stream->largest_piece ? data.length : stream->largest_piece;
    if (stream->cancels_in_first) {
        stream->is_canceled = true;
        ht_http_transfer_cancel(stream->transfer);
    } else if (stream->resumes_at_once) {
        ht_http_transfer_pause(stream->transfer);
        ht_http_transfer_resume(stream->transfer);
    } else if (stream->pauses_each) {
        pause_now(stream);
    }
    sem_post(&stream->seen);
}

static void on_closed(void *user)
{
    struct stream *stream = user;

    ht_loop_stop(stream->loop);
}

static void on_done(void *user, struct ht_http_result *result)
{
    struct stream *stream = user;

    stream->done_count++;
    stream->transfer = NULL;
    stream->code = result->code;
    stream->status = result->status;
    snprintf(stream->error_text, sizeof stream->error_text, "%s", result->error_text);
    ht_timer_stop(ht_loop_timers(stream->loop), &stream->timer);
    ht_http_client_close(stream->client, on_closed, stream);
}

static void run(struct stream *stream, raw_serve_fn serve, struct ht_http_transfer_options options)
{
    struct ht_error error;
    struct net_certificate certificate;
    char url[64];

    assert_true(!stream->is_tls || net_certificate_make(&certificate));
    sem_init(&stream->seen, 0, 0);
    raw_server_start(&stream->server, serve, stream, stream->is_tls ? &certificate : NULL);
    assert_int_equal(ht_loop_create(&stream->loop, NULL, &error), 0);
    assert_int_equal(ht_http_client_create(&stream->client, stream->loop, &error), 0);
    ht_timer_init(&stream->timer, on_resume_due);
    snprintf(url, sizeof url, "%s://127.0.0.1:%u/", stream->is_tls ? "https" : "http",
             stream->server.port);
    options.url = url;
    options.ca_file = stream->is_tls ? certificate.cert_path : NULL;
    options.on_head = on_head;
    options.on_data = stream->collects ? NULL : on_data;
    options.on_done = on_done;
    options.user = stream;
    assert_int_equal(ht_http_transfer_start(stream->client, &options, &stream->transfer, &error),
                     0);
    ht_loop_run(stream->loop);
    ht_loop_destroy(stream->loop);
    raw_server_stop(&stream->server);
    sem_destroy(&stream->seen);
    if (stream->is_tls) {
        net_certificate_remove(&certificate);
    }
    assert_int_equal(stream->done_count, 1);
    assert_int_equal(stream->paused_data_count, 0);
    assert_int_equal(stream->late_head_count, 0);
    assert_false(stream->server_failed);
}

/* --- heads --- */

static void serve_interim(struct raw_peer *peer, void *user)
{
    (void)user;
    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, "HTTP/1.1 103 Early Hints\r\nX-Kind: interim\r\n\r\n" CHUNKED
                        "X-Kind: final\r\n\r\n");
    raw_send_text(peer, "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Kind: trailer\r\n\r\n");
}

static void test_head_comes_once_before_the_body(void **state)
{
    struct stream stream = {0};

    (void)state;
    run(&stream, serve_interim, (struct ht_http_transfer_options){0});
    assert_int_equal(stream.code, 0);
    assert_int_equal(stream.head_count, 1);
    assert_int_equal(stream.head_status, 200);
    assert_string_equal(stream.header, "final");
    assert_string_equal(stream.data, "abcde");
}

static void serve_refusal(struct raw_peer *peer, void *user)
{
    (void)user;
    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, "HTTP/1.1 401 No\r\nX-Kind: refusal\r\nContent-Length: 4\r\n\r\nwho?");
}

static void test_head_of_a_refusal(void **state)
{
    struct stream stream = {0};

    (void)state;
    run(&stream, serve_refusal, (struct ht_http_transfer_options){0});
    assert_int_equal(stream.head_status, 401);
    assert_string_equal(stream.header, "refusal");
    assert_string_equal(stream.data, "who?");
}

static void serve_no_body(struct raw_peer *peer, void *user)
{
    (void)user;
    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, "HTTP/1.1 204 None\r\n\r\n");
}

static void test_head_without_a_body(void **state)
{
    struct stream stream = {0};

    (void)state;
    run(&stream, serve_no_body, (struct ht_http_transfer_options){0});
    assert_int_equal(stream.head_count, 1);
    assert_int_equal(stream.head_status, 204);
    assert_int_equal(stream.data_count, 0);
}

static void test_cancel_from_the_head(void **state)
{
    struct stream stream = {.cancels_in_head = true};

    (void)state;
    run(&stream, serve_refusal, (struct ht_http_transfer_options){0});
    assert_int_equal(stream.code, HT_ECANCELED);
    assert_int_equal(stream.data_count, 0);
}

static void test_pause_from_the_head(void **state)
{
    struct stream stream = {.pauses_in_head = true, .pause_ms = 30};

    (void)state;
    run(&stream, serve_refusal, (struct ht_http_transfer_options){0});
    assert_int_equal(stream.code, 0);
    assert_string_equal(stream.data, "who?");
}

static void serve_garbage(struct raw_peer *peer, void *user)
{
    (void)user;
    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, "SSH-2.0-what is it?\r\n");
}

static void test_peer_that_is_no_http_server(void **state)
{
    struct stream stream = {0};

    (void)state;
    run(&stream, serve_garbage, (struct ht_http_transfer_options){0});
    assert_int_equal(stream.code, HT_EIO);
    assert_int_equal(stream.head_count, 0);
    assert_int_equal(stream.status, 0);
}

static void test_a_stream_has_its_connection_alone(void **state)
{
    struct stream stream = {.is_tls = true};
    struct stream short_one = {.is_tls = true, .collects = true};

    (void)state;
    run(&stream, serve_refusal, (struct ht_http_transfer_options){0});
    assert_int_equal(stream.code, 0);
    assert_int_equal(stream.server.h2_offers, 0);
    run(&short_one, serve_refusal, (struct ht_http_transfer_options){0});
    assert_int_equal(short_one.server.h2_offers, 1);
}

/* --- compression --- */

/* A block that deflate stores as it is: what a server writes that flushes after each message. */
static void send_stored(struct raw_peer *peer, const char *text)
{
    size_t length = strlen(text);
    unsigned char head[5] = {0, (unsigned char)length, 0, (unsigned char)~length, 0xff};

    raw_send(peer, head, sizeof head);
    raw_send(peer, text, length);
}

static const unsigned char gzip_head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

static bool wait_for_piece(struct stream *stream)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    return sem_timedwait(&stream->seen, &until) == 0;
}

static void serve_flushed(struct raw_peer *peer, void *user)
{
    struct stream *stream = user;

    raw_wait_for(peer, "\r\n\r\n");
    stream->server_failed = strcasestr(peer->input.data, "accept-encoding: gzip, deflate") == NULL;
    raw_send_text(peer, UNTIL_END "Content-Encoding: gzip\r\n\r\n");
    raw_send(peer, gzip_head, sizeof gzip_head);
    for (unsigned i = 0; i < 5; i++) {
        send_stored(peer, "\r\n");
        stream->server_failed |= !wait_for_piece(stream);
    }
    stream->cancels_in_first = true;
    send_stored(peer, "last");
    raw_drain(peer);
}

static void test_flushed_bytes_come_at_once(void **state)
{
    struct stream stream = {0};

    (void)state;
    run(&stream, serve_flushed, (struct ht_http_transfer_options){.accepts_compressed = true});
    assert_int_equal(stream.code, HT_ECANCELED);
    assert_string_equal(stream.data, "\r\n\r\n\r\n\r\n\r\nlast");
}

#define LARGE_BYTES (2u * 1024u * 1024u)

static void serve_large_gzip(struct raw_peer *peer, void *user)
{
    static char text[LARGE_BYTES];
    struct ht_buffer packed;

    (void)user;
    ht_buffer_init(&packed, LARGE_BYTES);
    memset(text, 'x', sizeof text);
    HT_ASSERT(ht_gzip_format(ht_slice_make(text, sizeof text), &packed) == 0);
    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, UNTIL_END "Content-Encoding: gzip\r\n\r\n");
    raw_send(peer, packed.data, packed.length);
    ht_buffer_finish(&packed);
}

/* A few KiB from the wire are 2 MiB: all are in curl's hands at the first pause, and the peer has
 * ended long before the last resume. */
static void test_pauses_while_decoded_data_is_in_hand(void **state)
{
    struct stream stream = {.pauses_each = true};

    (void)state;
    run(&stream, serve_large_gzip, (struct ht_http_transfer_options){.accepts_compressed = true});
    assert_int_equal(stream.code, 0);
    assert_int_equal(stream.data_bytes, LARGE_BYTES);
    assert_true(stream.largest_piece <= 16384);
}

static void test_cancel_while_decoded_data_is_in_hand(void **state)
{
    struct stream stream = {.cancels_in_first = true};

    (void)state;
    run(&stream, serve_large_gzip, (struct ht_http_transfer_options){.accepts_compressed = true});
    assert_int_equal(stream.code, HT_ECANCELED);
    assert_int_equal(stream.data_count, 1);
}

static void serve_broken_gzip(struct raw_peer *peer, void *user)
{
    (void)user;
    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, UNTIL_END "Content-Encoding: gzip\r\n\r\n");
    raw_send(peer, gzip_head, sizeof gzip_head);
    send_stored(peer, "good");
    raw_send_text(peer, "\xff\xff\xff\xff");
}

static void test_broken_compression_ends_it(void **state)
{
    struct stream stream = {0};

    (void)state;
    run(&stream, serve_broken_gzip, (struct ht_http_transfer_options){.accepts_compressed = true});
    assert_int_equal(stream.code, HT_EIO);
    assert_string_equal(stream.data, "good");
    assert_true(stream.error_text[0] != '\0');
}

/* --- pauses --- */

static void serve_plain(struct raw_peer *peer, void *user)
{
    static char text[300000];

    (void)user;
    memset(text, 'y', sizeof text);
    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, UNTIL_END "\r\n");
    raw_send(peer, text, sizeof text);
}

static void test_pieces_are_no_larger_than_asked_for(void **state)
{
    struct stream stream = {.pauses_each = true};

    (void)state;
    run(&stream, serve_plain, (struct ht_http_transfer_options){.piece_bytes = 1024});
    assert_int_equal(stream.code, 0);
    assert_int_equal(stream.data_bytes, 300000);
    assert_true(stream.largest_piece <= 1024);
}

static void test_resume_from_the_callback_that_paused(void **state)
{
    struct stream stream = {.resumes_at_once = true};

    (void)state;
    run(&stream, serve_plain, (struct ht_http_transfer_options){.piece_bytes = 512 * 1024});
    assert_int_equal(stream.code, 0);
    assert_int_equal(stream.data_bytes, 300000);
}

/* Sends until nothing more goes out for a while. */
static void serve_flood(struct raw_peer *peer, void *user)
{
    struct stream *stream = user;
    static char text[65536];
    struct pollfd wait = {.fd = peer->fd, .events = POLLOUT};

    size_t sent_bytes = 0;

    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, UNTIL_END "\r\n");
    while (sent_bytes < 64u * 1024u * 1024u && poll(&wait, 1, 150) == 1) {
        ssize_t sent = send(peer->fd, text, sizeof text, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            break;
        }
        sent_bytes += (size_t)sent;
    }
    atomic_store(&stream->held_back_bytes, sent_bytes);
}

static void test_a_pause_holds_the_peer_back(void **state)
{
    struct stream stream = {.pauses_in_head = true, .waits_for_server = true, .pause_ms = 20};

    (void)state;
    run(&stream, serve_flood, (struct ht_http_transfer_options){0});
    assert_int_equal(stream.code, 0);
    assert_true(stream.held_back_bytes < 32u * 1024u * 1024u); /* what the kernel's buffers take */
    assert_int_equal(stream.data_bytes, stream.held_back_bytes);
}

static void serve_silence(struct raw_peer *peer, void *user)
{
    struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
    struct stream *stream = user;

    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, UNTIL_END "\r\n");
    stream->server_failed = poll(&wait, 1, 10000) != 1; /* the client goes, or wants no more */
}

/* Silence while the caller holds back is no stall; it is one as soon as he does not. */
static void test_a_pause_stops_the_stall_timer(void **state)
{
    struct stream stream = {.pauses_in_head = true, .pause_ms = 1200};

    (void)state;
    run(&stream, serve_silence, (struct ht_http_transfer_options){.stall_timeout_ms = 1000});
    assert_int_equal(stream.code, HT_ETIMEDOUT);
    assert_false(stream.is_paused);
}

/* Resets the connection when the client's kernel has all, and the client has read none of it. */
static void serve_reset(struct raw_peer *peer, void *user)
{
    static char text[100000];
    struct stream *stream = user;
    int unsent = 1;

    raw_wait_for(peer, "\r\n\r\n");
    raw_send_text(peer, UNTIL_END "\r\n");
    stream->server_failed = !raw_send(peer, text, sizeof text);
    for (int i = 0; i < 1000 && unsent > 0; i++) {
        assert_int_equal(ioctl(peer->fd, SIOCOUTQ, &unsent), 0);
        poll(NULL, 0, 1);
    }
    raw_reset(peer);
}

static void test_what_came_before_a_reset_is_read(void **state)
{
    struct stream stream = {.pauses_in_head = true, .pause_ms = 200};

    (void)state;
    run(&stream, serve_reset, (struct ht_http_transfer_options){.piece_bytes = 4096});
    assert_int_equal(stream.code, HT_ECONNECTION);
    assert_int_equal(stream.data_bytes, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_comes_once_before_the_body),
        cmocka_unit_test(test_head_of_a_refusal),
        cmocka_unit_test(test_head_without_a_body),
        cmocka_unit_test(test_cancel_from_the_head),
        cmocka_unit_test(test_pause_from_the_head),
        cmocka_unit_test(test_peer_that_is_no_http_server),
        cmocka_unit_test(test_a_stream_has_its_connection_alone),
        cmocka_unit_test(test_flushed_bytes_come_at_once),
        cmocka_unit_test(test_pauses_while_decoded_data_is_in_hand),
        cmocka_unit_test(test_cancel_while_decoded_data_is_in_hand),
        cmocka_unit_test(test_broken_compression_ends_it),
        cmocka_unit_test(test_pieces_are_no_larger_than_asked_for),
        cmocka_unit_test(test_resume_from_the_callback_that_paused),
        cmocka_unit_test(test_a_pause_holds_the_peer_back),
        cmocka_unit_test(test_a_pause_stops_the_stall_timer),
        cmocka_unit_test(test_what_came_before_a_reset_is_read),
    };
    return cmocka_run_group_tests_name("net/http_transfer", tests, NULL, NULL);
}
