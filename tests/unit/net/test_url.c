// SPDX-License-Identifier: MIT
#include "hashtagd/net/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct decode_case {
    const char *name;
    const char *text;
    const char *wanted; /* NULL: refused */
    const char *wanted_form;
};

static const struct decode_case decode_cases[] = {
    {"nothing", "", "", ""},
    {"plain", "abc", "abc", "abc"},
    {"plus", "a+b", "a+b", "a b"},
    {"escaped plus", "a%2Bb", "a+b", "a+b"},
    {"UTF-8", "%E2%98%83", "\xe2\x98\x83", "\xe2\x98\x83"},
    {"lower case digits", "%e2%98%83", "\xe2\x98\x83", "\xe2\x98\x83"},
    {"hash sign", "%23foo", "#foo", "#foo"},
    {"slash", "a%2Fb", "a/b", "a/b"},
    {"not decoded twice", "%2525", "%25", "%25"},
    {"cut off after %", "a%", NULL, NULL},
    {"cut off after one digit", "a%2", NULL, NULL},
    {"no digits", "%zz", NULL, NULL},
    {"second digit wrong", "%2g", NULL, NULL},
    {"sign is no digit", "%+1", NULL, NULL},
};

static void test_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof decode_cases / sizeof decode_cases[0]; i++) {
        const struct decode_case *wanted = &decode_cases[i];
        struct ht_buffer out;
        ht_buffer_init(&out, 100);
        int status = ht_url_decode(ht_slice_text(wanted->text), &out);
        if (status != (wanted->wanted == NULL ? HT_EPARSE : 0) ||
            (status == 0 &&
             !ht_slice_equal(ht_buffer_slice(&out), ht_slice_text(wanted->wanted)))) {
            fail_msg("%s", wanted->name);
        }
        ht_buffer_clear(&out);
        status = ht_url_decode_form(ht_slice_text(wanted->text), &out);
        if (status != (wanted->wanted == NULL ? HT_EPARSE : 0) ||
            (status == 0 &&
             !ht_slice_equal(ht_buffer_slice(&out), ht_slice_text(wanted->wanted_form)))) {
            fail_msg("%s, as a form", wanted->name);
        }
        ht_buffer_finish(&out);
    }
}

static void test_decode_gives_nul_bytes(void **state)
{
    struct ht_buffer out;

    (void)state;
    ht_buffer_init(&out, 100);
    assert_int_equal(ht_url_decode(HT_SLICE("a%00b"), &out), 0);
    assert_int_equal(out.length, 3);
    assert_memory_equal(out.data, "a\0b", 3);
    ht_buffer_finish(&out);
}

static void test_decode_over_the_limit(void **state)
{
    struct ht_buffer out;

    (void)state;
    ht_buffer_init(&out, 2);
    assert_int_equal(ht_url_decode(HT_SLICE("abc"), &out), HT_ETOOBIG);
    ht_buffer_finish(&out);
}

/* Every byte comes back, and nothing but the unreserved ones stays as it is. */
static void test_encode_and_back(void **state)
{
    struct ht_buffer out;
    struct ht_buffer back;
    char all[256];

    (void)state;
    for (int i = 0; i < 256; i++) {
        all[i] = (char)i;
    }
    ht_buffer_init(&out, 1000);
    ht_buffer_init(&back, 1000);
    assert_int_equal(ht_url_encode(ht_slice_make(all, 256), &out), 0);
    assert_int_equal(out.length, 66 + 190 * 3);
    assert_int_equal(ht_url_decode(ht_buffer_slice(&out), &back), 0);
    assert_int_equal(back.length, 256);
    assert_memory_equal(back.data, all, 256);
    ht_buffer_clear(&out);
    assert_int_equal(ht_url_encode(HT_SLICE("a b/\xc3\xa4~"), &out), 0);
    assert_string_equal(out.data, "a%20b%2F%C3%A4~");
    ht_buffer_finish(&out);
    ht_buffer_finish(&back);
}

