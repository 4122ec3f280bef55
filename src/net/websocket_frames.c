// SPDX-License-Identifier: MIT
#include "websocket_frames.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"

static ssize_t on_input_wanted(uint8_t *room, size_t length, int flags, void *user);
static ssize_t on_output(const uint8_t *data, size_t length, int flags, void *user);
static int on_mask_wanted(uint8_t *room, size_t length, void *user);
static bool begin_frame(struct ht_websocket_frames *frames, const struct wslay_frame_iocb *part,
                        struct ht_websocket_event *event);
static bool begin_data_frame(struct ht_websocket_frames *frames,
                             const struct wslay_frame_iocb *part, struct ht_websocket_event *event);
static bool take_part(struct ht_websocket_frames *frames, const struct wslay_frame_iocb *part,
                      struct ht_websocket_event *event);
static void end_frame(struct ht_websocket_frames *frames, struct ht_slice part,
                      struct ht_websocket_event *event);
static void end_message(struct ht_websocket_frames *frames, struct ht_slice part,
                        struct ht_websocket_event *event);
static void end_control(struct ht_websocket_frames *frames, struct ht_websocket_event *event);
static void end_close(struct ht_slice payload, struct ht_websocket_event *event);
static bool is_close_code(unsigned code);
static bool give_up(struct ht_websocket_event *event, unsigned close_code, const char *problem);

int ht_websocket_frames_init(struct ht_websocket_frames *frames, size_t max_message_bytes)
{
    struct wslay_frame_callbacks callbacks = {.send_callback = on_output,
                                              .recv_callback = on_input_wanted,
                                              .genmask_callback = on_mask_wanted};

    *frames = (struct ht_websocket_frames){0};
    ht_buffer_init(&frames->message, max_message_bytes);
    return wslay_frame_context_init(&frames->wslay, &callbacks, frames) == 0 ? 0 : HT_ENOMEM;
}

void ht_websocket_frames_finish(struct ht_websocket_frames *frames)
{
    if (frames->wslay != NULL) {
        wslay_frame_context_free(frames->wslay);
        frames->wslay = NULL;
    }
    ht_buffer_finish(&frames->message);
}

enum ht_websocket_event_kind ht_websocket_frames_read(struct ht_websocket_frames *frames,
                                                      struct ht_slice *input,
                                                      struct ht_websocket_event *event)
{
    *event = (struct ht_websocket_event){.kind = HT_WEBSOCKET_NEEDS_MORE};
    if (frames->message_is_given) {
        frames->message_is_given = false;
        ht_buffer_clear(&frames->message);
    }
    frames->input = input;
    while (event->kind == HT_WEBSOCKET_NEEDS_MORE) {
        struct wslay_frame_iocb part = {0};
        ssize_t got = wslay_frame_recv(frames->wslay, &part);
        if (got == WSLAY_ERR_WANT_READ) {
            break;
        }
        if (got < 0) {
            give_up(event, HT_WEBSOCKET_CLOSE_PROTOCOL, "a frame has a malformed head");
            break;
        }
        if (!frames->is_in_frame && !begin_frame(frames, &part, event)) {
            break;
        }
        if (!take_part(frames, &part, event)) {
            break;
        }
        if (frames->frame_left == 0) {
            end_frame(frames, ht_slice_make(part.data, part.data_length), event);
        }
    }
    frames->input = NULL;
    return event->kind;
}

static ssize_t on_input_wanted(uint8_t *room, size_t length, int flags, void *user)
{
    struct ht_slice *input = ((struct ht_websocket_frames *)user)->input;

    (void)flags;
    length = length < input->length ? length : input->length;
    if (length == 0) {
        return -1; /* for now */
    }
    memcpy(room, input->data, length);
    input->data += length;
    input->length -= length;
    return (ssize_t)length;
}

