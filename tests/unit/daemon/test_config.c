// SPDX-License-Identifier: MIT
#include "daemon/config_load.h"
#include "daemon/config_show.h"
#include "daemon/config_table.h"
#include "daemon/config_variables.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/log.h"
#include "hashtagd/tweet/fold.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One load: what is given, and the configuration and mistakes that came of it. */
struct load {
    struct ht_config config;
    struct ht_mistakes mistakes;
    int result;
    char file[64]; /* a file that the test wrote; empty where none */
};

static const char *const home[] = {"HOME=/a/b", NULL};

static void load(struct load *load, const struct ht_config_options *options)
{
    load->file[0] = '\0';
    ht_mistakes_init(&load->mistakes);
    load->result = ht_config_load(&load->config, options, &load->mistakes);
}

static void load_text(struct load *load, const char *text)
{
    char path[] = "/tmp/ht-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
    assert_int_equal(close(fd), 0);
    struct ht_config_options options = {.file = path, .environment = home};
    ht_mistakes_init(&load->mistakes);
    load->result = ht_config_load(&load->config, &options, &load->mistakes);
    (void)snprintf(load->file, sizeof(load->file), "%s", path);
    (void)unlink(path);
}

static void finish(struct load *load)
{
    ht_config_finish(&load->config);
    ht_mistakes_finish(&load->mistakes);
}

static void assert_mistake(const struct load *load, const char *text)
{
    if (strstr(ht_buffer_slice(&load->mistakes.lines).data, text) == NULL) {
        fail_msg("no \"%s\" in:\n%s", text, ht_buffer_slice(&load->mistakes.lines).data);
    }
}

static void test_defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    struct load it;
    load(&it, &(struct ht_config_options){.environment = home});
    assert_int_equal(it.result, 0);
    assert_int_equal(it.config.source.type, HT_CONFIG_SOURCE_NONE);
    assert_int_equal(it.config.source.rate, 200);
    assert_int_equal(it.config.stream.retention_bytes, 1073741824);
    assert_int_equal(it.config.stream.start.kind, HT_POSITION_TRIM_HORIZON);
    assert_string_equal(it.config.stream.name, "twitter_bigdata");
    assert_int_equal(it.config.counting.fold, HT_FOLD_CASE);
    assert_int_equal(it.config.counting.repeat_window, 100000);
    assert_int_equal(it.config.archive.buffer_s, 60);
    assert_int_equal(it.config.admin.listen.port, 8080);
    assert_string_equal(it.config.admin.listen.host, "127.0.0.1");
    assert_int_equal(it.config.memory.budget_bytes, 268435456);
    assert_int_equal(it.config.log.level, HT_LOG_INFO);
    assert_int_equal(it.config.log.format, HT_LOG_FORMAT_LOGFMT);
    assert_string_equal(it.config.data.dir, "/a/b/.local/state/hashtagd");
    assert_null(it.config.token);
    finish(&it);
}

static void test_every_row_is_whole(void **state)
{
    (void)state;
    size_t count;
    const struct ht_config_row *rows = ht_config_rows(&count);
    assert_true(count > 30);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(strchr(rows[i].key, '.'));
        assert_true(strlen(rows[i].doc) > 5);
        assert_ptr_equal(ht_config_find_row(ht_slice_text(rows[i].key)), &rows[i]);
        assert_int_equal(rows[i].choices != NULL, rows[i].type == HT_CONFIG_CHOICE);
        for (size_t j = 0; j < i; j++) {
            assert_true(rows[i].offset != rows[j].offset);
        }
    }
}

static void test_later_layers_win(void **state)
{
    (void)state;
    struct load it;
    const char *const environment[] = {"HOME=/h", "HASHTAGD_SOURCE_RATE=2",
                                       "HASHTAGD_SOURCE_SEED=2", NULL};
    const char *const sets[] = {"source.rate=3", "source.files=a,b c", "source.rate=4"};
    load(&it, &(struct ht_config_options){
                  .environment = environment, .sets = sets, .set_count = HT_COUNT_OF(sets)});
    assert_int_equal(it.result, 0);
    assert_int_equal(it.config.source.rate, 4);
    assert_int_equal(it.config.source.seed, 2);
    assert_int_equal(it.config.source.files.count, 2);
    assert_string_equal(it.config.source.files.items[1], "b c");
    assert_string_equal(ht_config_place(&it.config, ht_config_source_row(0, "rate")), "--set");
    assert_string_equal(ht_config_place(&it.config, ht_config_source_row(0, "seed")),
                        "HASHTAGD_SOURCE_SEED");
    finish(&it);
}

