// SPDX-License-Identifier: MIT
#include "../../../src/net/websocket_frames.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MESSAGE_MAX 70000

/* What a stretch of bytes says, cut in pieces of `piece` bytes. */
static void read_all(struct ht_slice bytes, size_t piece, struct ht_buffer *out)
{
    struct ht_websocket_frames frames;
    struct ht_websocket_event event;
    bool is_over = false;

    assert_int_equal(ht_websocket_frames_init(&frames, MESSAGE_MAX), 0);
    for (size_t at = 0; at < bytes.length && !is_over; at += piece) {
        size_t length = bytes.length - at < piece ? bytes.length - at : piece;
        /* memory of its own, so that a byte too far is seen */
        char *copy = malloc(length);
        memcpy(copy, bytes.data + at, length);
        struct ht_slice input = ht_slice_make(copy, length);
        while (!is_over && ht_websocket_frames_read(&frames, &input, &event) != 0) {
            static const char *const words[] = {"", "", "ping", "pong", "close", "broken"};
            const char *word = event.kind != HT_WEBSOCKET_MESSAGE        ? words[event.kind]
                               : event.message_kind == HT_WEBSOCKET_TEXT ? "text"
                                                                         : "binary";
            ht_buffer_append_format(out, "%s%s", out->length > 0 ? " " : "", word);
            is_over = event.kind == HT_WEBSOCKET_CLOSED || event.kind == HT_WEBSOCKET_BROKEN;
            if (is_over) {
                ht_buffer_append_format(out, "=%u", event.close_code);
            }
            if (event.bytes.length > 20) {
                ht_buffer_append_format(out, ":%zu", event.bytes.length);
            } else if (event.bytes.length > 0) {
                ht_buffer_append_text(out, ":");
                ht_buffer_append_slice(out, event.bytes);
            }
        }
        free(copy);
    }
    ht_websocket_frames_finish(&frames);
}

struct frames_case {
    struct ht_slice bytes;
    const char *events;
};

#define FRAMES(literal, events)                                                                    \
    {                                                                                              \
        {(literal), sizeof(literal) - 1}, events                                                   \
    }

