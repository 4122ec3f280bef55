// SPDX-License-Identifier: MIT
#include "play.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BURST_MAX = 8,
    FLOOD_BURSTS = 600,
    STUCK_MS = 25 * 60000, /* without any progress; a source may wait for 20 minutes */
    NEVER_STEPS = 0,
    HALT_LEAST_MS = 15000,
    HALT_MOST_MS = 240000,
    HALT_LONGEST_MS = 2400000,
    SLOWEST_MS = 30000, /* what was under way when all became well is as slow as that */
};

struct play {
    struct sim sim;
    struct sim_truth truth;
    struct sim_messages messages;
    struct sim_accountant accountant;
    struct sim_service service;
    struct sim_plan plan;
    struct sim_world *world;
    struct sim_daemon daemons[SIM_PROCESSES];
    struct ht_timer act_timer, weather_timer;
    struct ht_timer restart_timers[SIM_PROCESSES];
    uint64_t healed_ns;
    uint64_t weather_ns;                      /* when it last changed */
    uint64_t kill_after_steps[SIM_PROCESSES]; /* 0: not to be killed */
    uint32_t recent[64];                      /* the last messages put by others */
    uint64_t recent_count;
    bool is_over; /* nothing happens any more */
};

/* ---- records ---- */

static void put_messages(struct play *play, const uint32_t *numbers, size_t count)
{
    struct sim_put puts[BURST_MAX];
    for (size_t i = 0; i < count; i++) {
        const struct sim_message *message = &play->messages.items[numbers[i]];
        puts[i] = (struct sim_put){ht_slice_make(message->data, message->length),
                                   ht_slice_text(message->key)};
    }
    play->world->backing->put(play->world, puts, count, sim_chance(&play->sim, 300));
}

/* One that was put lately once more, or a new one. */
static uint32_t choose_message(struct play *play)
{
    uint64_t kept = play->recent_count < HT_COUNT_OF(play->recent) ? play->recent_count
                                                                   : HT_COUNT_OF(play->recent);
    kept = kept < play->plan.recent ? kept : play->plan.recent;
    if (kept > 0 && sim_chance(&play->sim, 80)) {
        uint64_t back = 1 + ht_random_below(&play->sim.random, kept);
        return play->recent[(play->recent_count - back) % HT_COUNT_OF(play->recent)];
    }
    uint32_t number = sim_messages_make(&play->messages, play->plan.recent);
    play->recent[play->recent_count++ % HT_COUNT_OF(play->recent)] = number;
    return number;
}

static void put_burst(struct play *play)
{
    uint32_t numbers[BURST_MAX];
    size_t count = 1 + ht_random_below(&play->sim.random, BURST_MAX);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = choose_message(play);
    }
    put_messages(play, numbers, count);
}

static void publish(struct play *play)
{
    size_t count = 1 + ht_random_below(&play->sim.random, BURST_MAX);
    for (size_t i = 0; i < count; i++) {
        bool is_refused = sim_chance(&play->sim, 3);
        uint32_t number = is_refused ? sim_messages_refused(&play->messages) : choose_message(play);
        sim_service_publish(&play->service, number);
    }
}

/* Some seconds of what a small budget cannot hold; rarely, because it is slow to play. */
static void flood(struct play *play)
{
    if (!play->plan.floods || !sim_chance(&play->sim, 60)) {
        return;
    }
    SIM_NOTE(&play->sim, "a flood");
    for (unsigned i = 0; i < FLOOD_BURSTS; i++) {
        put_burst(play);
    }
}

static void bring_records(struct play *play)
{
    if (play->plan.daemon.sources > 0 && sim_chance(&play->sim, 700)) {
        publish(play);
    } else {
        put_burst(play);
    }
}

/* ---- what users and others do ---- */

static bool is_free(const struct sim_daemon *daemon)
{
    return sim_daemon_is_running(daemon) && !daemon->is_stopping &&
           daemon->process->stalled_until_ns <= daemon->sim->now_ns;
}

static struct sim_daemon *any_daemon(struct play *play)
{
    struct sim_daemon *daemon =
        &play->daemons[play->plan.has_second && sim_chance(&play->sim, 400)];
    return is_free(daemon) ? daemon : NULL;
}

static void delete_hashtag(struct play *play)
{
    struct sim_daemon *daemon = any_daemon(play);
    if (play->plan.deletes && daemon != NULL) {
        sim_daemon_delete(daemon, sim_messages_hashtag(&play->messages));
    }
}

static void flush(struct play *play)
{
    struct sim_daemon *daemon = any_daemon(play);
    if (daemon != NULL) {
        sim_daemon_flush(daemon);
    }
}