static void test_file_sets_every_type(void **state)
{
    (void)state;
    struct load it;
    load_text(&it, "{\"source\": {\"type\": \"synthetic\", \"rate\": 7, \"loop\": true,\n"
                   " \"files\": [\"x,y\"], \"url\": \"http://u:p@h/x\",\n"
                   " \"rules\": [{\"value\": \"cats\", \"tag\": \"c\"}, {\"value\": \"dogs\"}]},\n"
                   " \"stream\": {\"start\": \"2026-01-31T12:00:00Z\"},\n"
                   " \"admin\": {\"listen\": \"[::1]:0\"}}");
    assert_int_equal(it.result, 0);
    assert_int_equal(it.config.source.type, HT_CONFIG_SOURCE_SYNTHETIC);
    assert_true(it.config.source.loop);
    assert_string_equal(it.config.source.files.items[0], "x,y");
    assert_int_equal(it.config.source.rules.count, 2);
    assert_string_equal(it.config.source.rules.items[0].tag, "c");
    assert_string_equal(it.config.source.rules.items[1].tag, "");
    assert_int_equal(it.config.stream.start.kind, HT_POSITION_AT_TIME);
    assert_true(it.config.stream.start.time_ms == 1769860800000);
    assert_true(it.config.admin.listen.is_v6);
    char place[128];
    (void)snprintf(place, sizeof(place), "%s:1:42", it.file);
    assert_string_equal(ht_config_place(&it.config, ht_config_source_row(0, "rate")), place);

    struct ht_buffer text;
    ht_buffer_init(&text, 100000);
    ht_config_show_effective(&it.config, &text);
    assert_non_null(strstr(text.data, "\"http://***@h/x\""));
    assert_null(strstr(text.data, "u:p"));
    ht_buffer_finish(&text);
    finish(&it);
}

static const struct {
    const char *name, *set, *mistake;
} bad_sets[] = {
    {"no UTF-8",
     "sou\xf2"
     "ce.url=x",
     "--set: unknown key sou?ce.url"},
    {"a control of two bytes",
     "x\xc2\x9b"
     "31m.y=1",
     "--set: unknown key x??31m.y"},
    {"unknown key", "source.rat=1", "--set: unknown key source.rat; did you mean source.rate?"},
    {"nothing like it", "zzzzzz=1", "--set: unknown key zzzzzz; accepted: section.key=value"},
    {"no value", "source.rate", "--set: source.rate has no value; write --set source.rate=VALUE"},
    {"no number", "source.rate=fast", "source.rate: found \"fast\"; accepted: a whole number"},
    {"negative", "source.rate=-1", "found \"-1\""},
    {"too small", "table.flush_interval_s=0", "from 1 to 3600 (seconds)"},
    {"too large", "source.rate=10000001", "from 0 to 10000000 (tweets a second)"},
    {"more ids than a shard can remember", "counting.repeat_window=10000001",
     "from 0 to 10000000 (tweets)"},
    {"number overflow", "source.limit=99999999999999999999999", "source.limit: found"},
    {"empty number", "source.rate=", "source.rate: found \"\""},
    {"truth", "source.loop=yes", "accepted: true or false"},
    {"choice", "log.level=warn", "did you mean warning?"},
    {"address", "admin.listen=somewhere", "accepted: address:port or [v6]:port"},
    {"start", "stream.start=yesterday", "accepted: trim_horizon, latest or a time"},
    {"long start",
     "stream.start=2026-01-31T12:00:00.0000000000000000000000000000000000000000000000Z",
     "stream.start: found"},
    {"URL", "source.url=ftp://x", "accepted: an http://, https://, ws:// or wss:// URL"},
    {"secret is not told", "source.url=secret", "found a value that is not shown (***)"},
    {"no directory", "data.dir=", "accepted: a path of 1 to 3500 bytes"},
    {"section alone", "source", "unknown key source; accepted: section.key=value"},
    {"empty name", "table.name=", "accepted: a text of 1 to 255 bytes"},
    {"control character", "table.name=a\tb", "table.name: found \"a\\tb\""},
    {"rules as words", "source.rules=cats", "accepted: a JSON list of"},
    {"broken list", "source.files=[\"a\"", "source.files: found"},
    {"list of numbers", "source.files=[1]", "found 1 (a whole number)"},
    {"empty word", "source.files=a,,b", "source.files: found \"\""},
    {"rule without value", "source.rules=[{\"tag\":\"x\"}]", "source.rules: found {\"tag\":\"x\"}"},
    {"rule with more", "source.rules=[{\"value\":\"x\",\"y\":1}]", "source.rules: found"},
};