static const struct frames_case cases[] = {
    FRAMES("\x81\x00", "text"),
    FRAMES("\x82\x00", "binary"),
    FRAMES("\x81\x05hello\x82\x02\xff\x00", "text:hello binary:\xff\0"),
    FRAMES("\x01\x00\x00\x00\x80\x00", "text"),
    FRAMES("\x01\x00\x00\x00\x80\x01x", "text:x"),
    FRAMES("\x01\x03"
           "fra\x00\x02gm\x80\x03"
           "ent",
           "text:fragment"),
    FRAMES("\x01\x01"
           "a\x89\x02hi\x80\x01"
           "b",
           "ping:hi text:ab"),
    FRAMES("\x01\x01"
           "a\x8a\x00\x00\x01"
           "b\x89\x00\x80\x01"
           "c",
           "pong ping text:abc"),
    FRAMES("\x01\x02\xe2\x82\x80\x01\xac", "text:\xe2\x82\xac"),
    FRAMES("\x88\x00", "close=1005"),
    FRAMES("\x88\x02\x03\xe8\x81\x01x", "close=1000"),
    FRAMES("\x88\x05\x03\xf3"
           "bye",
           "close=1011:bye"),
    FRAMES("\x88\x02\x0f\xa0", "close=4000"),
    FRAMES("\x88\x02\x03\xf4", "close=1012"),
    FRAMES("\x01\x01"
           "a\x88\x02\x03\xe8",
           "close=1000"),
    /* what may not be */
    FRAMES("\x88\x01\x03", "broken=1002"),
    FRAMES("\x88\x02\x03\xe7", "broken=1002"), /* 999 */
    FRAMES("\x88\x02\x03\xec", "broken=1002"), /* 1004 */
    FRAMES("\x88\x02\x03\xed", "broken=1002"), /* 1005 */
    FRAMES("\x88\x02\x03\xee", "broken=1002"), /* 1006 */
    FRAMES("\x88\x02\x03\xf7", "broken=1002"), /* 1015 */
    FRAMES("\x88\x02\x07\xd0", "broken=1002"), /* 2000 */
    FRAMES("\x88\x02\x13\x88", "broken=1002"), /* 5000 */
    FRAMES("\x88\x02\x00\x00", "broken=1002"),
    FRAMES("\x88\x03\x03\xe8\xff", "broken=1007"),
    FRAMES("\x88\x04\x03\xe8\xe2\x82", "broken=1007"),
    FRAMES("\xc1\x01x", "broken=1002"), /* reserved bits */
    FRAMES("\xa1\x01x", "broken=1002"),
    FRAMES("\x91\x01x", "broken=1002"),
    FRAMES("\xc9\x00", "broken=1002"),
    FRAMES("\x81\x81mask\x15", "broken=1002"),
    FRAMES("\x83\x00", "broken=1002"), /* opcodes */
    FRAMES("\x87\x00", "broken=1002"),
    FRAMES("\x8b\x00", "broken=1002"),
    FRAMES("\x8f\x00", "broken=1002"),
    FRAMES("\x80\x01x", "broken=1002"), /* nothing to continue */
    FRAMES("\x00\x01x", "broken=1002"),
    FRAMES("\x81\x01x\x80\x01y", "text:x broken=1002"),
    FRAMES("\x01\x01x\x81\x01y", "broken=1002"), /* not ended */
    FRAMES("\x01\x01x\x82\x01y", "broken=1002"),
    FRAMES("\x09\x01x", "broken=1002"), /* a control frame in pieces */
    FRAMES("\x08\x02\x03\xe8", "broken=1002"),
    FRAMES("\x89\x7e\x00\x7e"
           "x",
           "broken=1002"),                          /* and one that is too long */
    FRAMES("\x81\x7e\x00\x05hello", "broken=1002"), /* lengths longer than need be */
    FRAMES("\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff"
           "x",
           "broken=1002"),
    FRAMES("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00"
           "x",
           "broken=1002"),
    FRAMES("\x81\x02\xc0\x80", "broken=1007"),
    FRAMES("\x81\x02\xe2\x82", "broken=1007"),
    FRAMES("\x01\x02\xe2\x82\x80\x01x", "broken=1007"),
    FRAMES("\x01\x02\xe2\x82\x00\x00\x80\x00", "broken=1007"),
    FRAMES("\x01\x05\xff", "broken=1007"), /* seen before the frame is complete */
    FRAMES("\x82\x7e\xff\xffx\x81", ""),
    FRAMES("\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x71x", "broken=1009"), /* one over the limit */
    FRAMES("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"
           "x",
           "broken=1009"),
};

static void test_frames_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        for (size_t piece = 1; piece <= cases[i].bytes.length; piece++) {
            struct ht_buffer out;
            ht_buffer_init(&out, 1000);
            read_all(cases[i].bytes, piece, &out);
            const char *events = out.data == NULL ? "" : out.data;
            if (strcmp(events, cases[i].events) != 0) {
                fail_msg("case %zu in pieces of %zu: \"%s\"", i, piece, events);
            }
            ht_buffer_finish(&out);
        }
    }
}

static void append_frame(struct ht_buffer *out, unsigned char first, size_t length)
{
    unsigned char head[10] = {first};
    size_t head_length = 2;

    if (length < 126) {
        head[1] = (unsigned char)length;
    } else if (length < 65536) {
        head[1] = 126;
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        head_length = 4;
    } else {
        head[1] = 127;
        for (unsigned i = 0; i < 8; i++) {
            head[2 + i] = (unsigned char)((uint64_t)length >> (56 - 8 * i));
        }
        head_length = 10;
    }
    ht_buffer_append(out, head, head_length);
    for (size_t i = 0; i < length; i++) {
        ht_buffer_append_byte(out, 'x');
    }
}

