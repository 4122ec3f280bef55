// SPDX-License-Identifier: MIT
#include "hashtagd/net/process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct outcome {
    struct ht_loop *loop;
    unsigned count;
    int code, exit_status, signal_number;
    char output[200], errors[200], text[200];
    size_t output_length;
};

static void on_done(void *user, struct ht_process_result *result)
{
    struct outcome *outcome = user;

    outcome->count++;
    outcome->code = result->code;
    outcome->exit_status = result->exit_status;
    outcome->signal_number = result->signal_number;
    outcome->output_length = result->output.length;
    snprintf(outcome->output, sizeof outcome->output, "%s",
             result->output.data == NULL ? "" : result->output.data);
    snprintf(outcome->errors, sizeof outcome->errors, "%s",
             result->errors.data == NULL ? "" : result->errors.data);
    snprintf(outcome->text, sizeof outcome->text, "%s", result->error_text);
    ht_loop_stop(outcome->loop);
}

static struct outcome run(const char *script, struct ht_process_options options)
{
    const char *const arguments[] = {"/bin/sh", "-c", script, "name", "a b", "$(c)", NULL};
    struct outcome outcome = {.count = 0};

    assert_int_equal(ht_loop_create(&outcome.loop, NULL, NULL), 0);
    options.arguments = arguments;
    options.on_done = on_done;
    options.user = &outcome;
    assert_int_equal(ht_process_start(outcome.loop, &options, NULL, NULL), 0);
    assert_int_equal(outcome.count, 0);
    ht_loop_run(outcome.loop);
    assert_int_equal(outcome.count, 1);
    ht_loop_destroy(outcome.loop);
    return outcome;
}

static void tells_output_errors_and_status(void **state)
{
    struct outcome outcome =
        run("printf out; printf wrong >&2; exit 3", (struct ht_process_options){0});

    (void)state;
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.exit_status, 3);
    assert_int_equal(outcome.signal_number, 0);
    assert_string_equal(outcome.output, "out");
    assert_string_equal(outcome.errors, "wrong");
    assert_string_equal(outcome.text, "");
}

static void arguments_arrive_as_they_are(void **state)
{
    struct outcome outcome = run("printf '%s|' \"$@\"; cat", (struct ht_process_options){0});

    (void)state;
    assert_string_equal(outcome.output, "a b|$(c)|");
    assert_int_equal(outcome.exit_status, 0);
}

static void the_environment_is_the_given_one(void **state)
{
    static const char *const environment[] = {"COLOUR=blue", NULL};
    struct outcome outcome =
        run("printf \"$COLOUR$HOME\"", (struct ht_process_options){.environment = environment});

    (void)state;
    assert_string_equal(outcome.output, "blue");
}

static void a_signal_is_told(void **state)
{
    struct outcome outcome = run("kill -TERM $$", (struct ht_process_options){0});

    (void)state;
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.signal_number, SIGTERM);
}

static void too_slow_is_killed_with_its_children(void **state)
{
    struct outcome outcome =
        run("sleep 100 & sleep 100; echo no", (struct ht_process_options){.timeout_ms = 50});

    (void)state;
    assert_int_equal(outcome.code, HT_ETIMEDOUT);
    assert_string_equal(outcome.text, "/bin/sh: it did not end within 50 ms");
    assert_string_equal(outcome.output, "");
}

static void a_child_that_keeps_the_pipe_open_does_not_hold_us(void **state)
{
    struct outcome outcome =
        run("sleep 2 & echo yes", (struct ht_process_options){.timeout_ms = 200});

    (void)state;
    assert_int_equal(outcome.code, HT_ETIMEDOUT);
    assert_string_equal(outcome.output, "yes\n");
}

static void too_much_output_is_an_error_too_many_errors_are_cut(void **state)
{
    struct outcome outcome = run("while :; do echo many words; done",
                                 (struct ht_process_options){.max_output_bytes = 100});

    (void)state;
    assert_int_equal(outcome.code, HT_ETOOBIG);
    assert_int_equal(outcome.output_length, 100);
    assert_null(strstr(outcome.text, "many"));
    outcome = run("i=0; while [ $i -lt 3000 ]; do echo many words >&2; i=$((i+1)); done; printf ok",
                  (struct ht_process_options){.max_error_bytes = 10});
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.errors, "many words");
    assert_string_equal(outcome.output, "ok");
}

static void what_cannot_be_started_is_said_at_once(void **state)
{
    static const struct {
        const char *program;
        int status;
    } rows[] = {
        {"/nowhere/at/all", HT_ENOTFOUND},
        {"no-such-program-in-path", HT_ENOTFOUND},
        {"/etc/passwd", HT_EPERMISSION},
        {"/etc/passwd/x", HT_ENOTFOUND},
    };
    struct outcome outcome = {.count = 0};

    (void)state;
    assert_int_equal(ht_loop_create(&outcome.loop, NULL, NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const arguments[] = {rows[i].program, "SECRET", NULL};
        struct ht_process_options options = {
            .arguments = arguments, .on_done = on_done, .user = &outcome};
        struct ht_process *process;
        struct ht_error error;
        assert_int_equal(ht_process_start(outcome.loop, &options, &process, &error),
                         rows[i].status);
        assert_null(process);
        assert_non_null(strstr(error.text, rows[i].program));
        assert_null(strstr(error.text, "SECRET"));
    }
    ht_loop_destroy(outcome.loop);
    assert_int_equal(outcome.count, 0);
}

static void canceling_kills(void **state)
{
    const char *const arguments[] = {"sleep", "100", NULL};
    struct outcome outcome = {.count = 0};
    struct ht_process_options options = {
        .arguments = arguments, .on_done = on_done, .user = &outcome};
    struct ht_process *process;

    (void)state;
    assert_int_equal(ht_loop_create(&outcome.loop, NULL, NULL), 0);
    assert_int_equal(ht_process_start(outcome.loop, &options, &process, NULL), 0);
    ht_process_cancel(process);
    ht_process_cancel(process);
    assert_int_equal(outcome.count, 0);
    ht_loop_run(outcome.loop);
    ht_loop_destroy(outcome.loop);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.code, HT_ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_output_errors_and_status),
        cmocka_unit_test(arguments_arrive_as_they_are),
        cmocka_unit_test(the_environment_is_the_given_one),
        cmocka_unit_test(a_signal_is_told),
        cmocka_unit_test(too_slow_is_killed_with_its_children),
        cmocka_unit_test(a_child_that_keeps_the_pipe_open_does_not_hold_us),
        cmocka_unit_test(too_much_output_is_an_error_too_many_errors_are_cut),
        cmocka_unit_test(what_cannot_be_started_is_said_at_once),
        cmocka_unit_test(canceling_kills),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
