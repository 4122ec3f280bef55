// SPDX-License-Identifier: MIT
#pragma once

/**
 * What every conversation with Amazon needs, in one piece: settings, an HTTP client, credentials,
 * the client. `serve` makes it on its own loop; commands make it with a loop of its own and wait
 * for each call.
 *
 *     ht_aws_session_open(&session, &options, &error)  ->  calls on session.client
 *     ht_aws_session_close(&session, on_closed, user)  ->  ht_aws_session_finish(&session)
 */

#include "hashtagd/aws/client.h"
#include "hashtagd/aws/credentials.h"
#include "hashtagd/aws/settings.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"

/** What a session works with; pointers are borrowed and outlive it. */
struct ht_aws_session_options {
    struct ht_loop *loop;
    struct ht_worker *worker; /**< reads files of credentials */
    struct ht_random *random;
    const struct ht_log *log;
    const char *const *environment; /**< NAME=value, ended by NULL; not kept */
};

/** The parts, in the order in which they are built. Zeroed memory is a session that is not open. */
struct ht_aws_session {
    struct ht_aws_settings settings;
    struct ht_http_client *http;
    struct ht_aws_credentials *credentials;
    struct ht_aws_client *client;
    void (*on_closed)(void *user); /**< private */
    void *user;                    /**< private */
};

/** Reads the settings (files: before the loop runs) and builds the parts. HT_EINVAL with the variable
 * or the file and line that is wrong; HT_ENOMEM. What was built stays for ht_aws_session_close(). */
int ht_aws_session_open(struct ht_aws_session *session,
                        const struct ht_aws_session_options *options,
                        struct ht_error *error) HT_MUST_CHECK;

/** Closes the parts in reverse order, then calls on_closed once, never from inside, unless nothing
 * was built: then at once. */
void ht_aws_session_close(struct ht_aws_session *session, void (*on_closed)(void *user),
                          void *user);

/** Frees the settings of a closed session; zeroed memory is fine. */
void ht_aws_session_finish(struct ht_aws_session *session);

/** How many requests may put on Kinesis at a time, as ht_kinesis_stream_options has it: 1 where the
 * service is set to an address without TLS, which is an emulator's (moto loses records where several
 * put at once), else 0. */
size_t ht_aws_session_puts_at_once(const struct ht_aws_session *session);
