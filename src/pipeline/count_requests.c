// SPDX-License-Identifier: MIT
#include "count_internal.h"

#include <stdio.h>

/*
 * What others wish of the stage: deletions and flushes. Both wait for a flight and are answered
 * when it lands, or when it fails: nobody is left waiting for as long as a disk is full.
 */

enum { WAIT_FOR_TIP_MS = 5000, LOOK_AT_SLOW_MS = 1000 };

/* Whether all that was on the stream at a moment is counted. */
static bool is_counted_since(const struct ht_count *count, uint64_t asked_ns, int64_t asked_wall_ms)
{
    if (count->options.reads && count->listing == 0) {
        return false; /* nobody knows yet which shards there are */
    }
    for (const struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        bool is_current = at->caught_up_ns >= asked_ns || at->counted_arrival_ms > asked_wall_ms;
        if (at->state != HT_COUNT_SHARD_FINISHED && !is_current) {
            return false;
        }
    }
    return true;
}

/* Who may load for minutes, a large table or one out of reach, lets nobody wait for it. */
static int refuse(const struct ht_count *count, struct ht_error *error)
{
    return ht_error_set(error, HT_ECANCELED,
                        count->is_stopping ? "The daemon is stopping."
                                           : "The daemon is still loading the table; try again in "
                                             "a moment. GET /readyz tells when it is ready.");
}

/* What came shortly before or after the start is on the stream and not counted yet. */
static bool is_just_started(const struct ht_count *count)
{
    return count->options.reads && (count->listing == 0 || ht_count_is_remembering(count));
}

void ht_count_delete(struct ht_count *count, struct ht_count_delete *request)
{
    request->status = 0;
    request->found = false;
    request->started_ns = ht_clock_monotonic_ns(count->options.clock);
    ht_error_clear(&request->error);
    request->asked_wall_ms = ht_clock_wall_ms(count->options.clock);
    struct ht_tally_item item;
    bool is_known = ht_tally_get(count->options.tally, request->hashtag, &item) == 0;
    request->is_uncertain = !is_known && is_just_started(count);
    /* of a table that others write too, the tally may not know everything yet */
    bool may_exist = is_known || request->is_uncertain || count->options.table->has_marks;
    if (count->is_stopping || !count->is_running) {
        request->status = refuse(count, &request->error);
        may_exist = false;
    }
    if (!may_exist) {
        request->next = count->answers;
        count->answers = request;
        ht_timer_start(count->options.timers, &count->answer_timer, 0);
        return;
    }
    request->next = count->delete_requests;
    count->delete_requests = request;
    ht_timer_start(count->options.timers, &count->flush_now_timer, 0);
    if (request->is_uncertain && !ht_timer_is_running(&count->answer_timer)) {
        ht_timer_start(count->options.timers, &count->answer_timer, WAIT_FOR_TIP_MS);
    }
}

/* The item of a hashtag may include records that are not read again yet. Were it deleted now, a crash
 * would bring them back: the mark that tells of them would be gone, and the checkpoint be before
 * them. And of a hashtag that nobody knows shortly after the start nobody can say that it is not
 * there before all is counted that was on the stream. */
static bool is_ready(const struct ht_count *count, const struct ht_count_delete *request)
{
    return !ht_count_marks_are_ahead(count, request->hashtag) &&
           (!request->is_uncertain ||
            is_counted_since(count, request->started_ns, request->asked_wall_ms));
}

bool ht_count_has_ready_delete(const struct ht_count *count)
{
    for (const struct ht_count_delete *at = count->delete_requests; at != NULL; at = at->next) {
        if (is_ready(count, at)) {
            return true;
        }
    }
    return false;
}

void ht_count_look_at_deletes(struct ht_count *count)
{
    if (!count->flight.is_active && ht_count_has_ready_delete(count)) {
        ht_timer_start(count->options.timers, &count->flush_now_timer, 0);
    }
}

void ht_count_take_deletes(struct ht_count *count)
{
    struct ht_count_delete **end = &count->flight.delete_requests;
    for (struct ht_count_delete **at = &count->delete_requests; *at != NULL;) {
        struct ht_count_delete *request = *at;
        if (!is_ready(count, request)) {
            at = &request->next;
            continue;
        }
        *at = request->next;
        request->next = NULL;
        *end = request;
        end = &request->next;
    }
}

