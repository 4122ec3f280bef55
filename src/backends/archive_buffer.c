// SPDX-License-Identifier: MIT
#include "archive_buffer.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>

static void on_wait_over(struct ht_timer *timer);
static void on_due_turn(struct ht_timer *timer);

void ht_archive_buffer_init(struct ht_archive_buffer *buffer, struct ht_timer_queue *timers,
                            struct ht_archive_counters *counters,
                            void (*on_due)(struct ht_archive_buffer *buffer))
{
    *buffer = (struct ht_archive_buffer){
        .timers = timers, .counters = counters, .on_due = on_due, .full_bytes = SIZE_MAX};
    ht_timer_init(&buffer->wait_timer, on_wait_over);
    ht_timer_init(&buffer->due_timer, on_due_turn);
}

void ht_archive_buffer_add(struct ht_archive_buffer *buffer, struct ht_archive_append *append)
{
    append->next = NULL;
    if (buffer->first == NULL) {
        buffer->first = append;
        ht_timer_start(buffer->timers, &buffer->wait_timer, buffer->wait_ms);
    } else {
        buffer->last->next = append;
    }
    buffer->last = append;
    buffer->bytes += append->lines.length;
    buffer->counters->lines_waiting += append->count;
    if (buffer->bytes >= buffer->full_bytes) {
        ht_archive_buffer_hurry(buffer);
    }
}

static void on_wait_over(struct ht_timer *timer)
{
    ht_archive_buffer_hurry(HT_CONTAINER_OF(timer, struct ht_archive_buffer, wait_timer));
}

void ht_archive_buffer_hurry(struct ht_archive_buffer *buffer)
{
    if (buffer->first == NULL) {
        return;
    }
    buffer->is_due = true;
    ht_timer_start(buffer->timers, &buffer->due_timer, 0);
}

static void on_due_turn(struct ht_timer *timer)
{
    struct ht_archive_buffer *buffer = HT_CONTAINER_OF(timer, struct ht_archive_buffer, due_timer);
    buffer->on_due(buffer);
}

struct ht_archive_append *ht_archive_buffer_take(struct ht_archive_buffer *buffer)
{
    struct ht_archive_append *list = buffer->first;
    buffer->first = NULL;
    buffer->last = NULL;
    buffer->bytes = 0;
    buffer->is_due = false;
    ht_timer_stop(buffer->timers, &buffer->wait_timer);
    return list;
}

struct ht_archive_append *ht_archive_buffer_take_bytes(struct ht_archive_buffer *buffer,
                                                       size_t bytes)
{
    size_t sum = 0;
    struct ht_archive_append *end = NULL;
    for (struct ht_archive_append *at = buffer->first; at != NULL && sum < bytes; at = at->next) {
        sum += at->lines.length;
        end = at;
    }
    if (sum != bytes || end == NULL || end->next == NULL) {
        return ht_archive_buffer_take(buffer);
    }
    struct ht_archive_append *list = buffer->first;
    buffer->first = end->next;
    buffer->bytes -= bytes;
    end->next = NULL;
    return list;
}

struct ht_archive_append *ht_archive_buffer_join(struct ht_archive_buffer *buffer,
                                                 struct ht_archive_append *list)
{
    struct ht_archive_append *last = list;
    if (list == NULL) {
        return ht_archive_buffer_take(buffer);
    }
    while (last->next != NULL) {
        last = last->next;
    }
    last->next = ht_archive_buffer_take(buffer);
    return list;
}

void ht_archive_buffer_stop(struct ht_archive_buffer *buffer)
{
    ht_timer_stop(buffer->timers, &buffer->wait_timer);
    ht_timer_stop(buffer->timers, &buffer->due_timer);
}

uint64_t ht_archive_appends_lines(const struct ht_archive_append *list)
{
    uint64_t lines = 0;
    for (; list != NULL; list = list->next) {
        lines += list->count;
    }
    return lines;
}

void ht_archive_appends_answer(struct ht_archive_counters *counters, struct ht_archive_append *list,
                               const struct ht_archive_outcome *outcome)
{
    /* a `done` may free what the outcome points to */
    struct ht_error error = {0};
    char object[HT_ARCHIVE_OBJECT_BYTES];
    int status = outcome->status;
    if (status != 0) {
        error = *outcome->error;
    }
    (void)snprintf(object, sizeof(object), "%s", status == 0 ? outcome->object : "");
    counters->lines_waiting -= ht_archive_appends_lines(list);
    while (list != NULL) {
        struct ht_archive_append *append = list;
        list = append->next;
        append->next = NULL;
        append->status = status;
        append->error = error;
        (void)snprintf(append->object, sizeof(append->object), "%s", object);
        append->done(append);
    }
}
