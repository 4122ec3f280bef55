// SPDX-License-Identifier: MIT
#pragma once

/**
 * The administration over parts that do what a test says: the three stages are made here
 * instead of the real ones, with what they answer in plain fields; server, client, loop and tally
 * are real. What is asked is answered before the call returns.
 *
 *     struct fake_parts parts;
 *     fake_parts_start(&parts, NULL);
 *     struct fake_answer answer = fake_parts_ask(&parts, &(struct fake_request){.path = "status"});
 *     ...
 *     fake_answer_finish(&answer);
 *     fake_parts_finish(&parts);
 */

#include "hashtagd/admin/admin.h"
#include "hashtagd/net/http_client.h"

#include <stdbool.h>

#define FAKE_MAX_RECORDS 4

struct ht_count {
    bool is_loaded;
    struct ht_health health;
    struct ht_count_counters counters;
    struct ht_rate tweets, hashtags;
    struct ht_histogram durations;
    uint64_t durable_version;
    struct ht_count_shard_status shards[2];
    size_t shard_count;
    int status; /* of what is asked: 0, or an error with `text` */
    const char *text;
    bool is_found; /* whether there is an item to delete */
    bool is_slow;  /* keep the request in `held` until the test answers it */
    struct ht_count_delete *held;
    char deleted[64]; /* the last hashtag that was to be deleted */
    struct ht_timer timer;
    struct ht_timer_queue *timers;
    struct ht_count_delete *delete;
    struct ht_count_flush *flush;
};

struct ht_ingest {
    struct ht_health health;
    struct ht_ingest_counters counters;
    struct ht_rate rate;
    struct ht_histogram durations;
    int status;
    struct ht_timer timer;
    struct ht_timer_queue *timers;
    struct ht_ingest_post *post;
};

struct ht_archiver {
    struct ht_health health;
    struct ht_archiver_counters counters;
    struct ht_rate rate;
    struct ht_histogram durations;
    struct ht_archiver_record records[FAKE_MAX_RECORDS]; /* newest first */
    size_t record_count;
    int status;
    void (*on_record)(void *user, const struct ht_archiver_record *record);
    void *user;
    struct ht_timer timer;
    struct ht_timer_queue *timers;
    struct ht_archiver_flush *flush;
};

struct fake_parts {
    struct ht_loop *loop;
    struct ht_http_client *client;
    struct ht_tally *tally;
    struct ht_source source;
    struct ht_stream stream;
    struct ht_table table;
    struct ht_dead_letters dead_letters;
    struct ht_changes changes;
    struct ht_archive archive;
    struct ht_budget budget;
    struct ht_count count;
    struct ht_ingest ingest;
    struct ht_archiver archiver;
    struct ht_admin_library libraries[1];
    struct ht_admin *admin;
    bool is_closed;
};

/** How the administration is made; zeroed is the usual. */
struct fake_options {
    const char *token;
    bool archives_nothing; /* no change feed, archiver and archive */
    uint64_t ttl_s;
    const char *host;         /* NULL: 127.0.0.1 */
    const struct ht_log *log; /* NULL: no lines */
};

struct fake_request {
    const char *method; /* NULL: GET */
    const char *path;   /* behind the '/' */
    const char *headers[3][2];
    const char *body;
};

struct fake_answer {
    int status;
    char type[96], etag[96], allow[96], authenticate[96], encoding[96], cache[96], retry[16];
    bool has_policy;
    char *body; /* owned, NUL-terminated */
    size_t length;
};

void fake_parts_start(struct fake_parts *parts, const struct fake_options *options);
struct fake_answer fake_parts_ask(struct fake_parts *parts, const struct fake_request *request);
void fake_answer_finish(struct fake_answer *answer);
void fake_parts_finish(struct fake_parts *parts);

/** Asks with GET and asserts the status. */
struct fake_answer fake_parts_get(struct fake_parts *parts, const char *path, int status);

/** Counts a hashtag. */
void fake_parts_add(struct fake_parts *parts, const char *tag, uint32_t count);

/** Runs the loop for so long. */
void fake_parts_run(struct fake_parts *parts, uint64_t ms);

/** Asserts that `text` has `part`. */
void fake_assert_has(const char *text, const char *part);
