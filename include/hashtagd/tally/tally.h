// SPDX-License-Identifier: MIT
#pragma once

/**
 * The tally: how often each hashtag was counted, of all time and in windows of 5
 * minutes, 1 hour and 24 hours, with an exact ranking at all times.
 *
 * A tag is a byte string of 1 to 2048 bytes, already folded; any byte may occur. A minute
 * is a whole number of minutes since 1970 (seconds / 60). A window of n minutes is the
 * running minute and the n-1 before it. The tally never looks at a clock: the owner says
 * which minute is running (ht_tally_advance), once at least each minute.
 *
 * Life: ht_tally_create, ht_tally_load for each stored item, ht_tally_apply_... for each
 * stored part of the windows, then adds, queries and removals, ht_tally_destroy. One
 * thread. Slices that are handed out point into the tally and live until its next change.
 * A tag given to a function must not point into the tally.
 *
 * What it is not: it is not durable. ht_tally_take_parts tells what to write down.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/hash.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/** The longest tag, in bytes. */
#define HT_TALLY_TAG_MAX_BYTES 2048

/** The most items that one ht_tally_top returns; ranks below it are not told. */
#define HT_TALLY_TOP_MAX 1000

/** The largest all-time count of a tag, and the largest count within 24 hours. */
#define HT_TALLY_COUNT_MAX        ((UINT64_C(1) << 60) - 1)
#define HT_TALLY_COUNT_OF_DAY_MAX ((UINT64_C(1) << 40) - 1)

/** The lengths of the two series, in steps, and of their steps, in minutes. */
#define HT_TALLY_SERIES_COUNT       60
#define HT_TALLY_SERIES_MINUTES     1
#define HT_TALLY_SERIES_24H_COUNT   48
#define HT_TALLY_SERIES_24H_MINUTES 30

enum ht_tally_window {
    HT_TALLY_ALL, /**< since the item was made */
    HT_TALLY_5M,
    HT_TALLY_1H,
    HT_TALLY_24H,
    HT_TALLY_WINDOW_COUNT, /**< how many there are; no window */
};

struct ht_tally;

struct ht_tally_options {
    struct ht_hash_key key; /**< secret; fill it with ht_random_secret */
    int64_t minute;         /**< the running minute */
    bool keep_parts;        /**< somebody calls ht_tally_take_parts; else nothing is kept for it */
};

/** One addition. */
struct ht_tally_add {
    struct ht_slice tag; /**< 1..2048 bytes, the caller's */
    int64_t minute;      /**< the minute in which it counts */
    int64_t seen_s;      /**< the second for first and last seen, since 1970; cut to 0..2^32-1 */
    uint32_t count;      /**< how many occurrences; 0 changes nothing */
};

/** An item with everything that is known of it. */
struct ht_tally_item {
    struct ht_slice tag;                    /**< as the caller gave it */
    uint64_t counts[HT_TALLY_WINDOW_COUNT]; /**< by enum ht_tally_window */
    int64_t first_seen_s;                   /**< seconds since 1970 */
    int64_t last_seen_s;                    /**< seconds since 1970 */
    uint32_t ranks[HT_TALLY_WINDOW_COUNT];  /**< 1 is the first; 0: count 0, or below 1000 */
    uint64_t series[HT_TALLY_SERIES_COUNT]; /**< minutes, oldest first, the running one last */
    uint64_t series_24h[HT_TALLY_SERIES_24H_COUNT]; /**< half hours; the last ends with the running
                                                         minute */
};

/** Which part of which ranking; zeroed memory but for `limit` is the top of all time. */
struct ht_tally_query {
    enum ht_tally_window window;
    uint32_t limit;         /**< 1..HT_TALLY_TOP_MAX; cut to that */
    struct ht_slice prefix; /**< only tags that begin so; empty for all */
    bool has_after;         /**< only what ranks after (after_count, after_tag) */
    uint64_t after_count;
    struct ht_slice after_tag; /**< may point into the tally */
};

/** One row of a ranking. */
struct ht_tally_row {
    struct ht_slice tag;  /**< points into the tally: lives until its next change */
    uint64_t count;       /**< in the window asked for, at least 1 */
    uint64_t rank;        /**< 1 is the first; among those that match, where a prefix was given */
    int64_t first_seen_s; /**< seconds since 1970 */
    int64_t last_seen_s;  /**< seconds since 1970 */
};

