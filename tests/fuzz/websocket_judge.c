// SPDX-License-Identifier: MIT
#include "websocket_judge.h"

#include "fuzz.h"

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

static bool judge_close(struct ht_slice payload, websocket_tell_fn tell, void *user)
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
    tell(user, 8, code, reason);
    return false;
}

enum websocket_judgement websocket_judge(struct ht_slice rest, size_t max_bytes,
                                         websocket_tell_fn tell, void *user)
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
            is_wrong = judge_close(frame.payload, tell, user);
        } else if (frame.opcode > 8) {
            tell(user, frame.opcode, 0, frame.payload);
        } else {
            kind = frame.opcode == 0 ? kind : frame.opcode;
            ht_buffer_append_slice(&message, frame.payload);
            is_wrong = kind == 1 &&
                       (fuzz_utf8_length(ht_buffer_slice(&message), &is_open) < message.length &&
                        !is_open);
            if (frame.is_final && !is_wrong) {
                is_wrong = kind == 1 && !fuzz_is_utf8(ht_buffer_slice(&message));
                if (!is_wrong) {
                    tell(user, kind, 0, ht_buffer_slice(&message));
                }
                ht_buffer_clear(&message);
                kind = 0;
            }
        }
        rest = ht_slice_make(rest.data + frame.taken, rest.length - frame.taken);
    }
    ht_buffer_finish(&message);
    return is_wrong                        ? WEBSOCKET_WRONG
           : !is_closed && rest.length > 0 ? WEBSOCKET_OPEN
                                           : WEBSOCKET_RIGHT;
}
