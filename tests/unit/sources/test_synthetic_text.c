// SPDX-License-Identifier: MIT
#include "synthetic_text.h"

#include "hashtagd/base/assert.h"

#include "../../support/effort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
    struct ht_synthetic_vocabulary vocabulary;
    struct ht_synthetic_user users[HT_SYNTHETIC_USER_COUNT];
    struct ht_synthetic_text text, cut;
    struct ht_random random;
    char room[65536];
    size_t length;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    assert_int_equal(ht_synthetic_vocabulary_init(&fixture->vocabulary, 1), 0);
    ht_synthetic_users_make(fixture->users, &fixture->vocabulary, 1);
    ht_random_init(&fixture->random, 1);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ht_synthetic_vocabulary_finish(&fixture->vocabulary);
    free(fixture);
    return 0;
}

static void make(struct fixture *fixture, unsigned rank_count, bool is_extended)
{
    unsigned ranks[HT_SYNTHETIC_MAX_HASHTAGS];
    for (unsigned i = 0; i < rank_count; i++) {
        ranks[i] = ht_synthetic_draw_rank(&fixture->vocabulary, &fixture->random);
    }
    struct ht_synthetic_text_plan plan = {
        .vocabulary = &fixture->vocabulary,
        .users = fixture->users,
        .language = ht_synthetic_below(&fixture->random, HT_SYNTHETIC_LANGUAGE_COUNT),
        .ranks = ranks,
        .rank_count = rank_count,
        .is_extended = is_extended,
    };
    ht_synthetic_text_make(&fixture->text, &plan, &fixture->random);
}

/* Writes the text; returns its code points as the escapes have them. */
static unsigned put(struct fixture *fixture, struct ht_synthetic_text *text)
{
    struct ht_synthetic_writer writer = {fixture->room, fixture->room + sizeof(fixture->room)};
    ht_synthetic_text_put(&writer, text);
    fixture->length = (size_t)(writer.at - fixture->room);
    struct ht_slice escaped = {fixture->room, fixture->length};
    unsigned points = 0;
    while (ht_synthetic_escaped_bytes(escaped, points) < escaped.length) {
        points++;
    }
    return points;
}

static unsigned tags_shown(const struct ht_synthetic_text *text)
{
    unsigned count = 0;
    for (unsigned i = 0; i < text->count; i++) {
        count += text->tokens[i].kind == HT_SYNTHETIC_TOKEN_HASHTAG;
    }
    return count;
}

static void test_lengths(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 3000; i++) {
        make(fixture, i % (HT_SYNTHETIC_MAX_HASHTAGS + 1), i % 2 == 0);
        assert_int_equal(put(fixture, &fixture->text), fixture->text.points);
        assert_true(fixture->text.points <= (i % 2 == 0 ? 280 : 140));
        assert_int_equal(tags_shown(&fixture->text), fixture->text.tag_count);
    }
}

/* What stands at a token's start is the token. */
static void test_starts(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < 1000; i++) {
        make(fixture, 5, true);
        put(fixture, &fixture->text);
        for (unsigned t = 0; t < fixture->text.count; t++) {
            const struct ht_synthetic_token *token = &fixture->text.tokens[t];
            size_t at = ht_synthetic_escaped_bytes(ht_slice_make(fixture->room, fixture->length),
                                                   token->start);
            at += token->sign != '\0' ? 1 : 0;
            at += token->kind == HT_SYNTHETIC_TOKEN_URL ? strlen("https:\\/\\/t.co\\/") : 0;
            assert_memory_equal(fixture->room + at, token->escaped.data, token->escaped.length);
        }
    }
}

static void test_cutting(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < effort(1000, 200); i++) {
        make(fixture, 6, true);
        for (unsigned limit = 60; limit <= 300; limit += 20) {
            ht_synthetic_text_cut(&fixture->cut, &fixture->text, limit);
            assert_int_equal(put(fixture, &fixture->cut), fixture->cut.points);
            assert_true(fixture->cut.points <= limit);
            bool is_cut = fixture->text.points > limit;
            bool has_dots = memcmp(fixture->room + fixture->length - 6, "\\u2026", 6) == 0;
            assert_true(has_dots || !is_cut);
            if (!is_cut && fixture->text.points < limit) {
                assert_int_equal(fixture->cut.points, fixture->text.points);
            }
            assert_true(tags_shown(&fixture->cut) <= fixture->text.tag_count);
        }
    }
}

static void test_retweets(void **state)
{
    struct fixture *fixture = *state;
    char wanted[64];
    int length =
        snprintf(wanted, sizeof(wanted), "RT @%.*s: ", (int)fixture->users[7].screen_name.length,
                 fixture->users[7].screen_name.data);
    for (unsigned i = 0; i < 1000; i++) {
        make(fixture, 3, i % 2 == 0);
        ht_synthetic_text_retweet(&fixture->cut, &fixture->text, &fixture->users[7]);
        assert_int_equal(put(fixture, &fixture->cut), fixture->cut.points);
        assert_true(fixture->cut.points <= HT_SYNTHETIC_CLASSIC_POINTS);
        assert_memory_equal(fixture->room, wanted, (size_t)length);
    }
}

static void test_entities(void **state)
{
    struct fixture *fixture = *state;
    fixture->text.count = fixture->text.points = 0;
    ht_synthetic_text_add_url(&fixture->text, 0);
    put(fixture, &fixture->text);
    assert_memory_equal(fixture->room, "https:\\/\\/t.co\\/AAAAAAAAAA", fixture->length);
    struct ht_synthetic_writer writer = {fixture->room, fixture->room + sizeof(fixture->room)};
    ht_synthetic_text_put_entities(&writer, &fixture->text);
    *writer.at = '\0';
    assert_string_equal(fixture->room,
                        "{\"hashtags\":[],\"urls\":[{\"url\":\"https:\\/\\/t.co\\/AAAAAAAAAA\","
                        "\"expanded_url\":\"http:\\/\\/example.com\\/story\\/AAAAAAAAAA\","
                        "\"display_url\":\"example.com\\/story\\/AAAAAAAAAA\",\"indices\":[0,23]}],"
                        "\"user_mentions\":[],\"symbols\":[]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_starts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cutting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_retweets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_entities, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
