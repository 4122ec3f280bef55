// SPDX-License-Identifier: MIT
#include "hashtagd/base/clock.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

static uint64_t system_monotonic_ns(struct ht_clock *clock)
{
    (void)clock;
    struct timespec now;
    HT_ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int64_t system_wall_ms(struct ht_clock *clock)
{
    (void)clock;
    struct timespec now;
    HT_ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const struct ht_clock_ops system_ops = {system_monotonic_ns, system_wall_ms};

void ht_clock_init_system(struct ht_clock *clock)
{
    clock->ops = &system_ops;
}

static uint64_t manual_monotonic_ns(struct ht_clock *clock)
{
    return HT_CONTAINER_OF(clock, struct ht_manual_clock, clock)->now_ns;
}

static int64_t manual_wall_ms(struct ht_clock *clock)
{
    return HT_CONTAINER_OF(clock, struct ht_manual_clock, clock)->now_wall_ms;
}

static const struct ht_clock_ops manual_ops = {manual_monotonic_ns, manual_wall_ms};

void ht_manual_clock_init(struct ht_manual_clock *manual, uint64_t now_ns, int64_t now_wall_ms)
{
    *manual = (struct ht_manual_clock){{&manual_ops}, now_ns, now_wall_ms};
}

void ht_manual_clock_advance_ms(struct ht_manual_clock *manual, uint64_t ms)
{
    manual->now_ns += ms * 1000000u;
    manual->now_wall_ms += (int64_t)ms;
}

uint64_t ht_time_of_thread_ns(void)
{
    struct timespec used = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* The civil calendar by whole eras of 400 years: no time zone data, no limits of time_t. */
static void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

static int64_t days_from_civil(int year, int month, int day)
{
    int64_t shifted_year = (int64_t)year - (month <= 2);
    int64_t era = (shifted_year >= 0 ? shifted_year : shifted_year - 399) / 400;
    int64_t year_of_era = shifted_year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

char *ht_time_format_utc(int64_t wall_ms, char text[HT_TIME_UTC_BYTES])
{
    const int64_t first_ms = -62167219200000; /* 0000-01-01T00:00:00Z */
    const int64_t last_ms = 253402300799999;  /* 9999-12-31T23:59:59.999Z */
    wall_ms = wall_ms < first_ms ? first_ms : wall_ms > last_ms ? last_ms : wall_ms;
    int64_t days = wall_ms / 86400000 - (wall_ms % 86400000 < 0);
    int ms_of_day = (int)(wall_ms - days * 86400000);
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    (void)snprintf(text, HT_TIME_UTC_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)year % 10000u, (unsigned)month % 100u, (unsigned)day % 100u,
                   (unsigned)ms_of_day / 3600000u % 100u, (unsigned)ms_of_day / 60000u % 60u,
                   (unsigned)ms_of_day / 1000u % 60u, (unsigned)ms_of_day % 1000u);
    return text;
}

/* Reads exactly `count` digits at *at and moves it on; -1 where there are none. */
static int read_digits(const char **at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (**at < '0' || **at > '9') {
            return -1;
        }
        value = value * 10 + (**at - '0');
        (*at)++;
    }
    return value;
}

/* Digits, then the mark `end` (any of its characters); -1 where either is missing. */
static int read_part(const char **at, int digits, const char *end, int least, int most)
{
    int value = read_digits(at, digits);
    if (value < least || value > most) {
        return -1;
    }
    if (end[0] == '\0') {
        return value;
    }
    for (const char *mark = end; *mark != '\0'; mark++) {
        if (**at == *mark) {
            (*at)++;
            return value;
        }
    }
    return -1;
}

static int64_t read_fraction_ms(const char **at)
{
    int64_t ms = 0;
    if (**at != '.') {
        return 0;
    }
    (*at)++;
    int64_t weight = 100;
    if (**at < '0' || **at > '9') {
        return -1;
    }
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        ms += (**at - '0') * weight;
        weight /= 10;
    }
    return ms;
}

/* "Z" or "+hh:mm" to milliseconds; false where it is neither. */
static int read_offset_ms(const char **at, int64_t *offset_ms)
{
    *offset_ms = 0;
    if (**at == 'Z' || **at == 'z') {
        (*at)++;
        return 0;
    }
    int sign = **at == '+' ? 1 : **at == '-' ? -1 : 0;
    if (sign == 0) {
        return HT_EPARSE;
    }
    (*at)++;
    int hours = read_part(at, 2, ":", 0, 23);
    int minutes = hours < 0 ? -1 : read_part(at, 2, "", 0, 59);
    *offset_ms = sign * ((int64_t)hours * 3600000 + (int64_t)minutes * 60000);
    return minutes < 0 ? HT_EPARSE : 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

int ht_time_parse_utc(const char *text, int64_t *wall_ms)
{
    const char *at = text;
    int year = read_part(&at, 4, "-", 0, 9999);
    int month = year < 0 ? -1 : read_part(&at, 2, "-", 1, 12);
    int day = month < 0 ? -1 : read_part(&at, 2, "Tt ", 1, days_in_month(year, month));
    int hour = day < 0 ? -1 : read_part(&at, 2, ":", 0, 23);
    int minute = hour < 0 ? -1 : read_part(&at, 2, ":", 0, 59);
    int second = minute < 0 ? -1 : read_part(&at, 2, "", 0, 60);
    if (second < 0) {
        return HT_EPARSE;
    }
    int64_t fraction_ms = read_fraction_ms(&at);
    int64_t offset_ms;
    if (fraction_ms < 0 || read_offset_ms(&at, &offset_ms) != 0 || *at != '\0') {
        return HT_EPARSE;
    }
    int64_t seconds =
        days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *wall_ms = seconds * 1000 + fraction_ms - offset_ms;
    return 0;
}