static void post(struct play *play)
{
    struct sim_daemon *daemon = any_daemon(play);
    uint32_t numbers[4];
    size_t count = 1 + ht_random_below(&play->sim.random, HT_COUNT_OF(numbers));
    if (daemon == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = sim_messages_make(&play->messages, 0);
    }
    sim_daemon_post(daemon, numbers, count);
}

static void act_as_other(struct play *play)
{
    struct ht_slice hashtag = sim_messages_hashtag(&play->messages);
    if (play->plan.foreign && sim_chance(&play->sim, 600)) {
        play->world->backing->add_foreign(play->world, hashtag, sim_between(&play->sim, 1, 20));
    } else if (play->plan.foreign && play->plan.deletes) {
        (void)play->world->backing->delete_foreign(play->world, hashtag);
    }
}

static void expire(struct play *play)
{
    if (play->plan.expires) {
        play->world->backing->expire(play->world);
    }
}

static void reshard(struct play *play)
{
    if (!play->plan.reshards) {
        return;
    }
    const struct sim_backing *backing = play->world->backing;
    (void)(sim_chance(&play->sim, 500) ? backing->split : backing->merge)(play->world);
    play->world->backing->roll_feed(play->world);
}

static void trim(struct play *play)
{
    if (play->plan.trims) {
        play->world->backing->trim(play->world);
    }
}

/* ---- what happens to processes ---- */

static void kill_soon(struct play *play)
{
    unsigned number = play->plan.has_second && sim_chance(&play->sim, 500);
    if (play->plan.kills && play->kill_after_steps[number] == NEVER_STEPS) {
        play->kill_after_steps[number] = sim_between(&play->sim, 1, 2000);
    }
}

static void stop(struct play *play)
{
    struct sim_daemon *daemon = any_daemon(play);
    if (play->plan.stops && daemon != NULL) {
        sim_daemon_stop(daemon);
    }
}

static void stall(struct play *play)
{
    struct sim_daemon *daemon = any_daemon(play);
    if (play->plan.stalls && daemon != NULL) {
        /* where another takes over: so long that what it did cannot be told from the items any more.
         * Without leases nobody takes over: who slept would go on behind what the other has let the
         * stream drop, and would not know the ids of it (seed 850237) */
        bool has_leases = play->plan.world.has_leases || play->plan.backing->is_slow;
        uint64_t longest_ms = play->plan.has_second && has_leases ? 2400000 : 600000;
        uint64_t most_ms = sim_chance(&play->sim, 200) ? longest_ms : 20000;
        uint64_t ms = sim_between(&play->sim, 1, most_ms);
        SIM_NOTE(&play->sim, "daemon %u: SIGSTOP for %" PRIu64 " ms", daemon->number, ms);
        daemon->process->stalled_until_ns = play->sim.now_ns + ms * 1000000;
    }
}

/* One of two stands still for longer than a lease lasts; or shards end and begin meanwhile. */
static void let_take_over(struct play *play)
{
    struct sim *sim = &play->sim;
    struct sim_daemon *halted = &play->daemons[sim_chance(sim, 500)];
    bool are_free = is_free(&play->daemons[0]) && is_free(&play->daemons[1]);
    if (!sim_chance(sim, 30)) {
        return;
    }
    if (!are_free) {
        reshard(play);
        return;
    }
    uint64_t most_ms = sim_chance(sim, 300) ? HALT_LONGEST_MS : HALT_MOST_MS;
    uint64_t ms = sim_between(sim, HALT_LEAST_MS, most_ms);
    SIM_NOTE(sim, "daemon %u: a halt of %" PRIu64 " ms", halted->number, ms);
    halted->process->stalled_until_ns = sim->now_ns + ms * 1000000;
}

static void set_clock(struct play *play)
{
    struct sim_process *process = &play->sim.processes[0];
    if (!play->plan.jumps) {
        return;
    }
    int64_t most_ms = sim_chance(&play->sim, 300) ? INT64_C(3) * 86400000 : 90000;
    process->wall_offset_ms =
        (int64_t)ht_random_below(&play->sim.random, 2 * (uint64_t)most_ms) - most_ms;
    SIM_NOTE(&play->sim, "the wall clock is %" PRId64 " ms wrong", process->wall_offset_ms);
}

static void on_restart_due(struct ht_timer *timer)
{
    struct play *play = HT_CONTAINER_OF(timer, struct play, restart_timers[0]);
    sim_daemon_start(&play->daemons[0]);
}

