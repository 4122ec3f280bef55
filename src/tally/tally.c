// SPDX-License-Identifier: MIT
#include "hashtagd/tally/tally.h"

#include "tally_internal.h"

#include <stdlib.h>

/* Look-ups that overlap in a batch. */
#define LANES 32

/* The clock's minute is cut to this. */
#define MINUTE_MAX (INT64_C(1) << 40)

static uint64_t hash_of_slot(const void *owner, uint32_t slot);
static void prefetch_entries(const struct ht_tally *tally, const uint64_t *hashes, uint32_t *slots,
                             size_t count);
static int add_hashed(struct ht_tally *tally, const struct ht_tally_add *add, uint64_t hash);
static int make_room(struct ht_tally *tally, uint32_t slot, int64_t minute, uint32_t count);
static int make_entry(struct ht_tally *tally, struct ht_slice tag, uint64_t hash, uint32_t *slot);
static void note_minute(struct ht_tally *tally, uint32_t slot, int64_t minute, uint32_t count);
static void tidy_texts(struct ht_tally *tally);
static bool move_texts(struct ht_tally *tally, uint64_t place);
static void set_place(struct ht_tally_entry *entry, uint64_t place);
static int make_chunk(struct ht_tally *tally);
static bool is_tag(struct ht_slice tag);
static uint32_t to_second(int64_t second);
static int64_t to_minute(int64_t minute);

struct ht_tally *ht_tally_create(const struct ht_tally_options *options)
{
    struct ht_tally *tally = calloc(1, sizeof(*tally));
    if (tally == NULL) {
        return NULL;
    }
    tally->key = options->key;
    tally->keep_parts = options->keep_parts;
    tally->minute = to_minute(options->minute);
    tally->dead_first = HT_TAG_INDEX_NO_SLOT;
    tally->dead_last = HT_TAG_INDEX_NO_SLOT;
    tally->index.hash_of = hash_of_slot;
    tally->index.owner = tally;
    tally->dirty = malloc(HT_TALLY_DIRTY_MAX * sizeof(tally->dirty[0]));
    tally->late = malloc(HT_TALLY_LATE_MAX * sizeof(tally->late[0]));
    tally->spare = malloc(HT_TALLY_LATE_MAX * sizeof(tally->spare[0]));
    if (tally->dirty == NULL || tally->late == NULL || tally->spare == NULL) {
        ht_tally_destroy(tally);
        return NULL;
    }
    return tally;
}

int ht_tally_reserve(struct ht_tally *tally, size_t count)
{
    return ht_tag_index_reserve(&tally->index, count);
}

int ht_tally_load(struct ht_tally *tally, struct ht_slice tag, uint64_t count, int64_t first_seen_s,
                  int64_t last_seen_s)
{
    if (!is_tag(tag)) {
        return HT_EINVAL;
    }
    uint64_t hash = ht_hash_bytes(&tally->key, tag);
    uint32_t slot = ht_tally_find_slot(tally, tag, hash);
    if (slot == HT_TAG_INDEX_NO_SLOT) {
        int status = make_entry(tally, tag, hash, &slot);
        if (status != 0) {
            return status;
        }
    }
    struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
    tally->totals[HT_TALLY_ALL] -= entry->count;
    tally->distinct[HT_TALLY_ALL] -= entry->count > 0;
    entry->count = 0;
    entry->first_seen_s = to_second(first_seen_s);
    entry->last_seen_s = to_second(last_seen_s);
    if (count > 0) {
        ht_tally_raise(tally, slot, HT_TALLY_ALL,
                       count > HT_TALLY_COUNT_MAX ? HT_TALLY_COUNT_MAX : count);
    }
    tally->version++;
    return 0;
}

int ht_tally_correct(struct ht_tally *tally, struct ht_slice tag, uint64_t count,
                     int64_t first_seen_s, int64_t last_seen_s)
{
    if (!is_tag(tag) || count == 0) {
        return HT_EINVAL;
    }
    uint32_t slot = ht_tally_find_slot(tally, tag, ht_hash_bytes(&tally->key, tag));
    if (slot != HT_TAG_INDEX_NO_SLOT) {
        const struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
        if (first_seen_s == 0 || first_seen_s > entry->first_seen_s) {
            first_seen_s = entry->first_seen_s;
        }
        if (last_seen_s < entry->last_seen_s) {
            last_seen_s = entry->last_seen_s;
        }
    }
    return ht_tally_load(tally, tag, count, first_seen_s, last_seen_s);
}

