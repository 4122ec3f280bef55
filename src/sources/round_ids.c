// SPDX-License-Identifier: MIT
#include "round_ids.h"

#include "json_extents.h"

#include <inttypes.h>

/* The walk through the message. */
struct rewrite {
    struct ht_slice message;
    uint64_t round;
    struct ht_buffer *out;
    size_t copied;      /* bytes of the message that are in `out` */
    unsigned level;     /* the depth of the tweet's keys: 1, or 2 within what wraps it */
    bool is_id;         /* the last key at that level is one of ids */
    bool is_name;       /* it is one of texts by which a service knows a post */
    bool is_wrapper;    /* the last key at the root is one with a tweet in it */
    size_t value_begin; /* of the value of the last key */
};

static void on_key(struct rewrite *rewrite, const struct ht_json_extents *extents);
static void on_value(struct rewrite *rewrite, struct ht_json_extents *extents);
static void on_end(struct rewrite *rewrite, struct ht_json_extents *extents);
static void rewrite_numbers(struct rewrite *rewrite, size_t end);
static void append_round(struct rewrite *rewrite, size_t end);
static uint64_t mix(uint64_t number);

int ht_round_ids_append(struct ht_slice message, uint64_t round, struct ht_buffer *out)
{
    struct rewrite rewrite = {.message = message, .round = round, .out = out, .level = 1};
    struct ht_json_extents extents;
    bool is_over = round == 0;
    ht_json_extents_init(&extents, 0, 1, 1);
    while (!is_over) {
        switch (ht_json_extents_next(&extents, message.data, message.length)) {
        case HT_JSON_EXTENTS_KEY:
            on_key(&rewrite, &extents);
            break;
        case HT_JSON_EXTENTS_VALUE:
            on_value(&rewrite, &extents);
            break;
        case HT_JSON_EXTENTS_END:
            on_end(&rewrite, &extents);
            is_over = extents.depth == 0;
            break;
        case HT_JSON_EXTENTS_MORE:
        case HT_JSON_EXTENTS_BROKEN:
        case HT_JSON_EXTENTS_DEEP:
            is_over = true;
            break;
        }
    }
    ht_buffer_append(out, message.data + rewrite.copied, message.length - rewrite.copied);
    return ht_buffer_status(out);
}

uint64_t ht_round_ids_map(uint64_t id, uint64_t round)
{
    return round == 0 ? id : (mix(id ^ mix(round)) >> 2) | (uint64_t)1 << 62;
}

static bool is_one_of(struct ht_slice key, const char *const *names)
{
    while (*names != NULL && !ht_slice_equal(key, ht_slice_text(*names))) {
        names++;
    }
    return *names != NULL;
}

static void on_key(struct rewrite *rewrite, const struct ht_json_extents *extents)
{
    static const char *const wrappers[] = {"data", "commit", "payload", NULL};
    static const char *const ids[] = {"id", "id_str", "edit_history_tweet_ids", NULL};
    static const char *const names[] = {"rkey", "uri", "url", NULL};
    struct ht_slice key = {rewrite->message.data + extents->key, extents->key_end - extents->key};
    bool is_own = extents->depth == rewrite->level;
    rewrite->is_wrapper = extents->depth == 1 && is_one_of(key, wrappers);
    rewrite->is_id = is_own && is_one_of(key, ids);
    rewrite->is_name = is_own && is_one_of(key, names);
}

static void on_value(struct rewrite *rewrite, struct ht_json_extents *extents)
{
    if ((rewrite->is_id || rewrite->is_name) && extents->depth == rewrite->level) {
        rewrite->value_begin = extents->at;
    } else if (rewrite->is_wrapper && extents->depth == 1 && extents->first == '{') {
        rewrite->level = extents->watch = 2;
    }
}

static void on_end(struct rewrite *rewrite, struct ht_json_extents *extents)
{
    if (extents->depth < rewrite->level && extents->depth == 1) {
        rewrite->level = extents->watch = 1; /* what wraps is over */
    } else if (rewrite->is_id && extents->depth == rewrite->level) {
        rewrite_numbers(rewrite, extents->at);
    } else if (rewrite->is_name && extents->depth == rewrite->level) {
        append_round(rewrite, extents->at);
    } else {
        return;
    }
    rewrite->is_id = rewrite->is_name = false;
}

/* Replaces every run of digits from the value's beginning to `end`. */
static void rewrite_numbers(struct rewrite *rewrite, size_t end)
{
    const char *data = rewrite->message.data;
    for (size_t at = rewrite->value_begin; at < end; at++) {
        size_t stop = at;
        while (stop < end && data[stop] >= '0' && data[stop] <= '9') {
            stop++;
        }
        uint64_t id = 0;
        if (stop > at &&
            ht_slice_to_u64(ht_slice_make(data + at, stop - at), UINT64_MAX, &id) == 0) {
            ht_buffer_append(rewrite->out, data + rewrite->copied, at - rewrite->copied);
            ht_buffer_append_u64(rewrite->out, ht_round_ids_map(id, rewrite->round));
            rewrite->copied = stop;
        }
        at = stop;
    }
}

/* Names need not be numbers: the round behind one makes it another. */
static void append_round(struct rewrite *rewrite, size_t end)
{
    const char *data = rewrite->message.data;
    if (data[rewrite->value_begin] == '"') {
        ht_buffer_append(rewrite->out, data + rewrite->copied, end - 1 - rewrite->copied);
        ht_buffer_append_format(rewrite->out, "-round-%" PRIu64, rewrite->round);
        rewrite->copied = end - 1;
    }
}

static uint64_t mix(uint64_t number)
{
    uint64_t z = number + 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}
