// SPDX-License-Identifier: MIT
#pragma once

/**
 * Tables of messages with what the reader must say of them, and a comparison of the reader with a
 * judge that follows the same rules over a tree of jansson: over messages as they are, and over
 * random changes of them.
 */

#include "hashtagd/base/assert.h"
#include "hashtagd/base/random.h"
#include "hashtagd/json/json.h"
#include "hashtagd/tweet/tweet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/** What is to be found; refused messages are in another table. */
struct row {
    const char *name, *text;
    enum ht_tweet_kind kind;
    const char *id, *tags; /* tags with ' ' between them */
    bool is_edit, is_retweet;
    size_t skipped;
};

struct refused_row {
    const char *name, *text;
    enum ht_tweet_refusal refusal;
    const char *error; /* its beginning */
};

/** What a judge found. */
struct verdict {
    int is_tweet; /* -1 refused, 0 something else, 1 a tweet */
    char id[1024];
    bool is_edit, is_retweet;
    size_t skipped;
    struct ht_buffer tags; /* each with a line end */
};

typedef void (*judge_fn)(const struct ht_json *root, struct verdict *verdict);

/* -- tables --------------------------------------------------------------------------------- */

static inline void append_tags(const struct ht_tweet *tweet, char between, struct ht_buffer *out)
{
    for (size_t i = 0; i < tweet->hashtag_count; i++) {
        ht_buffer_append_slice(out, tweet->hashtags[i]);
        ht_buffer_append_byte(out, between);
    }
}

static inline void check_row(struct ht_tweet_reader *reader, const struct row *row,
                             enum ht_tweet_network network)
{
    struct ht_tweet tweet;
    struct ht_error error = {0};
    struct ht_buffer tags;
    ht_buffer_init(&tags, 1u << 20);
    if (ht_tweet_read(reader, ht_slice_text(row->text), NULL, &tweet, &error) != 0) {
        fail_msg("%s: %s", row->name, error.text);
    }
    append_tags(&tweet, ' ', &tags);
    struct ht_slice found = ht_buffer_slice(&tags);
    found.length -= found.length > 0 ? 1 : 0;
    if (tweet.kind != row->kind || !ht_slice_equal(tweet.id, ht_slice_text(row->id)) ||
        !ht_slice_equal(found, ht_slice_text(row->tags)) || tweet.is_edit != row->is_edit ||
        tweet.is_retweet != row->is_retweet || tweet.empty_hashtag_count != row->skipped) {
        fail_msg("%s: %s '%.*s' '%.*s' edit %d retweet %d skipped %zu", row->name,
                 ht_tweet_kind_name(tweet.kind), (int)tweet.id.length,
                 tweet.id.length > 0 ? tweet.id.data : "", (int)found.length,
                 found.length > 0 ? found.data : "", tweet.is_edit, tweet.is_retweet,
                 tweet.empty_hashtag_count);
    }
    assert_int_equal(tweet.network, network);
    assert_int_equal(tweet.is_editable,
                     row->kind == HT_TWEET_KIND_TWEET && network != HT_TWEET_NETWORK_TWITTER);
    ht_buffer_finish(&tags);
}

static inline void check_refused(struct ht_tweet_reader *reader, const struct refused_row *row)
{
    struct ht_tweet tweet;
    struct ht_error error = {0};
    int status = ht_tweet_read(reader, ht_slice_text(row->text), NULL, &tweet, &error);
    if (status != HT_EPARSE || tweet.refusal != row->refusal || tweet.hashtag_count != 0 ||
        strncmp(error.text, row->error, strlen(row->error)) != 0) {
        fail_msg("%s: %d %s: %s", row->name, status, ht_tweet_refusal_name(tweet.refusal),
                 error.text);
    }
}

/* -- the judge ------------------------------------------------------------------------------ */

static inline const struct ht_json *there(const struct ht_json *object, const char *key)
{
    const struct ht_json *value = ht_json_member(object, key);
    return value == NULL || ht_json_type(value) == HT_JSON_NULL ? NULL : value;
}

static inline bool is_a(const struct ht_json *value, enum ht_json_type type)
{
    return value != NULL && ht_json_type(value) == type;
}

static inline bool says(const struct ht_json *value, const char *text)
{
    return is_a(value, HT_JSON_STRING) && ht_slice_equal(ht_json_text(value), ht_slice_text(text));
}

/** '#' in front is what the judge doesn't know; no table has tags of them. */
static inline void judge_tag(struct verdict *verdict, struct ht_slice tag)
{
    if (tag.length == 0) {
        verdict->skipped++;
        return;
    }
    ht_buffer_append_slice(&verdict->tags, tag);
    ht_buffer_append_byte(&verdict->tags, '\n');
}

