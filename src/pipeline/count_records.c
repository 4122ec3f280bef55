// SPDX-License-Identifier: MIT
#include "count_internal.h"

#include "hashtagd/tweet/tweet_note.h"

#include <stdlib.h>

/*
 * The life of a record:
 *
 *     on_work_due -> work_on_shard -> count_record -> read -> repeat? -> fold -> tally + pending
 *                                          |            |
 *                                          |            +-> refused: dead letter
 *                                          +-> at or before the checkpoint: only its id, and
 *                                              what its hashtags are known by, is remembered
 *
 * A later version of a tweet that was counted goes the whole way, with those of its hashtags that no
 * version before had.
 *
 * Shards take turns; after a slice of time the loop has its turn. Where what is pending takes half of
 * the budget, the rest waits until it is written.
 */

enum {
    SLICE_NS = 1000000,
    RECORDS_BETWEEN_LOOKS = 32,
};

static void on_work_due(struct ht_timer *timer);
static int work_on_shard(struct ht_count_shard *shard, uint64_t until_ns);
static bool is_old(const struct ht_count_shard *shard, const struct ht_record *record);
static int count_record(struct ht_count_shard *shard, const struct ht_record *record);
static void remember_tweet(struct ht_count_shard *shard, const struct ht_record *record,
                           const struct ht_tweet *tweet);
static int count_tweet(struct ht_count_shard *shard, const struct ht_record *record,
                       const struct ht_tweet *tweet);
static size_t take_tags(struct ht_count_shard *shard, const struct ht_record *record,
                        const struct ht_tweet *tweet, bool is_known);
static int keep_letter(struct ht_count_shard *shard, const struct ht_record *record,
                       const char *reason);

int ht_count_records_init(struct ht_count *count)
{
    ht_tweet_reader_init(&count->reader, &count->options.hash_key);
    ht_timer_init(&count->work_timer, on_work_due);
    count->folded = malloc((size_t)HT_TWEET_HASHTAGS_MAX * HT_FOLD_BYTES_MAX);
    count->folded_tags = calloc(HT_TWEET_HASHTAGS_MAX, sizeof(*count->folded_tags));
    count->folded_hashes = calloc(HT_TWEET_HASHTAGS_MAX, sizeof(*count->folded_hashes));
    bool has_all =
        count->folded != NULL && count->folded_tags != NULL && count->folded_hashes != NULL;
    return has_all ? 0 : HT_ENOMEM;
}

void ht_count_records_finish(struct ht_count *count)
{
    ht_timer_stop(count->options.timers, &count->work_timer);
    ht_tweet_reader_finish(&count->reader);
    free(count->folded);
    free(count->folded_tags);
    free(count->folded_hashes);
}

void ht_count_work(struct ht_count *count)
{
    if (!ht_timer_is_running(&count->work_timer)) {
        ht_timer_start(count->options.timers, &count->work_timer, 0);
    }
}

static struct ht_count_shard *next_with_work(struct ht_count *count)
{
    struct ht_count_shard *from = count->work_shard != NULL ? count->work_shard->next : NULL;
    for (struct ht_count_shard *at = from; at != NULL; at = at->next) {
        if (at->batch_count > 0) {
            return at;
        }
    }
    for (struct ht_count_shard *at = count->shards; at != NULL; at = at->next) {
        if (at->batch_count > 0) {
            return at;
        }
    }
    return NULL;
}

static void on_work_due(struct ht_timer *timer)
{
    struct ht_count *count = HT_CONTAINER_OF(timer, struct ht_count, work_timer);
    if (count->is_stopping || count->is_restarting || count->is_fatal) {
        return;
    }
    count->work_shard = next_with_work(count);
    if (count->work_shard == NULL) {
        return;
    }
    /* a record must not count in the minute before its own because no flush was due since */
    ht_count_move_windows(count);
    uint64_t until_ns = ht_clock_monotonic_ns(count->options.clock) + SLICE_NS;
    if (!ht_count_is_full(count) && work_on_shard(count->work_shard, until_ns) != 0) {
        struct ht_error error;
        (void)ht_error_set(&error, HT_ENOMEM,
                           "Out of memory while counting. Nothing is lost: what is not written "
                           "will be counted again after a restart.");
        ht_count_fail(count, &error);
        return;
    }
    ht_count_sync_budget(count);
    ht_count_look_at_memory(count);
    ht_count_look_at_flushes(count);
    ht_count_look_at_deletes(count);
    ht_count_tell_remembering(count);
    if (next_with_work(count) != NULL && !(count->flight.is_active && ht_count_is_full(count))) {
        ht_count_work(count);
    }
}

