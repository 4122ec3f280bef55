// SPDX-License-Identifier: MIT
#include "daemon.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/sources/none_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Something that a user waits for. */
struct sim_wish {
    struct sim_wish *next;
    struct sim_daemon *daemon;
    struct ht_count_delete deletion;
    struct ht_count_flush flush;
    struct ht_archiver_flush archive_flush;
    struct ht_ingest_post post;
    char tag[32];
    size_t removals_before;
    uint32_t messages[8];
    struct ht_slice slices[8];
    struct ht_ingest_verdict verdicts[8];
};

/* One read that finds no room, and the marks of what crashes left ahead of the checkpoints. */
enum { BATCH_ROOM_BYTES = 1 << 20 };

static void on_ingest_stopped(void *user);
static void on_count_stopped(void *user);
static void on_archiver_stopped(void *user);
static void on_closed(void *user);
static void on_time_short(struct ht_timer *timer);
static void on_deadline(struct ht_timer *timer);

void sim_daemon_init(struct sim_daemon *daemon, struct sim_world *world,
                     struct sim_accountant *accountant, struct sim_service *service,
                     const struct sim_daemon_options *options)
{
    *daemon = (struct sim_daemon){.sim = world->sim,
                                  .world = world,
                                  .accountant = accountant,
                                  .service = service,
                                  .options = options};
}

bool sim_daemon_is_running(const struct sim_daemon *daemon)
{
    return daemon->process != NULL;
}

/* ---- building ---- */

static void on_fatal(void *user, const struct ht_error *error)
{
    struct sim_daemon *daemon = user;
    if (!daemon->process->is_ghost) {
        sim_fail(daemon->sim, "the program gives up: %s", error->text);
    }
}

static int on_touched(void *user, struct ht_slice hashtag, uint64_t count, bool is_removed)
{
    return ht_count_touch(((struct sim_daemon *)user)->count, hashtag, count, is_removed);
}

static void on_health(void *user, struct ht_health *health)
{
    SIM_NOTE(((struct sim_daemon *)user)->sim, "daemon %u: a stage is %s: %s",
             ((struct sim_daemon *)user)->number, ht_health_state_name(health->state),
             health->text);
}

static void watch(struct sim_daemon *daemon, struct ht_health *health)
{
    health->on_change = on_health;
    health->on_change_user = daemon;
}

static void build_count(struct sim_daemon *daemon, const struct ht_hash_key *key)
{
    const struct sim_daemon_options *options = daemon->options;
    struct ht_tally_options tally = {
        .key = *key, .minute = ht_clock_wall_s(&daemon->process->clock) / 60, .keep_parts = true};
    daemon->tally = ht_tally_create(&tally);
    HT_ASSERT(daemon->tally != NULL);
    struct ht_count_options count = {
        .stream = daemon->ports.stream,
        .table = daemon->ports.table,
        .dead_letters = daemon->ports.dead_letters,
        .tally = daemon->tally,
        .clock = &daemon->process->clock,
        .timers = &daemon->process->timers,
        .random = &daemon->process->random,
        .budget = &daemon->budget,
        .fold = options->fold,
        .once_per_tweet = options->once_per_tweet,
        .repeat_window = options->repeat_window,
        .retweets = options->ignores_retweets ? HT_TWEET_RETWEETS_IGNORE : HT_TWEET_RETWEETS_COUNT,
        .reads = true,
        .flush_interval_ms = options->flush_interval_ms,
        .expires = options->ttl_s > 0,
        .start = options->start,
        .hash_key = *key,
        .on_fatal = on_fatal,
        .user = daemon};
    daemon->count = ht_count_create(&count);
    HT_ASSERT(daemon->count != NULL);
}

