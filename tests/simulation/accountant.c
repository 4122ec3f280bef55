// SPDX-License-Identifier: MIT
#include "accountant.h"

#include "hashtagd/base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void on_record(void *user, const struct sim_record *record);
static void on_item(void *user, struct sim_hashtag *hashtag);
static void on_checkpoint(void *user, unsigned shard, uint64_t before);
static void on_removal(void *user, struct sim_removal *removal);
static void on_line(void *user, struct ht_slice line);
static void on_commit(void *user, struct sim_removal *removal);
static void on_letter(void *user, struct ht_slice data, struct ht_slice reason);

void sim_accountant_init(struct sim_accountant *accountant, struct sim_messages *messages,
                         bool counts_repeats, bool archives)
{
    *accountant = (struct sim_accountant){.sim = messages->sim,
                                          .truth = messages->truth,
                                          .messages = messages,
                                          .counts_repeats = counts_repeats,
                                          .archives = archives};
    messages->truth->listener = (struct sim_truth_listener){.on_record = on_record,
                                                            .on_item = on_item,
                                                            .on_checkpoint = on_checkpoint,
                                                            .on_removal = on_removal,
                                                            .on_line = on_line,
                                                            .on_commit = on_commit,
                                                            .on_letter = on_letter,
                                                            .user = accountant};
}

void sim_accountant_finish(struct sim_accountant *accountant)
{
    free(accountant->counted);
    free(accountant->identities);
}

/* ---- what should be counted ---- */

static struct sim_identity *identity_of(struct sim_accountant *accountant, uint32_t identity)
{
    if (identity >= accountant->identity_capacity) {
        size_t capacity = (size_t)identity + 4096;
        accountant->identities =
            realloc(accountant->identities, capacity * sizeof(*accountant->identities));
        HT_ASSERT(accountant->identities != NULL);
        memset(&accountant->identities[accountant->identity_capacity], 0,
               (capacity - accountant->identity_capacity) * sizeof(*accountant->identities));
        accountant->identity_capacity = capacity;
    }
    return &accountant->identities[identity];
}

static bool knows_tag(const struct sim_identity *identity, uint32_t tag)
{
    for (unsigned i = 0; i < identity->tag_count; i++) {
        if (identity->tags[i] == tag) {
            return true;
        }
    }
    return false;
}

/* Which of the message's hashtags count, as bits. */
static uint64_t weigh(struct sim_accountant *accountant, const struct sim_message *message)
{
    uint64_t all = (UINT64_C(1) << message->tag_count) - 1;
    struct sim_identity *identity = identity_of(accountant, message->identity - 1000000);
    if (message->kind != SIM_TWEET || accountant->counts_repeats) {
        return message->kind == SIM_TWEET ? all : 0;
    }
    if (identity->is_counted && !message->is_edit) {
        return 0;
    }
    identity->is_counted = true;
    if (!message->is_editable) {
        return all;
    }
    uint64_t bits = 0;
    for (unsigned i = 0; i < message->tag_count; i++) {
        if (!knows_tag(identity, message->tags[i])) {
            HT_ASSERT(identity->tag_count < HT_COUNT_OF(identity->tags));
            identity->tags[identity->tag_count++] = message->tags[i];
            bits |= UINT64_C(1) << i;
        }
    }
    return bits;
}

static void on_record(void *user, const struct sim_record *record)
{
    struct sim_accountant *accountant = user;
    struct sim_truth *truth = accountant->truth;
    size_t number = (size_t)(record - truth->records);
    if (record->message >= accountant->messages->count) {
        sim_fail(accountant->sim, "a record is on the stream that nobody sent");
        return;
    }
    if (number >= accountant->counted_capacity) {
        accountant->counted_capacity = number < 512 ? 1024 : number * 2;
        accountant->counted = realloc(accountant->counted,
                                      accountant->counted_capacity * sizeof(*accountant->counted));
        HT_ASSERT(accountant->counted != NULL);
    }
    struct sim_message *message = &accountant->messages->items[record->message];
    message->on_stream++;
    accountant->counted[number] = weigh(accountant, message);
    for (unsigned i = 0; i < message->tag_count; i++) {
        if ((accountant->counted[number] & (UINT64_C(1) << i)) != 0) {
            truth->hashtags[message->tags[i]].expected++;
        }
    }
}

