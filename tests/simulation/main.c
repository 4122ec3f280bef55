// SPDX-License-Identifier: MIT
#include "amazon.h"
#include "play.h"
#include "world.h"

#include "hashtagd/base/slice.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The command behind tools/simulate: plays one seed, a range, or fresh ones until a time is over. */

enum { HOUR_MS = 3600000 };

struct arguments {
    uint64_t first, last; /* seeds */
    bool has_range, is_boundless;
    double minutes;
    const char *world;
    double hours;
    uint64_t events;
    uint64_t stop_after; /* failures */
};

struct totals {
    uint64_t seeds, failures, steps, records, removals, lines, kills, simulated_ms;
};

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void tell_failure(const struct arguments *arguments, uint64_t seed)
{
    struct sim_plan plan;
    struct sim_result result;
    char words[1024];
    struct sim_play_options again = {.seed = seed,
                                     .world = arguments->world,
                                     .hours_ms = (uint64_t)(arguments->hours * HOUR_MS),
                                     .is_verbose = true,
                                     .events = arguments->events,
                                     .is_boundless = arguments->is_boundless};
    sim_plan_draw(&plan, &again);
    sim_plan_tell(&plan, words, sizeof(words));
    sim_play(&again, &result);
    (void)fprintf(stderr,
                  "SEED %" PRIu64 " FAILED: %s\n  the plan: %s\n  again: tools/simulate --seed "
                  "%" PRIu64 " --hours %g%s%s%s\n",
                  seed, result.failure, words, seed, arguments->hours,
                  arguments->world == NULL ? "" : " --world ",
                  arguments->world == NULL ? "" : arguments->world,
                  arguments->is_boundless ? " --boundless" : "");
}

static void play_one(const struct arguments *arguments, uint64_t seed, struct totals *totals)
{
    struct sim_result result;
    struct sim_play_options options = {.seed = seed,
                                       .world = arguments->world,
                                       .hours_ms = (uint64_t)(arguments->hours * HOUR_MS),
                                       .is_boundless = arguments->is_boundless};
    sim_play(&options, &result);
    totals->seeds++;
    totals->steps += result.steps;
    totals->records += result.records;
    totals->removals += result.removals;
    totals->lines += result.lines;
    totals->kills += result.kills;
    totals->simulated_ms += result.simulated_ms;
    if (result.has_failed) {
        totals->failures++;
        tell_failure(arguments, seed);
    }
}

/* Digits alone; false and a word to whoever typed it where it is something else. */
static bool take_number(const char *name, struct ht_slice text, uint64_t *number)
{
    if (ht_slice_to_u64(text, UINT64_MAX, number) == 0) {
        return true;
    }
    (void)fprintf(stderr, "--%s: \"%.*s\" is no whole number\n", name, (int)text.length, text.data);
    return false;
}

static bool take_time(const char *name, const char *text, double *time)
{
    char *end = NULL;
    *time = strtod(text, &end);
    if (end != text && *end == '\0' && *time > 0 && *time < 1e6) {
        return true;
    }
    (void)fprintf(stderr, "--%s: \"%s\" is no time above 0\n", name, text);
    return false;
}

/* N or A..B. */
static bool take_range(const char *name, const char *text, struct arguments *arguments)
{
    const char *dots = strstr(text, "..");
    struct ht_slice first = ht_slice_text(text);
    if (dots != NULL) {
        first.length = (size_t)(dots - text);
    }
    arguments->has_range = true;
    if (!take_number(name, first, &arguments->first) ||
        !take_number(name, dots == NULL ? first : ht_slice_text(dots + 2), &arguments->last)) {
        return false;
    }
    if (arguments->first > arguments->last) {
        (void)fprintf(stderr, "--%s: %s ends before it begins\n", name, text);
    }
    return arguments->first <= arguments->last;
}

static bool take_world(const char *name, struct arguments *arguments)
{
    arguments->world = name;
    if (sim_plan_backing(name) == NULL) {
        (void)fprintf(stderr, "there is no world \"%s\"; there are", name);
        for (size_t i = 0; sim_backings[i] != NULL; i++) {
            (void)fprintf(stderr, "%s%s", i == 0 ? " " : ", ", sim_backings[i]->name);
        }
        (void)fprintf(stderr, "\n");
    }
    return sim_plan_backing(name) != NULL;
}

