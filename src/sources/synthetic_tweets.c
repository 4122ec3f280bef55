// SPDX-License-Identifier: MIT
#include "hashtagd/sources/synthetic_tweets.h"

#include "synthetic_text.h"
#include "synthetic_users.h"
#include "synthetic_vocabulary.h"
#include "synthetic_writer.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/*
 * Each message has its own random numbers, started from the seed and its index, so that
 * any message can be made without those before it:
 *
 *   index -> kind -> a tweet:   hashtag ranks -> text -> JSON
 *                    a retweet: an original of this epoch -> its text -> the cut text -> JSON
 *                    a repeat:  the message some places back
 */

/* What is in the stream, in parts of 10,000 messages; the rest are tweets. */
enum {
    DELETE_END = 500,
    LIMIT_END = DELETE_END + 10,
    REPEAT_END = LIMIT_END + 50,
    RETWEET_END = REPEAT_END + 2500,
    QUOTE_END = RETWEET_END + 500,
    PARTS = 10000,
};

enum {
    EPOCH_MESSAGES = 6000, /* how long originals are passed on, and a hashtag trends */
    MESSAGES_A_MS = 5,     /* of the times in the tweets */
    MAX_REPEAT_BACK = 500, /* plus those that are skipped for being notices or repeats */
    REPEAT_TRIES = 100,
    TREND_COUNT = 8,
    TREND_PER_CENT = 8,
    CUT_POINTS = 116, /* leaves room for a space and a link within a classic tweet */
};

/* Twitter's ids count milliseconds from here, above 22 lower bits. */
#define TWITTER_EPOCH_MS 1288834974657u
/* 2013-08-03 14:21:50 UTC, Twitter's record second; seeds begin up to 4,000 days later. */
#define FIRST_MS     1375539710000u
#define SEED_SPAN_MS (4000ull * 86400000u)
#define DAY_MS       86400000u

struct ht_synthetic_tweets {
    uint64_t seed;
    uint64_t first_ms; /* the time of message 0 */
    struct ht_synthetic_vocabulary vocabulary;
    struct ht_synthetic_user users[HT_SYNTHETIC_USER_COUNT];
    /* the message in the making */
    struct ht_synthetic_text text;     /* of the tweet itself, or of the retweeted or quoted one */
    struct ht_synthetic_text own_text; /* of a quote; of a retweet, cut */
    struct ht_synthetic_text cut;      /* an extended tweet's text, cut */
    char bytes[HT_SYNTHETIC_MAX_BYTES];
};

/* What a tweet's object says. */
struct status {
    uint64_t id;
    uint64_t at_ms;
    const struct ht_synthetic_user *user;
    const char *language;
    struct ht_synthetic_text *text;
    bool is_extended;
    unsigned retweet_count;
    unsigned favorite_count;
    unsigned client;
};

static enum ht_synthetic_kind kind_at(const struct ht_synthetic_tweets *tweets, uint64_t index,
                                      bool *is_repeat);
static bool find_repeated(const struct ht_synthetic_tweets *tweets, uint64_t *index,
                          enum ht_synthetic_kind *kind);
static void make_message(struct ht_synthetic_tweets *tweets, uint64_t index,
                         struct ht_synthetic_message *message);
static void make_delete(struct ht_synthetic_tweets *tweets, uint64_t index,
                        struct ht_synthetic_writer *writer);
static void make_limit(struct ht_synthetic_tweets *tweets, uint64_t index,
                       struct ht_synthetic_writer *writer);
static void make_tweet(struct ht_synthetic_tweets *tweets, uint64_t index,
                       struct ht_synthetic_message *message, struct ht_synthetic_writer *writer);
static void make_retweet(struct ht_synthetic_tweets *tweets, uint64_t index,
                         struct ht_synthetic_writer *writer);
static void make_quote(struct ht_synthetic_tweets *tweets, uint64_t index,
                       struct ht_synthetic_writer *writer);
static void plan_status(struct ht_synthetic_tweets *tweets, struct status *status,
                        struct ht_random *random, uint64_t index);