struct target_case {
    const char *target;
    int status;
    const char *authority, *path, *query; /* NULL: data is NULL */
};

static const struct target_case target_cases[] = {
    {"/", 0, NULL, "/", NULL},
    {"/a/b?c=d", 0, NULL, "/a/b", "c=d"},
    {"/a?", 0, NULL, "/a", ""},
    {"/a?b?c", 0, NULL, "/a", "b?c"},
    {"//a", 0, NULL, "//a", NULL},
    {"http://a:80/b?c", 0, "a:80", "/b", "c"},
    {"HTTPS://a", 0, "a", "/", NULL},
    {"http://a?b", 0, "a", "/", "b"},
    {"*", 0, NULL, "*", NULL},
    {"", HT_EPARSE, NULL, NULL, NULL},
    {"a", HT_EPARSE, NULL, NULL, NULL},
    {"?a", HT_EPARSE, NULL, NULL, NULL},
    {"a:443", HT_EPARSE, NULL, NULL, NULL},
    {"http://", HT_EPARSE, NULL, NULL, NULL},
    {"http:///a", HT_EPARSE, NULL, NULL, NULL},
    {"ftp://a/b", HT_EPARSE, NULL, NULL, NULL},
    {"/a#b", HT_EPARSE, NULL, NULL, NULL},
    {"/a b", HT_EPARSE, NULL, NULL, NULL},
    {"/\x7f", HT_EPARSE, NULL, NULL, NULL},
    {"/\xc3\xa4", HT_EPARSE, NULL, NULL, NULL},
};

static bool same_part(struct ht_slice part, const char *wanted)
{
    return (part.data == NULL) == (wanted == NULL) && ht_slice_equal(part, ht_slice_text(wanted));
}

static void test_split_target(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof target_cases / sizeof target_cases[0]; i++) {
        const struct target_case *wanted = &target_cases[i];
        struct ht_url_target parts;
        int status = ht_url_split_target(ht_slice_text(wanted->target), &parts);
        if (status != wanted->status ||
            (status == 0 &&
             (!same_part(parts.authority, wanted->authority) ||
              !same_part(parts.path, wanted->path) || !same_part(parts.query, wanted->query)))) {
            fail_msg("\"%s\"", wanted->target);
        }
    }
}

static void test_segments(void **state)
{
    static const char *const wanted[] = {"hashtags", "", "%23a"};
    struct ht_slice rest = HT_SLICE("/hashtags//%23a");
    struct ht_slice segment;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(ht_url_next_segment(&rest, &segment));
        assert_true(ht_slice_equal(segment, ht_slice_text(wanted[i])));
    }
    assert_false(ht_url_next_segment(&rest, &segment));
    rest = HT_SLICE("*");
    assert_false(ht_url_next_segment(&rest, &segment));
}

static void test_pairs(void **state)
{
    static const char *const wanted[][2] = {{"a", "1"},  {"b", ""}, {"c", NULL},
                                            {"d", "=e"}, {"", "f"}, {"a", "2"}};
    struct ht_slice rest = HT_SLICE("&a=1&&b=&c&d==e&=f&a=2&");
    struct ht_url_pair pair;

    (void)state;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_true(ht_url_next_pair(&rest, &pair));
        assert_true(ht_slice_equal(pair.name, ht_slice_text(wanted[i][0])));
        assert_true(same_part(pair.value, wanted[i][1]));
    }
    assert_false(ht_url_next_pair(&rest, &pair));
    rest = ht_slice_make(NULL, 0);
    assert_false(ht_url_next_pair(&rest, &pair));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_decode_gives_nul_bytes),
        cmocka_unit_test(test_decode_over_the_limit),
        cmocka_unit_test(test_encode_and_back),
        cmocka_unit_test(test_split_target),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_pairs),
    };
    return cmocka_run_group_tests_name("net/url", tests, NULL, NULL);
}