static void build_others(struct sim_daemon *daemon, const struct ht_hash_key *key)
{
    struct ht_ingest_options ingest = {.source = daemon->source,
                                       .stream = daemon->ports.stream,
                                       .dead_letters = daemon->ports.dead_letters,
                                       .clock = &daemon->process->clock,
                                       .timers = &daemon->process->timers,
                                       .random = &daemon->process->random,
                                       .budget = &daemon->budget,
                                       .tweet_key = *key};
    daemon->ingest = ht_ingest_create(&ingest);
    HT_ASSERT(daemon->ingest != NULL);
    daemon->archiver = NULL;
    if (daemon->ports.changes == NULL) {
        return;
    }
    daemon->ports.changes->on_touched = daemon->ports.table->has_marks ? on_touched : NULL;
    daemon->ports.changes->on_touched_user = daemon;
    struct ht_archiver_options archiver = {.changes = daemon->ports.changes,
                                           .archive = daemon->ports.archive,
                                           .clock = &daemon->process->clock,
                                           .timers = &daemon->process->timers,
                                           .random = &daemon->process->random,
                                           .budget = &daemon->budget};
    daemon->archiver = ht_archiver_create(&archiver);
    HT_ASSERT(daemon->archiver != NULL);
}

void sim_daemon_start(struct sim_daemon *daemon)
{
    HT_ASSERT(daemon->process == NULL);
    struct sim_process *process = sim_process_begin(daemon->sim, daemon->number);
    SIM_NOTE(daemon->sim, "daemon %u: starts", daemon->number);
    daemon->process = process;
    daemon->started_ns = daemon->sim->now_ns;
    daemon->is_stopping = daemon->is_gone = daemon->is_drained = false;
    ht_timer_init(&daemon->deadline_timer, on_deadline);
    ht_budget_init(&daemon->budget, daemon->options->budget_bytes);
    daemon->world->backing->open(daemon->world, process, &daemon->budget, &daemon->ports);
    daemon->source = daemon->options->sources > 0 && daemon->number == 0
                         ? sim_service_source(daemon->service, process)
                         : ht_none_source_create(&process->clock, &process->timers);
    HT_ASSERT(daemon->source != NULL);
    struct ht_hash_key key = {ht_random_u64(&process->random), ht_random_u64(&process->random)};
    build_count(daemon, &key);
    build_others(daemon, &key);
    watch(daemon, ht_count_health(daemon->count));
    watch(daemon, ht_ingest_health(daemon->ingest));
    ht_count_start(daemon->count);
    if (daemon->archiver != NULL) {
        watch(daemon, ht_archiver_health(daemon->archiver));
        ht_archiver_start(daemon->archiver);
    }
    ht_ingest_start(daemon->ingest);
}

/* ---- stopping ---- */

static void begin_to_stop(struct sim_daemon *daemon)
{
    daemon->is_stopping = true;
    daemon->stopped_ns = daemon->sim->now_ns;
    ht_ingest_stop(daemon->ingest, on_ingest_stopped, daemon);
}

void sim_daemon_stop(struct sim_daemon *daemon)
{
    if (daemon->process == NULL || daemon->is_stopping) {
        return;
    }
    SIM_NOTE(daemon->sim, "daemon %u: SIGTERM", daemon->number);
    ht_timer_init(&daemon->deadline_timer, on_time_short);
    ht_timer_start(&daemon->process->timers, &daemon->deadline_timer,
                   SIM_DRAIN_MS - SIM_DRAIN_LAST_MS);
    begin_to_stop(daemon);
}

static void give_up(struct sim_daemon *daemon)
{
    ht_ingest_give_up(daemon->ingest);
    ht_count_give_up(daemon->count);
    if (daemon->archiver != NULL) {
        ht_archiver_give_up(daemon->archiver);
    }
}

static void on_time_short(struct ht_timer *timer)
{
    struct sim_daemon *daemon = HT_CONTAINER_OF(timer, struct sim_daemon, deadline_timer);
    ht_timer_init(&daemon->deadline_timer, on_deadline);
    ht_timer_start(&daemon->process->timers, &daemon->deadline_timer, SIM_DRAIN_LAST_MS);
    give_up(daemon);
}

static void on_ingest_stopped(void *user)
{
    struct sim_daemon *daemon = user;
    ht_count_stop(daemon->count, on_count_stopped, daemon);
}

static void on_count_stopped(void *user)
{
    struct sim_daemon *daemon = user;
    if (daemon->archiver == NULL) {
        on_archiver_stopped(daemon);
        return;
    }
    ht_archiver_stop(daemon->archiver, on_archiver_stopped, daemon);
}