static void on_second_due(struct ht_timer *timer)
{
    struct play *play = HT_CONTAINER_OF(timer, struct play, restart_timers[1]);
    if (!play->is_over) {
        sim_daemon_start(&play->daemons[1]);
    }
}

/* The one that is not there comes back after a while; the second one later, and not at the end. */
static void look_for_missing(struct play *play)
{
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        bool is_wanted = i == 0 || (play->plan.has_second && !play->is_over);
        if (is_wanted && !sim_daemon_is_running(&play->daemons[i]) &&
            !ht_timer_is_running(&play->restart_timers[i])) {
            uint64_t most_ms = i > 0 ? 600000 : sim_chance(&play->sim, 100) ? 120000 : 3000;
            ht_timer_start(&play->sim.timers, &play->restart_timers[i],
                           ht_random_below(&play->sim.random, most_ms));
        }
    }
}

/* ---- the weather ---- */

static void draw_faults(struct play *play, struct sim_faults *faults)
{
    struct sim *sim = &play->sim;
    unsigned bad = play->plan.badness * 40;
    faults->lost_request = bad > 0 ? (unsigned)ht_random_below(&sim->random, bad) : 0;
    faults->lost_answer = bad > 0 ? (unsigned)ht_random_below(&sim->random, bad) : 0;
    faults->throttled = bad > 0 ? (unsigned)ht_random_below(&sim->random, bad * 2) : 0;
    faults->partial = bad > 0 ? (unsigned)ht_random_below(&sim->random, bad * 2) : 0;
    faults->expired_iterator = bad / 8;
    faults->slow = bad / 4;
    faults->slow_ms = sim_chance(sim, 200) ? SLOWEST_MS : 3000;
    faults->latency_ms = sim_chance(sim, 500) ? 10 : 200;
    if (play->plan.is_late) {
        faults->late_request = bad / 2;
        faults->late_ms = sim_chance(sim, 500) ? 5000 : 240000;
    }
}

static void draw_outage(struct play *play, struct sim_faults *faults)
{
    switch (ht_random_below(&play->sim.random, 7)) {
    case 0:
        faults->is_unreachable = true;
        break;
    case 1:
        faults->is_refusing = true;
        break;
    case 2:
        faults->is_disk_full = true;
        break;
    case 3:
        faults->is_archive_out = true;
        break;
    case 4:
        faults->is_stream_out = true;
        break;
    case 5:
        faults->is_table_out = true;
        break;
    default:
        faults->are_letters_out = true;
        break;
    }
}

static void on_weather_due(struct ht_timer *timer)
{
    struct play *play = HT_CONTAINER_OF(timer, struct play, weather_timer);
    const struct sim_faults *before = &play->world->faults;
    if (before->is_unreachable || before->is_refusing || before->is_stream_out) {
        sim_daemon_check_outage(&play->daemons[0], play->weather_ns);
    }
    play->weather_ns = play->sim.now_ns;
    struct sim_faults faults = {.latency_ms = 5};
    uint64_t least_ms = 20000;
    if (sim_chance(&play->sim, 600)) {
        draw_faults(play, &faults);
    }
    if (play->plan.badness > 0 && sim_chance(&play->sim, 200)) {
        draw_outage(play, &faults);
        least_ms = 1000;
    }
    SIM_NOTE(&play->sim, "the weather: %s%s%s%s%s%s%s latency %" PRIu64 " ms",
             faults.is_unreachable ? "unreachable," : "", faults.is_refusing ? "refusing," : "",
             faults.is_disk_full ? "disk full," : "", faults.is_archive_out ? "no archive," : "",
             faults.is_stream_out ? "no stream," : "", faults.is_table_out ? "no table," : "",
             faults.are_letters_out ? "no letters," : "", faults.latency_ms);
    play->world->backing->set_faults(play->world, &faults);
    ht_timer_start(&play->sim.timers, timer, least_ms + ht_random_below(&play->sim.random, 180000));
}

/* ---- acting ---- */

static const struct {
    unsigned weight;
    void (*act)(struct play *play);
} actions[] = {
    {600, bring_records}, {120, delete_hashtag}, {30, flush},   {60, post},      {60, act_as_other},
    {20, expire},         {8, reshard},          {20, trim},    {20, kill_soon}, {8, stop},
    {6, stall},           {30, flood},           {6, set_clock}};

