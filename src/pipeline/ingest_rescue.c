// SPDX-License-Identifier: MIT
#include "ingest_internal.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/*
 *     take fails -> keep -> (the source is held back) -> work -> taken, in order -> cursor -> resume
 *                                                         ^  |
 *                                                         '--' memory is still out: later
 *
 * A source cannot deliver a message again. So room for one delivery is had from the beginning; the
 * system gives it pages only when they are written to.
 */

enum { RESCUE_BYTES = 8 * 1024 * 1024, AGAIN_MS = 200 };

/* What stands before the bytes of each message. */
struct rescued {
    const struct ht_source *from;
    const char *reason; /* static; NULL: not judged yet */
    size_t length;
};

static void on_again(struct ht_timer *timer);

int ht_ingest_rescue_init(struct ht_ingest *ingest)
{
    ht_timer_init(&ingest->rescue.timer, on_again);
    ingest->rescue.bytes = malloc(RESCUE_BYTES);
    return ingest->rescue.bytes == NULL ? HT_ENOMEM : 0;
}

void ht_ingest_rescue_finish(struct ht_ingest *ingest)
{
    ht_timer_stop(ingest->options.timers, &ingest->rescue.timer);
    free(ingest->rescue.bytes);
}

/* Only a restart from the last durable cursor brings the message back: none may become durable. */
static void lose(struct ht_ingest *ingest)
{
    ingest->is_letter_lost = true;
    ingest->counters.refused[HT_TWEET_REFUSAL_NONE]++;
    ht_health_set(&ingest->health, HT_HEALTH_FAILED,
                  "Out of memory: a message of the source was lost. Restart with a smaller "
                  "memory.budget_bytes; the source then goes on before it.");
}

void ht_ingest_rescue_keep(struct ht_ingest *ingest, const struct ht_source *from,
                           struct ht_slice bytes, const char *reason)
{
    struct ht_ingest_rescue *rescue = &ingest->rescue;
    struct rescued head = {from, reason, bytes.length};
    if (RESCUE_BYTES - rescue->end < sizeof(head) + bytes.length) {
        lose(ingest);
        return;
    }
    memcpy(rescue->bytes + rescue->end, &head, sizeof(head));
    if (bytes.length > 0) {
        memcpy(rescue->bytes + rescue->end + sizeof(head), bytes.data, bytes.length);
    }
    rescue->end += sizeof(head) + bytes.length;
    rescue->count++;
}

void ht_ingest_rescue_work(struct ht_ingest *ingest)
{
    struct ht_ingest_rescue *rescue = &ingest->rescue;
    struct rescued head;
    struct ht_error error;
    if (rescue->end == 0) {
        return;
    }
    while (rescue->begin < rescue->end) {
        memcpy(&head, rescue->bytes + rescue->begin, sizeof(head));
        struct ht_slice bytes = {rescue->bytes + rescue->begin + sizeof(head), head.length};
        if (ht_ingest_take(ingest, head.from, bytes, head.reason) != 0) {
            ht_error_set(&error, HT_ENOMEM,
                         "Out of memory for messages of the source. It is held back until there "
                         "is some; nothing is lost.");
            ht_health_fail(&ingest->health, HT_HEALTH_WAITING, &error);
            ht_timer_start(ingest->options.timers, &rescue->timer, AGAIN_MS);
            return;
        }
        rescue->begin += sizeof(head) + head.length;
        rescue->count--;
    }
    rescue->begin = rescue->end = 0;
    ht_timer_stop(ingest->options.timers, &rescue->timer);
    ht_ingest_note_cursor(ingest, ht_slice_make(rescue->cursor, rescue->cursor_length));
    rescue->cursor_length = 0;
    ht_ingest_succeed(ingest);
    ht_timer_start(ingest->options.timers, &ingest->turn_timer, 0);
}

static void on_again(struct ht_timer *timer)
{
    struct ht_ingest_rescue *rescue = HT_CONTAINER_OF(timer, struct ht_ingest_rescue, timer);
    struct ht_ingest *ingest = HT_CONTAINER_OF(rescue, struct ht_ingest, rescue);
    /* the turn takes it, sends what was taken so far, and looks whether the stage may stop */
    ht_timer_start(ingest->options.timers, &ingest->turn_timer, 0);
}