static void note_latency(struct ht_count_shard *shard, const struct ht_record_batch *batch)
{
    struct ht_count *count = shard->count;
    if (batch->count == 0 || shard->is_warming) {
        return;
    }
    int64_t latency_ms =
        ht_clock_wall_ms(count->options.clock) - batch->records[batch->count - 1].arrival_ms;
    ht_histogram_add(&count->latencies, latency_ms > 0 ? (uint64_t)latency_ms * 1000000 : 0);
}

/* Records of nothing but hashtags take fifty times their size when they are counted. */
static bool is_slice_over(struct ht_count_shard *shard, uint64_t until_ns)
{
    struct ht_count *count = shard->count;
    ht_count_sync_budget(count);
    return ht_count_is_full(count) || (shard->record_index % RECORDS_BETWEEN_LOOKS == 0 &&
                                       ht_clock_monotonic_ns(count->options.clock) >= until_ns);
}

/* Counts until the batch or the time is over, or what is pending has to be written first. */
static int work_on_shard(struct ht_count_shard *shard, uint64_t until_ns)
{
    struct ht_record_batch *batch = shard->batches[0];
    while (shard->record_index < batch->count) {
        const struct ht_record *record = &batch->records[shard->record_index];
        if (shard->is_warming && !is_old(shard, record)) {
            if (ht_count_shard_warm_again(shard)) {
                return 0;
            }
            shard->is_warming = shard->is_remembering = false;
        }
        int status = count_record(shard, record);
        if (status != 0) {
            return status;
        }
        shard->record_index++;
        if (is_slice_over(shard, until_ns)) {
            return 0;
        }
    }
    note_latency(shard, batch);
    ht_count_shard_batch_done(shard);
    return 0;
}

/* Whether the record was counted before this start: then it is read only for its id. */
static bool is_old(const struct ht_count_shard *shard, const struct ht_record *record)
{
    return shard->is_recalling ||
           (shard->is_warming &&
            ht_sequence_compare_sub(record->sequence_number, record->sub_sequence,
                                    ht_slice_text(shard->counted.sequence_number),
                                    shard->counted.sub_sequence) <= 0);
}

static int count_record(struct ht_count_shard *shard, const struct ht_record *record)
{
    struct ht_count *count = shard->count;
    struct ht_tweet_options options = {.retweets = count->options.retweets};
    struct ht_tweet tweet;
    bool old = is_old(shard, record);
    int status = ht_tweet_note_read(&count->reader, record->note, &options, &tweet);
    if (status == HT_EPARSE) {
        status = ht_tweet_read(&count->reader, record->data, &options, &tweet, NULL);
    }
    if (status == HT_ENOMEM) {
        return status;
    }
    if (old) {
        count->counters.remembered++;
        shard->warmed_records++;
        if (status == 0 && tweet.kind == HT_TWEET_KIND_TWEET) {
            remember_tweet(shard, record, &tweet);
        }
        return 0;
    }
    ht_count_marks_look(shard, record);
    count->counters.records++;
    shard->counted_arrival_ms = record->arrival_ms;
    if (status != 0) {
        count->counters.refused[tweet.refusal]++;
        return keep_letter(shard, record, ht_tweet_refusal_name(tweet.refusal));
    }
    if (tweet.kind != HT_TWEET_KIND_TWEET) {
        count->counters.notices[tweet.kind]++;
        return 0;
    }
    return count_tweet(shard, record, &tweet);
}

static void remember_tweet(struct ht_count_shard *shard, const struct ht_record *record,
                           const struct ht_tweet *tweet)
{
    bool is_known = ht_count_window_seen(shard, record, tweet->key);
    if (tweet->is_editable && (!is_known || tweet->is_edit)) {
        uint64_t skipped = shard->count->counters.hashtags_skipped;
        (void)take_tags(shard, record, tweet, is_known);
        shard->count->counters.hashtags_skipped = skipped;
    }
}

/* Whether the tag is among the first ones; hashes, because a tweet can have a thousand. */
static bool is_among(const struct ht_count *count, size_t tag_count, struct ht_slice tag,
                     uint64_t hash)
{
    for (size_t i = 0; i < tag_count; i++) {
        if (count->folded_hashes[i] == hash && ht_slice_equal(count->folded_tags[i], tag)) {
            return true;
        }
    }
    return false;
}

/* On Bluesky and Mastodon a post has a hashtag or has it not: lists of them are sets, and Bluesky has
 * two. A tweet of X repeats one in its text. */
static bool has_each_once(const struct ht_count *count, const struct ht_tweet *tweet)
{
    return count->options.once_per_tweet || tweet->network != HT_TWEET_NETWORK_TWITTER;
}