/** What a part does to the counts of its minute. */
enum ht_tally_part_kind {
    HT_TALLY_PART_ADD = 1,     /**< adds to what the log has of this minute */
    HT_TALLY_PART_REPLACE = 2, /**< is all there is of this minute up to here */
};

/** Some counts of one minute, in a form that names tags by their text. */
struct ht_tally_part {
    int64_t minute; /**< in which the counts belong */
    enum ht_tally_part_kind kind;
    char *data;    /**< repeated: varint length, tag, varint count (LEB128); never NULL */
    size_t length; /**< bytes, at least 1 unless kind is REPLACE */
};

/** What ht_tally_take_parts hands out; owned by the caller. */
struct ht_tally_parts {
    struct ht_tally_part *items; /**< in the order of their minutes; NULL where count is 0 */
    size_t count;
};

/** Makes an empty tally; the caller frees it with ht_tally_destroy. NULL where memory is out. */
struct ht_tally *ht_tally_create(const struct ht_tally_options *options);

/** Frees it. NULL is fine. */
void ht_tally_destroy(struct ht_tally *tally);

/** Forgets all items, their windows, and what was not yet taken of them, as if it were just made: for
 * loading a table anew. The running minute stays. */
void ht_tally_clear(struct ht_tally *tally);

/** Makes room for `count` tags in all, so that loading them needs no rearranging. 0 or HT_ENOMEM. */
int ht_tally_reserve(struct ht_tally *tally, size_t count) HT_MUST_CHECK;

/**
 * Sets the all-time count of `tag` (HT_EINVAL where it is 0 or too long) and when it was first
 * and last seen, and makes the item where there is none. The windows stay as they are. For loading
 * a table at the start. `count` is cut to HT_TALLY_COUNT_MAX; an item with count 0 is kept, but
 * is in no ranking. 0, HT_EINVAL or HT_ENOMEM, with nothing changed.
 */
int ht_tally_load(struct ht_tally *tally, struct ht_slice tag, uint64_t count, int64_t first_seen_s,
                  int64_t last_seen_s) HT_MUST_CHECK;

/**
 * Sets the all-time count of `tag` (at least 1) where somebody knows better, and makes the item where
 * there is none; first and last seen (0: unknown) only widen. The windows stay as they are, because
 * nobody knows when the others counted. 0, HT_EINVAL or HT_ENOMEM, with nothing changed.
 */
int ht_tally_correct(struct ht_tally *tally, struct ht_slice tag, uint64_t count,
                     int64_t first_seen_s, int64_t last_seen_s) HT_MUST_CHECK;

/**
 * Counts. An addition to a minute that a window has left counts for all time only; one to a
 * minute after the running one counts in the running minute (clocks differ a little). 0, or with
 * nothing changed HT_EINVAL (the tag's length), HT_ETOOBIG (a count would pass its maximum),
 * HT_ENOMEM.
 */
int ht_tally_add(struct ht_tally *tally, const struct ht_tally_add *add) HT_MUST_CHECK;

/**
 * Counts many, faster than one by one: the look-ups overlap. At an error it stops; `*done` (not
 * NULL) is how many of the first were counted. Errors as ht_tally_add.
 */
int ht_tally_add_batch(struct ht_tally *tally, const struct ht_tally_add *adds, size_t count,
                       size_t *done) HT_MUST_CHECK;

/**
 * Says which minute is running. The windows lose what left them. An earlier minute than before
 * changes nothing: the windows stand still until the clock is there again. 0, or HT_ENOMEM with
 * nothing changed: try again later.
 */
int ht_tally_advance(struct ht_tally *tally, int64_t minute) HT_MUST_CHECK;

/** The running minute. */
int64_t ht_tally_minute(const struct ht_tally *tally);

/**
 * Removes the item with all its counts, and what was not yet taken of it. `removed` (may be
 * NULL) gets counts, first and last seen, and zeroes elsewhere. 0 or HT_ENOTFOUND.
 */
int ht_tally_remove(struct ht_tally *tally, struct ht_slice tag, struct ht_tally_item *removed);

/** Fills `item` (not NULL). 0 or HT_ENOTFOUND. May rearrange inside: not a change. */
int ht_tally_get(struct ht_tally *tally, struct ht_slice tag, struct ht_tally_item *item);

/** The all-time count of a tag, 0 where it is not there; one look-up. */
uint64_t ht_tally_count(const struct ht_tally *tally, struct ht_slice tag);