static void test_bad_sets_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(bad_sets); i++) {
        struct load it;
        load(&it, &(struct ht_config_options){
                      .environment = home, .sets = &bad_sets[i].set, .set_count = 1});
        if (it.result != HT_EINVAL || it.mistakes.count != 1) {
            fail_msg("%s: result %d, %zu mistakes", bad_sets[i].name, it.result, it.mistakes.count);
        }
        assert_mistake(&it, bad_sets[i].mistake);
        finish(&it);
    }
}

static void test_a_stream_may_begin_at_its_end(void **state)
{
    (void)state;
    static const char *const set = "stream.start=latest";
    struct load it;
    load(&it, &(struct ht_config_options){.environment = home, .sets = &set, .set_count = 1});
    assert_int_equal(it.result, 0);
    assert_int_equal(it.config.stream.start.kind, HT_POSITION_LATEST);
    finish(&it);
}

static const struct {
    const char *name, *text, *mistake;
} bad_files[] = {
    {"no JSON", "{\n  \"source\": }", ": this is not JSON: "},
    {"empty", "", ": this is not JSON: "},
    {"no object", "[1]", ":1:1: found an array; accepted: an object of sections"},
    {"unknown key", "{\"source\":\n {\"rat\": 1}}", ":2:3: unknown key source.rat; did you mean"},
    {"unknown section", "{ \"sorce\": {}}", ":1:3: unknown section sorce; did you mean source?"},
    {"flat key", "{\"source.rate\": 1}", "in the file write {\"source\": {\"rate\": ...}}"},
    {"section is no object", "{\"source\": 3}", ":1:12: source: found a whole number"},
    {"type", "{\"source\": {\"seed\": 1, \"rate\":\n\"5\"}}",
     ":2:1: source.rate: found \"5\" (a string)"},
    {"null", "{\"source\": {\"rate\": null}}", "source.rate: found null"},
    {"fraction", "{\"source\": {\"rate\": 1.5}}", "source.rate: found 1.5"},
    {"text for a truth", "{\"source\": {\"loop\": \"true\"}}",
     "source.loop: found \"true\" (a string)"},
    {"number for a choice", "{\"log\": {\"level\": 3}}", "log.level: found 3 (a whole number)"},
    {"number for a time", "{\"stream\": {\"start\": 1}}", "stream.start: found 1 (a whole number)"},
    {"same key twice", "{\"source\": {\"rate\": 1, \"rate\": 2}}", "this is not JSON"},
    {"text for a list", "{\"source\": {\"files\": \"a\"}}", "source.files: found \"a\" (a string)"},
    {"wide columns", "{\"source\": {\"type\": \"\xc3\xa4\xc3\xa4\", \"rate\": \"x\"}}",
     ":1:35: source.rate"},
};

static void test_bad_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(bad_files); i++) {
        struct load it;
        load_text(&it, bad_files[i].text);
        if (it.result != HT_EINVAL) {
            fail_msg("%s: result %d", bad_files[i].name, it.result);
        }
        assert_mistake(&it, bad_files[i].mistake);
        finish(&it);
    }
}

/* The value is too long to be shown: its kind is, and the key. */
static void test_a_very_long_value_is_refused_by_its_kind(void **state)
{
    enum { NUMBERS = 5000 };
    (void)state;
    struct load it;
    char *text = malloc(NUMBERS * 2 + 64);
    assert_non_null(text);
    size_t length = (size_t)sprintf(text, "{\"source\": {\"rate\": [1");
    for (int i = 0; i < NUMBERS; i++) {
        length += (size_t)sprintf(text + length, ",1");
    }
    (void)sprintf(text + length, "]}}");
    load_text(&it, text);
    free(text);
    assert_int_equal(it.result, HT_EINVAL);
    assert_int_equal(it.mistakes.count, 1);
    assert_mistake(&it, "source.rate: found ");
    assert_mistake(&it, "(an array); accepted: a whole number");
    assert_true(ht_buffer_slice(&it.mistakes.lines).length < 400);
    finish(&it);
}

/* Only the mistakes that are shown are looked for in the file. */
static void test_thousands_of_mistakes_take_no_time(void **state)
{
    enum { KEYS = 20000 };
    (void)state;
    struct load it;
    struct timespec begin, end;
    char *text = malloc(KEYS * 16 + 16);
    size_t length = (size_t)sprintf(text, "{");
    for (int i = 0; i < KEYS; i++) {
        length += (size_t)sprintf(text + length, "%s\"k%d\":1", i == 0 ? "" : ",", i);
    }
    (void)sprintf(text + length, "}");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    load_text(&it, text);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_int_equal(it.mistakes.count, KEYS);
    assert_true(end.tv_sec - begin.tv_sec < 10);
    finish(&it);
    free(text);
}