static uint64_t leftovers(const struct sim_daemon *daemon)
{
    return ht_ingest_waiting(daemon->ingest) + ht_count_pending_hashtags(daemon->count) +
           ht_count_waiting_deletions(daemon->count) +
           (daemon->archiver == NULL ? 0 : ht_archiver_counters(daemon->archiver)->waiting);
}

static void on_archiver_stopped(void *user)
{
    struct sim_daemon *daemon = user;
    daemon->is_drained = leftovers(daemon) == 0;
    daemon->world->backing->close(daemon->world, daemon->number, on_closed, daemon);
}

static void on_closed(void *user)
{
    struct sim_daemon *daemon = user;
    if (!daemon->process->is_ghost) {
        ht_timer_stop(&daemon->process->timers, &daemon->deadline_timer);
    }
    daemon->is_gone = true;
}

static void take_down(struct sim_daemon *daemon)
{
    ht_archiver_destroy(daemon->archiver);
    ht_ingest_destroy(daemon->ingest);
    ht_count_destroy(daemon->count);
    ht_tally_destroy(daemon->tally);
    daemon->source->ops->destroy(daemon->source);
    daemon->world->backing->take_down(daemon->world, daemon->number);
    if (daemon->wishes != NULL) {
        sim_fail(daemon->sim, "daemon %u: somebody was never answered", daemon->number);
    }
    sim_process_end(daemon->process);
    daemon->process = NULL;
}

/* What it holds is freed by its own code, in its own time, and without effect. */
void sim_daemon_kill(struct sim_daemon *daemon)
{
    if (daemon->process == NULL) {
        return;
    }
    SIM_NOTE(daemon->sim, "daemon %u: SIGKILL", daemon->number);
    daemon->kills++;
    sim_process_kill(daemon->process);
    daemon->world->backing->drop(daemon->world, daemon->number);
    ht_timer_stop(&daemon->process->timers, &daemon->deadline_timer);
    if (!daemon->is_stopping) {
        begin_to_stop(daemon);
    }
    give_up(daemon);
    if (!sim_ghost_run(daemon->process, &daemon->is_gone, 600000)) {
        sim_fail(daemon->sim, "daemon %u: what is left of it does not come to its end",
                 daemon->number);
        return;
    }
    take_down(daemon);
}

/* As serve_stop.c: the process ends at once. */
static void on_deadline(struct ht_timer *timer)
{
    struct sim_daemon *daemon = HT_CONTAINER_OF(timer, struct sim_daemon, deadline_timer);
    SIM_NOTE(daemon->sim, "daemon %u: the drain's deadline", daemon->number);
    daemon->deadlines++;
    daemon->is_past_deadline = true;
}

static void check_drain(struct sim_daemon *daemon)
{
    SIM_NOTE(daemon->sim, "daemon %u: stopped%s", daemon->number,
             daemon->is_drained ? "" : ", not drained");
    daemon->drains += daemon->is_drained;
}

void sim_daemon_look(struct sim_daemon *daemon)
{
    if (daemon->process == NULL) {
        return;
    }
    if (daemon->is_past_deadline) {
        daemon->is_past_deadline = false;
        sim_daemon_kill(daemon);
        return;
    }
    if (daemon->budget.used_bytes > daemon->most_bytes) {
        daemon->most_bytes = daemon->budget.used_bytes;
        if (daemon->most_bytes > daemon->budget.limit_bytes + BATCH_ROOM_BYTES) {
            sim_fail(daemon->sim, "daemon %u: %zu bytes are in flight, the budget is %zu",
                     daemon->number, daemon->most_bytes, daemon->budget.limit_bytes);
        }
    }
    if (daemon->is_gone) {
        check_drain(daemon);
        take_down(daemon);
        if (daemon->budget.used_bytes > 0) {
            sim_fail(daemon->sim, "daemon %u: %zu bytes of its budget were not given back",
                     daemon->number, daemon->budget.used_bytes);
        }
    }
}

/* ---- what users do ---- */

static struct sim_wish *make_wish(struct sim_daemon *daemon)
{
    struct sim_wish *wish = calloc(1, sizeof(*wish));
    HT_ASSERT(wish != NULL);
    wish->daemon = daemon;
    wish->next = daemon->wishes;
    daemon->wishes = wish;
    wish->removals_before = daemon->world->truth->removal_count;
    return wish;
}

