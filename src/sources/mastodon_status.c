// SPDX-License-Identifier: MIT
#include "mastodon_status.h"

#include "json_extents.h"

#include "hashtagd/base/clock.h"
#include "hashtagd/tweet/tweet.h"

static struct ht_slice plain_text(const struct ht_json_reader *json, struct ht_json_value value);

enum { KEY_ID, KEY_EDITED_AT, KEY_CREATED_AT, KEY_COUNT };

void ht_mastodon_status_reader_init(struct ht_mastodon_status_reader *reader)
{
    static const char *const names[KEY_COUNT] = {
        [KEY_ID] = "id", [KEY_EDITED_AT] = "edited_at", [KEY_CREATED_AT] = "created_at"};
    ht_json_reader_init(&reader->json, HT_TWEET_BYTES_MAX);
    ht_json_keys_init(&reader->keys, names, KEY_COUNT);
}

void ht_mastodon_status_reader_finish(struct ht_mastodon_status_reader *reader)
{
    ht_json_reader_finish(&reader->json);
}

const char *ht_mastodon_status_read(struct ht_mastodon_status_reader *reader, struct ht_slice text,
                                    struct ht_mastodon_status *status)
{
    struct ht_json_value found[KEY_COUNT];
    *status = (struct ht_mastodon_status){0};
    enum ht_json_verdict verdict = ht_json_reader_scan(&reader->json, text, NULL);
    if (verdict == HT_JSON_VERDICT_NO_MEMORY) {
        return "";
    }
    if (verdict != HT_JSON_VERDICT_OK) {
        return ht_tweet_refusal_name(ht_tweet_refusal_of(verdict));
    }
    struct ht_json_value root = ht_json_reader_root(&reader->json);
    if (root.kind != '{') {
        return ht_tweet_refusal_name(HT_TWEET_REFUSAL_WRONG_TYPE);
    }
    ht_json_reader_find(&reader->json, root, &reader->keys, found);
    (void)ht_mastodon_id_set(&status->id, plain_text(&reader->json, found[KEY_ID]));
    status->edited_at = plain_text(&reader->json, found[KEY_EDITED_AT]);
    status->created_ms = ht_mastodon_time_ms(plain_text(&reader->json, found[KEY_CREATED_AT]));
    return NULL;
}

/* A string without its quotes; escapes are not resolved, as ids and times have none. */
static struct ht_slice plain_text(const struct ht_json_reader *json, struct ht_json_value value)
{
    if (value.kind != '"') {
        return HT_SLICE("");
    }
    struct ht_slice raw = ht_json_reader_raw(json, value);
    return ht_slice_make(raw.data + 1, raw.length - 2);
}

int64_t ht_mastodon_time_ms(struct ht_slice text)
{
    char copy[HT_MASTODON_TIME_BYTES];
    int64_t wall_ms = 0;
    if (text.length == 0 || text.length >= sizeof(copy)) {
        return 0;
    }
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    return ht_time_parse_utc(copy, &wall_ms) == 0 ? wall_ms : 0;
}

int ht_mastodon_page_split(struct ht_slice page, struct ht_slice statuses[HT_MASTODON_PAGE_MAX],
                           size_t *count)
{
    struct ht_json_extents extents;
    size_t begin = 0;
    *count = 0;
    ht_json_extents_init(&extents, 0, 1, 1);
    for (;;) {
        switch (ht_json_extents_next(&extents, page.data, page.length)) {
        case HT_JSON_EXTENTS_VALUE:
            if (extents.depth == 0 && extents.first != '[') {
                return HT_EPARSE;
            }
            begin = extents.at;
            break;
        case HT_JSON_EXTENTS_END:
            if (extents.depth == 0) {
                return 0;
            }
            if (*count == HT_MASTODON_PAGE_MAX) {
                return HT_ETOOBIG;
            }
            statuses[(*count)++] = ht_slice_make(page.data + begin, extents.at - begin);
            break;
        case HT_JSON_EXTENTS_KEY:
            break;
        case HT_JSON_EXTENTS_MORE:
        case HT_JSON_EXTENTS_BROKEN:
        case HT_JSON_EXTENTS_DEEP:
            return HT_EPARSE;
        }
    }
}
