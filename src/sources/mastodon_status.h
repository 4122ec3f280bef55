// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the source itself wants to know of a Status (docs.joinmastodon.org/entities/Status): its
 * id, which version it is, and when it was written. And the pages of a timeline, which are arrays
 * of those, the newest first. Hashtags are the business of tweet/.
 */

#include "mastodon_id.h"

#include "hashtagd/base/slice.h"
#include "hashtagd/json/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The longest time in bytes, and one more. */
#define HT_MASTODON_TIME_BYTES 64

/** The most statuses of a page: some more than are asked for. */
#define HT_MASTODON_PAGE_MAX 100

/** A status; slices point into the text that was read. */
struct ht_mastodon_status {
    struct ht_mastodon_id id;  /**< none where it has none that can be used */
    struct ht_slice edited_at; /**< as it stands, without quotes; empty: never edited */
    int64_t created_ms;        /**< wall time; 0: unknown */
};

/** Reads statuses. Fields are private. */
struct ht_mastodon_status_reader {
    struct ht_json_reader json;
    struct ht_json_keys keys;
};

/** Makes a reader in the caller's memory. */
void ht_mastodon_status_reader_init(struct ht_mastodon_status_reader *reader);

/** Frees its memory. Zeroed memory is fine. */
void ht_mastodon_status_reader_finish(struct ht_mastodon_status_reader *reader);

/** Reads `text`, which should be one JSON object, into `*status`. NULL, or why it is refused: a label
 * like those of tweets, static. "" where memory is out. What is missing in it is no reason. */
const char *ht_mastodon_status_read(struct ht_mastodon_status_reader *reader, struct ht_slice text,
                                    struct ht_mastodon_status *status);

/** Takes a page apart: its elements in the order of the page go into `statuses`, `*count` of them;
 * whether one is a status is not looked at. HT_EPARSE: it is no array, or the brackets are wrong;
 * HT_ETOOBIG: it has more than HT_MASTODON_PAGE_MAX. */
int ht_mastodon_page_split(struct ht_slice page, struct ht_slice statuses[HT_MASTODON_PAGE_MAX],
                           size_t *count) HT_MUST_CHECK;

/** A time of the interface ("2022-08-30T23:05:46.839Z") in wall milliseconds; 0 where it is none. */
int64_t ht_mastodon_time_ms(struct ht_slice text);