int ht_tally_add(struct ht_tally *tally, const struct ht_tally_add *add)
{
    if (!is_tag(add->tag)) {
        return HT_EINVAL;
    }
    return add_hashed(tally, add, ht_hash_bytes(&tally->key, add->tag));
}

int ht_tally_add_batch(struct ht_tally *tally, const struct ht_tally_add *adds, size_t count,
                       size_t *done)
{
    uint64_t hashes[LANES];
    uint32_t slots[LANES];
    for (*done = 0; *done < count;) {
        const struct ht_tally_add *lanes = adds + *done;
        size_t lane_count = count - *done < LANES ? count - *done : LANES;
        for (size_t i = 0; i < lane_count; i++) {
            __builtin_prefetch(lanes[i].tag.data);
        }
        for (size_t i = 0; i < lane_count; i++) {
            if (!is_tag(lanes[i].tag)) {
                lane_count = i;
                break;
            }
            hashes[i] = ht_hash_bytes(&tally->key, lanes[i].tag);
        }
        if (lane_count == 0) {
            return HT_EINVAL;
        }
        prefetch_entries(tally, hashes, slots, lane_count);
        for (size_t i = 0; i < lane_count; i++) {
            int status = add_hashed(tally, &lanes[i], hashes[i]);
            if (status != 0) {
                return status;
            }
            *done += 1;
        }
    }
    return 0;
}

int ht_tally_advance(struct ht_tally *tally, int64_t minute)
{
    minute = to_minute(minute);
    if (minute <= tally->minute) {
        return 0;
    }
    int status = ht_tally_fold(tally);
    if (status != 0) {
        return status;
    }
    ht_tally_merge_runs(tally, &tally->buckets[ht_tally_ring_of(tally->minute)], true);
    ht_minute_run_writer_finish(&tally->writer);
    int64_t end =
        minute - tally->minute > HT_TALLY_MINUTES ? tally->minute + HT_TALLY_MINUTES : minute;
    for (int64_t next = tally->minute + 1; next <= end; next++) {
        /* A later minute's place in the ring is that of the one 24 hours before it. */
        struct ht_tally_bucket *gone = &tally->buckets[ht_tally_ring_of(next)];
        const struct ht_tally_bucket *of_5m =
            &tally->buckets[ht_tally_ring_of(next + HT_TALLY_MINUTES - 5)];
        const struct ht_tally_bucket *of_1h =
            &tally->buckets[ht_tally_ring_of(next + HT_TALLY_MINUTES - 60)];
        ht_tally_expire(tally, of_5m, HT_TALLY_5M);
        ht_tally_expire(tally, of_1h, HT_TALLY_1H);
        ht_tally_expire(tally, gone, HT_TALLY_24H);
        ht_tally_clear_bucket(tally, gone);
    }
    tally->minute = minute;
    tally->version++;
    return 0;
}

int64_t ht_tally_minute(const struct ht_tally *tally)
{
    return tally->minute;
}

int ht_tally_remove(struct ht_tally *tally, struct ht_slice tag, struct ht_tally_item *removed)
{
    uint64_t hash = ht_hash_bytes(&tally->key, tag);
    uint32_t slot = ht_tally_find_slot(tally, tag, hash);
    if (slot == HT_TAG_INDEX_NO_SLOT) {
        return HT_ENOTFOUND;
    }
    struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
    if (removed != NULL) {
        *removed = (struct ht_tally_item){
            .tag = tag, .first_seen_s = entry->first_seen_s, .last_seen_s = entry->last_seen_s};
        for (int window = 0; window < HT_TALLY_WINDOW_COUNT; window++) {
            removed->counts[window] = ht_tally_entry_count(entry, (enum ht_tally_window)window);
        }
    }
    uint64_t place = ht_tally_entry_place(entry);
    ht_tally_bury_slot(tally, slot);
    ht_tag_index_remove(&tally->index, hash, slot);
    tally->version++;
    ht_tag_texts_remove(&tally->texts, place);
    tidy_texts(tally);
    return 0;
}

uint64_t ht_tally_total(const struct ht_tally *tally, enum ht_tally_window window)
{
    return tally->totals[window];
}

uint64_t ht_tally_distinct(const struct ht_tally *tally, enum ht_tally_window window)
{
    return tally->distinct[window];
}

uint64_t ht_tally_version(const struct ht_tally *tally)
{
    return tally->version;
}

