// SPDX-License-Identifier: MIT

/*
 * A whole WebSocket between a server that says anything, in pieces, and an owner who sends, pauses,
 * closes and cancels at any moment; the clock moves in between. curl and libuv are fakes. It ends
 * once, in time and with the right word; what it gives are the server's messages, what it sends are
 * masked frames: the owner's messages, answers to pings, one close.
 */

#include "fuzz.h"
#include "websocket_internal.h"
#include "websocket_judge.h"

enum {
    STEPS_MAX = 200,
    TURNS_MAX = 400,
    CLOSE_MS = 2000,
    LINGER_MS = 250,
    CONNECT_MS = 10000,
    MESSAGE_MAX = 1000,
    UNSENT_MAX = 700,
};

/* What ended the server's side. */
enum hangup { NOT_YET, BY_END, BY_ERROR };

static struct {
    struct ht_manual_clock clock;
    struct ht_timer_queue timers;
    struct ht_http_client client;
    struct ht_websocket *socket; /* NULL once it has ended */
    /* the connection */
    struct ht_buffer coming; /* all that the server has sent since the upgrade */
    size_t taken;            /* of it, read by the client */
    struct ht_buffer head;   /* the answer to the upgrade, and how much of it is read */
    size_t head_taken;
    struct ht_buffer going; /* all that the client has sent */
    size_t room;            /* bytes that it can send now */
    enum hangup hangup;
    bool is_send_broken;
    int events; /* that libuv watches; 0: none */
    uv_close_cb on_closed;
    uv_handle_t *closing;
    /* the owner */
    struct ht_buffer given; /* messages, one after the other */
    struct ht_buffer wanted;
    bool is_paused, is_closed, is_canceled;
    uint64_t closed_ms;
    unsigned close_code;
    unsigned ends, opens;
    int end_code;
    char end_text[200];
    unsigned end_close_code;
    struct ht_buffer end_reason;
} world;

/* --- what the socket asks of curl and libuv --- */

void ht_http_client_link(struct ht_http_client *client, struct ht_http_member *member)
{
    client->members = member;
}

void ht_http_client_unlink(struct ht_http_client *client, struct ht_http_member *member)
{
    FUZZ_CHECK(client->members == member, "a stranger");
    client->members = NULL;
}

void ht_http_client_add(struct ht_http_client *client, struct ht_http_member *member)
{
    FUZZ_CHECK(client->members == member, "a stranger");
    member->is_added = true;
}

void ht_http_client_member_gone(struct ht_http_client *client)
{
    FUZZ_CHECK(client->members == NULL, "it is on the list");
}

void ht_http_client_poll_closed(struct ht_http_client *client)
{
    client->open_poll_count--;
}

const char *ht_http_client_issuers(const struct ht_http_client *client, const char *own)
{
    (void)client;
    return own;
}

/* Always of the descriptor. The macro of curl's header checks types only. */
#undef curl_easy_getinfo
CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
    va_list words;
    (void)easy;
    FUZZ_CHECK(info == CURLINFO_ACTIVESOCKET, "asked for %d", (int)info);
    va_start(words, info);
    *va_arg(words, curl_socket_t *) = 7;
    va_end(words);
    return CURLE_OK;
}

static size_t take_from(const struct ht_buffer *buffer, size_t *taken, void *room, size_t length)
{
    size_t left = buffer->length - *taken;
    length = left < length ? left : length;
    if (length > 0) {
        memcpy(room, buffer->data + *taken, length);
        *taken += length;
    }
    return length;
}

CURLcode curl_easy_recv(CURL *easy, void *room, size_t length, size_t *got)
{
    (void)easy;
    FUZZ_CHECK(!(world.is_paused && world.socket->state == HT_WEBSOCKET_OPEN), "read in a pause");
    *got = take_from(&world.head, &world.head_taken, room, length);
    if (*got == 0) {
        *got = take_from(&world.coming, &world.taken, room, length);
    }
    if (*got > 0) {
        return CURLE_OK;
    }
    return world.hangup == BY_END     ? CURLE_OK
           : world.hangup == BY_ERROR ? CURLE_RECV_ERROR
                                      : CURLE_AGAIN;
}

