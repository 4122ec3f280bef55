// SPDX-License-Identifier: MIT
#include "twitter_v2_sync.h"

#include "twitter_v2_url.h"

#include <stdint.h>

/*
 *   start -> ask_page -> on_answer -> take_page -+-> ask_page
 *                                                `-> compare -> post_next -> on_answer -> take_post
 *                                                        |          ^                         |
 *                                                        |          '-------------------------'
 *                                                        '-> finish <--- all posted -- post_next
 */

enum {
    URL_MAX_BYTES = 4096,
    BODY_MAX_BYTES = 8 << 20, /* one rule more than HT_TWITTER_V2_RULES_BATCH_BYTES */
    PAGES_MAX = 2 * HT_TWITTER_V2_RULES_MAX / HT_TWITTER_V2_RULES_BATCH,
    LOGGED_MAX = 100,
};

static void ask_page(struct ht_twitter_v2_sync *sync);
static void on_answer(struct ht_twitter_v2_call *call);
static void take_page(struct ht_twitter_v2_sync *sync);
static void compare(struct ht_twitter_v2_sync *sync);
static void post_next(struct ht_twitter_v2_sync *sync);
static bool format_post(struct ht_twitter_v2_sync *sync);
static void ask(struct ht_twitter_v2_sync *sync);
static void take_post(struct ht_twitter_v2_sync *sync);
static enum ht_twitter_v2_verdict judge(struct ht_twitter_v2_sync *sync, struct ht_error *error);
static void on_refused(void *user, size_t index, const char *value, const char *why);
static void fail(struct ht_twitter_v2_sync *sync, enum ht_source_end end);
static void fail_unread(struct ht_twitter_v2_sync *sync);
static void fail_as_answered(struct ht_twitter_v2_sync *sync);
static void finish(struct ht_twitter_v2_sync *sync);
static bool is_success(const struct ht_twitter_v2_sync *sync);

void ht_twitter_v2_sync_start(struct ht_twitter_v2_sync *sync)
{
    sync->status = 0;
    sync->end = HT_SOURCE_END_NETWORK;
    sync->at_least_ms = 0;
    sync->held_count = sync->added = sync->deleted = 0;
    sync->step = HT_TWITTER_V2_SYNC_PAGES;
    sync->pages = 0;
    sync->logged = 0;
    sync->next[0] = '\0';
    ht_error_clear(&sync->error);
    ht_buffer_init(&sync->url, URL_MAX_BYTES);
    ht_buffer_init(&sync->body, BODY_MAX_BYTES);
    sync->held = (struct ht_twitter_v2_held){0};
    sync->change = (struct ht_twitter_v2_change){0};
    sync->call = (struct ht_twitter_v2_call){
        .client = sync->client,
        .live = sync->live,
        .authorization = sync->authorization,
        .cure_context = sync->cure_context,
        .done = on_answer,
        .user = sync,
    };
    ask_page(sync);
}

static void ask_page(struct ht_twitter_v2_sync *sync)
{
    ht_buffer_clear(&sync->url);
    ht_twitter_v2_url_rules(&sync->url, sync->base, sync->next);
    sync->call.what = "the list of the stream's rules";
    ask(sync);
}

static void ask(struct ht_twitter_v2_sync *sync)
{
    /* An address that did not fit is no address, and the transfer says so. */
    sync->call.url = ht_buffer_status(&sync->url) == 0 ? sync->url.data : "";
    ht_twitter_v2_call_start(&sync->call);
}

static void on_answer(struct ht_twitter_v2_call *call)
{
    struct ht_twitter_v2_sync *sync = call->user;
    sync->status = call->status;
    if (sync->step != HT_TWITTER_V2_SYNC_PAGES) {
        take_post(sync);
    } else if (is_success(sync)) {
        take_page(sync);
    } else {
        fail_as_answered(sync);
    }
}

static void take_page(struct ht_twitter_v2_sync *sync)
{
    sync->pages++;
    if (ht_twitter_v2_held_read(&sync->held, sync->call.answer, sync->next, &sync->error) != 0) {
        fail_unread(sync);
    } else if (sync->next[0] == '\0') {
        compare(sync);
    } else if (sync->pages == PAGES_MAX) {
        (void)ht_error_set(&sync->error, HT_ETOOBIG,
                           "the list of the account's rules does not end after %u pages",
                           sync->pages);
        fail(sync, HT_SOURCE_END_PROTOCOL);
    } else {
        ask_page(sync);
    }
}

static void compare(struct ht_twitter_v2_sync *sync)
{
    sync->held_count = sync->held.count;
    if (sync->wanted_count == 0 && sync->held_count == 0) {
        (void)ht_error_set(&sync->error, HT_EINVAL,
                           "the account has no rules, so that the filtered stream would bring "
                           "nothing; name at least one in source.rules");
        fail(sync, HT_SOURCE_END_REFUSED);
        return;
    }
    if (sync->wanted_count == 0) {
        finish(sync);
        return;
    }
    int status = ht_twitter_v2_change_find(&sync->change, sync->wanted, sync->wanted_count,
                                           &sync->held, &sync->error);
    if (status != 0) {
        fail(sync, status == HT_EINVAL ? HT_SOURCE_END_REFUSED : HT_SOURCE_END_NETWORK);
        return;
    }
    sync->step = HT_TWITTER_V2_SYNC_DRY_RUN;
    sync->at = 0;
    post_next(sync);
}

