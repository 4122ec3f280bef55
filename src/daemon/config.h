// SPDX-License-Identifier: MIT
#pragma once

/**
 * The configuration: one JSON file, then environment variables, then flags, the later winning,
 * checked as a whole before anything starts. What keys there are stands in one table
 * (config_table.h); this header has the values.
 *
 *     struct ht_config config;
 *     struct ht_mistakes mistakes;
 *     ht_mistakes_init(&mistakes);
 *     if (ht_config_load(&config, &options, &mistakes) != 0) {
 *         ht_mistakes_print(&mistakes, stderr);
 *         return 2;
 *     }
 *     ...
 *     ht_config_finish(&config);
 *
 * After it is loaded a configuration never changes. It reads files, so it is loaded before the
 * loop runs.
 */

#include "mistakes.h"

#include "hashtagd/net/address.h"
#include "hashtagd/pipeline/position.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room for the origins of all keys; config_table.c asserts that it is enough. */
#define HT_CONFIG_MAX_ROWS 256

enum ht_config_source_type {
    HT_CONFIG_SOURCE_NONE,
    HT_CONFIG_SOURCE_SYNTHETIC,
    HT_CONFIG_SOURCE_REPLAY,
    HT_CONFIG_SOURCE_TWITTER_V1,
    HT_CONFIG_SOURCE_TWITTER_V2,
    HT_CONFIG_SOURCE_JETSTREAM,
    HT_CONFIG_SOURCE_MASTODON,
};

enum ht_config_endpoint {
    HT_CONFIG_ENDPOINT_FILTER,
    HT_CONFIG_ENDPOINT_SAMPLE,
};

enum ht_config_timeline {
    HT_CONFIG_TIMELINE_PUBLIC,
    HT_CONFIG_TIMELINE_LOCAL,
    HT_CONFIG_TIMELINE_REMOTE,
};

enum ht_config_stream {
    HT_CONFIG_STREAM_EMBEDDED,
    HT_CONFIG_STREAM_KINESIS,
};

enum ht_config_table {
    HT_CONFIG_TABLE_EMBEDDED,
    HT_CONFIG_TABLE_DYNAMODB,
};

enum ht_config_archive {
    HT_CONFIG_ARCHIVE_DIRECTORY,
    HT_CONFIG_ARCHIVE_FIREHOSE,
    HT_CONFIG_ARCHIVE_S3,
    HT_CONFIG_ARCHIVE_NONE,
};

/** A list of texts. */
struct ht_config_texts {
    char **items; /**< owned, each too; NULL where count is 0 */
    size_t count;
};

/** One rule of a filtered v2 stream. */
struct ht_config_rule {
    char *value; /**< owned, not empty */
    char *tag;   /**< owned; may be empty */
};

/** A list of rules. */
struct ht_config_rules {
    struct ht_config_rule *items; /**< owned; NULL where count is 0 */
    size_t count;
};

/** Where a shard without a checkpoint starts. */
struct ht_config_start {
    enum ht_position_kind kind; /**< TRIM_HORIZON, LATEST or AT_TIME */
    int64_t time_ms;            /**< AT_TIME: wall time */
};

/** The secrets of one source, out of the environment and files. Owned, NULL where there is none;
 * wiped at the end. */
struct ht_config_secrets {
    char *consumer_key, *consumer_secret, *access_token, *access_token_secret; /**< OAuth 1.0a */
    char *bearer_token;                                                        /**< twitter-v2 */
    char *mastodon_token;                                                      /**< mastodon */
};

/** The keys of one source. */
struct ht_config_source {
    unsigned type; /**< enum ht_config_source_type */
    char *name;    /**< empty: the type */
    uint64_t rate; /**< tweets a second; 0: as fast as it goes */
    uint64_t seed;
    uint64_t limit; /**< 0: never stop */
    struct ht_config_texts files;
    bool loop;
    char *url;         /**< empty: the service's own */
    unsigned endpoint; /**< enum ht_config_endpoint */
    unsigned timeline; /**< enum ht_config_timeline */
    struct ht_config_texts track, locations, follow, language;
    struct ht_config_rules rules;
    uint64_t backfill_minutes;
    bool compression, delimited;
    char *token_file; /**< empty: the environment's */
    char *dictionary; /**< path; empty: none */
};