CURLcode curl_easy_send(CURL *easy, const void *bytes, size_t length, size_t *sent)
{
    (void)easy;
    *sent = 0;
    if (world.is_send_broken) {
        return CURLE_SEND_ERROR;
    }
    if (world.room == 0) {
        return CURLE_AGAIN;
    }
    *sent = length < world.room ? length : world.room;
    world.room -= *sent;
    ht_buffer_append(&world.going, bytes, *sent);
    FUZZ_CHECK(ht_buffer_status(&world.going) == 0, "it sends without end");
    return CURLE_OK;
}

static uv_poll_cb on_poll;
static uv_poll_t *polled;

int uv_poll_init_socket(uv_loop_t *loop, uv_poll_t *handle, uv_os_sock_t fd)
{
    (void)loop;
    (void)fd;
    polled = handle;
    return 0;
}

int uv_poll_start(uv_poll_t *handle, int events, uv_poll_cb cb)
{
    FUZZ_CHECK(handle == polled && world.closing == NULL, "watched after its end");
    world.events = events;
    on_poll = cb;
    return 0;
}

int uv_poll_stop(uv_poll_t *handle)
{
    FUZZ_CHECK(handle == polled, "a stranger");
    world.events = 0;
    return 0;
}

void uv_close(uv_handle_t *handle, uv_close_cb on_closed)
{
    FUZZ_CHECK(handle == (uv_handle_t *)polled && world.closing == NULL, "closed twice");
    world.closing = handle;
    world.on_closed = on_closed;
    world.events = 0;
}

/* --- the owner --- */

static uint64_t now_ms(void)
{
    return ht_clock_monotonic_ms(&world.clock.clock);
}

static void note(struct ht_buffer *journal, unsigned opcode, struct ht_slice bytes)
{
    fuzz_note(journal, opcode == 1 ? "text" : "binary", 0, bytes);
}

static void on_open(void *user, const struct ht_http_header *headers, size_t count)
{
    (void)user;
    (void)headers;
    FUZZ_CHECK(world.opens++ == 0 && count >= 3, "opened again");
}

static void on_message(void *user, enum ht_websocket_kind kind, struct ht_slice bytes)
{
    (void)user;
    FUZZ_CHECK(world.opens == 1 && world.ends == 0, "a message before or after");
    FUZZ_CHECK(!world.is_paused && !world.is_closed && !world.is_canceled, "an unwanted message");
    note(&world.given, kind == HT_WEBSOCKET_TEXT ? 1 : 2, bytes);
}

static void on_read_end(void *user)
{
    (void)user;
    FUZZ_CHECK(world.opens == 1 && world.ends == 0 && !world.is_canceled, "an unwanted end");
}

static void on_end(void *user, const struct ht_websocket_end *end)
{
    (void)user;
    FUZZ_CHECK(world.ends++ == 0, "ended twice");
    FUZZ_CHECK((end->code == 0) == (end->error_text[0] == '\0'), "%d \"%s\"", end->code,
               end->error_text);
    FUZZ_CHECK(end->was_open == (world.opens == 1), "was open");
    world.end_code = end->code;
    snprintf(world.end_text, sizeof world.end_text, "%s", end->error_text);
    world.end_close_code = end->close_code;
    ht_buffer_append_slice(&world.end_reason, end->close_reason);
    world.socket = NULL;
}

/* --- the course of things --- */

static void open_socket(void)
{
    struct ht_error error = {0};
    const struct ht_websocket_options options = {.url = "ws://host/path",
                                                 .max_message_bytes = MESSAGE_MAX,
                                                 .max_unsent_bytes = UNSENT_MAX,
                                                 .connect_timeout_ms = CONNECT_MS,
                                                 .close_timeout_ms = CLOSE_MS,
                                                 .on_open = on_open,
                                                 .on_message = on_message,
                                                 .on_read_end = on_read_end,
                                                 .on_end = on_end};
    ht_manual_clock_init(&world.clock, 1000000000, 0);
    ht_timer_queue_init(&world.timers, &world.clock.clock);
    world.client = (struct ht_http_client){.clock = &world.clock.clock, .timers = &world.timers};
    int status = ht_websocket_open(&world.client, &options, &world.socket, &error);
    FUZZ_CHECK(status == 0, "%s", error.text);
}