/* ---- counts ---- */

static void on_item(void *user, struct sim_hashtag *hashtag)
{
    struct sim_accountant *accountant = user;
    uint64_t ours = hashtag->stored + hashtag->removed - hashtag->foreign;
    if (ours > hashtag->expected) {
        sim_fail(
            accountant->sim,
            "#%s counts too high: %" PRIu64 " in the table and %" PRIu64 " removed, less %" PRIu64
            " of others, is more than the %" PRIu64 " that are on the stream",
            hashtag->text, hashtag->stored, hashtag->removed, hashtag->foreign, hashtag->expected);
    }
}

static void pass_tag(struct sim_accountant *accountant, uint32_t tag, unsigned shard)
{
    struct sim_hashtag *hashtag = &accountant->truth->hashtags[tag];
    hashtag->checkpointed++;
    if (hashtag->stored + hashtag->removed - hashtag->foreign < hashtag->checkpointed) {
        sim_fail(accountant->sim,
                 "#%s: the checkpoint of shard %u passes a record whose count is in no item: "
                 "%" PRIu64 " in the table, %" PRIu64 " removed, %" PRIu64 " of others, %" PRIu64
                 " passed",
                 hashtag->text, shard, hashtag->stored, hashtag->removed, hashtag->foreign,
                 hashtag->checkpointed);
    }
}

static void on_checkpoint(void *user, unsigned shard, uint64_t before)
{
    struct sim_accountant *accountant = user;
    const struct sim_shard_truth *at = &accountant->truth->shards[shard];
    if (at->checkpointed < before) {
        sim_fail(accountant->sim,
                 "the checkpoint of shard %u goes back from %" PRIu64 " to %" PRIu64, shard, before,
                 at->checkpointed);
    }
    if (at->is_finished && (!at->is_closed || at->checkpointed < at->records)) {
        sim_fail(accountant->sim, "the checkpoint of shard %u says its end too early", shard);
    }
    for (uint64_t place = before; place < at->checkpointed; place++) {
        uint32_t number = at->numbers[place];
        struct sim_message *message =
            &accountant->messages->items[accountant->truth->records[number].message];
        if (message->kind == SIM_BAD && message->letters == 0) {
            sim_fail(accountant->sim,
                     "the checkpoint of shard %u passes message ~%u~, which cannot be read and is "
                     "no dead letter yet",
                     shard, accountant->truth->records[number].message);
        }
        for (unsigned i = 0; i < message->tag_count; i++) {
            if ((accountant->counted[number] & (UINT64_C(1) << i)) != 0) {
                pass_tag(accountant, message->tags[i], shard);
            }
        }
    }
}

/* ---- deletions ---- */

static void on_removal(void *user, struct sim_removal *removal)
{
    struct sim_accountant *accountant = user;
    struct sim_hashtag *hashtag = &accountant->truth->hashtags[removal->hashtag];
    removal->ordinal = hashtag->removals;
    on_item(accountant, hashtag);
}

/* The text of a member of a line; the writer of lines gives no spaces. */
static struct ht_slice member(struct ht_slice line, const char *name)
{
    char wanted[32];
    int length = snprintf(wanted, sizeof(wanted), "\"%s\":", name);
    const char *at = memmem(line.data, line.length, wanted, (size_t)length);
    if (at == NULL) {
        return (struct ht_slice){"", 0};
    }
    at += length;
    const char *end = line.data + line.length;
    bool is_text = *at == '"';
    at += is_text;
    const char *stop = at;
    while (stop < end && (is_text ? *stop != '"' : *stop != ',' && *stop != '}')) {
        stop++;
    }
    return ht_slice_make(at, (size_t)(stop - at));
}

static bool is_number(struct ht_slice line, const char *name, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    return ht_slice_equal(member(line, name), ht_slice_text(text));
}

