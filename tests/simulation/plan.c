// SPDX-License-Identifier: MIT
#include "play.h"

#include <stdio.h>
#include <string.h>

/* What a seed means. Small plays and large ones, gentle ones and cruel ones, all of them often. */

enum {
    TAKEOVERS_PER_CENT = 15,
    TAKEOVERS_PACE_MS = 1500,
};

static uint64_t pick(struct ht_random *random, const uint64_t *list, size_t count)
{
    return list[ht_random_below(random, count)];
}

#define PICK(random, ...)                                                                          \
    pick((random), (const uint64_t[]){__VA_ARGS__},                                                \
         sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static bool perhaps(struct ht_random *random, unsigned per_cent)
{
    return ht_random_below(random, 100) < per_cent;
}

static void draw_daemon(struct sim_plan *plan, struct ht_random *random)
{
    struct sim_daemon_options *daemon = &plan->daemon;
    daemon->sources = (unsigned)PICK(random, 0, 0, 0, 1, 1, 3);
    /* what a source gives again after a crash lies as far back as it was ahead */
    daemon->repeat_window = daemon->sources > 0 ? 12000 : PICK(random, 0, 60, 100, 300, 2000);
    daemon->budget_bytes = PICK(random, 64 << 20, 64 << 20, 8 << 20, 1 << 20);
    daemon->flush_interval_ms = (uint32_t)PICK(random, 200, 1000, 1000, 5000, 30000);
    daemon->fold = perhaps(random, 75) ? HT_FOLD_CASE : HT_FOLD_NONE;
    daemon->once_per_tweet = perhaps(random, 30);
    daemon->ignores_retweets = perhaps(random, 20);
    bool may_begin_late = plan->backing->has_shards && perhaps(random, 20);
    daemon->start.kind = may_begin_late ? HT_POSITION_LATEST : HT_POSITION_TRIM_HORIZON;
}

static void draw_messages(struct sim_plan *plan, struct ht_random *random)
{
    plan->messages =
        (struct sim_messages_options){.vocabulary = (unsigned)PICK(random, 3, 20, 200, 1500, 30000),
                                      .bad = (unsigned)PICK(random, 0, 5, 50),
                                      .notices = (unsigned)PICK(random, 0, 20),
                                      .edits = (unsigned)PICK(random, 0, 100, 400),
                                      .retweets = 100,
                                      .fold = plan->daemon.fold,
                                      .once_per_tweet = plan->daemon.once_per_tweet,
                                      .ignores_retweets = plan->daemon.ignores_retweets};
    size_t window = plan->daemon.repeat_window;
    /* a post has an id and a key for each hashtag in the window */
    plan->recent = window == 0 || window > 2000 ? 40 : (unsigned)(window / 20);
}

static void draw_events(struct sim_plan *plan, struct ht_random *random, bool is_boundless)
{
    const struct sim_backing *backing = plan->backing;
    plan->badness = (unsigned)ht_random_below(random, 4);
    plan->has_second = backing->has_second && perhaps(random, 30);
    plan->is_late = backing->has_foreign && perhaps(random, 30);
    bool may_delete = is_boundless || (!plan->has_second && !plan->is_late);
    plan->deletes = may_delete && perhaps(random, 75);
    plan->expires = plan->deletes && perhaps(random, 30);
    plan->foreign = backing->has_foreign && perhaps(random, 40);
    plan->jumps = perhaps(random, 25);
    plan->floods = plan->daemon.sources == 0 &&
                   perhaps(random, 25); /* a source would fall out of the window */
    plan->kills = perhaps(random, 75);
    plan->stops = perhaps(random, 60);
    plan->stalls = perhaps(random, 40);
    plan->reshards = backing->has_shards && perhaps(random, 60);
    plan->trims = perhaps(random, 40);
    plan->pace_ms = PICK(random, 800, 1500, 3000, 8000);
    plan->tick_ns = PICK(random, 1000, 20000, 200000);
}

static const struct sim_backing *choose_backing(const char *name, struct ht_random *random)
{
    size_t count = 0;
    while (sim_backings[count] != NULL && !sim_backings[count]->is_slow) {
        count++;
    }
    size_t drawn = ht_random_below(random, count);
    const struct sim_backing *named = sim_plan_backing(name);
    return named != NULL ? named : sim_backings[drawn];
}

const struct sim_backing *sim_plan_backing(const char *name)
{
    size_t i = 0;
    while (name != NULL && sim_backings[i] != NULL && strcmp(sim_backings[i]->name, name) != 0) {
        i++;
    }
    return name == NULL ? NULL : sim_backings[i];
}

/* Records of nothing but hashtags fill the least budget when many come at once. */
static void draw_density(struct sim_plan *plan, struct ht_random *random)
{
    plan->messages.dense = (unsigned)PICK(random, 0, 0, 20, 500);
    if (plan->messages.dense == 500 && perhaps(random, 50)) {
        plan->messages.vocabulary = 30000;
        plan->daemon.budget_bytes = 1 << 20;
        plan->world.batch_records = 400;
        plan->floods = plan->daemon.sources == 0;
    }
}

/* Two daemons that take over from each other all the time, because one stands still. Its dice are of
 * their own: the other seeds mean what they meant before. */
static void draw_takeovers(struct sim_plan *plan, const struct sim_play_options *options)
{
    struct ht_random random;
    ht_random_init(&random, ~options->seed);
    bool is_drawn = perhaps(&random, TAKEOVERS_PER_CENT);
    if (!plan->backing->has_second || options->is_boundless || !is_drawn) {
        return;
    }
    plan->takes_over = plan->has_second = plan->reshards = true;
    plan->is_late = plan->expires = plan->floods = false;
    /* at Amazon a request may be on its way for longer than a lease lasts */
    plan->deletes = !plan->backing->is_slow;
    plan->daemon.ttl_s = plan->world.ttl_s = 0;
    plan->world.has_leases = plan->world.has_second = plan->world.archives = true;
    plan->world.is_late = false;
    plan->pace_ms = plan->pace_ms < TAKEOVERS_PACE_MS ? TAKEOVERS_PACE_MS : plan->pace_ms;
}

void sim_plan_draw(struct sim_plan *plan, const struct sim_play_options *options)
{
    struct ht_random random;
    ht_random_init(&random, options->seed * 2 + 1);
    *plan = (struct sim_plan){.backing = choose_backing(options->world, &random)};
    draw_daemon(plan, &random);
    draw_messages(plan, &random);
    draw_events(plan, &random, options->is_boundless);
    plan->daemon.ttl_s = plan->expires ? (uint32_t)PICK(&random, 60, 600, 3000) : 0;
    plan->service = (struct sim_service_faults){.refused = (unsigned)PICK(&random, 0, 100, 500),
                                                .cut = (unsigned)PICK(&random, 0, 5, 50),
                                                .stalls = (unsigned)PICK(&random, 0, 5),
                                                .broken_line = (unsigned)PICK(&random, 0, 5)};
    plan->world = (struct sim_world_options){.is_boundless = options->is_boundless,
                                             .shards = (unsigned)PICK(&random, 1, 2, 4),
                                             .archives = perhaps(&random, 90),
                                             .ttl_s = plan->daemon.ttl_s,
                                             .repeat_window = plan->daemon.repeat_window,
                                             .batch_records = (unsigned)PICK(&random, 3, 40, 400),
                                             .has_second = plan->has_second,
                                             .is_late = options->is_boundless || plan->is_late,
                                             .start = plan->daemon.start};
    draw_density(plan, &random);
    draw_takeovers(plan, options);
}

void sim_plan_tell(const struct sim_plan *plan, char *text, size_t room)
{
    (void)snprintf(
        text, room,
        "world %s, %u shards%s, %u sources, %u hashtags, window %zu, budget %zu kB, flush each %u "
        "ms, fold %s%s%s, ttl %u s, bad %u, edits %u, dense %u, batches of %u, tick %llu us, "
        "badness %u;"
        "%s%s%s%s%s%s%s%s%s%s%s%s%s",
        plan->backing->name, plan->world.shards,
        plan->daemon.start.kind == HT_POSITION_LATEST ? " from the tip" : "", plan->daemon.sources,
        plan->messages.vocabulary, plan->daemon.repeat_window, plan->daemon.budget_bytes >> 10,
        plan->daemon.flush_interval_ms, plan->daemon.fold == HT_FOLD_CASE ? "case" : "none",
        plan->daemon.once_per_tweet ? ", once per tweet" : "",
        plan->daemon.ignores_retweets ? ", no retweets" : "", plan->daemon.ttl_s,
        plan->messages.bad, plan->messages.edits, plan->messages.dense, plan->world.batch_records,
        (unsigned long long)(plan->tick_ns / 1000), plan->badness,
        plan->world.archives ? "" : " no archive,", plan->has_second ? " two daemons," : "",
        plan->takes_over ? " long halts," : "", plan->is_late ? " late requests," : "",
        plan->deletes ? " deletions," : "", plan->foreign ? " others write," : "",
        plan->jumps ? " the clock jumps," : "", plan->kills ? " kill -9," : "",
        plan->stops ? " stops," : "", plan->stalls ? " stalls," : "",
        plan->floods ? " floods," : "", plan->reshards ? " reshards," : "",
        plan->trims ? " trims," : "");
}
