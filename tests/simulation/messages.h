// SPDX-License-Identifier: MIT
#pragma once

/**
 * What is sent: tweets of every shape, edits, notices, things that nobody can read. Each message
 * knows what it means, because whoever made it does; the program under test has to find out.
 *
 * A message stands in the list by its number, which is also in its text between two '~'.
 */

#include "truth.h"

#include "hashtagd/tweet/fold.h"

enum { SIM_TAGS_MAX = 40 /* below 64 */, SIM_KEY_BYTES = 48 };

enum sim_message_kind {
    SIM_TWEET,
    SIM_NOTICE,  /**< counts nothing, and is no mistake */
    SIM_BAD,     /**< cannot be read: a dead letter */
    SIM_REFUSED, /**< the stream refuses it for good: a dead letter */
};

struct sim_message {
    enum sim_message_kind kind;
    char *data; /* owned */
    size_t length;
    char key[SIM_KEY_BYTES];     /**< the partition key: the same for the same identity */
    uint32_t identity;           /**< the post that this is, or is a version of */
    uint32_t first;              /**< the number of its first version */
    bool is_edit;                /**< a later version of it */
    bool is_editable;            /**< its hashtags are known one by one */
    bool is_final;               /**< never to be edited */
    uint32_t tags[SIM_TAGS_MAX]; /**< numbers (truth) of what it counts for, repeats included */
    unsigned tag_count;
    /* what became of it; the accountant's */
    uint64_t on_stream, letters;
};

/** How the messages of a play are. */
struct sim_messages_options {
    unsigned vocabulary;                    /**< different hashtags */
    unsigned bad, notices, edits, retweets; /**< per mille */
    unsigned dense;                         /**< per mille: nothing but hashtags */
    enum ht_fold_mode fold;
    bool once_per_tweet, ignores_retweets;
};

struct sim_messages {
    struct sim *sim;
    struct sim_truth *truth;
    struct sim_messages_options options;
    struct sim_message *items; /* owned */
    size_t count, capacity;
    uint32_t identities;
};

void sim_messages_init(struct sim_messages *messages, struct sim *sim, struct sim_truth *truth,
                       const struct sim_messages_options *options);
void sim_messages_finish(struct sim_messages *messages);

/** A new message of any kind; its number. An edit is one of a post among the last `recent`, of which
 * the first version is not much older: edits do not make it younger. With 0 it is one that is never
 * edited: nobody knows when it will be on the stream. */
uint32_t sim_messages_make(struct sim_messages *messages, unsigned recent);

/** A line that is cut off, and will be a dead letter; its number. */
uint32_t sim_messages_broken(struct sim_messages *messages, const char *beginning);

/** One that the stream refuses for good; its number. */
uint32_t sim_messages_refused(struct sim_messages *messages);

/** A hashtag of the vocabulary as it is in the table; lives until the next new one. */
struct ht_slice sim_messages_hashtag(struct sim_messages *messages);