static inline void judge_message(struct ht_tweet_reader *reader, struct ht_slice text,
                                 judge_fn judge)
{
    static struct verdict verdict;
    struct ht_tweet tweet;
    struct ht_buffer found;
    memset(&verdict, 0, sizeof(verdict));
    ht_buffer_init(&verdict.tags, 1u << 20);
    ht_buffer_init(&found, 1u << 20);
    int result = ht_tweet_read(reader, text, NULL, &tweet, NULL);
    struct ht_json *root = ht_json_parse(text, HT_JSON_ROOT_IS_CONTAINER, NULL, NULL);
    if (!is_a(root, HT_JSON_OBJECT) || text.length == 0 ||
        memchr(text.data, '\0', text.length) != NULL) {
        verdict.is_tweet = -1;
    } else {
        judge(root, &verdict);
    }
    ht_json_destroy(root);
    append_tags(&tweet, '\n', &found);
    int mine = result != 0 ? -1 : tweet.kind == HT_TWEET_KIND_TWEET ? 1 : 0;
    if (mine != verdict.is_tweet ||
        (mine == 1 && (!ht_slice_equal(tweet.id, ht_slice_text(verdict.id)) ||
                       !ht_slice_equal(ht_buffer_slice(&found), ht_buffer_slice(&verdict.tags)) ||
                       tweet.is_edit != verdict.is_edit || tweet.is_retweet != verdict.is_retweet ||
                       tweet.empty_hashtag_count != verdict.skipped))) {
        fail_msg("reader %d '%.*s' '%s' %zu, judge %d '%s' '%s' %zu: %.*s", mine,
                 (int)tweet.id.length, tweet.id.length > 0 ? tweet.id.data : "",
                 found.length > 0 ? found.data : "", tweet.empty_hashtag_count, verdict.is_tweet,
                 verdict.id, verdict.tags.length > 0 ? verdict.tags.data : "", verdict.skipped,
                 (int)text.length, text.data);
    }
    ht_buffer_finish(&verdict.tags);
    ht_buffer_finish(&found);
}

/** Judges `rounds` random changes of a message: one to three of `pieces` put in or over. */
static inline void judge_changes(struct ht_tweet_reader *reader, struct ht_slice text,
                                 const char *const *pieces, size_t piece_count, judge_fn judge)
{
    struct ht_random random;
    ht_random_init(&random, ht_hash_bytes(&(struct ht_hash_key){3, 4}, text));
    char *out = malloc(text.length + 256);
    for (int round = 0; round < 400; round++) {
        size_t length = text.length;
        memcpy(out, text.data, length);
        for (uint64_t left = 1 + ht_random_below(&random, 3); left > 0; left--) {
            const char *piece = pieces[ht_random_below(&random, piece_count)];
            size_t at = ht_random_below(&random, length), added = strlen(piece);
            size_t removed = ht_random_below(&random, 2) * ht_random_below(&random, 24);
            removed = removed > length - at ? length - at : removed;
            memmove(out + at + added, out + at + removed, length - at - removed);
            memcpy(out + at, piece, added);
            length += added - removed;
        }
        judge_message(reader, ht_slice_make(out, length), judge);
    }
    free(out);
}

/** Judges a message with each of its values, at every depth, replaced by one of every kind. */
static inline void judge_wrong_types(struct ht_tweet_reader *reader, struct ht_slice text,
                                     judge_fn judge)
{
    static const char *const values[] = {
        "null",       "true", "7", "-1.5e3", "\"x\"", "\"\"", "[]", "{}", "[null,7,\"t\",{}]",
        "{\"a\":[1]}"};
    char *out = malloc(text.length + 64);
    for (size_t at = 0; at + 1 < text.length; at++) {
        char before = text.data[at];
        if (before != ':' && before != ',' && before != '[') {
            continue;
        }
        size_t consumed = 0;
        struct ht_slice rest = ht_slice_make(text.data + at + 1, text.length - at - 1);
        struct ht_json *value = ht_json_parse_prefix(rest, &consumed, NULL, NULL);
        ht_json_destroy(value);
        if (value == NULL || consumed == 0) {
            continue;
        }
        for (size_t i = 0; i < HT_COUNT_OF(values); i++) {
            size_t added = strlen(values[i]), length = text.length - consumed + added;
            memcpy(out, text.data, at + 1);
            memcpy(out + at + 1, values[i], added);
            memcpy(out + at + 1 + added, rest.data + consumed, rest.length - consumed);
            judge_message(reader, ht_slice_make(out, length), judge);
        }
    }
    free(out);
}

/* -- the reader ----------------------------------------------------------------------------- */

static inline int make_reader(void **state)
{
    static struct ht_tweet_reader reader;
    const struct ht_hash_key key = {1, 2};
    ht_tweet_reader_init(&reader, &key);
    *state = &reader;
    return 0;
}

static inline int finish_reader(void **state)
{
    ht_tweet_reader_finish(*state);
    return 0;
}
