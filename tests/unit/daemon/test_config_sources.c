// SPDX-License-Identifier: MIT
#include "daemon/config_load.h"
#include "daemon/config_show.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One load for the daemon, and what came of it. */
struct load {
    struct ht_config config;
    struct ht_mistakes mistakes;
    int result;
};

static const char *const home[] = {"HOME=/a/b", NULL};

static void load(struct load *it, const char *const *sets, size_t count,
                 const char *const *environment)
{
    struct ht_config_options options = {.sets = sets,
                                        .set_count = count,
                                        .environment = environment,
                                        .purpose = HT_CONFIG_FOR_SERVE};
    ht_mistakes_init(&it->mistakes);
    it->result = ht_config_load(&it->config, &options, &it->mistakes);
}

static void write_file(char path[32], const char *text)
{
    (void)snprintf(path, 32, "/tmp/ht-sources-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
    assert_int_equal(close(fd), 0);
}

static void load_text(struct load *it, const char *text, const char *const *environment)
{
    char path[32];
    write_file(path, text);
    struct ht_config_options options = {
        .file = path, .environment = environment, .purpose = HT_CONFIG_FOR_SERVE};
    ht_mistakes_init(&it->mistakes);
    it->result = ht_config_load(&it->config, &options, &it->mistakes);
    (void)unlink(path);
}

static void finish(struct load *it)
{
    ht_config_finish(&it->config);
    ht_mistakes_finish(&it->mistakes);
}

static const char *told(const struct load *it)
{
    return ht_buffer_slice(&it->mistakes.lines).data;
}

static void assert_told(const struct load *it, const char *text)
{
    if (strstr(told(it), text) == NULL) {
        fail_msg("no \"%s\" in:\n%s", text, told(it));
    }
}

static void test_a_file_may_list_several_sources(void **state)
{
    (void)state;
    struct load it;
    load_text(&it,
              "{\"source\": [{\"type\": \"synthetic\", \"rate\": 7},\n"
              " {\"type\": \"synthetic\", \"seed\": 2, \"name\": \"other\"}]}",
              home);
    assert_string_equal(told(&it), "");
    assert_int_equal(it.result, 0);
    assert_int_equal(it.config.source_count, 2);
    assert_int_equal(ht_config_source_at(&it.config, 0)->rate, 7);
    assert_int_equal(ht_config_source_at(&it.config, 1)->rate, 200);
    assert_int_equal(ht_config_source_at(&it.config, 1)->seed, 2);
    assert_string_equal(ht_config_source_name(&it.config, 0), "synthetic");
    assert_string_equal(ht_config_source_name(&it.config, 1), "other");
    struct ht_buffer shown;
    ht_buffer_init(&shown, 1 << 20);
    ht_config_show_effective(&it.config, &shown);
    assert_non_null(strstr(ht_buffer_slice(&shown).data, "source.2.seed"));
    assert_null(strstr(ht_buffer_slice(&shown).data, "source.3."));
    ht_buffer_finish(&shown);
    finish(&it);
}

static void test_later_layers_reach_every_source(void **state)
{
    (void)state;
    struct load it;
    const char *const environment[] = {"HOME=/h", "HASHTAGD_SOURCE_2_TYPE=synthetic", NULL};
    const char *const sets[] = {"source.type=none", "source.2.rate=3", "source.type=replay",
                                "source.files=/dev/null", "source.2.name=b"};
    load(&it, sets, HT_COUNT_OF(sets), environment);
    assert_string_equal(told(&it), "");
    assert_int_equal(it.config.source_count, 2);
    assert_int_equal(ht_config_source_at(&it.config, 1)->type, HT_CONFIG_SOURCE_SYNTHETIC);
    assert_int_equal(ht_config_source_at(&it.config, 1)->rate, 3);
    assert_int_equal(ht_config_source_at(&it.config, 0)->rate, 200);
    finish(&it);
}

struct bad {
    const char *text; /* of the file */
    const char *mistake;
};

static void test_bad_lists_are_refused_with_their_place(void **state)
{
    static const struct bad cases[] = {
        {"{\"source\": []}", ":1:12: source: found a list of 0; accepted: 1 to 8"},
        {"{\"source\": [1]}",
         ":1:13: source[0]: found a whole number; accepted: an object of keys"},
        {"{\"source\": 3}",
         ":1:12: source: found a whole number; accepted: an object of keys, or a "
         "list of them"},
        {"{\"source\": [{},{},{},{},{},{},{},{},{}]}", "found a list of 9"},
        {"{\"source\": [{\"type\": \"synthetic\"},\n {\"type\": \"synthetic\"}]}",
         ":2:11: two sources are called synthetic; give one a name of its own"},
        {"{\"source\": [{\"type\": \"synthetic\"},\n {\"rate\": 4}]}",
         "source.2.type is not set, but there are 2 sources"},
        {"{\"source\": [{\"type\": \"synthetic\"},\n {\"typ\": \"x\"}]}",
         ":2:3: unknown key source.2.typ; did you mean"},
        {"{\"source\": [{\"type\": \"synthetic\"},\n {\"type\": \"synthetc\"}]}",
         ":2:11: source.2.type: found \"synthetc\""},
        {"{\"source\": {\"type\": \"synthetic\", \"name\": \"a b\"}}",
         "source.name: found \"a b\"; accepted: letters, digits and ._-"},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct load it;
        load_text(&it, cases[i].text, home);
        assert_int_equal(it.result, HT_EINVAL);
        assert_told(&it, cases[i].mistake);
        finish(&it);
    }
}

struct wish {
    const char *sets[4];
    const char *mistake; /* "" where it is fine */
};

static void test_each_type_is_told_what_it_needs(void **state)
{
    static const struct wish cases[] = {
        {{"source.type=twitter-v1"},
         "not set: TWITTER_CONSUMER_KEY, TWITTER_CONSUMER_SECRET, TWITTER_ACCESS_TOKEN, "
         "TWITTER_ACCESS_TOKEN_SECRET"},
        {{"source.type=twitter-v1"}, "source.endpoint: filter needs something to look for"},
        {{"source.type=twitter-v1", "source.locations=180,0,170,1"}, "source.locations: "},
        {{"source.type=twitter-v2"}, "set TWITTER_BEARER_TOKEN, or TWITTER_CONSUMER_KEY and"},
        {{"source.type=twitter-v2", "source.url=wss://x"}, "is not read over a WebSocket"},
        {{"source.type=mastodon"}, "source.type is mastodon, but source.url names no server"},
        {{"source.type=mastodon"}, "set MASTODON_ACCESS_TOKEN or MASTODON_ACCESS_TOKEN_FILE"},
        {{"source.type=mastodon", "source.url=https://x", "source.track=a,b"},
         "source.track: found 2 hashtags"},
        {{"source.type=mastodon", "source.url=https://x", "source.track=#"},
         "source.track: found \"#\"; accepted: one hashtag"},
        {{"source.type=mastodon", "source.url=https://x", "source.track=two words"},
         "source.track: found \"two words\""},
        {{"source.type=mastodon", "source.track=a", "source.timeline=remote"},
         "source.timeline: found remote"},
        {{"source.type=mastodon", "source.language=en"}, "source.language: a source of this type"},
        {{"source.type=jetstream", "source.track=cats"}, "source.track: a source of this type"},
        {{"source.type=twitter-v2", "source.track=cats"}, "and use source.rules"},
        {{"source.type=twitter-v2", "source.url=https://x/?a=b"}, "source.url: found a '?'"},
        {{"source.type=jetstream", "source.url=wss://x/?a=b"}, "source.url: found a '?'"},
        {{"source.type=jetstream", "source.url=wss://me:hush@x/"},
         "source.url: a name and password in it"},
        {{"source.type=twitter-v2", "source.rules=[{\"value\":\" \"}]"},
         "source.rules[0] has no value"},
        {{"source.type=twitter-v2",
          "source.rules=[{\"value\":\"a\",\"tag\":\"x\"},{\"value\":\"a \",\"tag\":\"y\"}]"},
         "source.rules[0] and source.rules[1] have the same value"},
        {{"source.type=twitter-v2", "source.endpoint=sample", "source.rules=[{\"value\":\"a\"}]"},
         "source.endpoint: sample is a sample of all posts and takes no rules"},
        {{"source.type=jetstream", "source.2.type=mastodon", "source.2.url=https://x"},
         "MASTODON_ACCESS_TOKEN_FILE, or source.2.token_file"},
        {{"source.type=jetstream", "source.2.type=twitter-v2"}, "or source.2.token_file"},
        {{"source.type=jetstream", "source.follow=me.bsky.social"}, "accepted: DIDs of accounts"},
        {{"source.type=jetstream", "source.dictionary=/no/such"},
         "source.dictionary: /no/such cannot be read"},
        {{"source.type=replay"}, "say --set source.files=FILE"},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct load it;
        size_t count = 0;
        while (count < HT_COUNT_OF(cases[i].sets) && cases[i].sets[count] != NULL) {
            count++;
        }
        load(&it, cases[i].sets, count, home);
        assert_int_equal(it.result, HT_EINVAL);
        assert_told(&it, cases[i].mistake);
        finish(&it);
    }
}

static void test_a_refused_value_is_told_once(void **state)
{
    (void)state;
    struct load it;
    const char *const environment[] = {"HOME=/h", "MASTODON_ACCESS_TOKEN=t", NULL};
    const char *const sets[] = {"source.type=mastodon", "source.url=mastodon.social",
                                "source.2.type=synthetc"};
    load(&it, sets, HT_COUNT_OF(sets), environment);
    assert_told(&it, "source.url: found");
    assert_told(&it, "did you mean synthetic?");
    assert_int_equal(it.mistakes.count, 2);
    finish(&it);
}

static void test_half_a_pair_is_told_what_is_missing(void **state)
{
    (void)state;
    struct load it;
    const char *const environment[] = {"HOME=/h", "TWITTER_CONSUMER_KEY=k", NULL};
    const char *const sets[] = {"source.type=twitter-v2"};
    load(&it, sets, HT_COUNT_OF(sets), environment);
    assert_told(&it, "set TWITTER_CONSUMER_SECRET too");
    finish(&it);
}

static void test_a_missing_secret_file_is_named_once(void **state)
{
    (void)state;
    struct load it;
    const char *const environment[] = {"HOME=/h", "TWITTER_BEARER_TOKEN_FILE=/no/such", NULL};
    const char *const sets[] = {"source.type=twitter-v2"};
    load(&it, sets, HT_COUNT_OF(sets), environment);
    assert_told(&it, "TWITTER_BEARER_TOKEN_FILE: /no/such cannot be read");
    finish(&it);
}

static void test_secrets_come_from_variables_and_files(void **state)
{
    (void)state;
    struct load it;
    char path[32], variable[96];
    write_file(path, "from-file\r\n");
    (void)snprintf(variable, sizeof(variable), "MASTODON_ACCESS_TOKEN_FILE=%s", path);
    const char *const environment[] = {"HOME=/h", "TWITTER_BEARER_TOKEN=AA%2Fb", variable, NULL};
    const char *const sets[] = {"source.type=twitter-v2", "source.2.type=mastodon",
                                "source.2.url=https://m"};
    load(&it, sets, HT_COUNT_OF(sets), environment);
    assert_null(strstr(told(&it), "TOKEN"));
    assert_string_equal(it.config.secrets[0].bearer_token, "AA%2Fb");
    assert_null(it.config.secrets[0].mastodon_token);
    assert_string_equal(it.config.secrets[1].mastodon_token, "from-file");
    finish(&it);
    (void)unlink(path);
}

static void test_a_token_file_is_of_one_source_alone(void **state)
{
    (void)state;
    struct load it;
    char path[32], set[64];
    write_file(path, "own");
    (void)snprintf(set, sizeof(set), "source.2.token_file=%s", path);
    const char *const environment[] = {"HOME=/h", "MASTODON_ACCESS_TOKEN=everybodys", NULL};
    const char *const sets[] = {"source.type=mastodon",   "source.url=https://a",
                                "source.2.type=mastodon", "source.2.url=https://b",
                                "source.2.name=b",        set};
    load(&it, sets, HT_COUNT_OF(sets), environment);
    assert_string_equal(it.config.secrets[0].mastodon_token, "everybodys");
    assert_string_equal(it.config.secrets[1].mastodon_token, "own");
    finish(&it);
    (void)unlink(path);
}

static void test_bad_secrets_are_refused_and_never_told(void **state)
{
    static const char *const wrong[] = {"MASTODON_ACCESS_TOKEN=hush hush", "MASTODON_ACCESS_TOKEN=",
                                        "MASTODON_ACCESS_TOKEN=hush\xc3\xa4"};
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(wrong); i++) {
        struct load it;
        const char *const environment[] = {"HOME=/h", wrong[i], NULL};
        const char *const sets[] = {"source.type=mastodon", "source.url=https://a"};
        load(&it, sets, HT_COUNT_OF(sets), environment);
        assert_int_equal(it.result, HT_EINVAL);
        assert_told(&it, "MASTODON_ACCESS_TOKEN: found an empty text or more than one word");
        assert_null(strstr(told(&it), "hush"));
        finish(&it);
    }
    struct load it;
    const char *const both[] = {"HOME=/h", "TWITTER_BEARER_TOKEN=hush",
                                "TWITTER_BEARER_TOKEN_FILE=/x", NULL};
    const char *const sets[] = {"source.type=twitter-v2"};
    load(&it, sets, 1, both);
    assert_told(&it, "TWITTER_BEARER_TOKEN_FILE: TWITTER_BEARER_TOKEN is set as well");
    finish(&it);
}

