// SPDX-License-Identifier: MIT
#include "jetstream_event.h"

#include "jetstream_request.h"

#include "hashtagd/base/assert.h"

/* Larger than any: what is hashed and what is compared are parts of one event. */
enum { SCRATCH_BYTES_MAX = 2 * HT_JETSTREAM_EVENT_BYTES_MAX };

enum { EVENT_DID, EVENT_TIME_US, EVENT_KIND, EVENT_COMMIT, EVENT_ACCOUNT, EVENT_COUNT };
enum { COMMIT_REV, COMMIT_OPERATION, COMMIT_COLLECTION, COMMIT_RKEY, COMMIT_COUNT };
enum { ACCOUNT_ACTIVE, ACCOUNT_COUNT };

static const char *const event_names[] = {"did", "time_us", "kind", "commit", "account"};
static const char *const commit_names[] = {"rev", "operation", "collection", "rkey"};
static const char *const account_names[] = {"active"};

static bool look_at_commit(struct ht_jetstream_looker *looker, const struct ht_json_value *found,
                           struct ht_jetstream_event *event);
static bool look_at_account(struct ht_jetstream_looker *looker, const struct ht_json_value *found,
                            struct ht_jetstream_event *event);
static bool make_key(struct ht_jetstream_looker *looker, const struct ht_json_value *parts,
                     size_t count, struct ht_jetstream_event *event);
static bool is_text(struct ht_jetstream_looker *looker, struct ht_json_value value,
                    struct ht_slice expected);
static uint64_t whole_number(const struct ht_json_reader *reader, struct ht_json_value value);

void ht_jetstream_looker_init(struct ht_jetstream_looker *looker,
                              const struct ht_hash_key *hash_key)
{
    *looker = (struct ht_jetstream_looker){.hash_key = *hash_key};
    ht_json_reader_init(&looker->reader, HT_JETSTREAM_EVENT_BYTES_MAX);
    ht_json_keys_init(&looker->event_keys, event_names, EVENT_COUNT);
    ht_json_keys_init(&looker->commit_keys, commit_names, COMMIT_COUNT);
    ht_json_keys_init(&looker->account_keys, account_names, ACCOUNT_COUNT);
    ht_buffer_init(&looker->scratch, SCRATCH_BYTES_MAX);
}

void ht_jetstream_looker_finish(struct ht_jetstream_looker *looker)
{
    if (looker != NULL) {
        ht_json_reader_finish(&looker->reader);
        ht_buffer_finish(&looker->scratch);
    }
}

enum ht_json_verdict ht_jetstream_look(struct ht_jetstream_looker *looker, struct ht_slice text,
                                       struct ht_jetstream_event *event)
{
    struct ht_json_value found[EVENT_COUNT];
    *event = (struct ht_jetstream_event){0};
    enum ht_json_verdict verdict = ht_json_reader_scan(&looker->reader, text, NULL);
    if (verdict != HT_JSON_VERDICT_OK) {
        return verdict;
    }
    ht_json_reader_find(&looker->reader, ht_json_reader_root(&looker->reader), &looker->event_keys,
                        found);
    bool had_memory = true;
    looker->is_out_of_memory = false;
    if (is_text(looker, found[EVENT_KIND], HT_SLICE("commit"))) {
        had_memory = look_at_commit(looker, found, event);
    } else if (is_text(looker, found[EVENT_KIND], HT_SLICE("account"))) {
        had_memory = look_at_account(looker, found, event);
    }
    if (!had_memory || looker->is_out_of_memory) {
        *event = (struct ht_jetstream_event){0};
        return HT_JSON_VERDICT_NO_MEMORY;
    }
    event->time_us = whole_number(&looker->reader, found[EVENT_TIME_US]);
    return HT_JSON_VERDICT_OK;
}

static bool look_at_commit(struct ht_jetstream_looker *looker, const struct ht_json_value *found,
                           struct ht_jetstream_event *event)
{
    struct ht_json_value commit[COMMIT_COUNT];
    ht_json_reader_find(&looker->reader, found[EVENT_COMMIT], &looker->commit_keys, commit);
    event->is_wanted =
        is_text(looker, commit[COMMIT_COLLECTION], HT_SLICE(HT_JETSTREAM_COLLECTION));
    if (!event->is_wanted) {
        return true;
    }
    const struct ht_json_value parts[] = {found[EVENT_DID], commit[COMMIT_RKEY],
                                          commit[COMMIT_OPERATION], commit[COMMIT_REV]};
    return make_key(looker, parts, HT_COUNT_OF(parts), event);
}

/* An account that is not active any more took its posts along. What the network said of it, with
 * its own number and time, is the same on every host. */
static bool look_at_account(struct ht_jetstream_looker *looker, const struct ht_json_value *found,
                            struct ht_jetstream_event *event)
{
    struct ht_json_value account[ACCOUNT_COUNT];
    ht_json_reader_find(&looker->reader, found[EVENT_ACCOUNT], &looker->account_keys, account);
    event->is_wanted = account[ACCOUNT_ACTIVE].kind == 'f';
    if (!event->is_wanted) {
        return true;
    }
    const struct ht_json_value parts[] = {found[EVENT_DID], found[EVENT_ACCOUNT]};
    return make_key(looker, parts, HT_COUNT_OF(parts), event);
}

/* The parts are hashed as they are written: a text keeps its quotes, so that no two lists of parts
 * give the same bytes. False where memory is out. */
static bool make_key(struct ht_jetstream_looker *looker, const struct ht_json_value *parts,
                     size_t count, struct ht_jetstream_event *event)
{
    ht_buffer_clear(&looker->scratch);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].kind != '"' && parts[i].kind != '{') {
            return true;
        }
        ht_buffer_append_slice(&looker->scratch, ht_json_reader_raw(&looker->reader, parts[i]));
    }
    if (ht_buffer_status(&looker->scratch) != 0) {
        return false;
    }
    event->has_key = true;
    event->key = ht_hash_bytes(&looker->hash_key, ht_buffer_slice(&looker->scratch));
    return true;
}

static bool is_text(struct ht_jetstream_looker *looker, struct ht_json_value value,
                    struct ht_slice expected)
{
    struct ht_slice text;
    if (value.kind != '"') {
        return false;
    }
    ht_buffer_clear(&looker->scratch);
    int status = ht_json_reader_text(&looker->reader, value, &looker->scratch, &text);
    looker->is_out_of_memory = looker->is_out_of_memory || status == HT_ENOMEM;
    return status == 0 && ht_slice_equal(text, expected);
}

static uint64_t whole_number(const struct ht_json_reader *reader, struct ht_json_value value)
{
    uint64_t number = 0;
    if (value.kind != '0' ||
        ht_slice_to_u64(ht_json_reader_raw(reader, value), INT64_MAX, &number) != 0) {
        return 0;
    }
    return number;
}