static bool take_option(int option, const char *name, struct arguments *arguments)
{
    switch (option) {
    case 's':
        return take_range(name, optarg, arguments);
    case 'm':
        return take_time(name, optarg, &arguments->minutes);
    case 'w':
        return take_world(optarg, arguments);
    case 'h':
        return take_time(name, optarg, &arguments->hours);
    case 'e':
        return take_number(name, ht_slice_text(optarg), &arguments->events);
    case 'a':
        return take_number(name, ht_slice_text(optarg), &arguments->stop_after);
    case 'b':
        arguments->is_boundless = true;
        return true;
    default:
        return false;
    }
}

static bool parse(struct arguments *arguments, int count, char **words)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"seeds", required_argument, NULL, 's'},
                                            {"minutes", required_argument, NULL, 'm'},
                                            {"world", required_argument, NULL, 'w'},
                                            {"hours", required_argument, NULL, 'h'},
                                            {"events", required_argument, NULL, 'e'},
                                            {"stop-after", required_argument, NULL, 'a'},
                                            {"boundless", no_argument, NULL, 'b'},
                                            {NULL, 0, NULL, 0}};
    *arguments = (struct arguments){.hours = 1, .events = 60, .stop_after = UINT64_MAX};
    int which = 0;
    opterr = 0; /* getopt's own words begin with the path of the program */
    for (int option = 0; (option = getopt_long(count, words, ":", options, &which)) != -1;) {
        if (option == ':' || option == '?') {
            (void)fprintf(stderr,
                          option == ':' ? "%s needs a value\n" : "nothing is known of \"%s\"\n",
                          words[optind - 1]);
            return false;
        }
        if (!take_option(option, options[which].name, arguments)) {
            return false;
        }
    }
    if (optind < count) {
        (void)fprintf(stderr, "nothing is known of \"%s\"\n", words[optind]);
    }
    return optind == count;
}

static bool is_over(const struct arguments *arguments, const struct totals *totals, double began)
{
    if (totals->failures >= arguments->stop_after) {
        return true;
    }
    if (arguments->has_range && arguments->first + totals->seeds > arguments->last) {
        return true;
    }
    bool has_limit = arguments->minutes > 0 || !arguments->has_range;
    return has_limit && seconds() - began >= arguments->minutes * 60;
}

/* How often each fault of Amazon was played; nothing where it was not played at all. */
static void tell_faults(void)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < AMAZON_FAULTS; i++) {
        all += amazon_struck_before((enum amazon_fault)i);
    }
    for (unsigned i = 0; i < AMAZON_FAULTS && all > 0; i++) {
        (void)printf("%s%s %" PRIu64, i == 0 ? "amazon: " : ", ",
                     amazon_fault_name((enum amazon_fault)i),
                     amazon_struck_before((enum amazon_fault)i));
    }
    (void)printf("%s", all > 0 ? "\n" : "");
}

int main(int count, char **words)
{
    struct arguments arguments;
    if (!parse(&arguments, count, words)) {
        (void)fprintf(stderr,
                      "usage: simulate [--seed N | --seeds A..B | --minutes N] "
                      "[--world NAME] [--hours H] [--events N] [--stop-after N] [--boundless]\n");
        return 2;
    }
    struct totals totals = {0};
    double began = seconds();
    uint64_t fresh = (uint64_t)time(NULL) * 1000000;
    uint64_t first = arguments.has_range ? arguments.first : fresh;
    (void)printf("seeds from %" PRIu64 "\n", first);
    while (!is_over(&arguments, &totals, began)) {
        play_one(&arguments, first + totals.seeds, &totals);
    }
    double took = seconds() - began;
    (void)printf("%" PRIu64 " seed%s, %" PRIu64 " failed; %.1f simulated hours, %" PRIu64
                 " records, %" PRIu64 " deletions, %" PRIu64 " archived lines, %" PRIu64
                 " kills, %" PRIu64 " steps in %.1f s (%.1f ms a seed)\n",
                 totals.seeds, totals.seeds == 1 ? "" : "s", totals.failures,
                 (double)totals.simulated_ms / HOUR_MS, totals.records, totals.removals,
                 totals.lines, totals.kills, totals.steps, took,
                 totals.seeds == 0 ? 0 : took * 1000 / (double)totals.seeds);
    tell_faults();
    return totals.failures > 0 ? 1 : 0;
}