void ht_count_tell_slow_deletes(struct ht_count *count)
{
    uint64_t now_ns = ht_clock_monotonic_ns(count->options.clock);
    for (struct ht_count_delete **at = &count->delete_requests; *at != NULL;) {
        struct ht_count_delete *request = *at;
        if (is_ready(count, request) ||
            now_ns - request->started_ns < (uint64_t)WAIT_FOR_TIP_MS * 1000000) {
            at = &request->next;
            continue;
        }
        *at = request->next;
        request->status =
            ht_error_set(&request->error, HT_EBUSY,
                         "The daemon still reads what was counted before its start; try again in a "
                         "moment.");
        request->done(request);
    }
}

void ht_count_on_answer_due(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, answer_timer);
    while (count->flush_answers != NULL) {
        struct ht_count_flush *request = count->flush_answers;
        count->flush_answers = request->next;
        request->done(request);
    }
    while (count->answers != NULL) {
        struct ht_count_delete *request = count->answers;
        count->answers = request->next;
        request->done(request);
    }
    ht_count_tell_slow_deletes(count);
    if (count->delete_requests != NULL) {
        ht_timer_start(count->options.timers, timer, LOOK_AT_SLOW_MS);
    }
}

void ht_count_flush(struct ht_count *count, struct ht_count_flush *request)
{
    request->status = 0;
    request->hashtags = 0;
    request->is_early = false;
    ht_error_clear(&request->error);
    request->asked_ns = ht_clock_monotonic_ns(count->options.clock);
    request->asked_wall_ms = ht_clock_wall_ms(count->options.clock);
    if (count->is_stopping || !count->is_running) {
        /* the last flight may have landed: nobody would look at the request again */
        request->status = refuse(count, &request->error);
        request->next = count->flush_answers;
        count->flush_answers = request;
        ht_timer_start(count->options.timers, &count->answer_timer, 0);
        return;
    }
    request->next = count->flush_requests;
    count->flush_requests = request;
    ht_count_shards_hurry(count);
    ht_count_look_at_flushes(count);
}

/* How long a POST /flush waits at most from now on. */
static uint64_t patience_ms(const struct ht_count *count, const struct ht_count_flush *request)
{
    uint64_t waited_ns = ht_clock_monotonic_ns(count->options.clock) - request->asked_ns;
    uint64_t waited_ms = waited_ns / 1000000;
    return waited_ms < WAIT_FOR_TIP_MS ? WAIT_FOR_TIP_MS - waited_ms : 0;
}

/* A POST /flush boards when all that was on the stream when it came is counted. */
static bool is_counted_up_to(const struct ht_count *count, const struct ht_count_flush *request)
{
    return patience_ms(count, request) == 0 ||
           is_counted_since(count, request->asked_ns, request->asked_wall_ms);
}

void ht_count_board_flush_requests(struct ht_count *count)
{
    for (struct ht_count_flush **at = &count->flush_requests; *at != NULL;) {
        struct ht_count_flush *request = *at;
        if (!count->is_stopping && !is_counted_up_to(count, request)) {
            at = &request->next;
            continue;
        }
        *at = request->next;
        request->is_early = ht_count_is_remembering(count) &&
                            !is_counted_since(count, request->asked_ns, request->asked_wall_ms);
        request->next = count->flight.flush_requests;
        count->flight.flush_requests = request;
    }
}

/* A backlog may last for hours, and has its lag for all to see. After a start nothing is counted at
 * all for a while. */
void ht_count_answer_flush(struct ht_count_flush *request, uint64_t hashtags)
{
    request->hashtags = hashtags;
    if (request->is_early) {
        request->status = ht_error_set(
            &request->error, HT_EBUSY,
            "The stream is still being read after the start; what is counted is written. Try again "
            "in a moment.");
    }
    request->done(request);
}

void ht_count_look_at_flushes(struct ht_count *count)
{
    uint64_t wait_ms = WAIT_FOR_TIP_MS;
    for (struct ht_count_flush *at = count->flush_requests; at != NULL; at = at->next) {
        uint64_t left_ms = is_counted_up_to(count, at) ? 0 : patience_ms(count, at);
        wait_ms = left_ms < wait_ms ? left_ms : wait_ms;
    }
    bool is_due = wait_ms == 0 || !ht_timer_is_running(&count->flush_now_timer);
    if (count->flush_requests != NULL && is_due) {
        ht_timer_start(count->options.timers, &count->flush_now_timer, wait_ms);
    }
}