static void free_wish(struct sim_wish *wish)
{
    struct sim_wish **at = &wish->daemon->wishes;
    while (*at != wish) {
        at = &(*at)->next;
    }
    *at = wish->next;
    wish->daemon->answers++;
    free(wish);
}

/* Where the answer names the deletion, it is the item as it was. */
static void check_deletion(struct sim_daemon *daemon, const struct ht_count_delete *deletion)
{
    if (deletion->status != 0 || !deletion->found || deletion->event_id[0] == '\0') {
        return;
    }
    const struct sim_truth *truth = daemon->world->truth;
    const struct sim_removal *removal =
        sim_truth_event(daemon->world->truth, ht_slice_text(deletion->event_id));
    if (removal == NULL || removal->count != deletion->count ||
        !ht_slice_equal(ht_slice_text(truth->hashtags[removal->hashtag].text), deletion->hashtag)) {
        sim_fail(daemon->sim,
                 "the deletion of #%.*s was answered with %" PRIu64 ", which is no "
                 "item as it was",
                 (int)deletion->hashtag.length, deletion->hashtag.data, deletion->count);
    }
}

static void on_deleted(struct ht_count_delete *deletion)
{
    struct sim_wish *wish = deletion->user;
    struct sim_daemon *daemon = wish->daemon;
    SIM_NOTE(daemon->sim, "daemon %u: deletion of #%s answered: %d, %s, %" PRIu64, daemon->number,
             wish->tag, deletion->status, deletion->found ? "found" : "not found", deletion->count);
    daemon->deletes_found += deletion->status == 0 && deletion->found;
    check_deletion(daemon, deletion);
    free_wish(wish);
}

void sim_daemon_delete(struct sim_daemon *daemon, struct ht_slice hashtag)
{
    struct sim_wish *wish = make_wish(daemon);
    HT_ASSERT(hashtag.length < sizeof(wish->tag));
    memcpy(wish->tag, hashtag.data, hashtag.length);
    SIM_NOTE(daemon->sim, "daemon %u: DELETE #%s", daemon->number, wish->tag);
    wish->deletion = (struct ht_count_delete){
        .hashtag = ht_slice_text(wish->tag), .done = on_deleted, .user = wish};
    ht_count_delete(daemon->count, &wish->deletion);
}

static void on_archive_flushed(struct ht_archiver_flush *flush)
{
    struct sim_wish *wish = flush->user;
    struct sim_daemon *daemon = wish->daemon;
    SIM_NOTE(daemon->sim, "daemon %u: flush of the archive answered: %d", daemon->number,
             flush->status);
    if (flush->status == 0 && daemon->world->backing->feed_lag_ms == 0 &&
        !sim_accountant_has_archived(daemon->accountant, wish->removals_before)) {
        sim_fail(
            daemon->sim,
            "daemon %u: a flush was answered, and the first %zu deletions are not all archived",
            daemon->number, wish->removals_before);
    }
    free_wish(wish);
}

static void on_flushed(struct ht_count_flush *flush)
{
    struct sim_wish *wish = flush->user;
    struct sim_daemon *daemon = wish->daemon;
    SIM_NOTE(daemon->sim, "daemon %u: flush answered: %d", daemon->number, flush->status);
    if (daemon->archiver == NULL || daemon->is_stopping) {
        free_wish(wish);
        return;
    }
    wish->archive_flush = (struct ht_archiver_flush){.done = on_archive_flushed, .user = wish};
    ht_archiver_flush(daemon->archiver, &wish->archive_flush);
}

void sim_daemon_flush(struct sim_daemon *daemon)
{
    struct sim_wish *wish = make_wish(daemon);
    SIM_NOTE(daemon->sim, "daemon %u: POST /flush", daemon->number);
    wish->flush = (struct ht_count_flush){.done = on_flushed, .user = wish};
    ht_count_flush(daemon->count, &wish->flush);
}