/* Posts the next batch of this step, or of the next one that has something to post. */
static void post_next(struct ht_twitter_v2_sync *sync)
{
    while (!format_post(sync)) {
        if (sync->step == HT_TWITTER_V2_SYNC_ADD) {
            finish(sync);
            return;
        }
        sync->step++;
        sync->at = 0;
    }
    int status = ht_buffer_status(&sync->body);
    if (status != 0) {
        (void)ht_error_set(&sync->error, status,
                           status == HT_ENOMEM
                               ? "out of memory for the rules of the stream"
                               : "the rules of the stream do not fit into a request: one of "
                                 "source.rules is too long");
        fail(sync, status == HT_ENOMEM ? HT_SOURCE_END_NETWORK : HT_SOURCE_END_REFUSED);
        return;
    }
    sync->call.content_type = "application/json";
    sync->call.body = ht_buffer_slice(&sync->body);
    ask(sync);
}

/* Whether there is something. */
static bool format_post(struct ht_twitter_v2_sync *sync)
{
    static const char *const whats[] = {"", "a trial of the stream's rules",
                                        "the deletion of rules", "the addition of rules"};
    bool is_dry_run = sync->step == HT_TWITTER_V2_SYNC_DRY_RUN;
    ht_buffer_clear(&sync->body);
    ht_buffer_clear(&sync->url);
    ht_twitter_v2_url_post(&sync->url, sync->base, is_dry_run);
    sync->call.what = whats[sync->step];
    if (sync->step == HT_TWITTER_V2_SYNC_DELETE) {
        sync->batch = ht_twitter_v2_change_format_deletions(&sync->change, &sync->held, sync->at,
                                                            &sync->body);
    } else {
        sync->batch = ht_twitter_v2_change_format_additions(&sync->change, sync->wanted, sync->at,
                                                            &sync->body);
    }
    return sync->batch > 0;
}

static void take_post(struct ht_twitter_v2_sync *sync)
{
    struct ht_error error = {0};
    /* Where X finds fault with the rules themselves the body says more than the status. */
    bool says_more =
        sync->status == 400 || sync->status == 409 || sync->status == 413 || sync->status == 422;
    enum ht_twitter_v2_verdict verdict = HT_TWITTER_V2_VERDICT_UNCLEAR;
    if (is_success(sync) || says_more) {
        verdict = judge(sync, &error);
    }
    if (verdict == HT_TWITTER_V2_VERDICT_DONE) {
        sync->added += sync->step == HT_TWITTER_V2_SYNC_ADD ? sync->batch : 0;
        sync->deleted += sync->step == HT_TWITTER_V2_SYNC_DELETE ? sync->batch : 0;
        sync->at += sync->batch;
        post_next(sync);
    } else if (verdict == HT_TWITTER_V2_VERDICT_REFUSED) {
        sync->error = error;
        fail(sync, HT_SOURCE_END_REFUSED);
    } else if (is_success(sync) || error.code == HT_ENOMEM) {
        sync->error = error;
        fail_unread(sync);
    } else {
        fail_as_answered(sync);
    }
}

static enum ht_twitter_v2_verdict judge(struct ht_twitter_v2_sync *sync, struct ht_error *error)
{
    if (sync->step == HT_TWITTER_V2_SYNC_DELETE) {
        return ht_twitter_v2_deletions_judge(sync->call.answer, sync->batch, error);
    }
    struct ht_twitter_v2_asked asked = {
        .wanted = sync->wanted,
        .additions = sync->change.additions + sync->at,
        .count = sync->batch,
        .is_dry_run = sync->step == HT_TWITTER_V2_SYNC_DRY_RUN,
        .has_deletions = sync->change.deletion_count > 0,
        .on_refused = sync->is_quiet ? NULL : on_refused,
        .user = sync,
    };
    return ht_twitter_v2_additions_judge(sync->call.answer, &asked, error);
}

static void on_refused(void *user, size_t index, const char *value, const char *why)
{
    struct ht_twitter_v2_sync *sync = user;
    if (sync->logged++ >= LOGGED_MAX) {
        return;
    }
    ht_log_error(sync->live->options.log, "source", "X refuses a rule",
                 HT_TEXT("source", sync->live->source.name),
                 HT_NUMBER("rule", index == SIZE_MAX ? -1 : (int64_t)index),
                 HT_TEXT("value", value), HT_TEXT("reason", why));
}

static void fail(struct ht_twitter_v2_sync *sync, enum ht_source_end end)
{
    sync->end = end;
    finish(sync);
}

/* Want of memory passes; an answer that is none will come again. */
static void fail_unread(struct ht_twitter_v2_sync *sync)
{
    fail(sync, sync->error.code == HT_ENOMEM ? HT_SOURCE_END_NETWORK : HT_SOURCE_END_PROTOCOL);
}

static void fail_as_answered(struct ht_twitter_v2_sync *sync)
{
    sync->error = sync->call.error;
    sync->at_least_ms = sync->call.at_least_ms;
    fail(sync, sync->call.end);
}

static void finish(struct ht_twitter_v2_sync *sync)
{
    if (sync->added + sync->deleted > 0) {
        ht_log_info(sync->live->options.log, "source", "rules changed",
                    HT_TEXT("source", sync->live->source.name), HT_NUMBER("added", sync->added),
                    HT_NUMBER("deleted", sync->deleted));
    }
    sync->done(sync);
}

void ht_twitter_v2_sync_cancel(struct ht_twitter_v2_sync *sync)
{
    ht_twitter_v2_call_cancel(&sync->call);
}

void ht_twitter_v2_sync_finish(struct ht_twitter_v2_sync *sync)
{
    ht_twitter_v2_held_finish(&sync->held);
    ht_twitter_v2_change_finish(&sync->change);
    ht_buffer_finish(&sync->url);
    ht_buffer_finish(&sync->body);
}

static bool is_success(const struct ht_twitter_v2_sync *sync)
{
    return sync->status >= 200 && sync->status <= 299;
}