static bool begin_frame(struct ht_websocket_frames *frames, const struct wslay_frame_iocb *part,
                        struct ht_websocket_event *event)
{
    if (part->rsv != WSLAY_RSV_NONE) {
        return give_up(event, HT_WEBSOCKET_CLOSE_PROTOCOL, "a frame has a reserved bit set");
    }
    if (part->mask) {
        return give_up(event, HT_WEBSOCKET_CLOSE_PROTOCOL, "a frame of a server is masked");
    }
    frames->is_in_frame = true;
    frames->opcode = part->opcode;
    frames->frame_left = part->payload_length;
    frames->control_length = 0;
    switch (part->opcode) {
    case WSLAY_CONTINUATION_FRAME:
    case WSLAY_TEXT_FRAME:
    case WSLAY_BINARY_FRAME:
        return begin_data_frame(frames, part, event);
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return true;
    default:
        return give_up(event, HT_WEBSOCKET_CLOSE_PROTOCOL, "a frame has an unknown opcode");
    }
}

static bool begin_data_frame(struct ht_websocket_frames *frames,
                             const struct wslay_frame_iocb *part, struct ht_websocket_event *event)
{
    bool goes_on = part->opcode == WSLAY_CONTINUATION_FRAME;

    if (goes_on != frames->is_in_message) {
        return give_up(event, HT_WEBSOCKET_CLOSE_PROTOCOL,
                       goes_on ? "a fragment belongs to no message"
                               : "a message begins before the last one has ended");
    }
    if (!goes_on) {
        frames->is_in_message = true;
        frames->message_kind =
            part->opcode == WSLAY_TEXT_FRAME ? HT_WEBSOCKET_TEXT : HT_WEBSOCKET_BINARY;
        frames->utf8 = (struct ht_utf8_check){0};
    }
    frames->is_last_frame = part->fin;
    if (part->payload_length > frames->message.max_bytes - frames->message.length) {
        give_up(event, HT_WEBSOCKET_CLOSE_TOO_BIG, "a message is larger than allowed");
        event->code = HT_ETOOBIG;
        return false;
    }
    return true;
}

/* What came of the frame's payload: checked, and kept where more of the message follows. */
static bool take_part(struct ht_websocket_frames *frames, const struct wslay_frame_iocb *part,
                      struct ht_websocket_event *event)
{
    struct ht_slice bytes = ht_slice_make(part->data, part->data_length);

    frames->frame_left -= bytes.length;
    if (wslay_is_ctrl_frame(frames->opcode)) {
        HT_ASSERT(bytes.length <= sizeof frames->control - frames->control_length);
        if (bytes.length > 0) {
            memcpy(frames->control + frames->control_length, bytes.data, bytes.length);
            frames->control_length += bytes.length;
        }
        return true;
    }
    if (frames->message_kind == HT_WEBSOCKET_TEXT && !ht_utf8_check_add(&frames->utf8, bytes)) {
        return give_up(event, HT_WEBSOCKET_CLOSE_BAD_PAYLOAD, "a text message is not UTF-8");
    }
    bool is_whole = frames->frame_left == 0 && frames->is_last_frame;
    if (is_whole && frames->message.length == 0) {
        return true; /* given from where it is */
    }
    if (ht_buffer_append_slice(&frames->message, bytes) != 0) {
        give_up(event, HT_WEBSOCKET_CLOSE_INTERNAL, "memory is out");
        event->code = HT_ENOMEM;
        return false;
    }
    return true;
}

static void end_frame(struct ht_websocket_frames *frames, struct ht_slice part,
                      struct ht_websocket_event *event)
{
    frames->is_in_frame = false;
    if (wslay_is_ctrl_frame(frames->opcode)) {
        end_control(frames, event);
    } else if (frames->is_last_frame) {
        end_message(frames, part, event);
    }
}

static void end_message(struct ht_websocket_frames *frames, struct ht_slice part,
                        struct ht_websocket_event *event)
{
    frames->is_in_message = false;
    if (frames->message_kind == HT_WEBSOCKET_TEXT && !ht_utf8_check_is_complete(&frames->utf8)) {
        give_up(event, HT_WEBSOCKET_CLOSE_BAD_PAYLOAD, "a text message ends inside a character");
        return;
    }
    event->kind = HT_WEBSOCKET_MESSAGE;
    event->message_kind = frames->message_kind;
    event->bytes = frames->message.length == 0 ? part : ht_buffer_slice(&frames->message);
    frames->message_is_given = true;
}

