// SPDX-License-Identifier: MIT

/* The frames of a server: the same messages wherever the bytes are cut, those that RFC 6455 says, and a
 * frame of our own that can be read by its rules. */

#include "fuzz.h"
#include "websocket_frames.h"
#include "websocket_judge.h"

static bool run(struct ht_slice bytes, unsigned seed, size_t max_bytes, struct ht_buffer *journal);
static bool note(struct ht_buffer *journal, const struct ht_websocket_event *event);
static void note_judged(void *user, unsigned opcode, unsigned number, struct ht_slice bytes);
static void check_writing(struct ht_slice payload, uint8_t opcode);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t maxima[] = {0, 1, 64, 125, 126, 1000, 70000, 1u << 20};
    struct fuzz_input input = fuzz_input(data, size);
    unsigned cuts = fuzz_take_byte(&input);
    unsigned choice = fuzz_take_byte(&input);
    size_t max_bytes = maxima[choice % HT_COUNT_OF(maxima)];
    struct ht_buffer whole, pieces, judged;

    ht_buffer_init(&whole, FUZZ_JOURNAL_MAX_BYTES);
    ht_buffer_init(&pieces, FUZZ_JOURNAL_MAX_BYTES);
    ht_buffer_init(&judged, FUZZ_JOURNAL_MAX_BYTES);
    bool is_broken = run(fuzz_rest(&input), 0, max_bytes, &whole);
    FUZZ_CHECK(run(fuzz_rest(&input), cuts, max_bytes, &pieces) == is_broken, "broken in pieces");
    FUZZ_CHECK_SAME(ht_buffer_slice(&whole), ht_buffer_slice(&pieces), "whole and in pieces");
    enum websocket_judgement judgement =
        websocket_judge(fuzz_rest(&input), max_bytes, note_judged, &judged);
    FUZZ_CHECK_SAME(ht_buffer_slice(&judged), ht_buffer_slice(&whole), "model and reader");
    /* within a frame that is not all here a text may be found wrong already */
    FUZZ_CHECK(is_broken ? judgement != WEBSOCKET_RIGHT : judgement != WEBSOCKET_WRONG,
               "broken %d, judged %d", (int)is_broken, (int)judgement);
    check_writing(fuzz_rest(&input), choice & 0x80 ? WSLAY_PONG : WSLAY_TEXT_FRAME);
    ht_buffer_finish(&whole);
    ht_buffer_finish(&pieces);
    ht_buffer_finish(&judged);
    return 0;
}

/* Whether it ended as broken. */
static bool run(struct ht_slice bytes, unsigned seed, size_t max_bytes, struct ht_buffer *journal)
{
    struct ht_websocket_frames frames;
    struct ht_websocket_event event;
    struct fuzz_cuts cuts;
    struct ht_slice piece;
    bool is_over = false, is_broken = false;

    FUZZ_CHECK(ht_websocket_frames_init(&frames, max_bytes) == 0, "memory");
    fuzz_cuts_init(&cuts, bytes, seed);
    while (!is_over && fuzz_cuts_next(&cuts, &piece)) {
        while (!is_over &&
               ht_websocket_frames_read(&frames, &piece, &event) != HT_WEBSOCKET_NEEDS_MORE) {
            is_broken = event.kind == HT_WEBSOCKET_BROKEN;
            is_over = is_broken || note(journal, &event);
            FUZZ_CHECK(event.kind != HT_WEBSOCKET_MESSAGE || event.bytes.length <= max_bytes,
                       "a message of %zu bytes", event.bytes.length);
        }
        FUZZ_CHECK(is_over || piece.length == 0, "everything is taken");
    }
    fuzz_cuts_finish(&cuts);
    ht_websocket_frames_finish(&frames);
    return is_broken;
}

/* Whether nothing may follow. */
static bool note(struct ht_buffer *journal, const struct ht_websocket_event *event)
{
    static const char *const names[] = {[HT_WEBSOCKET_PING] = "ping",
                                        [HT_WEBSOCKET_PONG] = "pong",
                                        [HT_WEBSOCKET_CLOSED] = "close"};
    bool is_message = event->kind == HT_WEBSOCKET_MESSAGE;

    fuzz_note(journal, is_message ? "message" : names[event->kind],
              is_message ? event->message_kind : event->close_code, event->bytes);
    return event->kind == HT_WEBSOCKET_CLOSED;
}

/* As note() does. */
static void note_judged(void *user, unsigned opcode, unsigned number, struct ht_slice bytes)
{
    static const char *const names[] = {
        [1] = "message", [2] = "message", [8] = "close", [9] = "ping", [10] = "pong"};
    uint64_t noted = opcode == 1 ? HT_WEBSOCKET_TEXT : opcode == 2 ? HT_WEBSOCKET_BINARY : number;
    fuzz_note(user, names[opcode], noted, bytes);
}

/* Unmasks by the rules of section 5.3 what we sent. */
static void check_writing(struct ht_slice payload, uint8_t opcode)
{
    struct ht_websocket_frames frames;
    struct ht_buffer out, again;

    payload.length = opcode == WSLAY_PONG && payload.length > 125 ? 125 : payload.length;
    ht_buffer_init(&out, 1u << 20);
    ht_buffer_init(&again, 1u << 20);
    FUZZ_CHECK(ht_websocket_frames_init(&frames, 100) == 0, "memory");
    FUZZ_CHECK(ht_websocket_frames_write(&frames, opcode, payload, &out) == 0, "written");
    const unsigned char *bytes = (const unsigned char *)out.data;
    size_t head = payload.length < 126 ? 2 : payload.length < 65536 ? 4 : 10;
    FUZZ_CHECK(bytes[0] == (0x80 | opcode) && (bytes[1] & 0x80) != 0, "a masked final frame");
    FUZZ_CHECK(out.length == head + 4 + payload.length, "%zu bytes", out.length);
    for (size_t i = 0; i < payload.length; i++) {
        ht_buffer_append_byte(&again, (char)(bytes[head + 4 + i] ^ bytes[head + i % 4]));
    }
    FUZZ_CHECK_SAME(ht_buffer_slice(&again), payload, "unmasked");
    ht_websocket_frames_finish(&frames);
    ht_buffer_finish(&out);
    ht_buffer_finish(&again);
}
