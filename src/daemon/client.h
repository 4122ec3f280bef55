// SPDX-License-Identifier: MIT
#pragma once

/**
 * A client of the running daemon, for `put` and `top`: where it is, with which token, and requests
 * that are answered before the call returns (the loop runs inside).
 *
 *     struct ht_client client;
 *     if (ht_client_open(&client, &config, url, &error) != 0) ...
 *     struct ht_client_answer answer;
 *     if (ht_client_ask(&client, &request, &answer, &error) == 0)
 *         use(answer.status, answer.body);
 *     ht_client_answer_finish(&answer);
 *     ht_client_close(&client);
 */

#include "config.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/timer.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/net/loop.h"

/** Fields are private but for `url`. */
struct ht_client {
    char *url;            /* owned; ends with '/' */
    char *authorization;  /* owned; "Bearer ..."; NULL: none */
    const char *ca_file;  /* borrowed from the configuration; NULL: the system's */
    const char *data_dir; /* borrowed; told in messages */
    bool is_found;        /* the URL is from data.dir/admin.url */
    struct ht_loop *loop;
    struct ht_http_client *http;
    struct ht_timer wait_timer;
    bool is_interrupted, is_done;
};

struct ht_client_request {
    const char *method;   /* "GET" */
    const char *path;     /* "hashtags?limit=1": behind the URL, without '/' in front */
    const char *type;     /* Content-Type of the body; NULL where there is none */
    struct ht_slice body; /* borrowed */
    uint64_t timeout_ms;
};

struct ht_client_answer {
    int status;             /* of HTTP */
    struct ht_buffer body;  /* owned */
    uint64_t retry_after_s; /* 0 where not told */
};

/**
 * Where the daemon is: `url` (--url), else what data.dir/admin.url says. HT_ENOTFOUND where no
 * daemon is known, HT_EINVAL for a URL that is none; `error` says what to do. The client is to be
 * closed only after 0.
 */
int ht_client_open(struct ht_client *client, const struct ht_config *config, const char *url,
                   struct ht_error *error) HT_MUST_CHECK;

/** Asks and waits. 0 with whatever status; HT_ECONNECTION where nobody answers, HT_ECANCELED after
 * Ctrl-C, other errors of the transfer; `error` says what to do. `answer` is to be finished in any
 * case. */
int ht_client_ask(struct ht_client *client, const struct ht_client_request *request,
                  struct ht_client_answer *answer, struct ht_error *error) HT_MUST_CHECK;

/** From now on Ctrl-C interrupts waits instead of ending the process. */
int ht_client_watch_interrupts(struct ht_client *client, struct ht_error *error) HT_MUST_CHECK;

/** Waits; false where Ctrl-C came before or meanwhile. */
bool ht_client_wait(struct ht_client *client, uint64_t ms);

/** Says in `error` what an answer that is no success means: the daemon's own words. Returns
 * HT_EPERMISSION for 401 and 403, HT_EBUSY for 503, else HT_EIO. */
int ht_client_explain(const struct ht_client *client, const struct ht_client_answer *answer,
                      struct ht_error *error);

/** Frees the answer; zeroed memory is fine. */
void ht_client_answer_finish(struct ht_client_answer *answer);

/** Ends the client. */
void ht_client_close(struct ht_client *client);
