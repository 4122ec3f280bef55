// SPDX-License-Identifier: MIT
#pragma once

/**
 * The credential chain of the AWS SDKs, asynchronous: environment, profiles (static keys,
 * source_profile, credential_source, credential_process), web identity, container endpoint
 * (ECS, EKS pod identity), instance metadata (IMDSv2). Credentials that expire are fetched anew
 * well before, and the old set stays in use until it expires. Source: AWS SDKs and Tools
 * Reference Guide, "Standardized credential providers".
 *
 * One run through the chain:
 *
 *     files read, plan made (worker) -> region, where none is set -> source -> roles -> keys
 *
 * The files are read anew at each run, so keys that somebody changes there are found once a
 * service refuses the old ones. All who wait are answered by one run. Refusals say what to do
 * instead: mfa_serial, sso_*, login_session need a person or a browser.
 *
 * Refresh (botocore's windows, 15 and 10 minutes before expiry; less for sets that live shortly):
 *
 *     fresh | advisory: the old set, a run behind | mandatory: wait for the run, and where it fails
 *                                                   go on with the old set until it expires
 *
 * Everything runs on the loop's thread; files are read on the worker.
 */

#include "hashtagd/aws/settings.h"
#include "hashtagd/base/log.h"
#include "hashtagd/base/random.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/net/http_client.h"
#include "hashtagd/net/loop.h"
#include "hashtagd/net/worker.h"

struct ht_aws_credentials;

/** One set of keys, shared and never changed; key, secret and token always belong together. */
struct ht_aws_keys {
    unsigned references;     /**< private */
    char *access_key_id;     /**< owned, not NULL */
    char *secret_access_key; /**< owned, not NULL */
    char *session_token;     /**< NULL where none */
    char *account_id;        /**< NULL where unknown */
    int64_t expires_s;       /**< wall time; 0: never */
    const char *origin;      /**< where it came from, for people: "environment", "profile x";
                              *   owned */
};

/** Takes a reference. Returns `keys`. */
struct ht_aws_keys *ht_aws_keys_hold(struct ht_aws_keys *keys);

/** Gives one back; the last one wipes and frees the set. NULL is fine. */
void ht_aws_keys_release(struct ht_aws_keys *keys);

/** What a chain works with; pointers are borrowed and outlive it. */
struct ht_aws_credentials_options {
    struct ht_loop *loop;
    struct ht_worker *worker; /**< reads files */
    struct ht_http_client *http;
    struct ht_random *random;
    const struct ht_log *log; /**< may be NULL */
    const struct ht_aws_settings *settings;
};

/** A wish for keys, in the caller's memory until `done`. */
struct ht_aws_credentials_request {
    void (*done)(struct ht_aws_credentials_request *request); /**< once, never from inside get */
    void *user;                                               /**< the caller's */
    int status; /**< 0; HT_ENOTFOUND: no source of credentials; HT_EPERMISSION, HT_EINVAL,
                 *   HT_EUNSUPPORTED: a source that is set up refuses; HT_ECONNECTION, HT_ETIMEDOUT,
                 *   HT_ECANCELED, HT_ENOMEM */
    struct ht_error error;
    struct ht_aws_keys *keys;                /**< where status is 0: held for the caller */
    struct ht_aws_credentials_request *next; /**< private */
};

/** Makes a chain. `*credentials` is the caller's. HT_ENOMEM. */
int ht_aws_credentials_create(struct ht_aws_credentials **credentials,
                              const struct ht_aws_credentials_options *options,
                              struct ht_error *error) HT_MUST_CHECK;

/** The keys that are valid at this moment, held for the caller; NULL where they must be waited for.
 * Starts a refresh where it is time for one. The fast path of every request. */
struct ht_aws_keys *ht_aws_credentials_now(struct ht_aws_credentials *credentials);

/** Asks for keys, waiting for the chain where needed. */
void ht_aws_credentials_get(struct ht_aws_credentials *credentials,
                            struct ht_aws_credentials_request *request);

/** Gives a waiting request up: `done` follows with HT_ECANCELED. */
void ht_aws_credentials_cancel(struct ht_aws_credentials *credentials,
                               struct ht_aws_credentials_request *request);

/** A service says that `keys` are expired or unknown: they are dropped and fetched anew, unless a
 * newer set is there already. */
void ht_aws_credentials_refuse(struct ht_aws_credentials *credentials,
                               const struct ht_aws_keys *keys);

/** Seconds until the present keys expire, for a metric; INT64_MAX where they never do, -1 where there
 * are none. */
int64_t ht_aws_credentials_seconds_left(const struct ht_aws_credentials *credentials);

/** The region to work in: of the settings, else what the instance metadata said. NULL where none is
 * known (yet): it is asked for together with the keys, so it is known, where it can be, before the
 * first request for keys is answered; where it is not, that is tried again once a minute. Owned by
 * the chain; never changes once it is known. */
const char *ht_aws_credentials_region(const struct ht_aws_credentials *credentials);

/** Gives requests up (HT_ECANCELED), ends what runs, frees the chain, then calls on_closed (may be
 * NULL) once, never from inside. NULL is fine: nothing happens. */
void ht_aws_credentials_close(struct ht_aws_credentials *credentials, void (*on_closed)(void *user),
                              void *user);