static void test_all_lengths(void **state)
{
    static const size_t lengths[] = {0,    1,    21,    124,   125,   126,   127,        4090,
                                     4095, 4096, 65534, 65535, 65536, 69999, MESSAGE_MAX};

    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(lengths); i++) {
        struct ht_buffer bytes, out;
        char expected[64] = "binary text:end";
        ht_buffer_init(&bytes, 1 << 20);
        ht_buffer_init(&out, 1000);
        append_frame(&bytes, 0x82, lengths[i]);
        ht_buffer_append(&bytes,
                         "\x81\x03"
                         "end",
                         5);
        if (lengths[i] == 1) {
            snprintf(expected, sizeof expected, "binary:x text:end");
        } else if (lengths[i] > 0) {
            snprintf(expected, sizeof expected, "binary:%zu text:end", lengths[i]);
        }
        read_all(ht_buffer_slice(&bytes), i % 2 == 0 ? 1000 : 65536, &out);
        assert_string_equal(out.data, expected);
        ht_buffer_finish(&bytes);
        ht_buffer_finish(&out);
    }
}

static void test_the_limit_counts_for_all_fragments(void **state)
{
    struct ht_buffer bytes, out;

    (void)state;
    ht_buffer_init(&bytes, 1 << 20);
    ht_buffer_init(&out, 1000);
    append_frame(&bytes, 0x02, MESSAGE_MAX - 1);
    append_frame(&bytes, 0x00, 1);
    append_frame(&bytes, 0x80, 0);
    append_frame(&bytes, 0x02, MESSAGE_MAX);
    append_frame(&bytes, 0x80, 1);
    read_all(ht_buffer_slice(&bytes), 4096, &out);
    assert_string_equal(out.data, "binary:70000 broken=1009");
    ht_buffer_finish(&bytes);
    ht_buffer_finish(&out);
}

/* A client's frame as a server would read it. */
static void check_written(const char *bytes, size_t length, const char *payload,
                          size_t payload_length)
{
    const unsigned char *at = (const unsigned char *)bytes + 2;
    size_t head_length = payload_length < 126 ? 6 : payload_length < 65536 ? 8 : 14;

    assert_int_equal(length, head_length + payload_length);
    assert_int_equal((unsigned char)bytes[1] & 0x80, 0x80);
    const unsigned char *mask = at + head_length - 6;
    for (size_t i = 0; i < payload_length; i++) {
        assert_int_equal((unsigned char)payload[i], mask[4 + i] ^ mask[i % 4]);
    }
}

static void test_writing(void **state)
{
    static const size_t lengths[] = {0, 1, 125, 126, 4096, 4097, 65535, 65536, 100000};
    static char payload[100000];
    struct ht_websocket_frames frames;
    struct ht_buffer out;

    (void)state;
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (char)(i * 7);
    }
    assert_int_equal(ht_websocket_frames_init(&frames, MESSAGE_MAX), 0);
    ht_buffer_init(&out, 1 << 20);
    for (size_t i = 0; i < HT_COUNT_OF(lengths); i++) {
        size_t before = out.length;
        assert_int_equal(
            ht_websocket_frames_write(&frames, 1, ht_slice_make(payload, lengths[i]), &out), 0);
        assert_int_equal((unsigned char)out.data[before], 0x81);
        check_written(out.data + before, out.length - before, payload, lengths[i]);
    }
    ht_buffer_finish(&out);
    ht_websocket_frames_finish(&frames);
}

static void test_writing_without_room_leaves_nothing_behind(void **state)
{
    struct ht_websocket_frames frames;
    struct ht_buffer out;

    (void)state;
    assert_int_equal(ht_websocket_frames_init(&frames, MESSAGE_MAX), 0);
    ht_buffer_init(&out, 30);
    assert_int_equal(ht_websocket_frames_write(&frames, 1, HT_SLICE("0123456789abcdef"), &out), 0);
    size_t length = out.length;
    assert_int_equal(ht_websocket_frames_write(&frames, 1, HT_SLICE("0123456789abcdef"), &out),
                     HT_ETOOBIG);
    assert_int_equal(out.length, length);
    ht_buffer_clear(&out);
    assert_int_equal(ht_websocket_frames_write(&frames, 2, HT_SLICE("again"), &out), 0);
    check_written(out.data, out.length, "again", 5);
    ht_buffer_finish(&out);
    ht_websocket_frames_finish(&frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_cut_anywhere),
        cmocka_unit_test(test_all_lengths),
        cmocka_unit_test(test_the_limit_counts_for_all_fragments),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_writing_without_room_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("net/websocket_frames", tests, NULL, NULL);
}