/* Folds the tweet's hashtags into count->folded_tags; returns how many are to be counted. */
static size_t fold_tags(struct ht_count *count, const struct ht_tweet *tweet)
{
    size_t tag_count = 0;
    char *at = count->folded;
    for (size_t i = 0; i < tweet->hashtag_count; i++) {
        size_t length;
        if (ht_fold_tag(count->options.fold, tweet->hashtags[i], at, &length) != 0) {
            count->counters.hashtags_skipped++;
            continue;
        }
        struct ht_slice tag = {at, length};
        if (has_each_once(count, tweet)) {
            uint64_t hash = ht_hash_bytes(&count->options.hash_key, tag);
            if (is_among(count, tag_count, tag, hash)) {
                continue;
            }
            count->folded_hashes[tag_count] = hash;
        }
        count->folded_tags[tag_count++] = tag;
        at += length;
    }
    count->counters.hashtags_skipped += tweet->empty_hashtag_count;
    return tag_count;
}

/* The hashtags to be counted, in count->folded_tags; of an edit of a tweet that is known the new
 * ones. */
static size_t take_tags(struct ht_count_shard *shard, const struct ht_record *record,
                        const struct ht_tweet *tweet, bool is_known)
{
    size_t tag_count = fold_tags(shard->count, tweet);
    if (is_known) {
        tag_count = ht_count_window_keep_new(shard, tweet->key, tag_count);
    }
    if (tweet->is_editable) {
        ht_count_window_note_tags(shard, record, tweet->key, tag_count);
    }
    return tag_count;
}

static int count_tag(struct ht_count *count, const struct ht_pending_add *pending)
{
    struct ht_tally_add add = {
        .tag = pending->tag, .minute = pending->minute, .seen_s = pending->seen_s, .count = 1};
    int status = ht_tally_add(count->options.tally, &add);
    if (status == HT_ETOOBIG || status == HT_EINVAL) {
        count->counters.hashtags_skipped++;
        return 0;
    }
    count->counters.hashtags++;
    return status != 0 ? status : ht_pending_add(count->pending, pending);
}

static int count_tweet(struct ht_count_shard *shard, const struct ht_record *record,
                       const struct ht_tweet *tweet)
{
    struct ht_count *count = shard->count;
    bool is_known = ht_count_window_seen(shard, record, tweet->key);
    if (is_known && !tweet->is_edit) {
        count->counters.repeats++;
        return 0;
    }
    uint64_t now_ms = ht_clock_monotonic_ms(count->options.clock);
    size_t tag_count = take_tags(shard, record, tweet, is_known);
    struct ht_pending_add pending = {.shard = shard->index,
                                     .seen_s = record->arrival_ms / 1000,
                                     .minute = record->arrival_ms / 60000,
                                     .count = 1};
    int status = tag_count == 0 ? 0
                                : ht_pending_note_position(count->pending, record->sequence_number,
                                                           record->sub_sequence, &pending.position);
    for (size_t i = 0; i < tag_count && status == 0; i++) {
        pending.tag = count->folded_tags[i];
        if (ht_count_marks_cover(shard, record, pending.tag)) {
            count->counters.marked++;
            continue;
        }
        status = count_tag(count, &pending);
    }
    *(is_known ? &count->counters.edits : &count->counters.tweets) += 1;
    ht_rate_add(&count->tweet_rate, now_ms, 1);
    ht_rate_add(&count->hashtag_rate, now_ms, tag_count);
    return status;
}

static struct ht_slice copy_to(char **at, struct ht_slice slice)
{
    struct ht_slice copy = {*at, slice.length};
    if (slice.length > 0) {
        memcpy(*at, slice.data, slice.length);
    }
    *at += slice.length;
    return copy;
}

static int keep_letter(struct ht_count_shard *shard, const struct ht_record *record,
                       const char *reason)
{
    struct ht_count *count = shard->count;
    struct ht_slice shard_id = ht_slice_text(shard->info.id);
    size_t bytes = sizeof(struct ht_count_letter) + record->data.length + shard_id.length +
                   record->sequence_number.length;
    struct ht_count_letter *letter = malloc(bytes);
    if (letter == NULL) {
        return HT_ENOMEM;
    }
    char *at = (char *)(letter + 1);
    *letter = (struct ht_count_letter){
        .letter = {.data = copy_to(&at, record->data),
                   .shard_id = copy_to(&at, shard_id),
                   .sequence_number = copy_to(&at, record->sequence_number),
                   .reason = ht_slice_text(reason),
                   .at_ms = ht_clock_wall_ms(count->options.clock)},
        .bytes = bytes};
    *(count->letters == NULL ? &count->letters : &count->last_letter->next) = letter;
    count->last_letter = letter;
    count->letter_count++;
    count->letter_bytes += bytes;
    ht_budget_reserve(count->options.budget, bytes);
    return 0;
}
