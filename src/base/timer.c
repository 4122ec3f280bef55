// SPDX-License-Identifier: MIT
#include "hashtagd/base/timer.h"

void ht_timer_queue_init(struct ht_timer_queue *queue, struct ht_clock *clock)
{
    *queue = (struct ht_timer_queue){.clock = clock};
}

void ht_timer_queue_finish(struct ht_timer_queue *queue)
{
    while (queue->first != NULL) {
        ht_timer_stop(queue, queue->first);
    }
}

uint64_t ht_timer_queue_next_ns(const struct ht_timer_queue *queue)
{
    if (queue->first == NULL) {
        return UINT64_MAX;
    }
    uint64_t now = ht_clock_monotonic_ns(queue->clock);
    uint64_t due = queue->first->due_ns;
    return due > now ? due - now : 0;
}

size_t ht_timer_queue_run(struct ht_timer_queue *queue)
{
    uint64_t now = ht_clock_monotonic_ns(queue->clock);
    uint64_t started_before = queue->next_order;
    size_t fired = 0;
    while (queue->first != NULL) {
        struct ht_timer *timer = queue->first;
        /* One that was started from a callback of this run waits for the next turn. It is due no
         * earlier than now, so everything behind it with the same time is as new. */
        if (timer->due_ns > now || timer->order >= started_before) {
            break;
        }
        ht_timer_stop(queue, timer);
        fired++;
        timer->on_due(timer);
    }
    return fired;
}

void ht_timer_init(struct ht_timer *timer, ht_timer_fn on_due)
{
    *timer = (struct ht_timer){.on_due = on_due};
}

static bool is_before(const struct ht_timer *a, const struct ht_timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

/* One heap of two, either of which may be NULL: the later one becomes the first child. */
static struct ht_timer *join(struct ht_timer *a, struct ht_timer *b)
{
    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    if (is_before(b, a)) {
        struct ht_timer *later = a;
        a = b;
        b = later;
    }
    b->before = a;
    b->next = a->child;
    if (b->next != NULL) {
        b->next->before = b;
    }
    a->child = b;
    return a;
}

static struct ht_timer *take_first(struct ht_timer **list)
{
    struct ht_timer *first = *list;
    if (first != NULL) {
        *list = first->next;
        first->next = first->before = NULL;
    }
    return first;
}

/* One heap of many: joined in pairs, then the pairs from the last to the first. */
static struct ht_timer *join_all(struct ht_timer *list)
{
    struct ht_timer *pairs = NULL, *all = NULL;
    while (list != NULL) {
        struct ht_timer *one = take_first(&list);
        struct ht_timer *pair = join(one, take_first(&list));
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs != NULL) {
        all = join(take_first(&pairs), all);
    }
    return all;
}

static void tell_change(struct ht_timer_queue *queue)
{
    if (queue->on_change != NULL) {
        queue->on_change(queue->on_change_user);
    }
}

void ht_timer_start(struct ht_timer_queue *queue, struct ht_timer *timer, uint64_t delay_ms)
{
    ht_timer_stop(queue, timer);
    uint64_t now = ht_clock_monotonic_ns(queue->clock);
    uint64_t delay_ns = delay_ms > UINT64_MAX / 1000000u ? UINT64_MAX : delay_ms * 1000000u;
    timer->due_ns = delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns;
    timer->order = queue->next_order++;
    timer->is_running = true;
    queue->first = join(queue->first, timer);
    if (queue->first == timer) {
        tell_change(queue);
    }
}

void ht_timer_stop(struct ht_timer_queue *queue, struct ht_timer *timer)
{
    if (!timer->is_running) {
        return;
    }
    struct ht_timer *orphans = join_all(timer->child);
    if (timer == queue->first) {
        queue->first = orphans;
    } else {
        *(timer->before->child == timer ? &timer->before->child : &timer->before->next) =
            timer->next;
        if (timer->next != NULL) {
            timer->next->before = timer->before;
        }
        queue->first = join(queue->first, orphans);
    }
    timer->child = timer->next = timer->before = NULL;
    timer->is_running = false;
}
