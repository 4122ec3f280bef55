// SPDX-License-Identifier: MIT
#include "hashtagd/base/timer.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

void ht_timer_queue_init(struct ht_timer_queue *queue, struct ht_clock *clock)
{
    *queue = (struct ht_timer_queue){.clock = clock};
}

void ht_timer_queue_finish(struct ht_timer_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++) {
        queue->heap[i]->position = 0;
    }
    free(queue->heap);
    queue->heap = NULL;
    queue->count = queue->capacity = 0;
}

uint64_t ht_timer_queue_next_ns(const struct ht_timer_queue *queue)
{
    if (queue->count == 0) {
        return UINT64_MAX;
    }
    uint64_t now = ht_clock_monotonic_ns(queue->clock);
    uint64_t due = queue->heap[0]->due_ns;
    return due > now ? due - now : 0;
}

size_t ht_timer_queue_run(struct ht_timer_queue *queue)
{
    uint64_t now = ht_clock_monotonic_ns(queue->clock);
    uint64_t started_before = queue->next_order;
    size_t fired = 0;
    while (queue->count > 0) {
        struct ht_timer *timer = queue->heap[0];
        /* One that was started from a callback of this run waits for the next turn. It is due no
         * earlier than now, so everything behind it in the heap with the same time is as new. */
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

static void place(struct ht_timer_queue *queue, size_t index, struct ht_timer *timer)
{
    queue->heap[index] = timer;
    timer->position = index + 1;
}

static void move_up(struct ht_timer_queue *queue, size_t index)
{
    struct ht_timer *timer = queue->heap[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!is_before(timer, queue->heap[parent])) {
            break;
        }
        place(queue, index, queue->heap[parent]);
        index = parent;
    }
    place(queue, index, timer);
}

static void move_down(struct ht_timer_queue *queue, size_t index)
{
    struct ht_timer *timer = queue->heap[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= queue->count) {
            break;
        }
        if (child + 1 < queue->count && is_before(queue->heap[child + 1], queue->heap[child])) {
            child++;
        }
        if (!is_before(queue->heap[child], timer)) {
            break;
        }
        place(queue, index, queue->heap[child]);
        index = child;
    }
    place(queue, index, timer);
}

static void grow(struct ht_timer_queue *queue)
{
    if (queue->count < queue->capacity) {
        return;
    }
    size_t capacity = queue->capacity == 0 ? 32 : queue->capacity * 2;
    struct ht_timer **heap = realloc(queue->heap, capacity * sizeof(*heap));
    HT_ASSERT(heap != NULL);
    queue->heap = heap;
    queue->capacity = capacity;
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
    grow(queue);
    uint64_t now = ht_clock_monotonic_ns(queue->clock);
    uint64_t delay_ns = delay_ms > UINT64_MAX / 1000000u ? UINT64_MAX : delay_ms * 1000000u;
    timer->due_ns = delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns;
    timer->order = queue->next_order++;
    place(queue, queue->count, timer);
    queue->count++;
    move_up(queue, queue->count - 1);
    if (queue->heap[0] == timer) {
        tell_change(queue);
    }
}

void ht_timer_stop(struct ht_timer_queue *queue, struct ht_timer *timer)
{
    if (timer->position == 0) {
        return;
    }
    size_t index = timer->position - 1;
    timer->position = 0;
    queue->count--;
    if (index == queue->count) {
        return;
    }
    place(queue, index, queue->heap[queue->count]);
    move_down(queue, index);
    move_up(queue, queue->heap[index]->position - 1);
}
