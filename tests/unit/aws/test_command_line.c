// SPDX-License-Identifier: MIT
#include "../../../src/aws/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void takes_a_command_apart_like_a_shell(void **state)
{
    static const struct {
        const char *command;
        const char *expected[5];
    } rows[] = {
        {"/bin/a", {"/bin/a"}},
        {"  a  b\tc\n", {"a", "b", "c"}},
        {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
        {"a b'c'\"d\"e", {"a", "bcde"}},
        {"a b\\ c \\\"", {"a", "b c", "\""}},
        {"a \"b\\\"c\\\\d\\$e\\`f\\g\"", {"a", "b\"c\\d$e`f\\g"}},
        {"a 'b\\' c", {"a", "b\\", "c"}},
        {"a '' \"\"", {"a", "", ""}},
        {"\"/opt/my tool/x\" --profile=p", {"/opt/my tool/x", "--profile=p"}},
        {"a $HOME `b` $(c) ; d", {"a", "$HOME", "`b`", "$(c)", ";"}},
        {"a *|>", {"a", "*|>"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_aws_command_line line;
        assert_int_equal(ht_aws_command_line_parse(&line, rows[i].command, NULL), 0);
        for (size_t word = 0; word < 5 && rows[i].expected[word] != NULL; word++) {
            assert_true(word < line.count);
            assert_string_equal(line.arguments[word], rows[i].expected[word]);
        }
        assert_null(line.arguments[line.count]);
        ht_aws_command_line_finish(&line);
    }
}

static void refuses_what_has_no_end_and_never_shows_it(void **state)
{
    static const char *const commands[] = {
        "",          "  ",         "''",         "'' SECRET",
        "a 'SECRET", "a \"SECRET", "a SECRET\\", "a \"SECRET\\\"",
        "'SECRET",   "SECRET\\"};

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct ht_aws_command_line line;
        struct ht_error error;
        assert_int_equal(ht_aws_command_line_parse(&line, commands[i], &error), HT_EINVAL);
        assert_null(strstr(error.text, "SECRET"));
        ht_aws_command_line_finish(&line);
    }
}

static void has_a_limit_of_words(void **state)
{
    char command[2 * HT_AWS_COMMAND_WORDS_MAX + 3];
    struct ht_aws_command_line line;

    (void)state;
    for (size_t i = 0; i <= HT_AWS_COMMAND_WORDS_MAX; i++) {
        memcpy(command + 2 * i, "a ", 3);
    }
    assert_int_equal(ht_aws_command_line_parse(&line, command, NULL), HT_ETOOBIG);
    ht_aws_command_line_finish(&line);
    assert_int_equal(ht_aws_command_line_parse(&line, command + 2, NULL), 0);
    assert_int_equal(line.count, HT_AWS_COMMAND_WORDS_MAX);
    ht_aws_command_line_finish(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_command_apart_like_a_shell),
        cmocka_unit_test(refuses_what_has_no_end_and_never_shows_it),
        cmocka_unit_test(has_a_limit_of_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
