// SPDX-License-Identifier: MIT
#include "hashtagd/tweet/tweet_note.h"

#include <stdlib.h>
#include <string.h>

enum {
    COUNT_MAX = 64,
    IS_RETWEET = 1,
    IS_ORIGINAL_MISSING = 2,
    IS_EDITABLE = 4,
    IS_EDIT = 8,
};

/* A note: the head, then for each hashtag its length (2 bytes) and its bytes. */
struct head {
    uint64_t key;
    uint8_t flags;
    uint8_t network;
    uint8_t hashtag_count;
    uint8_t empty_hashtag_count;
};

size_t ht_tweet_note_bytes(const struct ht_tweet *tweet)
{
    size_t bytes = sizeof(struct head);
    if (tweet->kind != HT_TWEET_KIND_TWEET || tweet->hashtag_count > COUNT_MAX ||
        tweet->empty_hashtag_count > COUNT_MAX) {
        return 0;
    }
    for (size_t i = 0; i < tweet->hashtag_count; i++) {
        bytes += sizeof(uint16_t) + tweet->hashtags[i].length;
        if (bytes > HT_TWEET_NOTE_MAX_BYTES) {
            return 0;
        }
    }
    return bytes;
}

static uint8_t flags_of(const struct ht_tweet *tweet)
{
    return (uint8_t)((tweet->is_retweet ? IS_RETWEET : 0) |
                     (tweet->is_original_missing ? IS_ORIGINAL_MISSING : 0) |
                     (tweet->is_editable ? IS_EDITABLE : 0) | (tweet->is_edit ? IS_EDIT : 0));
}

void ht_tweet_note_put(const struct ht_tweet *tweet, char *out)
{
    struct head head = {.key = tweet->key,
                        .flags = flags_of(tweet),
                        .network = (uint8_t)tweet->network,
                        .hashtag_count = (uint8_t)tweet->hashtag_count,
                        .empty_hashtag_count = (uint8_t)tweet->empty_hashtag_count};
    memcpy(out, &head, sizeof(head));
    out += sizeof(head);
    for (size_t i = 0; i < tweet->hashtag_count; i++) {
        uint16_t length = (uint16_t)tweet->hashtags[i].length;
        memcpy(out, &length, sizeof(length));
        memcpy(out + sizeof(length), tweet->hashtags[i].data, length);
        out += sizeof(length) + length;
    }
}

/* Takes `count` hashtags; false where the note is not made of so many. */
static bool take_hashtags(struct ht_tweet_reader *reader, struct ht_slice rest, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t length;
        if (rest.length < sizeof(length)) {
            return false;
        }
        memcpy(&length, rest.data, sizeof(length));
        if (length == 0 || length > rest.length - sizeof(length)) {
            return false;
        }
        reader->hashtags[i] = ht_slice_make(rest.data + sizeof(length), length);
        rest = ht_slice_make(rest.data + sizeof(length) + length,
                             rest.length - sizeof(length) - length);
    }
    return rest.length == 0;
}

int ht_tweet_note_read(struct ht_tweet_reader *reader, struct ht_slice note,
                       const struct ht_tweet_options *options, struct ht_tweet *out)
{
    struct head head;
    if (note.length < sizeof(head)) {
        return HT_EPARSE;
    }
    memcpy(&head, note.data, sizeof(head));
    if (reader->hashtags == NULL) {
        reader->hashtags = malloc(HT_TWEET_HASHTAGS_MAX * sizeof(struct ht_slice));
    }
    if (reader->hashtags == NULL) {
        return HT_ENOMEM;
    }
    struct ht_slice rest = ht_slice_make(note.data + sizeof(head), note.length - sizeof(head));
    if (head.hashtag_count > COUNT_MAX || !take_hashtags(reader, rest, head.hashtag_count)) {
        return HT_EPARSE;
    }
    *out = (struct ht_tweet){.kind = HT_TWEET_KIND_TWEET,
                             .key = head.key,
                             .network = (enum ht_tweet_network)head.network,
                             .is_editable = (head.flags & IS_EDITABLE) != 0,
                             .is_edit = (head.flags & IS_EDIT) != 0,
                             .is_retweet = (head.flags & IS_RETWEET) != 0,
                             .is_original_missing = (head.flags & IS_ORIGINAL_MISSING) != 0,
                             .hashtags = head.hashtag_count > 0 ? reader->hashtags : NULL,
                             .hashtag_count = head.hashtag_count,
                             .empty_hashtag_count = head.empty_hashtag_count};
    if (out->is_retweet && options != NULL && options->retweets == HT_TWEET_RETWEETS_IGNORE) {
        out->hashtags = NULL;
        out->hashtag_count = out->empty_hashtag_count = 0;
    }
    return 0;
}