/* The handle is closed on the turn after. */
static void tell_closed(void)
{
    if (world.closing != NULL) {
        uv_handle_t *handle = world.closing;
        world.closing = NULL;
        world.on_closed(handle);
    }
}

static bool has_input(void)
{
    return world.hangup != NOT_YET || world.taken < world.coming.length ||
           world.head_taken < world.head.length;
}

/* Turns of the loop, until nothing happens any more. */
static void turn(void)
{
    for (int turns = 0;; turns++) {
        FUZZ_CHECK(turns < TURNS_MAX, "it never rests");
        size_t fired = ht_timer_queue_run(&world.timers);
        bool is_called = (world.events & UV_READABLE && has_input()) ||
                         (world.events & UV_WRITABLE && (world.room > 0 || world.is_send_broken));
        if (world.socket != NULL && is_called) {
            on_poll(polled, 0, world.events);
        }
        tell_closed();
        if (fired == 0 && !is_called) {
            return;
        }
    }
}

/* The server agrees, by the key that it was sent. */
static void agree(void)
{
    char accept[HT_WEBSOCKET_ACCEPT_BYTES];
    ht_websocket_accept_of(world.socket->key, accept);
    ht_buffer_append_format(&world.head,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                            accept);
}

static void connect_socket(void)
{
    turn();
    FUZZ_CHECK(world.client.members != NULL && world.client.members->is_added, "not begun");
    world.client.members->is_added = false;
    world.client.members->on_result(world.client.members, CURLE_OK);
}

static void send_message(struct fuzz_input *input)
{
    static const char letters[] = "all that an owner has to say, again and again";
    bool is_text = fuzz_take_byte(input) & 1;
    char room[UNSENT_MAX];
    struct ht_slice bytes = {room, fuzz_take_below(input, sizeof room)};
    for (size_t i = 0; i < bytes.length; i++) {
        room[i] = letters[i % (sizeof letters - 1)];
    }
    int status =
        ht_websocket_send(world.socket, is_text ? HT_WEBSOCKET_TEXT : HT_WEBSOCKET_BINARY, bytes);
    FUZZ_CHECK(status == 0 || status == HT_ECONNECTION || status == HT_EBUSY, "sent: %d", status);
    FUZZ_CHECK(status == 0 || status == HT_EBUSY || world.socket->state != HT_WEBSOCKET_OPEN ||
                   world.is_send_broken || world.is_canceled,
               "refused while it is open");
    FUZZ_CHECK(status != HT_EBUSY ||
                   ht_websocket_unsent(world.socket) + bytes.length + 14 > UNSENT_MAX,
               "busy without reason");
    if (status == 0) {
        note(&world.wanted, is_text ? 1 : 2, bytes);
    }
}

static void close_socket(struct fuzz_input *input)
{
    unsigned code = 1000 + fuzz_take_byte(input) % 4;
    if (!world.is_closed && world.socket->state == HT_WEBSOCKET_OPEN) {
        world.close_code = code;
        world.closed_ms = now_ms();
    }
    if (world.socket->state <= HT_WEBSOCKET_OPEN) {
        world.is_closed = true;
    }
    ht_websocket_close(world.socket, code);
}

static void hang_up(enum hangup how, bool is_hard)
{
    world.hangup = world.hangup == NOT_YET ? how : world.hangup;
    world.is_send_broken |= is_hard;
}

/* What the server sends next: a little, or all that there is. */
static struct ht_slice take_front(struct fuzz_input *input, unsigned choice)
{
    size_t length = choice == 15 ? input->length : choice < 8 ? choice : (size_t)1 << (choice - 5);
    length = length < input->length ? length : input->length;
    struct ht_slice taken = ht_slice_make((const char *)input->data, length);
    input->data += length;
    input->length -= length;
    return taken;
}