size_t ht_tally_memory_bytes(const struct ht_tally *tally)
{
    size_t chunk_bytes = HT_TALLY_ENTRIES_A_CHUNK * sizeof(struct ht_tally_entry);
    return sizeof(*tally) + tally->chunk_count * chunk_bytes +
           tally->chunk_capacity * sizeof(tally->chunks[0]) +
           ht_tag_texts_memory_bytes(&tally->texts) + ht_tag_index_memory_bytes(&tally->index) +
           HT_TALLY_DIRTY_MAX * sizeof(tally->dirty[0]) +
           2 * HT_TALLY_LATE_MAX * sizeof(tally->late[0]) + tally->run_bytes +
           ht_minute_run_writer_memory_bytes(&tally->writer);
}

static void free_items(struct ht_tally *tally)
{
    for (size_t i = 0; i < HT_TALLY_MINUTES; i++) {
        ht_tally_clear_bucket(tally, &tally->buckets[i]);
    }
    for (size_t i = 0; i < tally->chunk_count; i++) {
        free(tally->chunks[i]);
    }
    free(tally->chunks);
    ht_tag_texts_finish(&tally->texts);
    ht_tag_index_finish(&tally->index);
    ht_minute_run_writer_finish(&tally->writer);
}

void ht_tally_clear(struct ht_tally *tally)
{
    free_items(tally);
    tally->chunks = NULL;
    tally->chunk_count = tally->chunk_capacity = 0;
    tally->slot_count = 0;
    tally->dead_first = tally->dead_last = HT_TAG_INDEX_NO_SLOT;
    tally->dirty_count = tally->late_count = 0;
    memset(tally->totals, 0, sizeof(tally->totals));
    memset(tally->distinct, 0, sizeof(tally->distinct));
    memset(tally->floor_counts, 0, sizeof(tally->floor_counts));
    memset(tally->leaders, 0, sizeof(tally->leaders));
    tally->version++;
}

void ht_tally_destroy(struct ht_tally *tally)
{
    if (tally == NULL) {
        return;
    }
    free_items(tally);
    free(tally->dirty);
    free(tally->late);
    free(tally->spare);
    free(tally);
}

uint32_t ht_tally_find_slot(const struct ht_tally *tally, struct ht_slice tag, uint64_t hash)
{
    struct ht_tag_index_probe probe = ht_tag_index_probe(&tally->index, hash);
    for (;;) {
        uint32_t slot = ht_tag_index_next(&probe);
        if (slot == HT_TAG_INDEX_NO_SLOT) {
            return slot;
        }
        struct ht_slice text = ht_tally_entry_tag(tally, ht_tally_entry(tally, slot));
        if (text.length == tag.length && memcmp(text.data, tag.data, tag.length) == 0) {
            return slot;
        }
    }
}

int ht_tally_take_slot(struct ht_tally *tally, uint32_t *slot)
{
    uint32_t dead = tally->dead_first;
    if (dead != HT_TAG_INDEX_NO_SLOT &&
        tally->minute - (int64_t)ht_tally_entry(tally, dead)->count >= HT_TALLY_MINUTES) {
        struct ht_tally_entry *entry = ht_tally_entry(tally, dead);
        tally->dead_first = entry->window_low[0];
        if (tally->dead_first == HT_TAG_INDEX_NO_SLOT) {
            tally->dead_last = HT_TAG_INDEX_NO_SLOT;
        }
        *entry = (struct ht_tally_entry){0};
        *slot = dead;
        return 0;
    }
    if (tally->slot_count == tally->chunk_count * HT_TALLY_ENTRIES_A_CHUNK) {
        int status = make_chunk(tally);
        if (status != 0) {
            return status;
        }
    }
    *slot = tally->slot_count++;
    *ht_tally_entry(tally, *slot) = (struct ht_tally_entry){0};
    return 0;
}

void ht_tally_bury_slot(struct ht_tally *tally, uint32_t slot)
{
    struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
    ht_tally_leaders_drop(tally, slot);
    for (int i = 0; i < HT_TALLY_WINDOW_COUNT; i++) {
        uint64_t count = ht_tally_entry_count(entry, (enum ht_tally_window)i);
        tally->totals[i] -= count;
        tally->distinct[i] -= count > 0;
    }
    *entry = (struct ht_tally_entry){.count = (uint64_t)tally->minute & HT_TALLY_COUNT_MAX,
                                     .window_low = {HT_TAG_INDEX_NO_SLOT},
                                     .text_high = (uint8_t)(HT_TALLY_DEAD >> 32),
                                     .text_low = (uint32_t)HT_TALLY_DEAD};
    if (tally->dead_last == HT_TAG_INDEX_NO_SLOT) {
        tally->dead_first = slot;
    } else {
        ht_tally_entry(tally, tally->dead_last)->window_low[0] = slot;
    }
    tally->dead_last = slot;
}

