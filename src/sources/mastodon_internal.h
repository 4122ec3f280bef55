// SPDX-License-Identifier: MIT
#pragma once

/**
 * The source `mastodon` inside, in three files: mastodon_source.c is its life and the stream,
 * mastodon_intake.c what becomes of each event and status, mastodon_fill.c the pages that fill a gap.
 * All on the loop thread.
 */

#include "event_reader.h"
#include "http_stream.h"
#include "live.h"
#include "mastodon_ask.h"
#include "mastodon_gap.h"
#include "mastodon_status.h"
#include "mastodon_url.h"

#include "hashtagd/tally/recent_ids.h"

/** The largest page: forty statuses of a hundred kilobytes each. It is taken apart in one turn of the
 * loop, some milliseconds of this; what is in it is taken in over several turns. */
#define HT_MASTODON_PAGE_BYTES_MAX ((size_t)4 * 1024 * 1024)

/** The source. */
struct ht_mastodon {
    struct ht_live live; /* first */
    uint32_t magic;
    /* fixed after create */
    struct ht_http_client *client; /* not owned */
    bool accepts_compressed;
    struct ht_buffer base; /* of the server, as ht_mastodon_url_base() writes it; empty: bad */
    struct ht_buffer authorization; /* value of the header */
    struct ht_buffer hashtag;
    struct ht_mastodon_feed feed;
    uint64_t fingerprint; /* of server and feed: a cursor is worth nothing for others */
    /* the attempt */
    struct ht_buffer streaming;     /* base address of the stream; empty: not known */
    struct ht_mastodon_ask *asking; /* for it */
    struct ht_http_stream *stream;
    struct ht_error error; /* of the attempt */
    bool has_streamed;
    bool is_paused;
    bool is_closing; /* nothing is taken any more */
    /* what comes */
    struct ht_event_reader events;
    struct ht_mastodon_status_reader statuses;
    struct ht_buffer kept;      /* the messages of a piece; never moves while one is taken in */
    struct ht_recent_ids *seen; /* versions of statuses, so that stream and pages give each once */
    struct ht_hash_key seen_key;
    int64_t written_ms; /* of the last status; 0: unknown */
    bool is_out_of_memory;
    /* the gap */
    struct ht_mastodon_gap gap;
    struct ht_timer fill_timer;
    uint64_t opened_ms; /* monotonic: of the stream */
    struct ht_mastodon_ask *page_asking;
    struct ht_buffer page; /* the answer that is taken, or held while the sink is full */
    struct ht_slice page_statuses[HT_MASTODON_PAGE_MAX];
    size_t page_count, page_left;          /* in all; not taken in yet, the newest first */
    struct ht_mastodon_gap_page page_seen; /* what was taken in */
    uint64_t page_wait_ms;                 /* after this page */
    bool is_page_held;
    bool is_fill_due;       /* the next question is, when the sink has room again */
    unsigned fill_failures; /* in a row */
    uint64_t fill_new;      /* statuses of this filling that had not come before */
};

/** Takes one piece of the stream in; false where memory is out. */
bool ht_mastodon_intake_piece(struct ht_mastodon *mastodon, struct ht_slice piece);

/** Takes one status of a page in; its bytes must live until ht_live_deliver(). Advances `newest`.
 * Whether it had not come before. */
bool ht_mastodon_intake_status(struct ht_mastodon *mastodon, struct ht_slice text,
                               struct ht_mastodon_id *newest);

/** Notes the time of the last status that was taken in; before what came is delivered. */
void ht_mastodon_intake_note_time(struct ht_mastodon *mastodon);

/** What reads events. */
extern const struct ht_event_reader_events ht_mastodon_intake_events;

/** Makes the timer. */
void ht_mastodon_fill_init(struct ht_mastodon *mastodon);

/** The stream is open: fills what is missing, or finds where a later filling begins. */
void ht_mastodon_fill_begin(struct ht_mastodon *mastodon);

/** The sink has room again. */
void ht_mastodon_fill_resume(struct ht_mastodon *mastodon);

/** The stream is over, or about to be: no page is taken any more. */
void ht_mastodon_fill_end(struct ht_mastodon *mastodon);
