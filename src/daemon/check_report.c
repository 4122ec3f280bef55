// SPDX-License-Identifier: MIT
#include "check.h"

#include <stdarg.h>

enum { STEP_COLUMNS = 14 };

static void print_line(const char *word, const char *step, const char *text)
{
    (void)printf("%-5s %-*s %s\n", word, STEP_COLUMNS, step, text);
    (void)fflush(stdout);
}

void ht_check_pass(struct ht_check *check, const char *step, const char *format, ...)
{
    char text[1400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    check->done_count++;
    print_line("ok", step, text);
}

void ht_check_fail(struct ht_check *check, const char *step, const char *text, const char *cure)
{
    check->failed_count++;
    print_line("FAIL", step, text);
    if (cure != NULL && cure[0] != '\0') {
        (void)printf("%-5s %-*s cure: %s\n", "", STEP_COLUMNS, "", cure);
        (void)fflush(stdout);
    }
}

void ht_check_skip(struct ht_check *check, const char *step, const char *reason)
{
    check->skipped_count++;
    print_line("--", step, reason);
}
