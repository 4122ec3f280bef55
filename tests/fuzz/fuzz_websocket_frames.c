// SPDX-License-Identifier: MIT

/* The frames of a server: the same messages wherever the bytes are cut, those that RFC 6455 says, and a
 * frame of our own that can be read by its rules. */

#include "fuzz.h"
#include "websocket_frames.h"

enum judgement {
    RIGHT,
    OPEN, /* the last frame is not all there */
    WRONG,
};

static bool run(struct ht_slice bytes, unsigned seed, size_t max_bytes, struct ht_buffer *journal);
static bool note(struct ht_buffer *journal, const struct ht_websocket_event *event);
static enum judgement model(struct ht_slice rest, size_t max_bytes, struct ht_buffer *journal);
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
    enum judgement judgement = model(fuzz_rest(&input), max_bytes, &judged);
    FUZZ_CHECK_SAME(ht_buffer_slice(&judged), ht_buffer_slice(&whole), "model and reader");
    /* within a frame that is not all here a text may be found wrong already */
    FUZZ_CHECK(is_broken ? judgement != RIGHT : judgement != WRONG, "broken %d, judged %d",
               (int)is_broken, (int)judgement);
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

/* A frame as RFC 6455 section 5.2 draws it. */
struct frame {
    unsigned first, opcode;
    bool is_final, is_masked;
    struct ht_slice payload;
    size_t taken;     /* 0: it is not all there */
    bool has_payload; /* a byte of it came, or it has none: only then it is looked at */
    bool is_wrong;
};

static struct frame read_frame(struct ht_slice rest)
{
    const unsigned char *bytes = (const unsigned char *)rest.data;
    struct frame frame = {0};
    size_t head = 2;

    if (rest.length < 2) {
        return frame;
    }
    frame.opcode = bytes[0] & 15;
    frame.is_final = (bytes[0] & 0x80) != 0;
    frame.is_masked = (bytes[1] & 0x80) != 0;
    uint64_t length = bytes[1] & 0x7f;
    size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (more > 0) {
        length = 0;
        head += more;
        for (size_t i = 0; i < more && rest.length >= head; i++) {
            length = length << 8 | bytes[2 + i];
        }
    }
    head += frame.is_masked ? 4 : 0;
    bool is_control = frame.opcode >= 8;
    bool has_head = rest.length >= head;
    frame.is_wrong =
        (bytes[0] & 0x70) != 0 || frame.is_masked || (frame.opcode > 2 && frame.opcode < 8) ||
        frame.opcode > 10 || (is_control && (!frame.is_final || more > 0)) ||
        (has_head &&
         ((more == 2 && length < 126) || (more == 8 && length < 65536) || length >> 63));
    frame.has_payload = rest.length > head || (has_head && length == 0);
    if (has_head && !frame.is_wrong && length <= rest.length - head) {
        frame.payload = ht_slice_make(rest.data + head, (size_t)length);
        frame.taken = head + (size_t)length;
    } else if (has_head) {
        frame.payload = ht_slice_make(NULL, length > SIZE_MAX ? SIZE_MAX : (size_t)length);
    }
    return frame;
}

static bool judge_close(struct ht_slice payload, struct ht_buffer *journal)
{
    unsigned code = 1005;
    struct ht_slice reason = HT_SLICE("");

    if (payload.length > 0) {
        if (payload.length == 1) {
            return true;
        }
        code = (unsigned)(unsigned char)payload.data[0] << 8 | (unsigned char)payload.data[1];
        reason = ht_slice_make(payload.data + 2, payload.length - 2);
        bool is_code =
            (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
            (code >= 3000 && code < 5000);
        if (!is_code || !fuzz_is_utf8(reason)) {
            return true;
        }
    }
    fuzz_note(journal, "close", code, reason);
    return false;
}

/* All that these bytes say until the first mistake. */
static enum judgement model(struct ht_slice rest, size_t max_bytes, struct ht_buffer *journal)
{
    struct ht_buffer message;
    unsigned kind = 0; /* of the message at hand; 0: none */
    bool is_wrong = false, is_closed = false, is_open = true;

    ht_buffer_init(&message, 2u << 20);
    while (!is_wrong && !is_closed && rest.length > 0) {
        struct frame frame = read_frame(rest);
        is_wrong = frame.is_wrong;
        if (frame.opcode < 8) {
            is_wrong = is_wrong || (frame.opcode == 0) != (kind != 0) ||
                       (frame.payload.length > max_bytes - message.length);
        }
        if (is_wrong || frame.taken == 0) {
            is_wrong = is_wrong && frame.has_payload;
            break;
        }
        if (frame.opcode == 8) {
            is_closed = true;
            is_wrong = judge_close(frame.payload, journal);
        } else if (frame.opcode > 8) {
            fuzz_note(journal, frame.opcode == 9 ? "ping" : "pong", 0, frame.payload);
        } else {
            kind = frame.opcode == 0 ? kind : frame.opcode;
            ht_buffer_append_slice(&message, frame.payload);
            is_wrong = kind == 1 &&
                       (fuzz_utf8_length(ht_buffer_slice(&message), &is_open) < message.length &&
                        !is_open);
            if (frame.is_final && !is_wrong) {
                is_wrong = kind == 1 && !fuzz_is_utf8(ht_buffer_slice(&message));
                if (!is_wrong) {
                    fuzz_note(journal, "message",
                              kind == 1 ? HT_WEBSOCKET_TEXT : HT_WEBSOCKET_BINARY,
                              ht_buffer_slice(&message));
                }
                ht_buffer_clear(&message);
                kind = 0;
            }
        }
        rest = ht_slice_make(rest.data + frame.taken, rest.length - frame.taken);
    }
    ht_buffer_finish(&message);
    return is_wrong ? WRONG : !is_closed && rest.length > 0 ? OPEN : RIGHT;
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