static void on_line(void *user, struct ht_slice line)
{
    struct sim_accountant *accountant = user;
    struct sim_removal *removal = sim_truth_event(accountant->truth, member(line, "event_id"));
    if (removal == NULL) {
        sim_fail(accountant->sim, "the archive has a line of no deletion: %.*s", (int)line.length,
                 line.data);
        return;
    }
    struct sim_hashtag *hashtag = &accountant->truth->hashtags[removal->hashtag];
    bool is_right =
        ht_slice_equal(member(line, "hashtag"), ht_slice_make(hashtag->text, hashtag->length)) &&
        is_number(line, "count", (int64_t)removal->count) &&
        is_number(line, "first_seen", removal->first_seen_s) &&
        is_number(line, "last_seen", removal->last_seen_s) &&
        is_number(line, "deleted_at", removal->deleted_at_s);
    if (!is_right) {
        sim_fail(accountant->sim,
                 "the archive's line is not the item as it was (#%s, %" PRIu64 "): %.*s",
                 hashtag->text, removal->count, (int)line.length, line.data);
    }
    if (removal->lines++ == 0 && removal->ordinal != ++hashtag->archived_in_order) {
        sim_fail(accountant->sim,
                 "#%s: deletion %" PRIu64 " reaches the archive before deletion %" PRIu64,
                 hashtag->text, removal->ordinal, hashtag->archived_in_order);
    }
}

static void on_commit(void *user, struct sim_removal *removal)
{
    struct sim_accountant *accountant = user;
    if (removal->lines == 0) {
        sim_fail(accountant->sim, "the feed is committed past %s, which is not archived",
                 removal->event_id);
    }
}

bool sim_accountant_has_archived(struct sim_accountant *accountant, size_t count)
{
    while (accountant->last_removals_archived < count &&
           accountant->truth->removals[accountant->last_removals_archived].lines > 0) {
        accountant->last_removals_archived++;
    }
    return accountant->last_removals_archived >= count;
}

/* ---- dead letters ---- */

static void on_letter(void *user, struct ht_slice data, struct ht_slice reason)
{
    struct sim_accountant *accountant = user;
    const char *at = data.length == 0 ? NULL : memchr(data.data, '~', data.length);
    uint32_t number = 0;
    for (at = at == NULL ? "" : at + 1; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint32_t)(*at - '0');
    }
    struct sim_message *message =
        number < accountant->messages->count ? &accountant->messages->items[number] : NULL;
    if (message == NULL || (message->kind != SIM_BAD && message->kind != SIM_REFUSED) ||
        !ht_slice_equal(data, ht_slice_make(message->data, message->length))) {
        sim_fail(accountant->sim, "a dead letter (%.*s) is no bad message as it came: %.*s",
                 (int)reason.length, reason.data, (int)data.length, data.data);
        return;
    }
    message->letters++;
}

/* ---- the end ---- */

static const struct sim_shard_truth *find_unread(const struct sim_truth *truth)
{
    for (unsigned i = 0; i < truth->shard_count; i++) {
        const struct sim_shard_truth *shard = &truth->shards[i];
        if (shard->checkpointed < shard->records || (shard->is_closed && !shard->is_finished)) {
            return shard;
        }
    }
    return NULL;
}

static const struct sim_removal *find_unpassed(const struct sim_truth *truth)
{
    for (size_t i = truth->removal_count; i > 0; i--) {
        if (!truth->removals[i - 1].is_committed) {
            return &truth->removals[i - 1];
        }
    }
    return NULL;
}

bool sim_accountant_is_settled(struct sim_accountant *accountant)
{
    return find_unread(accountant->truth) == NULL &&
           (!accountant->archives || find_unpassed(accountant->truth) == NULL);
}

void sim_accountant_explain(struct sim_accountant *accountant, char *text, size_t room)
{
    const struct sim_truth *truth = accountant->truth;
    const struct sim_shard_truth *shard = find_unread(truth);
    if (shard != NULL) {
        (void)snprintf(text, room, "shard %td is stuck at %" PRIu64 " of %" PRIu64 " records%s",
                       shard - truth->shards, shard->checkpointed, shard->records,
                       shard->is_closed ? " (closed)" : "");
        return;
    }
    const struct sim_removal *removal = find_unpassed(truth);
    (void)snprintf(text, room, "deletion %s is not passed",
                   removal == NULL ? "none" : removal->event_id);
}

