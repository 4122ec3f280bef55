// SPDX-License-Identifier: MIT
#include "hashtagd/json/base64.h"

#include "hashtagd/base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

/* RFC 4648, section 10, and one that uses the last two letters of the alphabet. */
static const struct {
    const char *bytes, *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct ht_slice bytes = ht_slice_text(vectors[i].bytes);
        char text[16], back[16];
        size_t length = ht_base64_encode(bytes, text);
        assert_int_equal(length, strlen(vectors[i].text));
        assert_int_equal(length, ht_base64_encoded_length(bytes.length));
        assert_memory_equal(text, vectors[i].text, length);
        assert_int_equal(ht_base64_decode(ht_slice_make(text, length), back, &length), 0);
        assert_int_equal(length, bytes.length);
        assert_memory_equal(back, bytes.data, length);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } cases[] = {
        {"no padding", "Zg"},
        {"one padding of two", "Zg="},
        {"padding alone", "===="},
        {"padding inside", "Zg==Zm9v"},
        {"padding before", "Z=g="},
        {"three paddings", "Z==="},
        {"unused bits of one", "Zh=="},
        {"unused bits of two", "Zm9="},
        {"line end", "Zm9v\nZm9"},
        {"space", "Zm9 "},
        {"URL alphabet", "-_-_"},
        {"high byte", "Zm9\xc3"},
        {"one letter", "Z"},
        {"five letters", "Zm9vZ"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[16];
        size_t length = 0;
        if (ht_base64_decode(ht_slice_text(cases[i].text), out, &length) != HT_EPARSE) {
            fail_msg("accepted: %s", cases[i].name);
        }
    }
}

static void test_every_byte_at_every_place(void **state)
{
    (void)state;
    /* what decodes must encode to the same text, and nothing else may decode */
    for (int place = 0; place < 8; place++) {
        int accepted = 0;
        for (int byte = 0; byte < 256; byte++) {
            char text[8], out[8], again[8];
            size_t length = 0;
            memcpy(text, "QUJDREVG", 8);
            text[place] = (char)byte;
            if (ht_base64_decode(ht_slice_make(text, 8), out, &length) == 0) {
                accepted++;
                assert_int_equal(ht_base64_encode(ht_slice_make(out, length), again), 8);
                assert_memory_equal(again, text, 8);
            }
        }
        /* the last place of all may be padding too: 'V' leaves bits unused, so it may not */
        assert_int_equal(accepted, 64);
    }
}

/* In a long text, most of which is decoded many characters at a time. */
static void test_a_wrong_byte_is_found_anywhere(void **state)
{
    (void)state;
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t place = 0; place < 99; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[100];
            char out[75];
            size_t length = 0;
            memset(text, 'A', sizeof(text));
            text[place] = (char)byte;
            bool is_right = memchr(letters, byte, sizeof(letters) - 1) != NULL;
            assert_int_equal(ht_base64_decode(ht_slice_make(text, sizeof(text)), out, &length),
                             is_right ? 0 : HT_EPARSE);
        }
    }
}

/* Nothing is written behind the room that is asked for, whatever the length. */
static void test_the_room_is_kept(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 400; length += 4) {
        char text[400];
        size_t got = 0;
        char *out = malloc(ht_base64_decoded_max(length) + 1);
        assert_non_null(out);
        memset(text, '/', sizeof(text));
        out[ht_base64_decoded_max(length)] = 7;
        assert_int_equal(ht_base64_decode(ht_slice_make(text, length), out, &got), 0);
        assert_int_equal(got, length / 4 * 3);
        assert_int_equal(out[ht_base64_decoded_max(length)], 7);
        free(out);
    }
}

static void test_round_trip_in_place(void **state)
{
    (void)state;
    struct ht_random random;
    ht_random_init(&random, 7);
    for (size_t size = 0; size < 300; size++) {
        char bytes[300], text[404];
        size_t length = 0;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (char)ht_random_u64(&random);
        }
        size_t written = ht_base64_encode(ht_slice_make(bytes, size), text);
        assert_int_equal(ht_base64_decode(ht_slice_make(text, written), text, &length), 0);
        assert_int_equal(length, size);
        assert_memory_equal(text, bytes, size);
    }
}

static void test_append(void **state)
{
    (void)state;
    struct ht_buffer buffer;
    ht_buffer_init(&buffer, 12);
    ht_buffer_append_text(&buffer, "x=");
    assert_int_equal(ht_base64_append(&buffer, HT_SLICE("foobar")), 0);
    assert_string_equal(buffer.data, "x=Zm9vYmFy");
    assert_int_equal(ht_base64_append(&buffer, HT_SLICE("f")), HT_ETOOBIG);
    assert_string_equal(buffer.data, "x=Zm9vYmFy");
    ht_buffer_finish(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_byte_at_every_place),
        cmocka_unit_test(test_a_wrong_byte_is_found_anywhere),
        cmocka_unit_test(test_the_room_is_kept),
        cmocka_unit_test(test_round_trip_in_place),
        cmocka_unit_test(test_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
