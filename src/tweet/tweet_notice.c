// SPDX-License-Identifier: MIT
#include "tweet_reading.h"

static int64_t number_of(const struct ht_reading *reading, struct ht_json_value value)
{
    struct ht_slice raw = ht_json_reader_raw(&reading->reader->json, value);
    uint64_t number = 0;
    bool is_number = value.kind == '0' && ht_slice_to_u64(raw, INT64_MAX, &number) == 0;
    return is_number ? (int64_t)number : 0;
}

/* The id of the deleted tweet. */
static bool take_deleted(struct ht_reading *reading, struct ht_json_value status)
{
    struct ht_json_value found[HT_INNER_KEY_COUNT];
    ht_reading_find_inner(reading, status, found);
    return ht_reading_take_deleted_id(
        reading,
        found[ht_reading_is_there(found[HT_INNER_ID_STR]) ? HT_INNER_ID_STR : HT_INNER_ID]);
}

bool ht_reading_notice(struct ht_reading *reading, const struct ht_fields *message)
{
    struct ht_tweet *out = reading->out;
    struct ht_json_value found[HT_INNER_KEY_COUNT];
    if (message->at[HT_MESSAGE_ERRORS].kind == '[' ||
        (message->at[HT_MESSAGE_TITLE].kind == '"' && message->at[HT_MESSAGE_DETAIL].kind == '"')) {
        out->kind = HT_TWEET_KIND_ERRORS;
        return true;
    }
    unsigned key = HT_MESSAGE_DELETE;
    while (key <= HT_MESSAGE_FOR_USER && !ht_reading_is_there(message->at[key])) {
        key++;
    }
    if (key > HT_MESSAGE_FOR_USER) {
        return true;
    }
    out->kind = (enum ht_tweet_kind)(HT_TWEET_KIND_DELETE + (key - HT_MESSAGE_DELETE));
    ht_reading_find_inner(reading, message->at[key], found);
    if (key == HT_MESSAGE_DELETE) {
        (void)take_deleted(reading, found[HT_INNER_STATUS]);
    } else if (key == HT_MESSAGE_LIMIT) {
        out->number = number_of(reading, found[HT_INNER_TRACK]);
    } else if (key == HT_MESSAGE_DISCONNECT) {
        out->number = number_of(reading, found[HT_INNER_CODE]);
    }
    return reading->result == 0;
}

bool ht_reading_compliance(struct ht_reading *reading, struct ht_json_value data)
{
    struct ht_json_value found[HT_INNER_KEY_COUNT];
    struct ht_json_walk walk = ht_json_walk(&reading->reader->json, data);
    while (ht_json_walk_next(&walk)) {
        ht_reading_find_inner(reading, walk.value, found);
        if (!ht_reading_is_there(found[HT_INNER_EVENT_AT])) {
            continue;
        }
        reading->out->kind = HT_TWEET_KIND_COMPLIANCE;
        if (ht_reading_is_text(reading, walk.key, "delete")) {
            reading->out->kind = HT_TWEET_KIND_DELETE;
            (void)take_deleted(reading, found[HT_INNER_TWEET]);
        }
        break;
    }
    return reading->result == 0;
}
