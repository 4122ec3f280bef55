// SPDX-License-Identifier: MIT
#include "daemon/command.h"

#include "hashtagd/base/assert.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MAX_WORDS = 6 };

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (count < MAX_WORDS && words[count] != NULL) {
        count++;
    }
    return count;
}

static const struct {
    const char *words[MAX_WORDS];
    const char *command;
    const char *config;
    size_t set_count, operand_count;
    bool is_help;
} good[] = {
    {{NULL}, "serve", NULL, 0, 0, false},
    {{"serve"}, "serve", NULL, 0, 0, false},
    {{"--set", "a=b", "--set=c=d"}, "serve", NULL, 2, 0, false},
    {{"--set", "a=b", "config", "--config", "f"}, "config", "f", 1, 0, false},
    {{"--config=x=y", "serve"}, "serve", "x=y", 0, 0, false},
    {{"--help"}, "serve", NULL, 0, 0, true},
    {{"config", "-h"}, "config", NULL, 0, 0, true},
    {{"help", "config"}, "help", NULL, 0, 1, false},
    {{"help", "--", "--set"}, "help", NULL, 0, 1, false},
    {{"help", "-"}, "help", NULL, 0, 1, false},
    {{"--version"}, "version", NULL, 0, 0, false},
};

static void test_good_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(good); i++) {
        struct ht_command_line line;
        struct ht_error error = {0};
        int result = ht_command_parse(&line, good[i].words, count_words(good[i].words), &error);
        if (result != 0) {
            fail_msg("line %zu: %s", i, error.text);
        }
        assert_string_equal(line.command->name, good[i].command);
        assert_string_equal(line.config == NULL ? "" : line.config,
                            good[i].config == NULL ? "" : good[i].config);
        assert_int_equal(line.set_count, good[i].set_count);
        assert_int_equal(line.operand_count, good[i].operand_count);
        assert_int_equal(line.is_help, good[i].is_help);
        ht_command_line_finish(&line);
    }
}

static const struct {
    const char *words[MAX_WORDS];
    const char *text;
} bad[] = {
    {{"serv"}, "unknown command serv; did you mean serve?"},
    {{"qqqqqq"}, "unknown command qqqqqq; hashtagd help lists them"},
    {{"qqqqqq", "--frob"}, "unknown command qqqqqq; hashtagd help lists them"},
    {{"serve", "x"}, "serve takes no operand, found x"},
    {{"help", "a", "b"}, "help takes no more than one operand, found b"},
    {{"config", "--default"}, "config has no flag --default; did you mean --defaults?"},
    {{"config", "--zzzzzzzz"}, "config has no flag --zzzzzzzz; see hashtagd help config"},
    {{"serve", "-x"}, "serve has no flag -x; see hashtagd help serve"},
    {{"serve", "--set"}, "--set needs a value: --set KEY=VALUE"},
    {{"config", "--defaults=1"}, "--defaults takes no value"},
};

static void test_bad_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < HT_COUNT_OF(bad); i++) {
        struct ht_command_line line;
        struct ht_error error = {0};
        assert_int_equal(ht_command_parse(&line, bad[i].words, count_words(bad[i].words), &error),
                         HT_EINVAL);
        assert_string_equal(error.text, bad[i].text);
        ht_command_line_finish(&line);
    }
}

static void test_commands_are_sorted(void **state)
{
    (void)state;
    size_t count;
    const struct ht_command *commands = ht_commands(&count);
    for (size_t i = 1; i < count; i++) {
        assert_true(strcmp(commands[i - 1].name, commands[i].name) < 0);
    }
}

static void test_own_flags(void **state)
{
    (void)state;
    const char *const words[] = {"config", "--defaults"};
    struct ht_command_line line;
    struct ht_error error;
    assert_int_equal(ht_command_parse(&line, words, 2, &error), 0);
    assert_string_equal(ht_command_flag_value(&line, "--defaults"), "");
    assert_null(ht_command_flag_value(&line, "--markdown"));
    ht_command_line_finish(&line);
    const char *const forms[][3] = {
        {"top", "-n5", NULL}, {"top", "-n=5", NULL}, {"top", "-n", "5"}};
    for (size_t i = 0; i < HT_COUNT_OF(forms); i++) {
        assert_int_equal(ht_command_parse(&line, forms[i], i == 2 ? 3 : 2, &error), 0);
        assert_string_equal(ht_command_flag_value(&line, "-n"), "5");
        ht_command_line_finish(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lines),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_commands_are_sorted),
        cmocka_unit_test(test_own_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
