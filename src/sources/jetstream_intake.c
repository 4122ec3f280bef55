// SPDX-License-Identifier: MIT
#include "jetstream_intake.h"

#include "jetstream_cursor.h"
#include "jetstream_request.h"

#include "hashtagd/sources/jetstream_source.h"
#include "hashtagd/tweet/tweet.h"

#include <stdlib.h>

/* Room for the longest event beside as much again of others. */
enum { BYTES_MAX = 2 * HT_JETSTREAM_EVENT_BYTES_MAX };

static int unpack(struct ht_jetstream_intake *intake, struct ht_slice frame, struct ht_slice *text);
static void take_event(struct ht_jetstream_intake *intake, const struct ht_jetstream_event *event,
                       struct ht_slice text);

int ht_jetstream_intake_init(struct ht_jetstream_intake *intake, struct ht_live *live,
                             struct ht_random *random)
{
    struct ht_hash_key key = {ht_random_u64(random), ht_random_u64(random)};
    *intake = (struct ht_jetstream_intake){.live = live};
    ht_jetstream_looker_init(&intake->looker, &key);
    intake->recent = ht_recent_ids_create(HT_JETSTREAM_RECENT_COUNT, &key);
    intake->bytes = malloc(BYTES_MAX);
    if (intake->recent == NULL || intake->bytes == NULL) {
        ht_jetstream_intake_finish(intake);
        return HT_ENOMEM;
    }
    return 0;
}

int ht_jetstream_intake_use(struct ht_jetstream_intake *intake, struct ht_slice dictionary)
{
    if (ht_zstd_dictionary_id(dictionary) != HT_JETSTREAM_DICTIONARY_ID) {
        return HT_EINVAL;
    }
    struct ht_zstd *zstd = ht_zstd_create_with(1, dictionary);
    if (zstd == NULL) {
        return HT_ENOMEM;
    }
    ht_zstd_destroy(intake->zstd);
    intake->zstd = zstd;
    return 0;
}

void ht_jetstream_intake_finish(struct ht_jetstream_intake *intake)
{
    if (intake != NULL) {
        ht_zstd_destroy(intake->zstd);
        ht_recent_ids_destroy(intake->recent);
        ht_jetstream_looker_finish(&intake->looker);
        free(intake->bytes);
        *intake = (struct ht_jetstream_intake){0};
    }
}

int ht_jetstream_intake_take(struct ht_jetstream_intake *intake, enum ht_websocket_kind kind,
                             struct ht_slice bytes)
{
    struct ht_jetstream_event event;
    struct ht_slice text = bytes;
    if (BYTES_MAX - intake->length < HT_JETSTREAM_EVENT_BYTES_MAX) {
        ht_jetstream_intake_flush(intake);
    }
    int status = kind == HT_WEBSOCKET_BINARY ? unpack(intake, bytes, &text) : 0;
    if (status == HT_ENOMEM) {
        return HT_ENOMEM;
    }
    if (status != 0) {
        ht_live_refuse(intake->live, bytes,
                       ht_tweet_refusal_name(status == HT_ETOOBIG ? HT_TWEET_REFUSAL_TOO_LARGE
                                                                  : HT_TWEET_REFUSAL_NOT_JSON));
        return 0;
    }
    enum ht_json_verdict verdict = ht_jetstream_look(&intake->looker, text, &event);
    if (verdict == HT_JSON_VERDICT_NO_MEMORY) {
        return HT_ENOMEM;
    }
    if (verdict != HT_JSON_VERDICT_OK) {
        ht_live_refuse(intake->live, text, ht_tweet_refusal_name(ht_tweet_refusal_of(verdict)));
        return 0;
    }
    take_event(intake, &event, text);
    return 0;
}

void ht_jetstream_intake_flush(struct ht_jetstream_intake *intake)
{
    ht_live_deliver(intake->live);
    intake->length = 0;
}

/* Behind what is collected, where it stays if it is wanted. */
static int unpack(struct ht_jetstream_intake *intake, struct ht_slice frame, struct ht_slice *text)
{
    if (intake->zstd == NULL) {
        return HT_EPARSE;
    }
    size_t length;
    char *out = intake->bytes + intake->length;
    int status =
        ht_zstd_unpack_some(intake->zstd, frame, out, HT_JETSTREAM_EVENT_BYTES_MAX, &length);
    *text = ht_slice_make(out, length);
    return status;
}

static void take_event(struct ht_jetstream_intake *intake, const struct ht_jetstream_event *event,
                       struct ht_slice text)
{
    intake->first_us = intake->first_us != 0 ? intake->first_us : event->time_us;
    intake->time_us = ht_jetstream_cursor_move(intake->time_us, event->time_us);
    if (!event->is_wanted) {
        return;
    }
    if (event->time_us >= HT_JETSTREAM_TIME_MIN_US) {
        ht_live_note_time(intake->live, (int64_t)(event->time_us / 1000));
    }
    if (event->has_key && ht_recent_ids_seen(intake->recent, event->key)) {
        intake->live->source.connection.repeats++;
        return;
    }
    char *own = intake->bytes + intake->length;
    if (text.data != own) {
        memcpy(own, text.data, text.length);
    }
    intake->length += text.length;
    ht_live_message(intake->live, ht_slice_make(own, text.length));
}
