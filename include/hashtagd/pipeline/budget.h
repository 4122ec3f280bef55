// SPDX-License-Identifier: MIT
#pragma once

/**
 * One byte budget for all that is in flight: tweets taken in and not yet durable on
 * the stream, records read and not yet counted, counts not yet written, deletions
 * not yet archived. Each stage reserves before it holds and releases after.
 *
 * Intake may use only a part (HT_BUDGET_INTAKE_SHARE), so that the stages behind it
 * can always go on and make room: that is why a full budget pauses the source and
 * cannot lock up the pipeline. One thread (the loop's).
 */

#include <stdbool.h>
#include <stddef.h>

/** Per cent of the budget that intake may fill. */
#define HT_BUDGET_INTAKE_SHARE 50

/** Somebody who wants to know when there is room again; in its owner's memory. */
struct ht_budget_waiter {
    void (*on_room)(struct ht_budget_waiter *waiter); /**< called from ht_budget_release() */
    struct ht_budget_waiter *next;                    /**< private */
    bool waiting;                                     /**< private */
};

struct ht_budget {
    size_t limit_bytes;               /**< fixed after init */
    size_t used_bytes;                /**< reserved now */
    size_t peak_bytes;                /**< the highest ever */
    struct ht_budget_waiter *waiters; /**< private: first come, first served */
};

/** An empty budget of `limit_bytes`. */
void ht_budget_init(struct ht_budget *budget, size_t limit_bytes);

/** Reserves `bytes` for intake where that keeps it within its share; else false and nothing. A
 * single reservation into an otherwise empty budget always succeeds, or a large one would wait for
 * ever. */
bool ht_budget_reserve_intake(struct ht_budget *budget, size_t bytes);

/** Whether `bytes` more would stay within the whole budget, for a stage that chooses to read. */
bool ht_budget_has_room(const struct ht_budget *budget, size_t bytes);

/** Reserves `bytes`, also above the limit: for what is in memory already. */
void ht_budget_reserve(struct ht_budget *budget, size_t bytes);

/** Gives `bytes` back and calls the waiters if there is room for intake again. */
void ht_budget_release(struct ht_budget *budget, size_t bytes);

/** Asks for one call of on_room when less than half of intake's share is in use. */
void ht_budget_wait(struct ht_budget *budget, struct ht_budget_waiter *waiter);

/** Takes the wish back; one that does not wait is left alone. */
void ht_budget_cancel_wait(struct ht_budget *budget, struct ht_budget_waiter *waiter);