/** All values, section by section as the keys are called. Texts are owned and never NULL once it
 * is loaded; an empty one means "none". */
struct ht_config {
    struct ht_config_source source; /**< the first, or the only one */
    struct ht_config_source more_sources[HT_SOURCE_COUNT_MAX - 1]; /**< "source.2" and on */
    struct {
        unsigned type; /**< enum ht_config_stream */
        char *name;
        uint64_t retention_s, retention_bytes;
        struct ht_config_start start;
        uint64_t shards; /**< kinesis, for setup; 0: on demand */
    } stream;
    struct {
        unsigned type; /**< enum ht_config_table */
        char *name;
        uint64_t flush_interval_s;
        uint64_t ttl_s;    /**< 0: never */
        char *leases;      /**< dynamodb; filled in where it was empty */
        uint64_t capacity; /**< dynamodb, for setup; 0: on demand */
    } table;
    struct {
        bool enabled;  /**< false: another process counts */
        unsigned fold; /**< enum ht_fold_mode */
        bool once_per_tweet;
        uint64_t repeat_window; /**< tweet ids; 0: every record counts */
        unsigned retweets;      /**< enum ht_tweet_retweets */
    } counting;
    struct {
        unsigned type; /**< enum ht_config_archive */
        char *name, *prefix;
        char *bucket; /**< firehose; empty: made of name, account and region */
        char *role;   /**< firehose; empty: setup makes one */
        uint64_t buffer_s, buffer_bytes;
    } archive;
    struct {
        char *dir; /**< empty only where a client command needs none */
    } data;
    struct {
        struct ht_address listen;
        char *token_file;         /**< empty: no token */
        char *tls_cert, *tls_key; /**< both or neither */
    } admin;
    struct {
        uint64_t budget_bytes;
    } memory;
    struct {
        unsigned level;  /**< enum ht_log_level */
        unsigned format; /**< enum ht_log_format */
    } log;

    size_t source_count;                                   /**< 1 to HT_SOURCE_COUNT_MAX */
    struct ht_config_secrets secrets[HT_SOURCE_COUNT_MAX]; /**< by source; HT_CONFIG_FOR_SERVE */
    char *ca_file; /**< SSL_CERT_FILE: trusted issuers of live services; NULL: the system's */
    char *token; /**< the bearer token out of admin.token_file; NULL where none; wiped at the end */
    char *origins[HT_CONFIG_MAX_ROWS]; /**< by row of the table: "file:3:7", "HASHTAGD_...",
                                        *   "--set"; NULL: the default */
};

/** For whom a configuration is loaded: what must be right beyond the values themselves. */
enum ht_config_purpose {
    HT_CONFIG_FOR_CLIENT, /**< `put`, `top`: talks to a daemon; its files and types don't matter */
    HT_CONFIG_FOR_SERVE,  /**< the daemon: everything must be usable */
};

/** Where values come from. Nothing is kept after ht_config_load(). */
struct ht_config_options {
    const char *file;        /**< --config; NULL: see the environment, then `system_file` */
    const char *system_file; /**< read where it exists; NULL: none */
    const char *const *sets; /**< --set section.key=value, in order; NULL where count is 0 */
    size_t set_count;
    const char *const *environment; /**< NAME=value, ended by NULL */
    enum ht_config_purpose purpose;
    bool is_terminal; /**< stderr is one: decides log.format's default */
};

/**
 * Loads defaults, file, environment and flags into `config` and checks the whole. 0; HT_EINVAL
 * with at least one mistake added; HT_ENOMEM. Whatever it returns, `config` is to be finished.
 */
int ht_config_load(struct ht_config *config, const struct ht_config_options *options,
                   struct ht_mistakes *mistakes) HT_MUST_CHECK;

/** The keys of source `index` (0 and up to source_count). */
const struct ht_config_source *ht_config_source_at(const struct ht_config *config, size_t index);

/** What source `index` is called: its name, else its type. */
const char *ht_config_source_name(const struct ht_config *config, size_t index);

/** Whether any part of it is at Amazon. */
bool ht_config_needs_aws(const struct ht_config *config);

/** Frees it and wipes the token. Zeroed memory is fine. */
void ht_config_finish(struct ht_config *config);