/** Only the item's counts of the last 60 minutes, oldest first; cheap. 0 or HT_ENOTFOUND. */
int ht_tally_get_series(const struct ht_tally *tally, struct ht_slice tag,
                        uint64_t series[HT_TALLY_SERIES_COUNT]);

/**
 * Fills `rows` (the caller's, room for `query->limit`) with the best first: by count, highest
 * first, then by name, bytewise ascending. `*more` (may be NULL) says whether others follow.
 * Returns how many rows there are. Without prefix and cursor it reads some 2000 candidates;
 * otherwise, or where too many of these sank, all items. May rearrange inside: not a change.
 */
size_t ht_tally_top(struct ht_tally *tally, const struct ht_tally_query *query,
                    struct ht_tally_row *rows, bool *more);

/** The sum of all counts in the window. */
uint64_t ht_tally_total(const struct ht_tally *tally, enum ht_tally_window window);

/** How many tags have a count above 0 in the window. */
uint64_t ht_tally_distinct(const struct ht_tally *tally, enum ht_tally_window window);

/** A number that grows with every change of any count or ranking: while it is the same, so is
 * every answer. */
uint64_t ht_tally_version(const struct ht_tally *tally);

/** The memory that the tally holds, in bytes. */
size_t ht_tally_memory_bytes(const struct ht_tally *tally);

/*
 * Durable windows
 *
 * The owner keeps a log, in the order in which things happened here: parts as they are
 * taken, and each removal as {tag} (ht_tally_remove, whether by a user or by age). What was not yet
 * taken of a removed tag is never handed out, so the removal's place in the log is after all
 * parts taken before and in front of all taken later. On start the log is replayed in
 * order, after the items were loaded. A minute that is older than 24 hours may leave the log.
 *
 *     flush, each second:  ht_tally_take_parts -> keep -> write (retry as often as needed)
 *                          -> ht_tally_parts_finish
 *     now and then:        ht_tally_find_compactable -> ht_tally_export_minute -> in one
 *                          transaction delete the minute's parts and append the new one
 *     start:               advance to the clock's minute, or to the newest minute of the
 *                          log where that is later -> load items -> apply in order
 *
 * A part belongs to the taker as soon as it is taken: the tally doesn't hand it out a second time,
 * so a flush that failed writes the same parts again, before any later ones. A REPLACE part holds
 * everything that was taken of its minute: it must not be written before the parts taken
 * earlier are.
 */

/**
 * Hands out what was counted in the windows since the last take, an ADD part a minute. `parts`
 * (not NULL, overwritten) is to be finished by the caller. 0, or HT_ENOMEM with nothing taken.
 */
int ht_tally_take_parts(struct ht_tally *tally, struct ht_tally_parts *parts) HT_MUST_CHECK;

/** Frees the parts; zeroed memory is fine. */
void ht_tally_parts_finish(struct ht_tally_parts *parts);

/** Whether a minute before the running one has `least_parts` parts or more since it was last
 * exported; the oldest such is `*minute`. */
bool ht_tally_find_compactable(const struct ht_tally *tally, uint32_t least_parts, int64_t *minute);

/**
 * Writes into `data` (the caller's, appended to) everything that was taken of a minute, without
 * tags removed since: a REPLACE part. 0, HT_ENOTFOUND where the minute is outside the 24 hours,
 * or the buffer's error.
 */
int ht_tally_export_minute(struct ht_tally *tally, int64_t minute,
                           struct ht_buffer *data) HT_MUST_CHECK;

/**
 * Replays a part of the log: windows only. Tags that the tally doesn't have are skipped: their item
 * was removed. A minute outside the 24 hours that end with the running one is skipped. The
 * bytes may be anything: HT_ECORRUPT with nothing changed where they are no part; `error` (may be
 * NULL) says what was wrong. HT_ENOMEM.
 */
int ht_tally_apply_part(struct ht_tally *tally, const struct ht_tally_part *part,
                        struct ht_error *error) HT_MUST_CHECK;

/** Replays a removal of the log: the tag's window counts so far are dropped, its all-time count
 * (which the table has) stays. A tag that the tally doesn't have is fine. 0 or HT_ENOMEM. */
int ht_tally_apply_deletion(struct ht_tally *tally, struct ht_slice tag) HT_MUST_CHECK;