static void test_all_mistakes_are_told_at_once(void **state)
{
    (void)state;
    const char *const environment[] = {"HOME=/h",
                                       "HASHTAGD_SORCE_RATE=1",
                                       "HASHTAGD_PORT=x",
                                       "HASHTAGD_SERVICE_HOST=x",
                                       "HASHTAGD_LOG_LEVEL=loud",
                                       NULL};
    const char *const sets[] = {"a.b=1", "source.rate=x"};
    struct load it;
    load(&it, &(struct ht_config_options){.file = "/does/not/exist",
                                          .environment = environment,
                                          .sets = sets,
                                          .set_count = HT_COUNT_OF(sets)});
    assert_int_equal(it.result, HT_EINVAL);
    assert_int_equal(it.mistakes.count, 5);
    assert_mistake(&it, "/does/not/exist: the configuration file cannot be opened");
    assert_mistake(
        &it,
        "HASHTAGD_SORCE_RATE: no such variable; did you mean HASHTAGD_SOURCE_RATE (source.rate)?");
    assert_mistake(&it, "HASHTAGD_LOG_LEVEL: log.level: found \"loud\"");
    finish(&it);
}

static const struct {
    const char *name, *environment[4], *dir;
} data_dirs[] = {
    {"systemd", {"STATE_DIRECTORY=/s/a:/s/b", "XDG_STATE_HOME=/x", "HOME=/h"}, "/s/a"},
    {"XDG", {"XDG_STATE_HOME=/x", "HOME=/h"}, "/x/hashtagd"},
    {"relative XDG", {"XDG_STATE_HOME=x", "HOME=/h"}, "/h/.local/state/hashtagd"},
    {"none", {NULL}, ""},
};

static void test_data_dir_follows_the_surroundings(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(data_dirs); i++) {
        struct load it;
        load(&it, &(struct ht_config_options){.environment = data_dirs[i].environment});
        assert_int_equal(it.result, 0);
        assert_string_equal(it.config.data.dir, data_dirs[i].dir);
        finish(&it);
    }
    struct load it;
    load(&it, &(struct ht_config_options){.purpose = HT_CONFIG_FOR_SERVE});
    assert_int_equal(it.result, HT_EINVAL);
    assert_mistake(&it, "none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set");
    finish(&it);
}

static const struct {
    const char *name, *sets[3];
    size_t count;
    const char *mistake;
} unusable[] = {
    {"stream that Amazon does not take",
     {"stream.type=kinesis", "stream.name=a b"},
     2,
     "stream.name: \"a b\" is no name that Amazon takes; accepted: 1 to 128 of a-z, A-Z, digits "
     "and _.-"},
    {"table that Amazon does not take",
     {"table.type=dynamodb", "table.name=ab"},
     2,
     "table.name: \"ab\" is no name that Amazon takes; accepted: 3 to 239"},
    {"leases that Amazon does not take",
     {"table.type=dynamodb", "table.leases=a/b"},
     2,
     "table.leases: \"a/b\" is no name that Amazon takes"},
    {"bucket that Amazon does not take",
     {"archive.type=s3", "archive.name=Deleted"},
     2,
     "archive.name: \"Deleted\" is no name that Amazon takes; accepted: 3 to 63 of a-z, digits"},
    {"delivery stream that Amazon does not take",
     {"archive.type=firehose", "archive.name=a b"},
     2,
     "archive.name: \"a b\" is no name that Amazon takes; accepted: 1 to 64"},
    {"bucket of Firehose",
     {"archive.type=firehose", "archive.bucket=A"},
     2,
     "archive.bucket: \"A\" is no name that Amazon takes"},
    {"replay without files", {"source.type=replay"}, 1, "source.files names no file"},
    {"missing file", {"source.type=replay", "source.files=/no/file"}, 2, "/no/file cannot be read"},
    {"directory", {"source.type=replay", "source.files=/tmp"}, 2, "/tmp is a directory"},
    {"open address", {"admin.listen=0.0.0.0:80"}, 1, "so admin.token_file is required"},
    {"key missing", {"admin.tls_cert=/dev/null"}, 1, "but admin.tls_key is not"},
    {"certificate missing", {"admin.tls_key=/dev/null"}, 1, "but admin.tls_cert is not"},
    {"token missing", {"admin.token_file=/no/token"}, 1, "/no/token cannot be read"},
    {"token empty", {"admin.token_file=/dev/null"}, 1, "/dev/null is empty"},
};