/* Each source would delete the rules of the other. */
static void test_filtered_streams_of_one_app_have_the_same_rules(void **state)
{
    static const struct {
        const char *sets[2];
        bool is_fine;
    } cases[] = {
        {{"source.2.rules=[{\"value\":\"b\"}]"}, false},
        {{"source.2.rules=[{\"value\":\"a\"},{\"value\":\"b\"}]"}, false},
        {{"source.2.rules=[{\"value\":\"a\"}]"}, true},
        {{"source.2.endpoint=sample"}, true},
        {{"source.2.rules=[{\"value\":\"b\"}]", "source.2.url=https://b"}, true},
        {{"source.2.rules=[{\"value\":\"b\"}]", "source.2.token_file=/dev/null"}, true},
    };
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        const char *sets[6] = {"source.type=twitter-v2", "source.2.type=twitter-v2",
                               "source.2.name=b", "source.rules=[{\"value\":\"a\"}]"};
        size_t count = 4;
        for (size_t k = 0; k < 2 && cases[i].sets[k] != NULL; k++) {
            sets[count++] = cases[i].sets[k];
        }
        struct load it;
        load(&it, sets, count, home);
        bool is_told = strstr(told(&it), "each source would delete the other's") != NULL;
        assert_int_equal(is_told, !cases[i].is_fine);
        finish(&it);
    }
}