static void on_posted(struct ht_ingest_post *post)
{
    struct sim_wish *wish = post->user;
    struct sim_daemon *daemon = wish->daemon;
    SIM_NOTE(daemon->sim, "daemon %u: POST answered: %d", daemon->number, post->status);
    for (size_t i = 0; i < post->count && post->status == 0; i++) {
        const struct sim_message *message = &daemon->accountant->messages->items[wish->messages[i]];
        if (wish->verdicts[i].is_accepted && message->on_stream == 0) {
            sim_fail(daemon->sim, "message ~%u~ was accepted and is not on the stream",
                     wish->messages[i]);
        }
        if (message->kind == SIM_TWEET && !wish->verdicts[i].is_accepted) {
            sim_fail(daemon->sim, "message ~%u~ is good and was not accepted: %s",
                     wish->messages[i], wish->verdicts[i].reason);
        }
    }
    free_wish(wish);
}

void sim_daemon_post(struct sim_daemon *daemon, const uint32_t *messages, size_t count)
{
    struct sim_wish *wish = make_wish(daemon);
    HT_ASSERT(count <= HT_COUNT_OF(wish->messages));
    SIM_NOTE(daemon->sim, "daemon %u: POST of %zu from ~%u~", daemon->number, count, messages[0]);
    for (size_t i = 0; i < count; i++) {
        const struct sim_message *message = &daemon->accountant->messages->items[messages[i]];
        wish->messages[i] = messages[i];
        wish->slices[i] = ht_slice_make(message->data, message->length);
    }
    wish->post = (struct ht_ingest_post){.messages = wish->slices,
                                         .count = count,
                                         .verdicts = wish->verdicts,
                                         .done = on_posted,
                                         .user = wish};
    ht_ingest_post(daemon->ingest, &wish->post);
}

/* ---- what it says ---- */

static bool is_content(const struct ht_health *health)
{
    return health->state == HT_HEALTH_WORKING || health->state == HT_HEALTH_IDLE ||
           health->state == HT_HEALTH_OFF;
}

bool sim_daemon_is_idle(struct sim_daemon *daemon)
{
    if (daemon->process == NULL || daemon->is_stopping || !ht_count_is_loaded(daemon->count)) {
        return false;
    }
    char text[64];
    sim_daemon_explain(daemon, text, sizeof(text));
    return leftovers(daemon) == 0 && text[0] == '\0';
}

void sim_daemon_explain(struct sim_daemon *daemon, char *text, size_t room)
{
    text[0] = '\0';
    if (daemon->process == NULL) {
        (void)snprintf(text, room, "it is not there");
        return;
    }
    const struct ht_health *parts[] = {
        ht_ingest_health(daemon->ingest), ht_count_health(daemon->count), &daemon->source->health,
        daemon->archiver == NULL ? NULL : ht_archiver_health(daemon->archiver)};
    static const char *const names[] = {"ingest", "count", "source", "archiver"};
    for (size_t i = 0; i < HT_COUNT_OF(parts); i++) {
        if (parts[i] != NULL && !is_content(parts[i])) {
            (void)snprintf(text, room, "%s is %s: %s", names[i],
                           ht_health_state_name(parts[i]->state), parts[i]->text);
        }
    }
    if (text[0] == '\0' && leftovers(daemon) > 0) {
        (void)snprintf(text, room, "%" PRIu64 " things wait", leftovers(daemon));
    }
}

void sim_daemon_check_outage(struct sim_daemon *daemon, uint64_t began_ns)
{
    const uint64_t patience_ns = UINT64_C(90000000000);
    uint64_t now_ns = daemon->sim->now_ns;
    uint64_t since_ns = began_ns > daemon->started_ns ? began_ns : daemon->started_ns;
    if (daemon->process == NULL || daemon->is_stopping ||
        daemon->process->stalled_until_ns + patience_ns > now_ns ||
        now_ns - since_ns < patience_ns) {
        return;
    }
    const struct ht_health *health = ht_count_health(daemon->count);
    if (ht_health_state_is_ready(health->state)) {
        sim_fail(daemon->sim,
                 "daemon %u: the stream is out of reach for %" PRIu64
                 " s, and the count stage says that it is %s",
                 daemon->number, (now_ns - since_ns) / 1000000000,
                 ht_health_state_name(health->state));
    }
}