static void on_act_due(struct ht_timer *timer)
{
    struct play *play = HT_CONTAINER_OF(timer, struct play, act_timer);
    unsigned total = 0;
    for (size_t i = 0; i < HT_COUNT_OF(actions); i++) {
        total += actions[i].weight;
    }
    unsigned dice = (unsigned)ht_random_below(&play->sim.random, total);
    size_t chosen = 0;
    while (dice >= actions[chosen].weight) {
        dice -= actions[chosen++].weight;
    }
    actions[chosen].act(play);
    if (play->plan.takes_over) {
        let_take_over(play);
    }
    look_for_missing(play);
    /* calm stretches and bursts */
    uint64_t most_ms = sim_chance(&play->sim, 100) ? play->plan.pace_ms * 10 : play->plan.pace_ms;
    most_ms = sim_chance(&play->sim, 300) ? 20 : most_ms;
    ht_timer_start(&play->sim.timers, timer, ht_random_below(&play->sim.random, 2 * most_ms));
}

static void look_at_kills(struct play *play)
{
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        if (play->kill_after_steps[i] > 0 && --play->kill_after_steps[i] == 0) {
            sim_daemon_kill(&play->daemons[i]);
        }
    }
}

/* One step of the world; false where nothing is due until then. */
static bool step(struct play *play, uint64_t end_ns)
{
    bool has_stepped = sim_step(&play->sim, end_ns);
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        sim_daemon_look(&play->daemons[i]);
    }
    return has_stepped;
}

static void run_hours(struct play *play, uint64_t hours_ms)
{
    uint64_t end_ns = play->sim.now_ns + hours_ms * 1000000;
    while (!play->sim.has_failed && step(play, end_ns)) {
        look_at_kills(play);
    }
}

/* ---- the end ---- */

static void heal(struct play *play)
{
    struct sim_faults none = {.latency_ms = 5};
    SIM_NOTE(&play->sim, "all is well from now on");
    play->is_over = true;
    play->healed_ns = play->sim.now_ns;
    ht_timer_stop(&play->sim.timers, &play->act_timer);
    ht_timer_stop(&play->sim.timers, &play->weather_timer);
    play->service.faults = (struct sim_service_faults){0};
    play->world->backing->set_faults(play->world, &none);
    for (unsigned i = 0; i < 2; i++) {
        play->kill_after_steps[i] = NEVER_STEPS;
        if (sim_daemon_is_running(&play->daemons[i])) {
            play->daemons[i].process->stalled_until_ns = 0; /* SIGCONT */
        }
    }
    sim_daemon_stop(&play->daemons[1]);
}

/* What others wrote last is told by the feed, as slowly as it was then, and asked for with the next
 * flush. */
static bool is_settled(struct play *play)
{
    uint64_t least_ms = SLOWEST_MS + UINT64_C(2) * play->plan.daemon.flush_interval_ms + 5000;
    return play->sim.now_ns >= play->healed_ns + least_ms * 1000000 &&
           !sim_daemon_is_running(&play->daemons[1]) && sim_daemon_is_idle(&play->daemons[0]) &&
           sim_service_is_taken(&play->service, false) &&
           sim_accountant_is_settled(&play->accountant);
}

/* Everything durable that moves. */
static uint64_t progress(const struct play *play)
{
    return play->truth.table_writes + play->truth.record_count + play->truth.line_count +
           play->truth.letter_count;
}

/* Runs until all is done, or nothing moves any more, looking once a second. */
static void settle(struct play *play)
{
    uint64_t moved_ns = play->sim.now_ns;
    uint64_t before = progress(play);
    while (!play->sim.has_failed && !is_settled(play) &&
           play->sim.now_ns - moved_ns < (uint64_t)STUCK_MS * 1000000) {
        uint64_t end_ns = play->sim.now_ns + 1000000000;
        while (!play->sim.has_failed && step(play, end_ns)) {
        }
        look_for_missing(play);
        if (progress(play) != before) {
            before = progress(play);
            moved_ns = play->sim.now_ns;
        }
    }
    if (!play->sim.has_failed && !is_settled(play)) {
        char why[256];
        char daemon[256];
        sim_accountant_explain(&play->accountant, why, sizeof(why));
        sim_daemon_explain(&play->daemons[0], daemon, sizeof(daemon));
        SIM_NOTE(&play->sim, "the daemon: %s", daemon);
        (void)sim_service_is_taken(&play->service, true);
        sim_fail(&play->sim,
                 "all is well, nothing moves for %d minutes, and yet: %s; the daemon: %s",
                 STUCK_MS / 60000, why, daemon);
    }
}

/* What others changed is told by the feed, later. */
static void wait_for_feed(struct play *play)
{
    uint64_t end_ns = play->sim.now_ns + play->world->backing->feed_lag_ms * 1000000;
    while (!play->sim.has_failed && step(play, end_ns)) {
    }
}