static void check_letters(struct sim_accountant *accountant)
{
    for (size_t i = 0; i < accountant->messages->count; i++) {
        const struct sim_message *message = &accountant->messages->items[i];
        if (message->kind == SIM_BAD && message->on_stream > 0 && message->letters == 0) {
            sim_fail(accountant->sim, "message ~%zu~ cannot be read and is no dead letter", i);
        }
    }
}

void sim_accountant_check(struct sim_accountant *accountant)
{
    const struct sim_truth *truth = accountant->truth;
    for (size_t i = 0; i < truth->hashtag_count; i++) {
        const struct sim_hashtag *hashtag = &truth->hashtags[i];
        uint64_t ours = hashtag->stored + hashtag->removed - hashtag->foreign;
        if (ours != hashtag->expected) {
            sim_fail(accountant->sim,
                     "#%s: %" PRIu64 " in the table and %" PRIu64 " removed, less %" PRIu64
                     " of others, is not the %" PRIu64 " that are on the stream",
                     hashtag->text, hashtag->stored, hashtag->removed, hashtag->foreign,
                     hashtag->expected);
        }
    }
    for (size_t i = 0; i < truth->removal_count && accountant->archives; i++) {
        if (truth->removals[i].lines == 0) {
            sim_fail(accountant->sim, "deletion %s is not archived", truth->removals[i].event_id);
        }
    }
    check_letters(accountant);
}

void sim_accountant_check_tally(struct sim_accountant *accountant, const struct ht_tally *tally)
{
    for (size_t i = 0; i < accountant->truth->hashtag_count; i++) {
        const struct sim_hashtag *hashtag = &accountant->truth->hashtags[i];
        uint64_t shown = ht_tally_count(tally, ht_slice_make(hashtag->text, hashtag->length));
        if (shown != hashtag->stored) {
            sim_fail(accountant->sim, "#%s is shown with %" PRIu64 ", the table has %" PRIu64,
                     hashtag->text, shown, hashtag->stored);
        }
    }
}

static void check_window(struct sim_accountant *accountant, struct ht_tally *tally,
                         const struct sim_hashtag *hashtag, const uint64_t *expected)
{
    struct ht_tally_item item;
    struct ht_slice tag = ht_slice_make(hashtag->text, hashtag->length);
    if (hashtag->removals > 0 || hashtag->foreign > 0 || ht_tally_get(tally, tag, &item) != 0) {
        return;
    }
    static const char *const names[] = {"", "5m", "1h", "24h"};
    for (int window = HT_TALLY_5M; window <= HT_TALLY_24H; window++) {
        if (item.counts[window] != expected[window]) {
            sim_fail(accountant->sim, "#%s: the window of %s has %" PRIu64 ", not %" PRIu64,
                     hashtag->text, names[window], item.counts[window], expected[window]);
        }
    }
}

void sim_accountant_check_windows(struct sim_accountant *accountant, struct ht_tally *tally)
{
    static const int64_t minutes[] = {0, 5, 60, 1440};
    const struct sim_truth *truth = accountant->truth;
    uint64_t(*expected)[HT_TALLY_WINDOW_COUNT] =
        calloc(truth->hashtag_count + 1, sizeof(*expected));
    HT_ASSERT(expected != NULL);
    for (size_t i = 0; i < truth->record_count; i++) {
        const struct sim_message *message = &accountant->messages->items[truth->records[i].message];
        int64_t age = ht_tally_minute(tally) - truth->records[i].arrival_ms / 60000;
        for (unsigned j = 0; j < message->tag_count; j++) {
            for (int window = HT_TALLY_5M; window <= HT_TALLY_24H; window++) {
                bool counts =
                    (accountant->counted[i] & (UINT64_C(1) << j)) != 0 && age < minutes[window];
                expected[message->tags[j]][window] += counts;
            }
        }
    }
    for (size_t i = 0; i < truth->hashtag_count; i++) {
        check_window(accountant, tally, &truth->hashtags[i], expected[i]);
    }
    free(expected);
}