static void test_a_token_goes_to_one_server(void **state)
{
    (void)state;
    const char *const environment[] = {"HOME=/h", "MASTODON_ACCESS_TOKEN=everybodys", NULL};
    const char *const sets[] = {"source.type=mastodon",   "source.url=https://a",
                                "source.2.type=mastodon", "source.2.url=https://b",
                                "source.2.name=b",        "source.track=x"};
    struct load it;
    load(&it, sets, HT_COUNT_OF(sets), environment);
    assert_told(&it, "source.2.url and source.url are two servers with one token");
    finish(&it);
    const char *const one[] = {"source.type=mastodon",   "source.url=https://a",
                               "source.2.type=mastodon", "source.2.url=https://a",
                               "source.2.name=b",        "source.track=x"};
    load(&it, one, HT_COUNT_OF(one), environment);
    assert_int_equal(it.result, 0);
    finish(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_may_list_several_sources),
        cmocka_unit_test(test_later_layers_reach_every_source),
        cmocka_unit_test(test_bad_lists_are_refused_with_their_place),
        cmocka_unit_test(test_each_type_is_told_what_it_needs),
        cmocka_unit_test(test_a_refused_value_is_told_once),
        cmocka_unit_test(test_half_a_pair_is_told_what_is_missing),
        cmocka_unit_test(test_a_missing_secret_file_is_named_once),
        cmocka_unit_test(test_secrets_come_from_variables_and_files),
        cmocka_unit_test(test_a_token_file_is_of_one_source_alone),
        cmocka_unit_test(test_bad_secrets_are_refused_and_never_told),
        cmocka_unit_test(test_filtered_streams_of_one_app_have_the_same_rules),
        cmocka_unit_test(test_a_token_goes_to_one_server),
    };
    return cmocka_run_group_tests_name("daemon/config_sources", tests, NULL, NULL);
}