static void end_control(struct ht_websocket_frames *frames, struct ht_websocket_event *event)
{
    event->bytes = ht_slice_make(frames->control, frames->control_length);
    if (frames->opcode == WSLAY_PING) {
        event->kind = HT_WEBSOCKET_PING;
    } else if (frames->opcode == WSLAY_PONG) {
        event->kind = HT_WEBSOCKET_PONG;
    } else {
        end_close(event->bytes, event);
    }
}

static void end_close(struct ht_slice payload, struct ht_websocket_event *event)
{
    struct ht_utf8_check utf8 = {0};

    event->kind = HT_WEBSOCKET_CLOSED;
    event->close_code = HT_WEBSOCKET_CLOSE_NONE;
    if (payload.length == 0) {
        return;
    }
    if (payload.length == 1) {
        give_up(event, HT_WEBSOCKET_CLOSE_PROTOCOL, "a close frame has half a code");
        return;
    }
    event->close_code =
        (unsigned)(unsigned char)payload.data[0] * 256u + (unsigned)(unsigned char)payload.data[1];
    event->bytes = ht_slice_make(payload.data + 2, payload.length - 2);
    if (!is_close_code(event->close_code)) {
        give_up(event, HT_WEBSOCKET_CLOSE_PROTOCOL, "a close frame has a code that none may have");
    } else if (!ht_utf8_check_add(&utf8, event->bytes) || !ht_utf8_check_is_complete(&utf8)) {
        give_up(event, HT_WEBSOCKET_CLOSE_BAD_PAYLOAD, "the reason in a close frame is not UTF-8");
    }
}

/* RFC 6455 section 7.4 and what IANA has registered since (1012 to 1014). */
static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static bool give_up(struct ht_websocket_event *event, unsigned close_code, const char *problem)
{
    *event = (struct ht_websocket_event){.kind = HT_WEBSOCKET_BROKEN,
                                         .code = HT_EPARSE,
                                         .close_code = close_code,
                                         .problem = problem};
    return false;
}

int ht_websocket_frames_write(struct ht_websocket_frames *frames, uint8_t opcode,
                              struct ht_slice payload, struct ht_buffer *output)
{
    struct wslay_frame_iocb frame = {.fin = 1,
                                     .opcode = opcode,
                                     .payload_length = payload.length,
                                     .mask = 1,
                                     .data = (const uint8_t *)payload.data,
                                     .data_length = payload.length};
    size_t before = output->length;

    /* room for all of it first, so that none is left half written */
    int status = ht_buffer_reserve(output, payload.length + HT_WEBSOCKET_FRAME_HEAD_MAX_BYTES);
    if (status != 0) {
        return status;
    }
    frames->output = output;
    ssize_t sent = wslay_frame_send(frames->wslay, &frame);
    frames->output = NULL;
    if (sent < 0 || (size_t)sent != payload.length) {
        HT_ASSERT(output->length == before); /* only the mask can fail, and it comes first */
        return HT_EIO;
    }
    return 0;
}

static ssize_t on_output(const uint8_t *data, size_t length, int flags, void *user)
{
    struct ht_buffer *output = ((struct ht_websocket_frames *)user)->output;

    (void)flags;
    return ht_buffer_append(output, data, length) == 0 ? (ssize_t)length : -1;
}

static int on_mask_wanted(uint8_t *room, size_t length, void *user)
{
    (void)user;
    return ht_random_secret(room, length);
}

struct ht_slice ht_websocket_close_payload(unsigned code, char room[2])
{
    if (code == HT_WEBSOCKET_CLOSE_NONE) {
        return ht_slice_make(room, 0);
    }
    room[0] = (char)(code >> 8);
    room[1] = (char)code;
    return ht_slice_make(room, 2);
}
