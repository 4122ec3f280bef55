// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
    int first;
    int second;
};

static void keep_it(void)
{
    HT_ASSERT(1 + 1 == 2);
}

static void break_it(void)
{
    HT_ASSERT(1 + 1 == 3);
}

static void reach(void)
{
    HT_UNREACHABLE();
}

/* Runs `act` in a child; returns its wait status and what it said on stderr. */
static int run(void (*act)(void), char *said, size_t said_bytes)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        act();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t some;
    while (length < said_bytes - 1 &&
           (some = read(ends[0], said + length, said_bytes - 1 - length)) > 0) {
        length += (size_t)some;
    }
    said[length] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void what_holds_does_nothing(void **state)
{
    (void)state;
    char said[512];
    assert_int_equal(run(keep_it, said, sizeof(said)), 0);
    assert_string_equal(said, "");
}

static void what_does_not_hold_aborts_and_says_where(void **state)
{
    (void)state;
    char said[512];
    int status = run(break_it, said, sizeof(said));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "1 + 1 == 3"));
    assert_non_null(strstr(said, "test_assert.c:"));
}

static void an_unreachable_place_aborts(void **state)
{
    (void)state;
    char said[512];
    int status = run(reach, said, sizeof(said));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "unreachable"));
}

static void a_member_leads_to_its_struct(void **state)
{
    (void)state;
    struct pair pairs[3] = {{0, 0}};
    assert_ptr_equal(HT_CONTAINER_OF(&pairs[1].second, struct pair, second), &pairs[1]);
    assert_int_equal(HT_COUNT_OF(pairs), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_does_nothing),
        cmocka_unit_test(what_does_not_hold_aborts_and_says_where),
        cmocka_unit_test(an_unreachable_place_aborts),
        cmocka_unit_test(a_member_leads_to_its_struct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
