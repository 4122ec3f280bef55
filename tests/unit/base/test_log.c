// SPDX-License-Identifier: MIT
#include "hashtagd/base/log.h"
#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

static struct ht_manual_clock manual;
static int pipe_fds[2];
static char written[65536];

static const char *read_back(void)
{
    ssize_t length = read(pipe_fds[0], written, sizeof(written) - 1);
    written[length < 0 ? 0 : length] = '\0';
    return written;
}

static struct ht_log make_log(enum ht_log_format format)
{
    return (struct ht_log){
        .clock = &manual.clock, .fd = pipe_fds[1], .level = HT_LOG_INFO, .format = format};
}

static int set_up(void **state)
{
    (void)state;
    ht_manual_clock_init(&manual, 0, 1767225600123);
    return pipe(pipe_fds);
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    return 0;
}

static void each_format_has_its_line(void **state)
{
    (void)state;
    static const struct {
        enum ht_log_format format;
        const char *line;
    } cases[] = {
        {HT_LOG_FORMAT_TEXT, "00:00:00.123 info    stream: segment opened path=/a records=3\n"},
        {HT_LOG_FORMAT_LOGFMT, "time=2026-01-01T00:00:00.123Z level=info part=stream "
                               "msg=\"segment opened\" path=/a records=3\n"},
        {HT_LOG_FORMAT_JSON, "{\"time\":\"2026-01-01T00:00:00.123Z\",\"level\":\"info\","
                             "\"part\":\"stream\",\"msg\":\"segment opened\",\"path\":\"/a\","
                             "\"records\":3}\n"},
    };
    for (size_t i = 0; i < HT_COUNT_OF(cases); i++) {
        struct ht_log log = make_log(cases[i].format);
        ht_log_info(&log, "stream", "segment opened", HT_TEXT("path", "/a"),
                    HT_NUMBER("records", 3));
        assert_string_equal(read_back(), cases[i].line);
    }
}

static void hostile_values_stay_on_their_line(void **state)
{
    (void)state;
    struct ht_log log = make_log(HT_LOG_FORMAT_LOGFMT);
    ht_log_info(&log, "x", "m", HT_TEXT("k", "a\n\033[31m\"\\ b=c"));
    assert_non_null(strstr(read_back(), "k=\"a\\n\\u001b[31m\\\"\\\\ b=c\"\n"));
    /* controls of two bytes; the letter behind them in Unicode is none */
    ht_log_info(&log, "x", "m", HT_TEXT("k", "\xc2\x9b[2J\xc2\x80\xc2\x9f\xc2\xa0\xc3\x9b\xc2"));
    assert_non_null(strstr(read_back(), "k=\"\\u009b[2J\\u0080\\u009f\xc2\xa0\xc3\x9b\xc2\"\n"));
    ht_log_info(&log, "x", "m", HT_TEXT("k", ""), HT_TEXT("n", NULL));
    assert_non_null(strstr(read_back(), "k=\"\" n=\"\"\n"));
}

static void a_line_has_a_maximum(void **state)
{
    (void)state;
    static char huge[60000];
    memset(huge, 'x', sizeof(huge) - 1);
    struct ht_log log = make_log(HT_LOG_FORMAT_JSON);
    ht_log_info(&log, "x", "m", HT_TEXT("k", huge));
    const char *line = read_back();
    assert_true(strlen(line) < 3000);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

static void lower_levels_are_left_out(void **state)
{
    (void)state;
    struct ht_log log = make_log(HT_LOG_FORMAT_TEXT);
    ht_log_debug(&log, "x", "hidden");
    ht_log_error((const struct ht_log *)NULL, "x", "nowhere");
    ht_log_error(&log, "x", "shown");
    assert_non_null(strstr(read_back(), "shown"));
    assert_null(strstr(written, "hidden"));
}

static void levels_have_names(void **state)
{
    (void)state;
    assert_int_equal(ht_log_level_from_name("error"), HT_LOG_ERROR);
    assert_int_equal(ht_log_level_from_name("debug"), HT_LOG_DEBUG);
    assert_int_equal(ht_log_level_from_name("loud"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_format_has_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_values_stay_on_their_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_has_a_maximum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lower_levels_are_left_out, set_up, tear_down),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