static void reckon(struct play *play)
{
    wait_for_feed(play);
    if (play->sim.has_failed) {
        return;
    }
    sim_accountant_check(&play->accountant);
    /* who does not follow the changes is not told of what others did */
    bool is_alone = !play->plan.foreign && !play->plan.expires && !play->plan.has_second;
    if (play->plan.world.archives || is_alone) {
        sim_accountant_check_tally(&play->accountant, play->daemons[0].tally);
    }
    if (!play->world->backing->has_foreign && !play->plan.jumps) {
        sim_accountant_check_windows(&play->accountant, play->daemons[0].tally);
    }
}

/* A clean stop with nothing wrong outside is drained. */
static void stop_cleanly(struct play *play)
{
    struct sim_daemon *daemon = &play->daemons[0];
    if (play->sim.has_failed) {
        return;
    }
    put_burst(play);
    sim_daemon_stop(daemon);
    uint64_t end_ns = play->sim.now_ns + UINT64_C(60000000000);
    while (!play->sim.has_failed && sim_daemon_is_running(daemon) && step(play, end_ns)) {
    }
    if (sim_daemon_is_running(daemon) || !daemon->is_drained) {
        sim_fail(&play->sim, "nothing is wrong outside, and yet the daemon does not drain");
    }
}

static void open_play(struct play *play, const struct sim_play_options *options)
{
    sim_init(&play->sim, options->seed);
    if (options->is_verbose) {
        sim_history_begin(&play->sim);
    }
    sim_plan_draw(&play->plan, options);
    play->sim.tick_ns = play->plan.tick_ns;
    sim_truth_init(&play->truth, &play->sim);
    sim_messages_init(&play->messages, &play->sim, &play->truth, &play->plan.messages);
    sim_accountant_init(&play->accountant, &play->messages, play->plan.daemon.repeat_window == 0,
                        play->plan.world.archives);
    sim_service_init(&play->service, &play->sim, &play->messages, play->plan.daemon.sources);
    play->service.faults = play->plan.service;
    play->world = play->plan.backing->create(&play->sim, &play->truth, &play->plan.world);
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        sim_daemon_init(&play->daemons[i], play->world, &play->accountant, &play->service,
                        &play->plan.daemon);
        play->daemons[i].number = i;
        ht_timer_init(&play->restart_timers[i], i == 0 ? on_restart_due : on_second_due);
    }
    ht_timer_init(&play->act_timer, on_act_due);
    ht_timer_init(&play->weather_timer, on_weather_due);
    /* where it begins at the tip, that has to be written before anything comes */
    uint64_t quiet_ms = play->plan.daemon.start.kind == HT_POSITION_LATEST ? 60000 : 0;
    ht_timer_start(&play->sim.timers, &play->act_timer, quiet_ms);
    ht_timer_start(&play->sim.timers, &play->weather_timer, quiet_ms);
    sim_daemon_start(&play->daemons[0]);
}

static void close_play(struct play *play)
{
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        sim_daemon_kill(&play->daemons[i]);
    }
    play->plan.backing->destroy(play->world);
    sim_service_finish(&play->service);
    sim_accountant_finish(&play->accountant);
    sim_messages_finish(&play->messages);
    sim_truth_finish(&play->truth);
    sim_finish(&play->sim);
}

static void report(const struct play *play, const struct sim_play_options *options,
                   struct sim_result *result)
{
    const struct sim_daemon *daemon = &play->daemons[0];
    *result = (struct sim_result){.has_failed = play->sim.has_failed,
                                  .steps = play->sim.steps,
                                  .records = play->truth.record_count,
                                  .removals = play->truth.removal_count,
                                  .lines = play->truth.line_count,
                                  .kills = daemon->kills + play->daemons[1].kills,
                                  .drains = daemon->drains,
                                  .deadlines = daemon->deadlines,
                                  .simulated_ms = play->sim.now_ns / 1000000};
    memcpy(result->failure, play->sim.failure, sizeof(result->failure));
    if (options->is_verbose && play->sim.has_failed) {
        sim_history_print(&play->sim, options->events);
    }
}

void sim_play(const struct sim_play_options *options, struct sim_result *result)
{
    struct play *play = calloc(1, sizeof(*play));
    HT_ASSERT(play != NULL);
    open_play(play, options);
    run_hours(play, options->hours_ms);
    heal(play);
    settle(play);
    reckon(play);
    stop_cleanly(play);
    settle(play);
    reckon(play);
    report(play, options, result);
    close_play(play);
    free(play);
}
