// SPDX-License-Identifier: MIT
#include "put.h"

#include <stdio.h>

enum { SHOW_EVERY_MS = 100, BAR_COLUMNS = 30 };

static void wipe_progress(struct ht_put_report *report)
{
    if (report->progress_columns > 0) {
        (void)fputs("\r\033[K", stderr);
        report->progress_columns = 0;
    }
}

/* File names come from outside and go to a terminal. */
static void print_name(const char *name)
{
    for (; *name != '\0'; name++) {
        unsigned char byte = (unsigned char)*name;
        (void)fputc(byte < 0x20 || byte == 0x7f ? '?' : byte, stderr);
    }
}

void ht_put_report_skip(struct ht_put_report *report, const char *file, uint64_t line,
                        const char *reason)
{
    report->skipped++;
    if (report->listed >= HT_PUT_MAX_LISTED) {
        return;
    }
    report->listed++;
    wipe_progress(report);
    print_name(file);
    (void)fprintf(stderr, ":%llu: ", (unsigned long long)line);
    print_name(reason);
    (void)fputc('\n', stderr);
    if (report->listed == HT_PUT_MAX_LISTED) {
        (void)fputs("what else is skipped is only counted\n", stderr);
    }
}

void ht_put_report_failure(struct ht_put_report *report, const char *file, const char *reason)
{
    report->failed_files++;
    wipe_progress(report);
    (void)fputs("hashtagd: ", stderr);
    print_name(file);
    (void)fprintf(stderr, ": %s\n", reason);
}

void ht_put_report_progress(struct ht_put_report *report, uint64_t now_ns)
{
    if (!report->is_terminal || now_ns - report->shown_ns < SHOW_EVERY_MS * UINT64_C(1000000)) {
        return;
    }
    report->shown_ns = now_ns;
    double seconds = (double)(now_ns - report->started_ns) / 1e9;
    double rate = seconds > 0 ? (double)report->put / seconds : 0;
    (void)fputs("\r\033[K", stderr);
    if (report->total_bytes > 0) {
        double part = (double)report->read_bytes / (double)report->total_bytes;
        int full = part >= 1 ? BAR_COLUMNS : (int)(part * BAR_COLUMNS);
        (void)fputc('[', stderr);
        for (int i = 0; i < BAR_COLUMNS; i++) {
            (void)fputc(i < full ? '#' : '.', stderr);
        }
        (void)fprintf(stderr, "] %3d %%  ", part >= 1 ? 100 : (int)(part * 100));
    }
    (void)fprintf(stderr, "%llu put, %.0f a second", (unsigned long long)report->put, rate);
    (void)fflush(stderr);
    report->progress_columns = 1;
}

void ht_put_report_end(struct ht_put_report *report, uint64_t now_ns)
{
    wipe_progress(report);
    double seconds = (double)(now_ns - report->started_ns) / 1e9;
    (void)printf("%llu put, %llu skipped, %.1f s\n", (unsigned long long)report->put,
                 (unsigned long long)report->skipped, seconds);
}