static void fail_flush_requests(struct ht_count_flush **requests, const struct ht_error *error)
{
    while (*requests != NULL) {
        struct ht_count_flush *request = *requests;
        *requests = request->next;
        request->status = error->code;
        request->error = *error;
        request->done(request);
    }
}

static void fail_delete_requests(struct ht_count_delete **requests, const struct ht_error *error)
{
    while (*requests != NULL) {
        struct ht_count_delete *request = *requests;
        *requests = request->next;
        request->status = error->code;
        request->error = *error;
        request->done(request);
    }
}

/* Nobody is left to wait for as long as a disk is full: they are told at once. */
void ht_count_tell_failure(struct ht_count *count, const struct ht_error *error)
{
    struct ht_error deleting = *error;
    (void)ht_error_prefix(&deleting, "The deletion is not durable yet and will be tried again");
    fail_delete_requests(&count->flight.delete_requests, &deleting);
    fail_delete_requests(&count->delete_requests, error);
    fail_flush_requests(&count->flight.flush_requests, error);
    fail_flush_requests(&count->flush_requests, error);
}

void ht_count_tell_restart(struct ht_count *count, const struct ht_error *error)
{
    fail_delete_requests(&count->flight.delete_requests, error);
    fail_delete_requests(&count->delete_requests, error);
    fail_flush_requests(&count->flight.flush_requests, error);
    fail_flush_requests(&count->flush_requests, error);
}

void ht_count_flush_cancel(struct ht_count *count)
{
    struct ht_error error;
    (void)ht_error_set(&error, HT_ECANCELED,
                       "The daemon stopped before this was durable. Look again after its restart.");
    fail_delete_requests(&count->answers, &error);
    fail_flush_requests(&count->flush_answers, &error);
    fail_delete_requests(&count->delete_requests, &error);
    fail_delete_requests(&count->flight.delete_requests, &error);
    fail_flush_requests(&count->flight.flush_requests, &error);
    fail_flush_requests(&count->flush_requests, &error);
}

static void fill_answer(struct ht_count_delete *request, const struct ht_removed_item *removed)
{
    request->found = true;
    request->count = removed->item.count;
    request->first_seen_s = removed->item.first_seen_s;
    request->last_seen_s = removed->item.last_seen_s;
    request->deleted_at_s = removed->deleted_at_s;
    (void)snprintf(request->event_id, sizeof(request->event_id), "%.*s",
                   (int)(removed->event_id.length < 128 ? removed->event_id.length : 128),
                   removed->event_id.length == 0 ? "" : removed->event_id.data);
}

/* The oldest wish for the tag; the list has the newest first. */
static struct ht_count_delete *find_oldest(const struct ht_count *count, struct ht_slice hashtag)
{
    struct ht_count_delete *oldest = NULL;
    for (struct ht_count_delete *at = count->flight.delete_requests; at != NULL; at = at->next) {
        if (ht_slice_equal(at->hashtag, hashtag)) {
            oldest = at;
        }
    }
    return oldest;
}

/* What the tally has beyond what is pending was in the table; once it is forgotten nothing is, so
 * a second wish for the same hashtag finds nothing. */
int ht_count_complete_delete(struct ht_count *count, struct ht_slice hashtag)
{
    struct ht_tally_item item;
    uint64_t pending = ht_pending_collected_of(count->pending, hashtag);
    uint64_t known = ht_tally_count(count->options.tally, hashtag);
    if (known <= pending || ht_tally_get(count->options.tally, hashtag, &item) != 0) {
        return 0;
    }
    struct ht_removed_item removed = {.item = {.hashtag = hashtag,
                                               .count = known - pending,
                                               .first_seen_s = item.first_seen_s,
                                               .last_seen_s = item.last_seen_s},
                                      .origin = HT_ORIGIN_USER,
                                      .deleted_at_s = count->flight.flush.now_s};
    ht_count_answer_delete(count, &removed);
    return ht_count_forget(count, hashtag);
}

void ht_count_answer_delete(struct ht_count *count, const struct ht_removed_item *removed)
{
    struct ht_count_delete *oldest = find_oldest(count, removed->item.hashtag);
    if (oldest != NULL && removed->origin == HT_ORIGIN_USER) {
        fill_answer(oldest, removed);
        count->counters.deletes++;
    }
}
