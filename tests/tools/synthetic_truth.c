// SPDX-License-Identifier: MIT

/*
 * Prints what the synthetic source sends, as truth for tests in other languages.
 *
 *   synthetic_truth messages SEED COUNT [FIRST]  the messages themselves, one a line
 *   synthetic_truth truth SEED COUNT [FIRST]     for each message one JSON object:
 *       {"index":0,"kind":"tweet","repeat":false,"id":"1","hashtags":["spelled"]}
 *   synthetic_truth counts SEED COUNT [FIRST]    {"hashtag":"spelled","count":3} for each distinct
 *       spelling, as a reader counts that skips repeats; not sorted
 *
 * Spellings are not folded: that is left to the reader of this output.
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/sources/synthetic_tweets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_COUNT = 1 << 18 };

struct counter {
    struct counter *next;
    uint64_t count;
    size_t length;
    char spelled[];
};

static int usage(void);
static bool read_number(const char *text, uint64_t *number);
static void print_truth(uint64_t index, const struct ht_synthetic_message *message);
static int count(struct counter **buckets, struct ht_slice spelled);
static void print_counts(struct counter **buckets);

int main(int argc, char **argv)
{
    uint64_t seed, limit, first = 0;
    if (argc < 4 || argc > 5 || !read_number(argv[2], &seed) || !read_number(argv[3], &limit) ||
        (argc == 5 && !read_number(argv[4], &first))) {
        return usage();
    }
    bool wants_counts = strcmp(argv[1], "counts") == 0;
    bool wants_truth = strcmp(argv[1], "truth") == 0;
    if (!wants_counts && !wants_truth && strcmp(argv[1], "messages") != 0) {
        return usage();
    }
    struct ht_synthetic_tweets *tweets = ht_synthetic_tweets_create(seed);
    struct counter **buckets = calloc(BUCKET_COUNT, sizeof(struct counter *));
    int status = tweets == NULL || buckets == NULL ? 1 : 0;
    for (uint64_t index = first; status == 0 && index - first < limit; index++) {
        struct ht_synthetic_message message;
        ht_synthetic_tweets_get(tweets, index, &message);
        if (wants_truth) {
            print_truth(index, &message);
        } else if (!wants_counts) {
            printf("%.*s\n", (int)message.bytes.length, message.bytes.data);
        }
        size_t counted = wants_counts && !message.is_repeat ? message.hashtag_count : 0;
        for (size_t i = 0; status == 0 && i < counted; i++) {
            status = count(buckets, message.hashtags[i]);
        }
    }
    if (status == 0) {
        print_counts(buckets);
    }
    free(buckets);
    ht_synthetic_tweets_destroy(tweets);
    return fflush(stdout) != 0 ? 1 : status;
}

static int usage(void)
{
    fprintf(stderr, "usage: synthetic_truth messages|truth|counts SEED COUNT [FIRST]\n");
    return 2;
}

static bool read_number(const char *text, uint64_t *number)
{
    return ht_slice_to_u64(ht_slice_text(text), UINT64_MAX, number) == 0;
}

/* No hashtag of the generator has a character that JSON escapes. */
static void print_truth(uint64_t index, const struct ht_synthetic_message *message)
{
    printf("{\"index\":%llu,\"kind\":\"%s\",\"repeat\":%s,\"id\":\"%llu\",\"hashtags\":[",
           (unsigned long long)index, ht_synthetic_kind_name(message->kind),
           message->is_repeat ? "true" : "false", (unsigned long long)message->id);
    for (size_t i = 0; i < message->hashtag_count; i++) {
        printf("%s\"%.*s\"", i == 0 ? "" : ",", (int)message->hashtags[i].length,
               message->hashtags[i].data);
    }
    printf("]}\n");
}

static int count(struct counter **buckets, struct ht_slice spelled)
{
    static const struct ht_hash_key key = {1, 2};
    struct counter **at = &buckets[ht_hash_bytes(&key, spelled) % BUCKET_COUNT];
    while (*at != NULL && !ht_slice_equal(ht_slice_make((*at)->spelled, (*at)->length), spelled)) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        *at = calloc(1, sizeof(**at) + spelled.length);
        if (*at == NULL) {
            return 1;
        }
        (*at)->length = spelled.length;
        memcpy((*at)->spelled, spelled.data, spelled.length);
    }
    (*at)->count++;
    return 0;
}

static void print_counts(struct counter **buckets)
{
    for (size_t i = 0; i < BUCKET_COUNT; i++) {
        while (buckets[i] != NULL) {
            struct counter *counter = buckets[i];
            buckets[i] = counter->next;
            printf("{\"hashtag\":\"%.*s\",\"count\":%llu}\n", (int)counter->length,
                   counter->spelled, (unsigned long long)counter->count);
            free(counter);
        }
    }
}