static void step(unsigned what, struct fuzz_input *input)
{
    static const uint16_t times_ms[] = {1, 100, 249, 250, 1999, 2000, 9999, 10001};
    switch (what % 16) {
    case 8:
        send_message(input);
        break;
    case 9:
        world.is_paused = true;
        ht_websocket_pause(world.socket);
        break;
    case 10:
        world.is_paused = false;
        ht_websocket_resume(world.socket);
        break;
    case 11:
        ht_websocket_ping(world.socket);
        break;
    case 12:
        ht_manual_clock_advance_ms(&world.clock, times_ms[fuzz_take_byte(input) % 8]);
        break;
    case 13:
        close_socket(input);
        break;
    case 14:
        hang_up(fuzz_take_byte(input) & 1 ? BY_END : BY_ERROR, fuzz_take_byte(input) & 1);
        break;
    case 15:
        if (fuzz_take_byte(input) % 4 == 0) {
            world.is_canceled = true;
            ht_websocket_cancel(world.socket);
        } else {
            world.room = fuzz_take_byte(input);
        }
        break;
    default:
        if (world.hangup == NOT_YET && world.head.length > 0) {
            ht_buffer_append_slice(&world.coming, take_front(input, what / 16));
        }
    }
}

/* --- what must have come out --- */

struct said {
    struct ht_buffer messages, pings, reason;
    unsigned close_code, close_count;
    bool is_after_close;
};

static void hear(void *user, unsigned opcode, unsigned number, struct ht_slice bytes)
{
    struct said *said = user;
    said->is_after_close |= said->close_count > 0;
    if (opcode == 8) {
        said->close_count++;
        said->close_code = number;
        ht_buffer_append_slice(&said->reason, bytes);
    } else if (opcode < 8) {
        note(&said->messages, opcode, bytes);
    } else if (opcode == 9) {
        fuzz_note(&said->pings, "ping", 0, bytes);
    }
}

/* Unmasks what the client sent behind its request, frame by frame, and tells of it. */
static void hear_client(struct said *said)
{
    struct ht_slice rest = ht_buffer_slice(&world.going);
    const char *end = rest.length == 0 ? NULL : memmem(rest.data, rest.length, "\r\n\r\n", 4);
    if (end == NULL) {
        return;
    }
    rest = ht_slice_make(end + 4, rest.length - (size_t)(end + 4 - rest.data));
    while (rest.length >= 6) {
        const unsigned char *bytes = (const unsigned char *)rest.data;
        FUZZ_CHECK((bytes[0] & 0xf0) == 0x80 && (bytes[1] & 0x80) != 0, "a frame of %02x %02x",
                   bytes[0], bytes[1]);
        size_t length = bytes[1] & 0x7f, head = length == 126 ? 4 : 2;
        FUZZ_CHECK(length < 127, "a long frame");
        length = length == 126 ? (size_t)bytes[2] << 8 | bytes[3] : length;
        if (rest.length < head + 4 + length) {
            return; /* not all of it went out */
        }
        char *plain = fuzz_copy(ht_slice_make(rest.data + head + 4, length));
        for (size_t i = 0; i < length; i++) {
            plain[i] = (char)(plain[i] ^ rest.data[head + i % 4]);
        }
        unsigned opcode = bytes[0] & 15, number = 0;
        if (opcode == 8 && length >= 2) {
            number = (unsigned)(unsigned char)plain[0] << 8 | (unsigned char)plain[1];
        }
        /* its pongs are noted as the pings that they answer; its own pings are not */
        if (opcode != 9) {
            hear(said, opcode == 10 ? 9 : opcode, number, ht_slice_make(plain, length));
        }
        free(plain);
        rest = ht_slice_make(rest.data + head + 4 + length, rest.length - head - 4 - length);
    }
}

static bool begins_with(const struct ht_buffer *whole, const struct ht_buffer *part)
{
    return part->length <= whole->length &&
           (part->length == 0 || memcmp(whole->data, part->data, part->length) == 0);
}

