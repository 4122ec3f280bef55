// SPDX-License-Identifier: MIT
#pragma once

/**
 * The rules of a filtered stream: those that the account has, how they differ from those
 * that are wanted, what to post, and what X's answers mean. Pure; who asks is
 * twitter_v2_sync.h.
 * https://docs.x.com/x-api/posts/filtered-stream/integrate/build-a-rule
 *
 * X holds a value once, whatever its tag, and compares values byte by byte: a rule whose tag
 * changes is deleted and added. Rules are equal where value and tag are.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/sources/twitter_v2_source.h"

#include <stdbool.h>
#include <stddef.h>

/** Behind the base address. */
#define HT_TWITTER_V2_RULES_PATH "/2/tweets/search/stream/rules"

/** The most rules of an account that are read; Enterprise accounts have 25,000 and more. */
#define HT_TWITTER_V2_RULES_MAX 100000

/** The most rules of one request: as many as a page of the list may have. X takes 100 posts in 15
 * minutes, so that a dry run, deletions and additions of 25,000 rules fit. */
#define HT_TWITTER_V2_RULES_BATCH 1000

/** A request is sent when it has so many bytes. */
#define HT_TWITTER_V2_RULES_BATCH_BYTES (1024u * 1024u)

/** The longest token of a next page that is believed. */
#define HT_TWITTER_V2_RULES_NEXT_BYTES 256

/** One rule of the account; all owned. */
struct ht_twitter_v2_held_rule {
    char *id, *value, *tag;
};

/** The rules of the account. Zeroed is empty. */
struct ht_twitter_v2_held {
    struct ht_twitter_v2_held_rule *items; /**< owned */
    size_t count, capacity;
};

/** Adds the rules of one page of `GET .../rules` and writes the token of the next page, empty where
 * it was the last, into `next`. HT_EPARSE where `body` is no such page, HT_ETOOBIG, HT_ENOMEM;
 * `error` is filled. */
int ht_twitter_v2_held_read(struct ht_twitter_v2_held *held, struct ht_slice body,
                            char next[HT_TWITTER_V2_RULES_NEXT_BYTES],
                            struct ht_error *error) HT_MUST_CHECK;

/** Frees the rules; zeroed memory is fine. */
void ht_twitter_v2_held_finish(struct ht_twitter_v2_held *held);

/** What is to be done. Zeroed is nothing. */
struct ht_twitter_v2_change {
    size_t *additions; /**< owned: indexes of wanted rules, ascending */
    size_t addition_count;
    size_t *deletions; /**< owned: indexes of held rules */
    size_t deletion_count;
};

/** Finds what makes `held` equal to the `count` rules `wanted`. A wanted rule that is there twice
 * counts once. HT_EINVAL where one has no value, or two have the same value and different tags,
 * HT_ENOMEM; `error` is filled. */
int ht_twitter_v2_change_find(struct ht_twitter_v2_change *change,
                              const struct ht_twitter_v2_rule *wanted, size_t count,
                              const struct ht_twitter_v2_held *held,
                              struct ht_error *error) HT_MUST_CHECK;

/** Frees the lists; zeroed memory is fine. */
void ht_twitter_v2_change_finish(struct ht_twitter_v2_change *change);

/** Appends to `body` what is posted for the next additions from `from` on; returns how many it took.
 * The buffer keeps its error. */
size_t ht_twitter_v2_change_format_additions(const struct ht_twitter_v2_change *change,
                                             const struct ht_twitter_v2_rule *wanted, size_t from,
                                             struct ht_buffer *body);

/** The same for deletions, by id. */
size_t ht_twitter_v2_change_format_deletions(const struct ht_twitter_v2_change *change,
                                             const struct ht_twitter_v2_held *held, size_t from,
                                             struct ht_buffer *body);

/** What an answer to a post means. */
enum ht_twitter_v2_verdict {
    HT_TWITTER_V2_VERDICT_DONE,    /**< all rules are as asked */
    HT_TWITTER_V2_VERDICT_REFUSED, /**< X refuses rules: a person is needed */
    HT_TWITTER_V2_VERDICT_UNCLEAR, /**< it says nothing of rules, or memory is out (HT_ENOMEM) */
};

/** What was asked, to understand the answer. */
struct ht_twitter_v2_asked {
    const struct ht_twitter_v2_rule *wanted;
    const size_t *additions; /**< indexes of `wanted` that were posted */
    size_t count;            /**< of additions or deletions that were posted */
    bool is_dry_run;
    bool has_deletions; /**< some follow: in a dry run there may be too many rules before them */
    /** Called for each refused rule: its index in `wanted` (SIZE_MAX: unknown), its value and X's
     * words. May be NULL. */
    void (*on_refused)(void *user, size_t index, const char *value, const char *why);
    void *user;
};

/** Reads the answer to posted additions or to their dry run. A rule that X has already is no error.
 * Where it is not DONE `error` says why. */
enum ht_twitter_v2_verdict ht_twitter_v2_additions_judge(struct ht_slice body,
                                                         const struct ht_twitter_v2_asked *asked,
                                                         struct ht_error *error);

/** Reads the answer to posted deletions. A rule that is gone already is no error. */
enum ht_twitter_v2_verdict ht_twitter_v2_deletions_judge(struct ht_slice body, size_t count,
                                                         struct ht_error *error);
