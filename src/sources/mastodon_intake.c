// SPDX-License-Identifier: MIT
#include "mastodon_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/tweet/tweet.h"

/*
 *   stream: piece -> event_reader -> on_event: update, status.update -> status -> message
 *                                              delete -> envelope -> message
 *                                              others -> skipped
 *   page:   status -> message
 *
 * A status that comes both ways is given on once: each version, as an edit is a new one.
 */

/* What an event of few bytes grows by when it becomes an envelope. */
#define ENVELOPE_BYTES (sizeof("{\"event\":\"delete\",\"payload\":\"\"}") - 1)

/* The shortest event of the stream: "data:1", two line ends, as its name must come too. */
#define EVENT_BYTES_MIN (sizeof("event:delete\ndata:1\n\n") - 1)

static void on_event(void *user, struct ht_slice name, struct ht_slice data);
static void take_status(struct ht_mastodon *mastodon, struct ht_slice data, bool is_edit);
static void take_delete(struct ht_mastodon *mastodon, struct ht_slice data);
static const char *read_status(struct ht_mastodon *mastodon, struct ht_slice text,
                               struct ht_mastodon_status *status);
static bool is_seen(struct ht_mastodon *mastodon, const struct ht_mastodon_status *status);
static void keep(struct ht_mastodon *mastodon, size_t begin);
static void on_bad(void *user, struct ht_slice bytes, const char *reason);

const struct ht_event_reader_events ht_mastodon_intake_events = {on_event, on_bad};

bool ht_mastodon_intake_piece(struct ht_mastodon *mastodon, struct ht_slice piece)
{
    size_t most_events = piece.length / EVENT_BYTES_MIN + 1;
    ht_buffer_clear(&mastodon->kept);
    /* Room for all, so that nothing moves: an event that began earlier, this piece, envelopes. */
    mastodon->is_out_of_memory =
        ht_buffer_reserve(&mastodon->kept,
                          HT_TWEET_BYTES_MAX + piece.length + most_events * ENVELOPE_BYTES) != 0 ||
        ht_event_reader_feed(&mastodon->events, piece) != 0 || mastodon->is_out_of_memory;
    return !mastodon->is_out_of_memory;
}

static void on_event(void *user, struct ht_slice name, struct ht_slice data)
{
    struct ht_mastodon *mastodon = user;
    if (mastodon->is_out_of_memory || mastodon->is_closing) {
        return; /* the next connection fetches it, as long as nothing behind it is known */
    }
    if (ht_slice_equal(name, HT_SLICE("update"))) {
        take_status(mastodon, data, false);
    } else if (ht_slice_equal(name, HT_SLICE("status.update"))) {
        take_status(mastodon, data, true);
    } else if (ht_slice_equal(name, HT_SLICE("delete"))) {
        take_delete(mastodon, data);
    } else {
        mastodon->live.source.connection.skipped++;
    }
}

/* An edit is always given on, as a server may have sent it without its time. */
static void take_status(struct ht_mastodon *mastodon, struct ht_slice data, bool is_edit)
{
    struct ht_mastodon_status status;
    if (read_status(mastodon, data, &status) != NULL) {
        return;
    }
    if (is_seen(mastodon, &status) && !is_edit) {
        mastodon->live.source.connection.repeats++;
        return;
    }
    if (!is_edit) {
        ht_mastodon_gap_live(&mastodon->gap, &status.id);
    }
    size_t begin = mastodon->kept.length;
    ht_buffer_append_slice(&mastodon->kept, data);
    keep(mastodon, begin);
}

/* As the WebSocket of the same service writes it. */
static void take_delete(struct ht_mastodon *mastodon, struct ht_slice data)
{
    struct ht_mastodon_id id;
    if (!ht_mastodon_id_set(&id, ht_slice_trim(data))) {
        ht_live_refuse(&mastodon->live, data, ht_tweet_refusal_name(HT_TWEET_REFUSAL_NO_ID));
        return;
    }
    size_t begin = mastodon->kept.length;
    ht_buffer_append_text(&mastodon->kept, "{\"event\":\"delete\",\"payload\":\"");
    ht_buffer_append_slice(&mastodon->kept, ht_mastodon_id_slice(&id));
    ht_buffer_append_text(&mastodon->kept, "\"}");
    keep(mastodon, begin);
}

bool ht_mastodon_intake_status(struct ht_mastodon *mastodon, struct ht_slice text,
                               struct ht_mastodon_id *newest)
{
    struct ht_mastodon_status status;
    if (read_status(mastodon, text, &status) != NULL) {
        return false;
    }
    ht_mastodon_id_advance(newest, &status.id);
    if (is_seen(mastodon, &status)) {
        mastodon->live.source.connection.repeats++;
        return false;
    }
    ht_mastodon_gap_note(&mastodon->gap, &status.id);
    ht_live_message(&mastodon->live, text);
    return true;
}

void ht_mastodon_intake_note_time(struct ht_mastodon *mastodon)
{
    if (mastodon->written_ms > 0) {
        ht_live_note_time(&mastodon->live, mastodon->written_ms);
        mastodon->written_ms = 0;
    }
}

/* Refuses what is none: then it is not NULL. */
static const char *read_status(struct ht_mastodon *mastodon, struct ht_slice text,
                               struct ht_mastodon_status *status)
{
    const char *refusal = ht_mastodon_status_read(&mastodon->statuses, text, status);
    if (refusal == NULL) {
        mastodon->written_ms = status->created_ms;
    } else if (*refusal == '\0') {
        mastodon->is_out_of_memory = true;
    } else {
        ht_live_refuse(&mastodon->live, text, refusal);
    }
    return refusal;
}

/* One without an id is never taken for a repeat. */
static bool is_seen(struct ht_mastodon *mastodon, const struct ht_mastodon_status *status)
{
    char version[HT_MASTODON_ID_BYTES + 1 + HT_MASTODON_TIME_BYTES];
    struct ht_slice id = ht_mastodon_id_slice(&status->id), edited = status->edited_at;
    if (id.length == 0) {
        return false;
    }
    if (edited.length > HT_MASTODON_TIME_BYTES) {
        edited.length = HT_MASTODON_TIME_BYTES;
    }
    memcpy(version, id.data, id.length);
    version[id.length] = ' ';
    if (edited.length > 0) {
        memcpy(version + id.length + 1, edited.data, edited.length);
    }
    struct ht_slice whole = ht_slice_make(version, id.length + 1 + edited.length);
    return ht_recent_ids_seen(mastodon->seen, ht_hash_bytes(&mastodon->seen_key, whole));
}

/* What stands in `kept` from `begin` on is a message. */
static void keep(struct ht_mastodon *mastodon, size_t begin)
{
    struct ht_buffer *kept = &mastodon->kept;
    HT_ASSERT(ht_buffer_status(kept) == 0);
    ht_live_message(&mastodon->live, ht_slice_make(kept->data + begin, kept->length - begin));
}

static void on_bad(void *user, struct ht_slice bytes, const char *reason)
{
    struct ht_mastodon *mastodon = user;
    ht_live_refuse(&mastodon->live, bytes, reason);
}
