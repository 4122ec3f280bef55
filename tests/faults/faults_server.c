// SPDX-License-Identifier: MIT
#include "faults.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * cmocka's loop over the cases of a program, in the hands of whoever started it. Over one pipe
 * come lines "case kind first last how", over another go the names of the cases, and for each
 * line the number of the child and, at its end, the status that waitpid gave. "end" goes on to
 * what the program does after its cases.
 */

typedef int (*group_fn)(const char *name, const struct CMUnitTest *tests, size_t count,
                        CMFixtureFunction set_up, CMFixtureFunction tear_down);

struct group {
    const char *name;
    const struct CMUnitTest *tests;
    size_t count;
    CMFixtureFunction set_up, tear_down;
    group_fn run;
};

/* The leak sanitizer's, where the program has it. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

static void serve(const struct group *group, FILE *orders, FILE *answers);
static void run_child(const struct group *group, size_t which);

__attribute__((visibility("default"))) int
_cmocka_run_group_tests(const char *name, const struct CMUnitTest *const tests, const size_t count,
                        CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    struct group group = {name,   tests,     count,
                          set_up, tear_down, (group_fn)faults_next("_cmocka_run_group_tests")};
    static FILE *orders, *answers;
    const char *ends = getenv(FAULTS_SERVER_VARIABLE);
    int in = -1, out = -1;
    if (ends == NULL || faults_get_map() == NULL || sscanf(ends, "%d,%d", &in, &out) != 2) {
        return group.run(name, tests, count, set_up, tear_down);
    }
    orders = orders != NULL ? orders : fdopen(in, "r");
    answers = answers != NULL ? answers : fdopen(out, "w");
    if (orders != NULL && answers != NULL) {
        serve(&group, orders, answers);
    }
    return 0;
}

/* How cmocka leaves a case that failed. */
__attribute__((visibility("default"), noreturn)) void __longjmp_chk(struct __jmp_buf_tag *place,
                                                                    int value)
{
    void (*next)(struct __jmp_buf_tag *, int) =
        (void (*)(struct __jmp_buf_tag *, int))faults_next("__longjmp_chk");
    if (faults_get_map() != NULL) {
        faults_get_map()->has_jumped = 1;
    }
    next(place, value);
    abort();
}

static void serve(const struct group *group, FILE *orders, FILE *answers)
{
    struct faults_map *map = faults_get_map();
    char line[128];
    (void)fprintf(answers, "cases %zu\n", group->count);
    for (size_t i = 0; i < group->count; i++) {
        (void)fprintf(answers, "%s\n", group->tests[i].name);
    }
    (void)fflush(answers);
    while (fgets(line, sizeof(line), orders) != NULL && strncmp(line, "end", 3) != 0) {
        size_t which = strtoul(strtok(line, " "), NULL, 10);
        map->kind = strtoul(strtok(NULL, " "), NULL, 10);
        map->first = strtoul(strtok(NULL, " "), NULL, 10);
        map->last = strtoul(strtok(NULL, " "), NULL, 10);
        map->how = strtoul(strtok(NULL, " "), NULL, 10);
        map->fired = 0;
        map->has_jumped = 0;
        map->trace[0] = '\0';
        memset(map->seen, 0, sizeof(map->seen));
        pid_t child = fork();
        if (child == 0) {
            run_child(group, which < group->count ? which : 0);
        }
        int status = 0;
        (void)fprintf(answers, "child %d\n", (int)child);
        (void)fflush(answers);
        (void)waitpid(child, &status, 0);
        (void)fprintf(answers, "ended %d\n", status);
        (void)fflush(answers);
    }
}

/* Where the case failed, it left by a jump what it held: leaks are then only told, for the reader
 * to judge those of the call that failed. */
static void run_child(const struct group *group, size_t which)
{
    const char *path = getenv(FAULTS_OUTPUT_VARIABLE);
    int output = open(path == NULL ? "/dev/null" : path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    (void)close(output);
    struct CMUnitTest one[1] = {group->tests[which]};
    faults_arm(true);
    int failed = group->run(group->name, one, 1, group->set_up, group->tear_down);
    faults_arm(false);
    (void)fflush(stdout);
    if (failed == 0) {
        exit(0);
    }
    if (faults_get_map()->fired > 0 && __lsan_do_recoverable_leak_check != NULL) {
        (void)__lsan_do_recoverable_leak_check();
    }
    _exit(1);
}