static void test_unusable_values_are_refused_for_the_daemon(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(unusable); i++) {
        struct load it;
        load(&it, &(struct ht_config_options){.environment = home,
                                              .sets = unusable[i].sets,
                                              .set_count = unusable[i].count,
                                              .purpose = HT_CONFIG_FOR_SERVE});
        if (it.mistakes.count != 1) {
            fail_msg("%s: %zu mistakes:\n%s", unusable[i].name, it.mistakes.count,
                     ht_buffer_slice(&it.mistakes.lines).data);
        }
        assert_mistake(&it, unusable[i].mistake);
        finish(&it);
    }
}

static const struct {
    const char *content, *token, *mistake;
} tokens[] = {
    {"secret\n", "secret", NULL},
    {"secret \r\n\n", "secret", NULL},
    {"two words", NULL, "more than one word"},
    {"s\xc3\xa4", NULL, "more than one word"},
    {"\n", NULL, "is empty"},
};

static void test_token_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(tokens); i++) {
        char path[] = "/tmp/ht-token-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, tokens[i].content, strlen(tokens[i].content)),
                         (int)strlen(tokens[i].content));
        assert_int_equal(close(fd), 0);
        char set[128];
        (void)snprintf(set, sizeof(set), "admin.token_file=%s", path);
        const char *const sets[] = {set};
        struct load it;
        load(&it, &(struct ht_config_options){.environment = home, .sets = sets, .set_count = 1});
        (void)unlink(path);
        if (tokens[i].mistake != NULL) {
            assert_mistake(&it, tokens[i].mistake);
            assert_null(it.config.token);
        } else {
            assert_int_equal(it.result, 0);
            assert_string_equal(it.config.token, tokens[i].token);
        }
        finish(&it);
    }
}

static void test_terminal_decides_the_log_format(void **state)
{
    (void)state;
    struct load it;
    load(&it, &(struct ht_config_options){.environment = home, .is_terminal = true});
    assert_int_equal(it.config.log.format, HT_LOG_FORMAT_TEXT);
    finish(&it);
    const char *const sets[] = {"log.format=json"};
    load(&it, &(struct ht_config_options){
                  .environment = home, .is_terminal = true, .sets = sets, .set_count = 1});
    assert_int_equal(it.config.log.format, HT_LOG_FORMAT_JSON);
    finish(&it);
}

static void test_trusted_issuers_are_those_of_the_environment(void **state)
{
    (void)state;
    struct load it;
    load(&it, &(struct ht_config_options){.environment = home});
    assert_null(it.config.ca_file);
    finish(&it);
    const char *const environment[] = {"HOME=/h", "SSL_CERT_FILE=/etc/ours.pem", NULL};
    load(&it, &(struct ht_config_options){.environment = environment});
    assert_string_equal(it.config.ca_file, "/etc/ours.pem");
    finish(&it);
    const char *const nothing[] = {"HOME=/h", "SSL_CERT_FILE=", NULL};
    load(&it, &(struct ht_config_options){.environment = nothing});
    assert_null(it.config.ca_file);
    finish(&it);
}

static void test_secrets_of_others_are_not_shown(void **state)
{
    (void)state;
    const char *const environment[] = {"AWS_REGION=eu-west-1", "TWITTER_BEARER_TOKEN=s3cret", NULL};
    struct ht_buffer text;
    ht_buffer_init(&text, 100000);
    ht_config_show_variables(environment, &text);
    assert_non_null(strstr(text.data, "eu-west-1"));
    assert_non_null(strstr(text.data, "TWITTER_BEARER_TOKEN     = \"***\""));
    assert_null(strstr(text.data, "s3cret"));
    ht_buffer_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_those_of_the_contract),
        cmocka_unit_test(test_every_row_is_whole),
        cmocka_unit_test(test_later_layers_win),
        cmocka_unit_test(test_file_sets_every_type),
        cmocka_unit_test(test_bad_sets_are_refused),
        cmocka_unit_test(test_a_stream_may_begin_at_its_end),
        cmocka_unit_test(test_bad_files_are_refused),
        cmocka_unit_test(test_a_very_long_value_is_refused_by_its_kind),
        cmocka_unit_test(test_thousands_of_mistakes_take_no_time),
        cmocka_unit_test(test_all_mistakes_are_told_at_once),
        cmocka_unit_test(test_data_dir_follows_the_surroundings),
        cmocka_unit_test(test_unusable_values_are_refused_for_the_daemon),
        cmocka_unit_test(test_token_is_read),
        cmocka_unit_test(test_trusted_issuers_are_those_of_the_environment),
        cmocka_unit_test(test_secrets_of_others_are_not_shown),
        cmocka_unit_test(test_terminal_decides_the_log_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
