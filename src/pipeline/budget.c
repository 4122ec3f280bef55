// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/budget.h"

#include "hashtagd/base/assert.h"

void ht_budget_init(struct ht_budget *budget, size_t limit_bytes)
{
    *budget = (struct ht_budget){.limit_bytes = limit_bytes};
}

static size_t intake_limit(const struct ht_budget *budget)
{
    return budget->limit_bytes / 100 * HT_BUDGET_INTAKE_SHARE;
}

bool ht_budget_reserve_intake(struct ht_budget *budget, size_t bytes)
{
    size_t limit = intake_limit(budget);
    if (budget->used_bytes > 0 && (bytes > limit || budget->used_bytes > limit - bytes)) {
        return false;
    }
    ht_budget_reserve(budget, bytes);
    return true;
}

bool ht_budget_has_room(const struct ht_budget *budget, size_t bytes)
{
    return bytes <= budget->limit_bytes && budget->used_bytes <= budget->limit_bytes - bytes;
}

void ht_budget_reserve(struct ht_budget *budget, size_t bytes)
{
    budget->used_bytes += bytes;
    if (budget->used_bytes > budget->peak_bytes) {
        budget->peak_bytes = budget->used_bytes;
    }
}

void ht_budget_release(struct ht_budget *budget, size_t bytes)
{
    HT_ASSERT(bytes <= budget->used_bytes);
    budget->used_bytes -= bytes;
    /* Half of the share: waking at the first free byte would pause again at once. */
    while (budget->waiters != NULL && budget->used_bytes <= intake_limit(budget) / 2) {
        struct ht_budget_waiter *waiter = budget->waiters;
        budget->waiters = waiter->next;
        waiter->waiting = false;
        waiter->on_room(waiter);
    }
}

void ht_budget_wait(struct ht_budget *budget, struct ht_budget_waiter *waiter)
{
    if (waiter->waiting) {
        return;
    }
    struct ht_budget_waiter **end = &budget->waiters;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    waiter->next = NULL;
    waiter->waiting = true;
    *end = waiter;
}

void ht_budget_cancel_wait(struct ht_budget *budget, struct ht_budget_waiter *waiter)
{
    for (struct ht_budget_waiter **at = &budget->waiters; *at != NULL; at = &(*at)->next) {
        if (*at == waiter) {
            *at = waiter->next;
            break;
        }
    }
    waiter->waiting = false;
}
