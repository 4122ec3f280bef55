// SPDX-License-Identifier: MIT
#include "hashtagd/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void appends_of_every_kind_add_up(void **state)
{
    (void)state;
    struct ht_buffer buffer;
    ht_buffer_init(&buffer, 1000);
    assert_int_equal(ht_buffer_append_text(&buffer, "a="), 0);
    assert_int_equal(ht_buffer_append_u64(&buffer, UINT64_MAX), 0);
    assert_int_equal(ht_buffer_append_byte(&buffer, ' '), 0);
    assert_int_equal(ht_buffer_append_format(&buffer, "%d-%s", 7, "x"), 0);
    assert_int_equal(ht_buffer_append_slice(&buffer, HT_SLICE("!")), 0);
    assert_int_equal(ht_buffer_append_u64(&buffer, 0), 0);
    assert_string_equal(buffer.data, "a=18446744073709551615 7-x!0");
    assert_int_equal(buffer.length, strlen(buffer.data));
    ht_buffer_finish(&buffer);
}

static void the_maximum_is_an_error_that_stays(void **state)
{
    (void)state;
    struct ht_buffer buffer;
    ht_buffer_init(&buffer, 4);
    assert_int_equal(ht_buffer_append(&buffer, "abcd", 4), 0);
    assert_int_equal(ht_buffer_append_byte(&buffer, 'e'), HT_ETOOBIG);
    assert_int_equal(ht_buffer_append_format(&buffer, "%s", "x"), HT_ETOOBIG);
    assert_string_equal(buffer.data, "abcd");
    assert_int_equal(ht_buffer_status(&buffer), HT_ETOOBIG);
    ht_buffer_clear(&buffer);
    assert_int_equal(ht_buffer_status(&buffer), 0);
    assert_int_equal(ht_buffer_reserve(&buffer, SIZE_MAX), HT_ETOOBIG);
    ht_buffer_finish(&buffer);
}

static void the_front_can_be_dropped(void **state)
{
    (void)state;
    struct ht_buffer buffer;
    ht_buffer_init(&buffer, 100);
    ht_buffer_drop_front(&buffer, 3);
    assert_int_equal(ht_buffer_append_text(&buffer, "hello"), 0);
    ht_buffer_drop_front(&buffer, 2);
    assert_string_equal(buffer.data, "llo");
    ht_buffer_drop_front(&buffer, 50);
    assert_int_equal(buffer.length, 0);
    assert_string_equal(buffer.data, "");
    ht_buffer_finish(&buffer);
}

static void what_is_taken_is_the_callers(void **state)
{
    (void)state;
    struct ht_buffer buffer;
    ht_buffer_init(&buffer, 100);
    char *empty = ht_buffer_take(&buffer);
    assert_string_equal(empty, "");
    free(empty);
    assert_int_equal(ht_buffer_append_text(&buffer, "kept"), 0);
    char *text = ht_buffer_take(&buffer);
    assert_string_equal(text, "kept");
    assert_null(buffer.data);
    free(text);
    ht_buffer_finish(&buffer);
    ht_buffer_finish(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_of_every_kind_add_up),
        cmocka_unit_test(the_maximum_is_an_error_that_stays),
        cmocka_unit_test(the_front_can_be_dropped),
        cmocka_unit_test(what_is_taken_is_the_callers),
    };
    return cmocka_run_group_tests_name("base/buffer", tests, NULL, NULL);
}