static void plan_original(struct ht_synthetic_tweets *tweets, struct status *status,
                          struct ht_random *random, uint64_t index);
static unsigned draw_tag_count(struct ht_random *random);
static unsigned draw_rank(const struct ht_synthetic_tweets *tweets, struct ht_random *random,
                          uint64_t index);
static void put_whole_status(struct ht_synthetic_tweets *tweets, struct ht_synthetic_writer *writer,
                             const struct status *status);
static void put_head(struct ht_synthetic_writer *writer, const struct status *status,
                     struct ht_synthetic_text *shown);
static void put_extended(struct ht_synthetic_writer *writer, const struct status *status);
static void put_tail(struct ht_synthetic_writer *writer, const struct status *status,
                     const struct ht_synthetic_text *shown);
static void put_id(struct ht_synthetic_writer *writer, uint64_t id);
static void put_time_end(struct ht_synthetic_writer *writer, uint64_t at_ms);
static void take_hashtags(struct ht_synthetic_message *message,
                          const struct ht_synthetic_text *text);
static uint64_t mix(uint64_t seed, uint64_t number);
static uint64_t ms_at(const struct ht_synthetic_tweets *tweets, uint64_t index);
static uint64_t id_at(const struct ht_synthetic_tweets *tweets, uint64_t index);

struct ht_synthetic_tweets *ht_synthetic_tweets_create(uint64_t seed)
{
    struct ht_synthetic_tweets *tweets = calloc(1, sizeof(*tweets));
    if (tweets == NULL) {
        return NULL;
    }
    tweets->seed = mix(seed, 1);
    tweets->first_ms = FIRST_MS + mix(seed, 2) % SEED_SPAN_MS;
    int status = ht_synthetic_vocabulary_init(&tweets->vocabulary, mix(seed, 3));
    if (status == 0) {
        ht_synthetic_users_make(tweets->users, &tweets->vocabulary, mix(seed, 4));
    }
    if (status != 0 || tweets->vocabulary.store.failed) {
        ht_synthetic_tweets_destroy(tweets);
        return NULL;
    }
    return tweets;
}

void ht_synthetic_tweets_destroy(struct ht_synthetic_tweets *tweets)
{
    if (tweets != NULL) {
        ht_synthetic_vocabulary_finish(&tweets->vocabulary);
        free(tweets);
    }
}

void ht_synthetic_tweets_get(struct ht_synthetic_tweets *tweets, uint64_t index,
                             struct ht_synthetic_message *message)
{
    bool is_repeat = false;
    message->kind = kind_at(tweets, index, &is_repeat);
    message->is_repeat = is_repeat && find_repeated(tweets, &index, &message->kind);
    message->hashtag_count = 0;
    message->id = 0;
    make_message(tweets, index, message);
}

const char *ht_synthetic_kind_name(enum ht_synthetic_kind kind)
{
    static const char *const names[] = {
#define X(kind, name) [kind] = name,
        HT_SYNTHETIC_KIND_MAP(X)
#undef X
    };
    return names[kind];
}

/* A repeat has the kind of a plain tweet, for where there is nothing to repeat yet. */
static enum ht_synthetic_kind kind_at(const struct ht_synthetic_tweets *tweets, uint64_t index,
                                      bool *is_repeat)
{
    unsigned part = (unsigned)(mix(tweets->seed, ~index) % PARTS);
    *is_repeat = part >= LIMIT_END && part < REPEAT_END;
    if (part < DELETE_END) {
        return HT_SYNTHETIC_DELETE;
    }
    if (part < LIMIT_END) {
        return HT_SYNTHETIC_LIMIT;
    }
    if (part >= REPEAT_END && part < RETWEET_END) {
        return HT_SYNTHETIC_RETWEET;
    }
    return part >= RETWEET_END && part < QUOTE_END ? HT_SYNTHETIC_QUOTE : HT_SYNTHETIC_TWEET;
}

