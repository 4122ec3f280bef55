// SPDX-License-Identifier: MIT
#pragma once

/**
 * The accountant: knows what was sent (messages.h) and what is durable (truth.h), and nothing of
 * how the program works. Written from the contract's promises alone; slow and simple where it can
 * be.
 *
 * At every moment, for each hashtag:
 *
 *     occurrences that a checkpoint has passed <= table + removed - foreign <= occurrences put
 *
 * and at the end, when all is settled, equality. A tweet that is on the stream twice counts once
 * (whoever plays repeats one only within the window), an edit counts what is new in it.
 */

#include "messages.h"
#include "truth.h"

#include "hashtagd/tally/tally.h"

struct sim_identity {
    bool is_counted;
    uint32_t tags[128]; /**< of an editable post: what was counted of it */
    unsigned tag_count;
};

struct sim_accountant {
    struct sim *sim;
    struct sim_truth *truth;
    struct sim_messages *messages;
    bool counts_repeats; /**< counting.repeat_window is 0 */
    bool archives;
    uint64_t *counted; /* owned: by the number of a record: which tags of its message counted */
    size_t counted_capacity;
    struct sim_identity *identities; /* owned: by identity */
    size_t identity_capacity;
    uint64_t last_removals_archived; /* all removals before it have a line */
};

/** Begins to listen to the truth. */
void sim_accountant_init(struct sim_accountant *accountant, struct sim_messages *messages,
                         bool counts_repeats, bool archives);
void sim_accountant_finish(struct sim_accountant *accountant);

/** Whether everything on the stream is counted and checkpointed, every removal archived and passed:
 * nothing is left to wait for. */
bool sim_accountant_is_settled(struct sim_accountant *accountant);

/** The final reckoning of what is durable. */
void sim_accountant_check(struct sim_accountant *accountant);

/** Whether the first `count` removals have a line. */
bool sim_accountant_has_archived(struct sim_accountant *accountant, size_t count);

/** What people see is what is stored; only where nothing is pending. */
void sim_accountant_check_tally(struct sim_accountant *accountant, const struct ht_tally *tally);

/** The windows hold what came in their minutes; only of hashtags that were never removed, and where
 * nobody moved a clock. */
void sim_accountant_check_windows(struct sim_accountant *accountant, struct ht_tally *tally);

/** Why it is not settled, in words. */
void sim_accountant_explain(struct sim_accountant *accountant, char *text, size_t room);