void ht_tally_raise(struct ht_tally *tally, uint32_t slot, enum ht_tally_window window,
                    uint64_t count)
{
    struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
    uint64_t old = ht_tally_entry_count(entry, window);
    uint64_t sum = old + count;
    ht_tally_entry_set_count(entry, window, sum);
    tally->totals[window] += count;
    tally->distinct[window] += old == 0;
    if (sum >= tally->floor_counts[window] && (entry->leads >> window & 1) == 0) {
        ht_tally_leaders_offer(tally, window, slot);
    }
}

static uint64_t hash_of_slot(const void *owner, uint32_t slot)
{
    const struct ht_tally *tally = owner;
    return ht_hash_bytes(&tally->key, ht_tally_entry_tag(tally, ht_tally_entry(tally, slot)));
}

/* Each round touches what the round before fetched, so that the misses of all lanes overlap. */
static void prefetch_entries(const struct ht_tally *tally, const uint64_t *hashes, uint32_t *slots,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct ht_tag_index_table *table =
            &tally->index.tables[ht_tag_index_table_of(hashes[i])];
        uint32_t home = ht_tag_index_home(hashes[i], table->capacity);
        if (table->places != NULL) {
            __builtin_prefetch(table->places + (size_t)home * HT_TAG_INDEX_PLACE_BYTES);
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct ht_tag_index_probe probe = ht_tag_index_probe(&tally->index, hashes[i]);
        slots[i] = ht_tag_index_next(&probe);
        if (slots[i] != HT_TAG_INDEX_NO_SLOT) {
            const char *entry = (const char *)ht_tally_entry(tally, slots[i]);
            __builtin_prefetch(entry, 1);
            __builtin_prefetch(entry + sizeof(struct ht_tally_entry) - 1, 1);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (slots[i] != HT_TAG_INDEX_NO_SLOT) {
            uint64_t place = ht_tally_entry_place(ht_tally_entry(tally, slots[i]));
            __builtin_prefetch(ht_tag_texts_at(&tally->texts, place));
        }
    }
}

static int add_hashed(struct ht_tally *tally, const struct ht_tally_add *add, uint64_t hash)
{
    if (add->count == 0) {
        return 0;
    }
    int64_t minute = add->minute > tally->minute ? tally->minute : add->minute;
    uint32_t slot = ht_tally_find_slot(tally, add->tag, hash);
    int status = make_room(tally, slot, minute, add->count);
    if (status != 0) {
        return status;
    }
    uint32_t second = to_second(add->seen_s);
    if (slot == HT_TAG_INDEX_NO_SLOT) {
        status = make_entry(tally, add->tag, hash, &slot);
        if (status != 0) {
            return status;
        }
        ht_tally_entry(tally, slot)->first_seen_s = second;
    }
    struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
    entry->first_seen_s = second < entry->first_seen_s ? second : entry->first_seen_s;
    entry->last_seen_s = second > entry->last_seen_s ? second : entry->last_seen_s;
    ht_tally_raise(tally, slot, HT_TALLY_ALL, add->count);
    note_minute(tally, slot, minute, add->count);
    tally->version++;
    return 0;
}

/* Whatever can fail for want of room, before anything is changed. */
static int make_room(struct ht_tally *tally, uint32_t slot, int64_t minute, uint32_t count)
{
    uint32_t fresh = 0;
    if (slot != HT_TAG_INDEX_NO_SLOT) {
        const struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
        if (ht_tally_entry_count(entry, HT_TALLY_ALL) + count > HT_TALLY_COUNT_MAX ||
            ht_tally_entry_count(entry, HT_TALLY_24H) + count > HT_TALLY_COUNT_OF_DAY_MAX) {
            return HT_ETOOBIG;
        }
        fresh = entry->fresh;
    }
    if (minute == tally->minute) {
        bool is_full = fresh == 0 && tally->dirty_count == HT_TALLY_DIRTY_MAX;
        return is_full || fresh > UINT32_MAX - count ? ht_tally_fold(tally) : 0;
    }
    return tally->late_count == HT_TALLY_LATE_MAX ? ht_tally_fold_late(tally) : 0;
}

static int make_entry(struct ht_tally *tally, struct ht_slice tag, uint64_t hash, uint32_t *slot)
{
    int status = ht_tag_index_make_room(&tally->index, hash);
    if (status != 0) {
        return status;
    }
    uint64_t place;
    status = ht_tag_texts_append(&tally->texts, tag, &place);
    if (status != 0) {
        return status;
    }
    status = ht_tally_take_slot(tally, slot);
    if (status != 0) {
        ht_tag_texts_remove(&tally->texts, place);
        return status;
    }
    set_place(ht_tally_entry(tally, *slot), place);
    ht_tag_index_insert(&tally->index, hash, *slot);
    tidy_texts(tally);
    return 0;
}

/* Counts in the windows that the minute is inside, and notes it for the minute's bucket. */
static void note_minute(struct ht_tally *tally, uint32_t slot, int64_t minute, uint32_t count)
{
    for (int i = HT_TALLY_24H; i >= HT_TALLY_5M; i--) {
        enum ht_tally_window window = (enum ht_tally_window)i;
        if (!ht_tally_is_inside(tally, window, minute)) {
            break;
        }
        ht_tally_raise(tally, slot, window, count);
    }
    struct ht_tally_entry *entry = ht_tally_entry(tally, slot);
    if (minute == tally->minute) {
        if (entry->fresh == 0) {
            tally->dirty[tally->dirty_count++] = slot;
        }
        entry->fresh += count;
    } else if (ht_tally_is_inside(tally, HT_TALLY_24H, minute)) {
        uint64_t ring = ht_tally_ring_of(minute);
        tally->late[tally->late_count++] = (struct ht_tally_delta){ring << 32 | slot, count};
    }
}

/* Moves the living texts of sparse chunks on, and frees them. What doesn't get memory stays. */
static void tidy_texts(struct ht_tally *tally)
{
    while (tally->texts.sparse != 0) {
        size_t number = tally->texts.sparse - 1;
        tally->texts.sparse = 0;
        if (!move_texts(tally, (uint64_t)number << HT_TAG_TEXTS_CHUNK_BITS)) {
            return;
        }
        ht_tag_texts_free_chunk(&tally->texts, number);
    }
}

static bool move_texts(struct ht_tally *tally, uint64_t place)
{
    do {
        struct ht_slice text = ht_tag_texts_get(&tally->texts, place);
        uint32_t slot = ht_tally_find_slot(tally, text, ht_hash_bytes(&tally->key, text));
        if (slot == HT_TAG_INDEX_NO_SLOT ||
            ht_tally_entry_place(ht_tally_entry(tally, slot)) != place) {
            continue;
        }
        uint64_t moved;
        if (ht_tag_texts_move(&tally->texts, place, &moved) != 0) {
            return false;
        }
        set_place(ht_tally_entry(tally, slot), moved);
    } while (ht_tag_texts_next(&tally->texts, &place));
    return true;
}

static void set_place(struct ht_tally_entry *entry, uint64_t place)
{
    entry->text_high = (uint8_t)(place >> 32);
    entry->text_low = (uint32_t)place;
}

static int make_chunk(struct ht_tally *tally)
{
    if (tally->slot_count >= UINT32_MAX - HT_TALLY_ENTRIES_A_CHUNK) {
        return HT_ENOMEM;
    }
    if (tally->chunk_count == tally->chunk_capacity) {
        size_t capacity = tally->chunk_capacity == 0 ? 16 : tally->chunk_capacity * 2;
        struct ht_tally_entry **chunks = realloc(tally->chunks, capacity * sizeof(*chunks));
        if (chunks == NULL) {
            return HT_ENOMEM;
        }
        tally->chunks = chunks;
        tally->chunk_capacity = capacity;
    }
    struct ht_tally_entry *chunk = malloc(HT_TALLY_ENTRIES_A_CHUNK * sizeof(*chunk));
    if (chunk == NULL) {
        return HT_ENOMEM;
    }
    tally->chunks[tally->chunk_count++] = chunk;
    return 0;
}

static bool is_tag(struct ht_slice tag)
{
    return tag.length > 0 && tag.length <= HT_TALLY_TAG_MAX_BYTES;
}

static uint32_t to_second(int64_t second)
{
    return second < 0 ? 0 : second > UINT32_MAX ? UINT32_MAX : (uint32_t)second;
}

static int64_t to_minute(int64_t minute)
{
    return minute < 0 ? 0 : minute > MINUTE_MAX ? MINUTE_MAX : minute;
}