/* Goes back to a message that is a tweet and no repeat itself. */
static bool find_repeated(const struct ht_synthetic_tweets *tweets, uint64_t *index,
                          enum ht_synthetic_kind *kind)
{
    uint64_t back = 1 + mix(tweets->seed + 1, *index) % MAX_REPEAT_BACK;
    for (uint64_t tries = 0; tries < REPEAT_TRIES && back <= *index; tries++, back++) {
        bool is_repeat = false;
        enum ht_synthetic_kind found = kind_at(tweets, *index - back, &is_repeat);
        if (!is_repeat && found != HT_SYNTHETIC_DELETE && found != HT_SYNTHETIC_LIMIT) {
            *index -= back;
            *kind = found;
            return true;
        }
    }
    return false;
}

static void make_message(struct ht_synthetic_tweets *tweets, uint64_t index,
                         struct ht_synthetic_message *message)
{
    struct ht_synthetic_writer writer = {tweets->bytes, tweets->bytes + sizeof(tweets->bytes)};
    switch (message->kind) {
    case HT_SYNTHETIC_DELETE:
        make_delete(tweets, index, &writer);
        break;
    case HT_SYNTHETIC_LIMIT:
        make_limit(tweets, index, &writer);
        break;
    case HT_SYNTHETIC_TWEET:
    case HT_SYNTHETIC_EXTENDED:
        make_tweet(tweets, index, message, &writer);
        take_hashtags(message, &tweets->text);
        break;
    case HT_SYNTHETIC_RETWEET:
        make_retweet(tweets, index, &writer);
        take_hashtags(message, &tweets->text);
        break;
    case HT_SYNTHETIC_QUOTE:
        make_quote(tweets, index, &writer);
        take_hashtags(message, &tweets->own_text);
        break;
    }
    if (message->kind != HT_SYNTHETIC_DELETE && message->kind != HT_SYNTHETIC_LIMIT) {
        message->id = id_at(tweets, index);
    }
    message->bytes = ht_slice_make(tweets->bytes, (size_t)(writer.at - tweets->bytes));
}

static void make_delete(struct ht_synthetic_tweets *tweets, uint64_t index,
                        struct ht_synthetic_writer *writer)
{
    uint64_t back = 1 + mix(tweets->seed + 2, index) % 5000;
    const struct ht_synthetic_user *user =
        &tweets->users[mix(tweets->seed + 3, index) % HT_SYNTHETIC_USER_COUNT];
    /* The first ones speak of tweets from before the stream began. */
    uint64_t id = back <= index ? id_at(tweets, index - back) : id_at(tweets, 0) - (back << 22);
    HT_SYNTHETIC_PUT(writer, "{\"delete\":{\"status\":{");
    put_id(writer, id);
    HT_SYNTHETIC_PUT(writer, ",\"user_id\":");
    ht_synthetic_put_u64(writer, user->id);
    HT_SYNTHETIC_PUT(writer, ",\"user_id_str\":\"");
    ht_synthetic_put_u64(writer, user->id);
    HT_SYNTHETIC_PUT(writer, "\"}");
    put_time_end(writer, ms_at(tweets, index));
    HT_SYNTHETIC_PUT(writer, "}");
}

static void make_limit(struct ht_synthetic_tweets *tweets, uint64_t index,
                       struct ht_synthetic_writer *writer)
{
    HT_SYNTHETIC_PUT(writer, "{\"limit\":{\"track\":");
    ht_synthetic_put_u64(writer, 1 + mix(tweets->seed + 4, index) % 50);
    put_time_end(writer, ms_at(tweets, index));
    HT_SYNTHETIC_PUT(writer, "}");
}

static void make_tweet(struct ht_synthetic_tweets *tweets, uint64_t index,
                       struct ht_synthetic_message *message, struct ht_synthetic_writer *writer)
{
    struct ht_random random;
    ht_random_init(&random, mix(tweets->seed, index));
    struct status status = {
        .id = id_at(tweets, index),
        .at_ms = ms_at(tweets, index),
        .text = &tweets->text,
        .is_extended = ht_synthetic_below(&random, 100) < 12,
    };
    plan_status(tweets, &status, &random, index);
    message->kind = status.is_extended ? HT_SYNTHETIC_EXTENDED : HT_SYNTHETIC_TWEET;
    put_whole_status(tweets, writer, &status);
    put_time_end(writer, status.at_ms);
}

