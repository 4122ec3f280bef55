// SPDX-License-Identifier: MIT
#include "synthetic_users.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_users_are_whole(void **state)
{
    (void)state;
    struct ht_synthetic_vocabulary vocabulary = {0};
    struct ht_synthetic_user *users = calloc(HT_SYNTHETIC_USER_COUNT, sizeof(*users));
    assert_non_null(users);
    assert_int_equal(ht_synthetic_vocabulary_init(&vocabulary, 1), 0);
    ht_synthetic_users_make(users, &vocabulary, 1);
    for (size_t i = 0; i < HT_SYNTHETIC_USER_COUNT; i++) {
        struct ht_json *user = ht_json_parse(users[i].json, HT_JSON_REFUSE_DUPLICATES, NULL, NULL);
        assert_non_null(user);
        assert_true((uint64_t)ht_json_i64(ht_json_member(user, "id")) == users[i].id);
        assert_true(ht_slice_equal(ht_json_text(ht_json_member(user, "screen_name")),
                                   users[i].screen_name));
        assert_true(users[i].screen_name.length <= 15);
        assert_true(ht_json_count(user) >= 35);
        assert_in_range(users[i].json.length, 1200, 2500);
        ht_json_destroy(user);
    }
    for (size_t i = 0; i < HT_SYNTHETIC_USER_COUNT; i++) {
        for (size_t other = 0; other < i; other++) {
            assert_true(users[i].id != users[other].id);
        }
    }
    free(users);
    ht_synthetic_vocabulary_finish(&vocabulary);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        uint64_t wall_s;
        const char *text;
    } cases[] = {
        {0, "Thu Jan 01 00:00:00 +0000 1970"},
        {951782400, "Tue Feb 29 00:00:00 +0000 2000"},
        {1375539710, "Sat Aug 03 14:21:50 +0000 2013"},
        {1456790399, "Mon Feb 29 23:59:59 +0000 2016"},
        {1609459199, "Thu Dec 31 23:59:59 +0000 2020"},
        {4102444800, "Fri Jan 01 00:00:00 +0000 2100"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        char room[64];
        struct ht_synthetic_writer writer = {room, room + sizeof(room)};
        ht_synthetic_put_time(&writer, cases[i].wall_s);
        *writer.at = '\0';
        assert_string_equal(room, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_are_whole),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
