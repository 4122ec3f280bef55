// SPDX-License-Identifier: MIT
#pragma once

/**
 * The people who write synthetic tweets: a fixed number of users, each with the whole
 * JSON object that a tweet carries, made once when the generator starts.
 */

#include "synthetic_vocabulary.h"
#include "synthetic_writer.h"

/** How many users there are. */
#define HT_SYNTHETIC_USER_COUNT 1024

struct ht_synthetic_user {
    uint64_t id;
    struct ht_slice screen_name; /**< ASCII */
    struct ht_slice name;        /**< as inside of a JSON string */
    struct ht_slice json;        /**< the whole object */
};

/** Fills `users` (HT_SYNTHETIC_USER_COUNT of them); their bytes go into the vocabulary's store,
 * whose `failed` tells when memory is out. */
void ht_synthetic_users_make(struct ht_synthetic_user *users,
                             struct ht_synthetic_vocabulary *vocabulary, uint64_t seed);

/** Writes a time as v1.1 does: "Sat Aug 03 14:50:00 +0000 2013". */
void ht_synthetic_put_time(struct ht_synthetic_writer *writer, uint64_t wall_s);