static void said_init(struct said *said)
{
    *said = (struct said){0};
    ht_buffer_init(&said->messages, FUZZ_JOURNAL_MAX_BYTES);
    ht_buffer_init(&said->pings, FUZZ_JOURNAL_MAX_BYTES);
    ht_buffer_init(&said->reason, 1000);
}

static void said_finish(struct said *said)
{
    ht_buffer_finish(&said->messages);
    ht_buffer_finish(&said->pings);
    ht_buffer_finish(&said->reason);
}

/* Every line of `part` is in `whole`, in the same order. */
static bool is_among(const struct ht_buffer *part, const struct ht_buffer *whole)
{
    struct ht_slice left = ht_buffer_slice(part), all = ht_buffer_slice(whole);
    while (left.length > 0) {
        /* "ping 0 LENGTH:BYTES\n" */
        const char *colon = memchr(left.data, ':', left.length);
        size_t length = (size_t)(colon + 1 - left.data) + strtoul(left.data + 7, NULL, 10) + 1;
        while (all.length >= length && memcmp(all.data, left.data, length) != 0) {
            const char *other = memchr(all.data, ':', all.length);
            size_t skipped = (size_t)(other + 1 - all.data) + strtoul(all.data + 7, NULL, 10) + 1;
            all = ht_slice_make(all.data + skipped, all.length - skipped);
        }
        if (all.length < length) {
            return false;
        }
        all = ht_slice_make(all.data + length, all.length - length);
        left = ht_slice_make(left.data + length, left.length - length);
    }
    return true;
}

static struct ht_slice last_line(const struct ht_buffer *lines)
{
    struct ht_slice left = ht_buffer_slice(lines), last = left;
    while (left.length > 0) {
        const char *colon = memchr(left.data, ':', left.length);
        size_t length = (size_t)(colon + 1 - left.data) + strtoul(left.data + 7, NULL, 10) + 1;
        last = ht_slice_make(left.data, length);
        left = ht_slice_make(left.data + length, left.length - length);
    }
    return last;
}

static void check_close(const struct said *client, const struct said *server,
                        enum websocket_judgement judgement)
{
    if (client->close_count == 0) {
        return;
    }
    bool is_answer = server->close_count > 0 &&
                     client->close_code == (server->close_code == 1005 ? 0 : server->close_code);
    bool is_ours = world.close_code != 0 && client->close_code == world.close_code;
    bool is_complaint =
        judgement != WEBSOCKET_RIGHT &&
        (client->close_code == 1002 || client->close_code == 1007 || client->close_code == 1009);
    FUZZ_CHECK(client->close_count == 1 && !client->is_after_close, "something after the close");
    FUZZ_CHECK(is_answer || is_ours || is_complaint, "closed with %u", client->close_code);
}

/* How it ended, where all that the server sent was read and nobody hurried it. */
static void check_end(const struct said *server, enum websocket_judgement judgement)
{
    int code = world.end_code;
    if (world.is_canceled) {
        FUZZ_CHECK(code == HT_ECANCELED || code == 0 || code == HT_ECONNECTION ||
                       code == HT_EPARSE || code == HT_ETOOBIG || code == HT_ETIMEDOUT,
                   "canceled: %d", code);
        return;
    }
    if (code == 0) {
        FUZZ_CHECK(server->close_count == 1 && world.end_close_code == server->close_code,
                   "a close of %u", world.end_close_code);
        FUZZ_CHECK_SAME(ht_buffer_slice(&server->reason), ht_buffer_slice(&world.end_reason),
                        "the reason");
    } else if (code == HT_EPARSE || code == HT_ETOOBIG) {
        FUZZ_CHECK(judgement != WEBSOCKET_RIGHT, "no mistake was made: %s", world.end_text);
    } else if (code == HT_ETIMEDOUT) {
        FUZZ_CHECK(world.opens == 0 || world.is_closed, "out of time");
    } else if (code == HT_ECONNECTION) {
        FUZZ_CHECK(world.hangup != NOT_YET || world.is_send_broken, "nobody left");
    } else {
        FUZZ_CHECK(code == HT_ECANCELED && world.is_closed && world.opens == 0, "ended with %d",
                   code);
    }
}