static void make_retweet(struct ht_synthetic_tweets *tweets, uint64_t index,
                         struct ht_synthetic_writer *writer)
{
    struct ht_random random;
    ht_random_init(&random, mix(tweets->seed, index));
    struct status original = {.text = &tweets->text};
    plan_original(tweets, &original, &random, index);
    struct status status = {
        .id = id_at(tweets, index),
        .at_ms = ms_at(tweets, index),
        .user = &tweets->users[ht_synthetic_below(&random, HT_SYNTHETIC_USER_COUNT)],
        .language = original.language,
        .text = &tweets->own_text,
        .client = ht_synthetic_below(&random, 6),
    };
    ht_synthetic_text_retweet(&tweets->own_text, &tweets->text, original.user);
    HT_SYNTHETIC_PUT(writer, "{");
    put_head(writer, &status, &tweets->own_text);
    HT_SYNTHETIC_PUT(writer, ",\"retweeted_status\":");
    put_whole_status(tweets, writer, &original);
    HT_SYNTHETIC_PUT(writer, "},\"is_quote_status\":false");
    put_tail(writer, &status, &tweets->own_text);
    put_time_end(writer, status.at_ms);
}

static void make_quote(struct ht_synthetic_tweets *tweets, uint64_t index,
                       struct ht_synthetic_writer *writer)
{
    struct ht_random random;
    ht_random_init(&random, mix(tweets->seed, index));
    struct status original = {.text = &tweets->text};
    plan_original(tweets, &original, &random, index);
    struct status status = {
        .id = id_at(tweets, index),
        .at_ms = ms_at(tweets, index),
        .text = &tweets->own_text,
    };
    plan_status(tweets, &status, &random, index);
    HT_SYNTHETIC_PUT(writer, "{");
    put_head(writer, &status, &tweets->own_text);
    HT_SYNTHETIC_PUT(writer, ",\"is_quote_status\":true,\"quoted_status_id\":");
    ht_synthetic_put_u64(writer, original.id);
    HT_SYNTHETIC_PUT(writer, ",\"quoted_status_id_str\":\"");
    ht_synthetic_put_u64(writer, original.id);
    HT_SYNTHETIC_PUT(writer, "\",\"quoted_status\":");
    put_whole_status(tweets, writer, &original);
    HT_SYNTHETIC_PUT(writer, "}");
    put_tail(writer, &status, &tweets->own_text);
    put_time_end(writer, status.at_ms);
}

static void plan_status(struct ht_synthetic_tweets *tweets, struct status *status,
                        struct ht_random *random, uint64_t index)
{
    unsigned ranks[HT_SYNTHETIC_MAX_HASHTAGS];
    unsigned count = draw_tag_count(random);
    for (unsigned i = 0; i < count; i++) {
        ranks[i] = draw_rank(tweets, random, index);
    }
    unsigned language = ht_synthetic_rank_language(
        &tweets->vocabulary, count > 0 ? ranks[0] : ht_synthetic_below(random, 64));
    struct ht_synthetic_text_plan plan = {
        .vocabulary = &tweets->vocabulary,
        .users = tweets->users,
        .language = language,
        .ranks = ranks,
        .rank_count = count,
        .is_extended = status->is_extended,
    };
    ht_synthetic_text_make(status->text, &plan, random);
    status->is_extended = status->text->points > HT_SYNTHETIC_CLASSIC_POINTS;
    status->user = &tweets->users[ht_synthetic_below(random, HT_SYNTHETIC_USER_COUNT)];
    status->language = ht_synthetic_languages[language].code;
    status->client = ht_synthetic_below(random, 6);
}

