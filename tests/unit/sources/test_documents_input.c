// SPDX-License-Identifier: MIT
#include "documents_input.h"

#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* Feeds `bytes` in pieces of `step`; the result is in `out`, why it ended badly in `*reason`. */
static void read_all(struct ht_slice bytes, size_t step, struct ht_buffer *out, const char **reason)
{
    struct ht_documents_input input = {0};
    enum ht_documents_input_result result = HT_DOCUMENTS_INPUT_FILLED;
    ht_buffer_clear(out);
    while (result != HT_DOCUMENTS_INPUT_DRAINED) {
        size_t before = out->length;
        result = ht_documents_input_fill(&input, out);
        assert_int_not_equal(result, HT_DOCUMENTS_INPUT_FAILED);
        assert_true(out->length - before <= HT_DOCUMENTS_INPUT_FILL_BYTES);
        if (result == HT_DOCUMENTS_INPUT_MORE) {
            assert_int_equal(input.chunk.length, 0);
            input.is_last = bytes.length == 0;
            input.chunk = ht_slice_make(bytes.data, bytes.length < step ? bytes.length : step);
            bytes.data += input.chunk.length;
            bytes.length -= input.chunk.length;
        }
    }
    *reason = input.reason;
    ht_documents_input_finish(&input);
}

static void test_plain_and_gzip(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "a", "ab", "abc", "{\"id\":1}\n", "\x1f", "\x1f\x8c"};
    struct ht_buffer out, gzip;
    const char *reason;
    ht_buffer_init(&out, 1 << 20);
    ht_buffer_init(&gzip, 1 << 20);
    for (size_t i = 0; i < HT_COUNT_OF(texts); i++) {
        struct ht_slice text = ht_slice_text(texts[i]);
        ht_buffer_clear(&gzip);
        assert_int_equal(ht_gzip_format(text, &gzip), 0);
        for (size_t step = 1; step < 40; step++) {
            read_all(text, step, &out, &reason);
            assert_true(ht_slice_equal(ht_buffer_slice(&out), text));
            assert_null(reason);
            read_all(ht_buffer_slice(&gzip), step, &out, &reason);
            assert_true(ht_slice_equal(ht_buffer_slice(&out), text));
            assert_null(reason);
        }
    }
    ht_buffer_finish(&out);
    ht_buffer_finish(&gzip);
}

static void test_much_comes_in_pieces(void **state)
{
    (void)state;
    enum { LENGTH = 1000000 };
    struct ht_buffer out, gzip;
    const char *reason;
    char *bytes = malloc(LENGTH);
    assert_non_null(bytes);
    ht_buffer_init(&out, 2 * LENGTH);
    ht_buffer_init(&gzip, LENGTH);
    for (size_t i = 0; i < LENGTH; i++) {
        bytes[i] = (char)('a' + i * i % 23);
    }
    struct ht_slice text = {bytes, LENGTH};
    assert_int_equal(ht_gzip_format(text, &gzip), 0);
    read_all(text, LENGTH, &out, &reason);
    assert_true(ht_slice_equal(ht_buffer_slice(&out), text));
    read_all(ht_buffer_slice(&gzip), LENGTH, &out, &reason);
    assert_true(ht_slice_equal(ht_buffer_slice(&out), text));
    free(bytes);
    ht_buffer_finish(&out);
    ht_buffer_finish(&gzip);
}

static void test_bad_ends(void **state)
{
    (void)state;
    struct ht_buffer out, gzip;
    const char *reason;
    ht_buffer_init(&out, 1 << 20);
    ht_buffer_init(&gzip, 1000);
    assert_int_equal(ht_gzip_format(HT_SLICE("content"), &gzip), 0);
    for (size_t length = 2; length < gzip.length; length++) {
        read_all(ht_slice_make(gzip.data, length), 3, &out, &reason);
        assert_string_equal(reason, "the gzip data is cut off");
    }
    ht_buffer_append_text(&gzip, "garbage");
    read_all(ht_buffer_slice(&gzip), 3, &out, &reason);
    assert_string_equal(out.data, "content");
    assert_string_equal(reason, "the gzip data is damaged; what follows is not read");
    ht_buffer_finish(&out);
    ht_buffer_finish(&gzip);
}

static void test_no_room(void **state)
{
    (void)state;
    struct ht_documents_input input = {.chunk = HT_SLICE("more than there is room for")};
    struct ht_buffer out;
    ht_buffer_init(&out, 5);
    assert_int_equal(ht_documents_input_fill(&input, &out), HT_DOCUMENTS_INPUT_FILLED);
    assert_int_equal(ht_documents_input_fill(&input, &out), HT_DOCUMENTS_INPUT_FAILED);
    ht_documents_input_finish(&input);
    ht_buffer_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_and_gzip),
        cmocka_unit_test(test_much_comes_in_pieces),
        cmocka_unit_test(test_bad_ends),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
