// SPDX-License-Identifier: MIT
#pragma once

/**
 * Judges what is asked of Twitter's streams of API v1.1 before anything is sent: the service
 * itself answers a mistake with a bare 406 or 413, or with silence. Pure; any thread.
 *
 * Each list may be given item by item, or several at once with commas between, as the API itself has
 * it: {"a", "b"} and {"a,b"} are the same. Spaces around an item say nothing.
 *
 *     static void on_finding(void *user, const struct ht_twitter_v1_finding *finding)
 *     {
 *         printf("source.%s: %s\n", finding->key, finding->text);
 *     }
 *     if (ht_twitter_v1_parameters_check(&parameters, on_finding, NULL) > 0) refuse();
 *
 * Limits: "Basic stream parameters" and "Filter realtime Tweets" of the API's documentation, for
 * the access that everybody had.
 */

#include <stdbool.h>
#include <stddef.h>

/** The most phrases to track. */
#define HT_TWITTER_V1_TRACK_MAX 400

/** The most users to follow. */
#define HT_TWITTER_V1_FOLLOW_MAX 5000

/** The most boxes. */
#define HT_TWITTER_V1_LOCATIONS_MAX 25

/** The longest phrase in bytes. */
#define HT_TWITTER_V1_PHRASE_MAX_BYTES 60

/** The most languages. Not documented; more are a mistake. */
#define HT_TWITTER_V1_LANGUAGES_MAX 100

/** What is asked for. All borrowed; texts are not NULL. */
struct ht_twitter_v1_parameters {
    bool is_sample;           /**< statuses/sample; else statuses/filter */
    const char *const *track; /**< phrases; NULL where the count is 0, so the next three */
    size_t track_count;
    const char *const *locations; /**< degrees: west, south, east, north for each box */
    size_t location_count;        /**< of texts, whatever each holds */
    const char *const *follow;    /**< ids of users */
    size_t follow_count;
    const char *const *languages; /**< BCP 47 */
    size_t language_count;
};

/** Something that a person should know. Lives until the callback returns. */
struct ht_twitter_v1_finding {
    /** The key of the configuration's section `source`: "track", "locations", "follow", "language" or
     * "endpoint"; static. */
    const char *key;
    bool is_warning;  /**< it can be asked for, and will probably surprise; else a mistake */
    const char *text; /**< what is wrong, and what to do; UTF-8, one line */
};

/** Called for each finding, in the order of the lists. */
typedef void (*ht_twitter_v1_on_finding_fn)(void *user,
                                            const struct ht_twitter_v1_finding *finding);

/** Tells all findings, at most a few for each list, and returns how many mistakes there are; with 0
 * it can be sent. */
size_t ht_twitter_v1_parameters_check(const struct ht_twitter_v1_parameters *parameters,
                                      ht_twitter_v1_on_finding_fn on_finding, void *user);