/* One of the 255 tweets that are passed on in this epoch, the first ones most. */
static void plan_original(struct ht_synthetic_tweets *tweets, struct status *status,
                          struct ht_random *random, uint64_t index)
{
    uint64_t epoch = index / EPOCH_MESSAGES;
    unsigned octave = ht_synthetic_below(random, 8);
    unsigned number = (1u << octave) + ht_synthetic_below(random, 1u << octave);
    struct ht_random own;
    ht_random_init(&own, mix(tweets->seed + 5, epoch * 256 + number));
    status->at_ms = ms_at(tweets, epoch * EPOCH_MESSAGES) - ht_random_u64(&own) % DAY_MS;
    status->id = ((status->at_ms - TWITTER_EPOCH_MS) << 22) | (ht_random_u64(&own) >> 42);
    status->is_extended = ht_synthetic_below(&own, 100) < 25;
    status->retweet_count = (256 / number) * 10 + ht_synthetic_below(&own, 100);
    status->favorite_count = status->retweet_count / 2;
    plan_status(tweets, status, &own, epoch * EPOCH_MESSAGES);
}

static unsigned draw_tag_count(struct ht_random *random)
{
    static const unsigned ends[] = {600, 760, 868, 932, 968, 984, 990, 994, 996, 998, 999, 1000};
    unsigned draw = ht_synthetic_below(random, 1000);
    unsigned count = 0;
    while (draw >= ends[count]) {
        count++;
    }
    return count;
}

/* Some hashtags come from a few that trend in this epoch, wherever they stand otherwise. */
static unsigned draw_rank(const struct ht_synthetic_tweets *tweets, struct ht_random *random,
                          uint64_t index)
{
    unsigned draw = ht_synthetic_below(random, 100 * TREND_COUNT);
    if (draw >= TREND_PER_CENT * TREND_COUNT) {
        return ht_synthetic_draw_rank(&tweets->vocabulary, random);
    }
    unsigned first = draw % TREND_COUNT;
    unsigned other = ht_synthetic_below(random, TREND_COUNT);
    uint64_t trend = index / EPOCH_MESSAGES * TREND_COUNT + (first < other ? first : other);
    return 1 + (unsigned)(mix(tweets->seed + 6, trend) % HT_SYNTHETIC_RANK_COUNT);
}

/* All of a tweet's object without its closing bracket. */
static void put_whole_status(struct ht_synthetic_tweets *tweets, struct ht_synthetic_writer *writer,
                             const struct status *status)
{
    struct ht_synthetic_text *shown = status->text;
    HT_SYNTHETIC_PUT(writer, "{");
    if (status->is_extended) {
        shown = &tweets->cut;
        ht_synthetic_text_cut(shown, status->text, CUT_POINTS);
        ht_synthetic_text_add_url(shown, status->id);
    }
    put_head(writer, status, shown);
    HT_SYNTHETIC_PUT(writer, ",\"is_quote_status\":false");
    if (status->is_extended) {
        put_extended(writer, status);
    }
    put_tail(writer, status, shown);
}

static void put_head(struct ht_synthetic_writer *writer, const struct status *status,
                     struct ht_synthetic_text *shown)
{
    static const char *const clients[] = {
        "<a href=\\\"http:\\/\\/twitter.com\\\" rel=\\\"nofollow\\\">Twitter Web Client<\\/a>",
        "<a href=\\\"http:\\/\\/twitter.com\\/download\\/iphone\\\" rel=\\\"nofollow\\\">Twitter "
        "for iPhone<\\/a>",
        "<a href=\\\"http:\\/\\/twitter.com\\/download\\/android\\\" rel=\\\"nofollow\\\">Twitter "
        "for Android<\\/a>",
        "<a href=\\\"https:\\/\\/mobile.twitter.com\\\" rel=\\\"nofollow\\\">Mobile Web (M2)<\\/a>",
        "<a href=\\\"http:\\/\\/twittbot.net\\/\\\" rel=\\\"nofollow\\\">twittbot.net<\\/a>",
        "web",
    };
    HT_SYNTHETIC_PUT(writer, "\"created_at\":\"");
    ht_synthetic_put_time(writer, status->at_ms / 1000);
    HT_SYNTHETIC_PUT(writer, "\",");
    put_id(writer, status->id);
    HT_SYNTHETIC_PUT(writer, ",\"text\":\"");
    ht_synthetic_text_put(writer, shown);
    HT_SYNTHETIC_PUT(writer, "\",\"source\":\"");
    ht_synthetic_put_slice(writer, ht_slice_text(clients[status->client]));
    HT_SYNTHETIC_PUT(writer, "\",\"truncated\":");
    ht_synthetic_put_slice(writer, status->is_extended ? HT_SLICE("true") : HT_SLICE("false"));
    HT_SYNTHETIC_PUT(writer, ",\"in_reply_to_status_id\":null,\"in_reply_to_status_id_str\":null,"
                             "\"in_reply_to_user_id\":null,\"in_reply_to_user_id_str\":null,"
                             "\"in_reply_to_screen_name\":null,\"user\":");
    ht_synthetic_put_slice(writer, status->user->json);
    HT_SYNTHETIC_PUT(writer, ",\"geo\":null,\"coordinates\":null,\"place\":null,"
                             "\"contributors\":null");
}