/* `is_answered`: it had every chance to send. */
static void check(bool is_all_read, bool is_answered)
{
    struct said client, server;
    said_init(&client);
    said_init(&server);
    enum websocket_judgement judgement =
        websocket_judge(ht_buffer_slice(&world.coming), MESSAGE_MAX, hear, &server);
    hear_client(&client);
    FUZZ_CHECK(begins_with(&server.messages, &world.given), "other messages than the server's");
    FUZZ_CHECK(begins_with(&world.wanted, &client.messages), "other messages than the owner's");
    FUZZ_CHECK(is_among(&client.pings, &server.pings), "pongs that nobody asked for");
    check_close(&client, &server, judgement);
    if (is_all_read) {
        FUZZ_CHECK_SAME(ht_buffer_slice(&world.given), ht_buffer_slice(&server.messages),
                        "messages given and sent");
        if (is_answered) {
            FUZZ_CHECK_SAME(last_line(&client.pings), last_line(&server.pings), "the last ping");
        }
    }
    if (world.ends > 0) {
        check_end(&server, judgement);
    }
    said_finish(&client);
    said_finish(&server);
}

/* The owner wants all, and everything that is sent gets through: then nothing is missing. */
static void settle(void)
{
    bool was_there = world.socket != NULL && world.hangup == NOT_YET && !world.is_send_broken;
    world.room = SIZE_MAX;
    if (world.socket != NULL && world.is_paused) {
        world.is_paused = false;
        ht_websocket_resume(world.socket);
    }
    turn();
    bool was_disturbed = world.is_closed || world.is_canceled;
    check(!was_disturbed && world.opens == 1 && world.taken == world.coming.length, was_there);
}

static void end(void)
{
    hang_up(BY_END, false);
    turn();
    for (int i = 0; world.socket != NULL && i < 4; i++) {
        ht_manual_clock_advance_ms(&world.clock, CONNECT_MS);
        turn();
    }
    FUZZ_CHECK(world.ends == 1 && world.client.open_poll_count == 0, "it has not ended");
    check(false, false);
}

static void init_buffers(void)
{
    memset(&world, 0, sizeof(world));
    struct ht_buffer *all[] = {&world.coming, &world.head,   &world.going,
                               &world.given,  &world.wanted, &world.end_reason};
    for (size_t i = 0; i < HT_COUNT_OF(all); i++) {
        ht_buffer_init(all[i], FUZZ_JOURNAL_MAX_BYTES);
    }
}

static void finish_buffers(void)
{
    struct ht_buffer *all[] = {&world.coming, &world.head,   &world.going,
                               &world.given,  &world.wanted, &world.end_reason};
    for (size_t i = 0; i < HT_COUNT_OF(all); i++) {
        ht_buffer_finish(all[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned first = fuzz_take_byte(&input);

    init_buffers();
    world.room = first & 1 ? SIZE_MAX : 20;
    open_socket();
    connect_socket();
    for (int steps = 0; input.length > 0 && world.socket != NULL && steps < STEPS_MAX; steps++) {
        /* at the beginning, or after some steps: the server agrees */
        if (world.head.length == 0 && (first & 2 || steps > 3)) {
            agree();
        }
        step(fuzz_take_byte(&input), &input);
        if (!(first & 4) || steps % 2 == 1) {
            turn();
        }
        uint64_t limit_ms = CLOSE_MS + LINGER_MS;
        FUZZ_CHECK(world.socket == NULL || !world.is_closed || world.close_code == 0 ||
                       now_ms() <= world.closed_ms + limit_ms ||
                       ht_timer_queue_next_ns(&world.timers) == 0,
                   "it was to be over long ago");
    }
    settle();
    end();
    ht_timer_queue_finish(&world.timers);
    finish_buffers();
    return 0;
}