static void put_extended(struct ht_synthetic_writer *writer, const struct status *status)
{
    HT_SYNTHETIC_PUT(writer, ",\"extended_tweet\":{\"full_text\":\"");
    ht_synthetic_text_put(writer, status->text);
    HT_SYNTHETIC_PUT(writer, "\",\"display_text_range\":[0,");
    ht_synthetic_put_u64(writer, status->text->points);
    HT_SYNTHETIC_PUT(writer, "],\"entities\":");
    ht_synthetic_text_put_entities(writer, status->text);
    HT_SYNTHETIC_PUT(writer, "}");
}

static void put_tail(struct ht_synthetic_writer *writer, const struct status *status,
                     const struct ht_synthetic_text *shown)
{
    HT_SYNTHETIC_PUT(writer, ",\"retweet_count\":");
    ht_synthetic_put_u64(writer, status->retweet_count);
    HT_SYNTHETIC_PUT(writer, ",\"favorite_count\":");
    ht_synthetic_put_u64(writer, status->favorite_count);
    HT_SYNTHETIC_PUT(writer, ",\"entities\":");
    ht_synthetic_text_put_entities(writer, shown);
    HT_SYNTHETIC_PUT(writer, ",\"favorited\":false,\"retweeted\":false,"
                             "\"possibly_sensitive\":false,\"filter_level\":\"medium\","
                             "\"lang\":\"");
    ht_synthetic_put_slice(writer, ht_slice_text(status->language));
    HT_SYNTHETIC_PUT(writer, "\"");
}

static void put_id(struct ht_synthetic_writer *writer, uint64_t id)
{
    HT_SYNTHETIC_PUT(writer, "\"id\":");
    ht_synthetic_put_u64(writer, id);
    HT_SYNTHETIC_PUT(writer, ",\"id_str\":\"");
    ht_synthetic_put_u64(writer, id);
    HT_SYNTHETIC_PUT(writer, "\"");
}

static void put_time_end(struct ht_synthetic_writer *writer, uint64_t at_ms)
{
    HT_SYNTHETIC_PUT(writer, ",\"timestamp_ms\":\"");
    ht_synthetic_put_u64(writer, at_ms);
    HT_SYNTHETIC_PUT(writer, "\"}");
}

static void take_hashtags(struct ht_synthetic_message *message,
                          const struct ht_synthetic_text *text)
{
    message->hashtag_count = text->tag_count;
    for (unsigned i = 0; i < text->tag_count; i++) {
        message->hashtags[i] = ht_slice_make(text->tags[i].utf8, text->tags[i].utf8_length);
    }
}

/* SplitMix64's last step: numbers that have nothing to do with each other. */
static uint64_t mix(uint64_t seed, uint64_t number)
{
    uint64_t z = seed + (number + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t ms_at(const struct ht_synthetic_tweets *tweets, uint64_t index)
{
    return tweets->first_ms + index / MESSAGES_A_MS;
}

static uint64_t id_at(const struct ht_synthetic_tweets *tweets, uint64_t index)
{
    uint64_t low = (index % MESSAGES_A_MS) << 19 | mix(tweets->seed + 7, index) >> 45;
    return ((ms_at(tweets, index) - TWITTER_EPOCH_MS) << 22) | low;
}
