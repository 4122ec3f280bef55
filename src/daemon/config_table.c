// SPDX-License-Identifier: MIT
#include "config_table.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/log.h"
#include "hashtagd/tally/recent_ids.h"
#include "hashtagd/tweet/fold.h"
#include "hashtagd/tweet/tweet.h"

#include <stdio.h>

static const struct ht_config_choice sources[] = {
    {"none", HT_CONFIG_SOURCE_NONE},
    {"synthetic", HT_CONFIG_SOURCE_SYNTHETIC},
    {"replay", HT_CONFIG_SOURCE_REPLAY},
    {"twitter-v1", HT_CONFIG_SOURCE_TWITTER_V1},
    {"twitter-v2", HT_CONFIG_SOURCE_TWITTER_V2},
    {"jetstream", HT_CONFIG_SOURCE_JETSTREAM},
    {"mastodon", HT_CONFIG_SOURCE_MASTODON},
    {0},
};

static const struct ht_config_choice endpoints[] = {
    {"filter", HT_CONFIG_ENDPOINT_FILTER},
    {"sample", HT_CONFIG_ENDPOINT_SAMPLE},
    {0},
};

static const struct ht_config_choice timelines[] = {
    {"public", HT_CONFIG_TIMELINE_PUBLIC},
    {"local", HT_CONFIG_TIMELINE_LOCAL},
    {"remote", HT_CONFIG_TIMELINE_REMOTE},
    {0},
};

static const struct ht_config_choice streams[] = {
    {"embedded", HT_CONFIG_STREAM_EMBEDDED},
    {"kinesis", HT_CONFIG_STREAM_KINESIS},
    {0},
};

static const struct ht_config_choice tables[] = {
    {"embedded", HT_CONFIG_TABLE_EMBEDDED},
    {"dynamodb", HT_CONFIG_TABLE_DYNAMODB},
    {0},
};

static const struct ht_config_choice archives[] = {
    {"directory", HT_CONFIG_ARCHIVE_DIRECTORY},
    {"firehose", HT_CONFIG_ARCHIVE_FIREHOSE},
    {"s3", HT_CONFIG_ARCHIVE_S3},
    {"none", HT_CONFIG_ARCHIVE_NONE},
    {0},
};

static const struct ht_config_choice folds[] = {
    {"case", HT_FOLD_CASE},
    {"none", HT_FOLD_NONE},
    {0},
};

static const struct ht_config_choice retweets[] = {
    {"count", HT_TWEET_RETWEETS_COUNT},
    {"ignore", HT_TWEET_RETWEETS_IGNORE},
    {0},
};

static const struct ht_config_choice log_levels[] = {
    {"error", HT_LOG_ERROR},
    {"warning", HT_LOG_WARNING},
    {"info", HT_LOG_INFO},
    {"debug", HT_LOG_DEBUG},
    {0},
};

static const struct ht_config_choice log_formats[] = {
    {"text", HT_LOG_FORMAT_TEXT},
    {"logfmt", HT_LOG_FORMAT_LOGFMT},
    {"json", HT_LOG_FORMAT_JSON},
    {0},
};

#define FIELD(section, name) .offset = offsetof(struct ht_config, section.name)
#define BETWEEN(least, most) .minimum = (least), .maximum = (most)
#define MEBIBYTE             (UINT64_C(1) << 20)
#define GIBIBYTE             (UINT64_C(1) << 30)
#define YEARS_10             UINT64_C(315360000)

/* The largest whole number that every JSON reader keeps exact. */
#define LARGEST ((UINT64_C(1) << 53) - 1)

/* The keys of one source; `at` is "source." or that of another one, `member` where its values are. */
#define SOURCE_ROWS(at, member)                                                                    \
    {at "type",                                                                                    \
     HT_CONFIG_CHOICE,                                                                             \
     "",                                                                                           \
     "none",                                                                                       \
     .choices = sources,                                                                           \
     FIELD(member, type),                                                                          \
     .doc = "where tweets come from; `POST /tweets` and `hashtagd put` work with every one"},      \
        {at "name",                                                                                \
         HT_CONFIG_TEXT,                                                                           \
         "",                                                                                       \
         "",                                                                                       \
         .fallback_text = "the type",                                                              \
         BETWEEN(1, HT_SOURCE_NAME_BYTES - 1),                                                     \
         FIELD(member, name),                                                                      \
         .doc = "what the source is called in the status, the metrics and the log; each of "       \
                "several sources needs its own"},                                                  \
        {at "rate",                                                                                \
         HT_CONFIG_NUMBER,                                                                         \
         "tweets a second",                                                                        \
         "200",                                                                                    \
         BETWEEN(0, 10000000),                                                                     \
         FIELD(member, rate),                                                                      \
         .doc = "synthetic, replay: how fast; 0 is as fast as it goes"},                           \
        {at "seed",                                                                                \
         HT_CONFIG_NUMBER,                                                                         \
         "",                                                                                       \
         "1",                                                                                      \
         BETWEEN(0, LARGEST),                                                                      \
         FIELD(member, seed),                                                                      \
         .doc = "synthetic: the same seed makes the same tweets"},                                 \
        {at "limit",                                                                               \
         HT_CONFIG_NUMBER,                                                                         \
         "tweets",                                                                                 \
         "0",                                                                                      \
         BETWEEN(0, LARGEST),                                                                      \
         FIELD(member, limit),                                                                     \
         .doc = "synthetic, replay: stop the source after so many tweets; 0 is never"},            \
        {at "files",                                                                               \
         HT_CONFIG_PATHS,                                                                          \
         "",                                                                                       \
         "[]",                                                                                     \
         BETWEEN(1, 4096),                                                                         \
         FIELD(member, files),                                                                     \
         .doc = "replay: the files, in any form that `hashtagd put` reads"},                       \
        {at "loop",                                                                                \
         HT_CONFIG_BOOLEAN,                                                                        \
         "",                                                                                       \
         "false",                                                                                  \
         FIELD(member, loop),                                                                      \
         .doc = "replay: begin again after the last file, each round with new ids"},               \
        {at "url",                                                                                 \
         HT_CONFIG_URL,                                                                            \
         "",                                                                                       \
         "",                                                                                       \
         .fallback_text = "the service's own",                                                     \
         BETWEEN(0, 2048),                                                                         \
         .is_secret = true,                                                                        \
         FIELD(member, url),                                                                       \
         .doc = "twitter-v1, twitter-v2, mastodon, jetstream: base address, for a proxy or a "     \
                "test server; mastodon needs it: the server, say `https://mastodon.social`"},      \
        {at "token_file",                                                                          \
         HT_CONFIG_PATH,                                                                           \
         "",                                                                                       \
         "",                                                                                       \
         .fallback_text = "the environment's",                                                     \
         BETWEEN(1, 4096),                                                                         \
         FIELD(member, token_file),                                                                \
         .doc = "twitter-v2: file with the bearer token, mastodon: with the access token, of "     \
                "this source alone"},                                                              \
        {at "endpoint",                                                                            \
         HT_CONFIG_CHOICE,                                                                         \
         "",                                                                                       \
         "filter",                                                                                 \
         .choices = endpoints,                                                                     \
         FIELD(member, endpoint),                                                                  \
         .doc = "twitter-v1, twitter-v2: which stream is read"},                                   \
        {at "timeline",                                                                            \
         HT_CONFIG_CHOICE,                                                                         \
         "",                                                                                       \
         "public",                                                                                 \
         .choices = timelines,                                                                     \
         FIELD(member, timeline),                                                                  \
         .doc = "mastodon: all posts that the server knows, those of its own users, or those of "  \
                "others"},                                                                         \
        {at "track",                                                                               \
         HT_CONFIG_TEXTS,                                                                          \
         "",                                                                                       \
         "[]",                                                                                     \
         BETWEEN(1, 256),                                                                          \
         FIELD(member, track),                                                                     \
         .doc = "twitter-v1: phrases to follow, at most 60 bytes each; mastodon: the one hashtag " \
                "that is followed"},                                                               \
        {at "locations",                                                                           \
         HT_CONFIG_TEXTS,                                                                          \
         "",                                                                                       \
         "[]",                                                                                     \
         BETWEEN(1, 100),                                                                          \
         FIELD(member, locations),                                                                 \
         .doc = "twitter-v1: bounding boxes, each \"west,south,east,north\" in degrees"},          \
        {at "follow",                                                                              \
         HT_CONFIG_TEXTS,                                                                          \
         "",                                                                                       \
         "[]",                                                                                     \
         BETWEEN(1, 256),                                                                          \
         FIELD(member, follow),                                                                    \
         .doc = "twitter-v1: ids of users to follow; jetstream: their DIDs"},                      \
        {at "language",                                                                            \
         HT_CONFIG_TEXTS,                                                                          \
         "",                                                                                       \
         "[]",                                                                                     \
         BETWEEN(1, 16),                                                                           \
         FIELD(member, language),                                                                  \
         .doc = "twitter-v1: language tags (BCP 47)"},                                             \
        {at "rules",                                                                               \
         HT_CONFIG_RULES,                                                                          \
         "",                                                                                       \
         "[]",                                                                                     \
         BETWEEN(1, 4096),                                                                         \
         FIELD(member, rules),                                                                     \
         .doc = "twitter-v2: rules `{\"value\": \"...\", \"tag\": \"...\"}`; the account's rules " \
                "are made equal to this list"},                                                    \
        {at "backfill_minutes",                                                                    \
         HT_CONFIG_NUMBER,                                                                         \
         "minutes",                                                                                \
         "0",                                                                                      \
         BETWEEN(0, 5),                                                                            \
         FIELD(member, backfill_minutes),                                                          \
         .doc = "twitter-v2: what a lost connection missed is sent again, up to so many minutes; " \
                "needs Enterprise access"},                                                        \
        {at "compression",                                                                         \
         HT_CONFIG_BOOLEAN,                                                                        \
         "",                                                                                       \
         "true",                                                                                   \
         FIELD(member, compression),                                                               \
         .doc = "twitter-v1, twitter-v2, mastodon: the stream comes as gzip; jetstream: as zstd, " \
                "where source.dictionary is set"},                                                 \
        {at "delimited",                                                                           \
         HT_CONFIG_BOOLEAN,                                                                        \
         "",                                                                                       \
         "false",                                                                                  \
         FIELD(member, delimited),                                                                 \
         .doc = "twitter-v1: ask for the length before each message"},                             \
    {                                                                                              \
        at "dictionary", HT_CONFIG_PATH, "", "",                                                   \
            .fallback_text = "none", BETWEEN(1, 4096), FIELD(member, dictionary),                  \
            .doc = "jetstream: file with the zstd dictionary that the service publishes"           \
    }

static const struct ht_config_row rows[] = {
    SOURCE_ROWS("source.", source),
    {"stream.type", HT_CONFIG_CHOICE, "", "embedded", .choices = streams, FIELD(stream, type),
     .doc = "what keeps the tweets until they are counted"},
    {"stream.name", HT_CONFIG_TEXT, "", "twitter_bigdata", BETWEEN(1, 128), FIELD(stream, name),
     .doc = "its name"},
    {"stream.retention_s", HT_CONFIG_NUMBER, "seconds", "86400", BETWEEN(0, YEARS_10),
     FIELD(stream, retention_s),
     .doc = "embedded: records that are counted are kept so long; records not yet counted are "
            "never dropped"},
    {"stream.retention_bytes", HT_CONFIG_NUMBER, "bytes", "1073741824",
     BETWEEN(MEBIBYTE, 65536 * GIBIBYTE), FIELD(stream, retention_bytes),
     .doc = "embedded: counted records may take so much of the disk; where records not yet "
            "counted fill it, intake pauses"},
    {"stream.start", HT_CONFIG_START, "", "trim_horizon", FIELD(stream, start),
     .doc = "where a shard without a checkpoint starts: `trim_horizon` (the oldest record), "
            "`latest`, or an RFC 3339 time"},
    {"stream.shards", HT_CONFIG_NUMBER, "shards", "0", BETWEEN(0, 10000), FIELD(stream, shards),
     .doc = "kinesis: how many shards `hashtagd setup` makes; 0 is on demand"},
    {"table.type", HT_CONFIG_CHOICE, "", "embedded", .choices = tables, FIELD(table, type),
     .doc = "what keeps the counts"},
    {"table.name", HT_CONFIG_TEXT, "", "hashtags", BETWEEN(1, 255), FIELD(table, name),
     .doc = "its name"},
    {"table.leases", HT_CONFIG_TEXT, "", "", .fallback_text = "`<table.name>-<stream.name>-leases`",
     BETWEEN(0, 255), FIELD(table, leases),
     .doc = "dynamodb: the table that keeps how far each shard is counted (rows as the Kinesis "
            "Client Library writes them)"},
    {"table.capacity", HT_CONFIG_NUMBER, "units", "0", BETWEEN(0, 40000), FIELD(table, capacity),
     .doc = "dynamodb: read and write capacity with which `hashtagd setup` makes the table; 0 is "
            "on demand"},
    {"table.flush_interval_s", HT_CONFIG_NUMBER, "seconds", "1", BETWEEN(1, 3600),
     FIELD(table, flush_interval_s), .doc = "how often pending counts are written"},
    {"table.ttl_s", HT_CONFIG_NUMBER, "seconds", "0", BETWEEN(0, YEARS_10), FIELD(table, ttl_s),
     .doc = "a hashtag that was not seen for so long is deleted and archived; 0 is never"},
    {"counting.enabled", HT_CONFIG_BOOLEAN, "", "true", FIELD(counting, enabled),
     .doc = "count what is on the stream; `false`: another process counts, this one only takes "
            "tweets in or archives"},
    {"counting.fold", HT_CONFIG_CHOICE, "", "case", .choices = folds, FIELD(counting, fold),
     .doc = "`case`: spellings that differ in case or width are one hashtag (NFKC, full case "
            "folding, NFKC); `none`: as spelled"},
    {"counting.once_per_tweet", HT_CONFIG_BOOLEAN, "", "false", FIELD(counting, once_per_tweet),
     .doc = "count a hashtag once for a tweet of X that repeats it; posts of Bluesky and Mastodon "
            "count each of theirs once in any case"},
    {"counting.repeat_window", HT_CONFIG_NUMBER, "tweets", "100000", BETWEEN(0, HT_RECENT_IDS_MAX),
     FIELD(counting, repeat_window),
     .doc = "how many recent tweet ids a shard remembers; a record whose tweet is among them is "
            "not counted again; of a post that can be edited (Bluesky, Mastodon) each hashtag "
            "takes a place too, so that an edit counts only what is new in it; 0: every record "
            "counts, each edit whole"},
    {"counting.retweets", HT_CONFIG_CHOICE, "", "count", .choices = retweets,
     FIELD(counting, retweets),
     .doc = "`count`: the hashtags of the whole original, once; `ignore`: none"},
    {"archive.type", HT_CONFIG_CHOICE, "", "directory", .choices = archives, FIELD(archive, type),
     .doc = "where deleted hashtags go; `none`: another process archives"},
    {"archive.name", HT_CONFIG_TEXT, "", "deleted-hashtags", BETWEEN(1, 128), FIELD(archive, name),
     .doc = "firehose, s3: delivery stream or bucket"},
    {"archive.bucket", HT_CONFIG_TEXT, "", "",
     .fallback_text = "`<archive.name>-<account>-<region>`", BETWEEN(0, 63), FIELD(archive, bucket),
     .doc =
         "firehose: the bucket that `hashtagd setup` makes for the delivery stream, and in which "
         "`hashtagd check` looks"},
    {"archive.role", HT_CONFIG_TEXT, "", "", .fallback_text = "a role that `hashtagd setup` makes",
     BETWEEN(0, 2048), FIELD(archive, role),
     .doc = "firehose: ARN of the role with which the delivery stream writes to the bucket"},
    {"archive.prefix", HT_CONFIG_TEXT, "", "deleted/", BETWEEN(0, 256), FIELD(archive, prefix),
     .doc = "what names of objects begin with; `YYYY/MM/DD/HH/` (UTC) follows"},
    {"archive.buffer_s", HT_CONFIG_NUMBER, "seconds", "60", BETWEEN(1, 86400),
     FIELD(archive, buffer_s), .doc = "directory, s3: close an object after so long"},
    {"archive.buffer_bytes", HT_CONFIG_NUMBER, "bytes", "1048576", BETWEEN(1024, GIBIBYTE),
     FIELD(archive, buffer_bytes), .doc = "directory, s3: close an object after so much"},
    {"data.dir", HT_CONFIG_PATH, "", "",
     .fallback_text = "`$STATE_DIRECTORY`, else `$XDG_STATE_HOME/hashtagd`, else "
                      "`~/.local/state/hashtagd`",
     BETWEEN(1, 3500), FIELD(data, dir),
     .doc = "the directory of everything that the embedded parts keep"},
    {"admin.listen", HT_CONFIG_ADDRESS, "", "127.0.0.1:8080", FIELD(admin, listen),
     .doc =
         "where the dashboard and the HTTP interface are: `address:port` or `[v6]:port`; port "
         "0 picks a free one, which the log and the file `admin.url` in the data directory tell"},
    {"admin.token_file", HT_CONFIG_PATH, "", "", .fallback_text = "no token", BETWEEN(0, 4096),
     FIELD(admin, token_file),
     .doc =
         "a file that holds the bearer token; required where other machines can reach the address"},
    {"admin.tls_cert", HT_CONFIG_PATH, "", "", .fallback_text = "no TLS", BETWEEN(0, 4096),
     FIELD(admin, tls_cert), .doc = "PEM file with the certificate: serve HTTPS"},
    {"admin.tls_key", HT_CONFIG_PATH, "", "", .fallback_text = "no TLS", BETWEEN(0, 4096),
     FIELD(admin, tls_key), .doc = "PEM file with the key of that certificate"},
    {"memory.budget_bytes", HT_CONFIG_NUMBER, "bytes", "268435456",
     BETWEEN(MEBIBYTE, 1024 * GIBIBYTE), FIELD(memory, budget_bytes),
     .doc = "what the whole pipeline may hold in flight; above it intake pauses"},
    {"log.level", HT_CONFIG_CHOICE, "", "info", .choices = log_levels, FIELD(log, level),
     .doc = "the least important lines that are written"},
    {"log.format", HT_CONFIG_CHOICE, "", "logfmt",
     .fallback_text = "`text` on a terminal, else `logfmt`", .choices = log_formats,
     FIELD(log, format), .doc = "how lines are written"},
    /* of several sources; before them stand those that everybody needs */
    SOURCE_ROWS("source.2.", more_sources[0]),
    SOURCE_ROWS("source.3.", more_sources[1]),
    SOURCE_ROWS("source.4.", more_sources[2]),
    SOURCE_ROWS("source.5.", more_sources[3]),
    SOURCE_ROWS("source.6.", more_sources[4]),
    SOURCE_ROWS("source.7.", more_sources[5]),
    SOURCE_ROWS("source.8.", more_sources[6]),
};

#define SOURCE_ROW_COUNT 20
#define BASE_ROW_COUNT   (HT_COUNT_OF(rows) - SOURCE_ROW_COUNT * (HT_SOURCE_COUNT_MAX - 1))

_Static_assert(HT_SOURCE_COUNT_MAX == 8, "rows for every source");

_Static_assert(HT_COUNT_OF(rows) <= HT_CONFIG_MAX_ROWS, "room for every origin");

const struct ht_config_row *ht_config_rows(size_t *count)
{
    *count = BASE_ROW_COUNT;
    return rows;
}

const struct ht_config_row *ht_config_all_rows(size_t *count)
{
    *count = HT_COUNT_OF(rows);
    return rows;
}

size_t ht_config_row_source(const struct ht_config_row *row)
{
    size_t index = ht_config_row_index(row);
    return index < BASE_ROW_COUNT ? 0 : (index - BASE_ROW_COUNT) / SOURCE_ROW_COUNT + 1;
}

const struct ht_config_row *ht_config_source_row(size_t source, const char *name)
{
    char key[64];
    if (source == 0) {
        (void)snprintf(key, sizeof(key), "source.%s", name);
    } else {
        (void)snprintf(key, sizeof(key), "source.%zu.%s", source + 1, name);
    }
    return ht_config_find_row(ht_slice_text(key));
}

const struct ht_config_row *ht_config_find_row(struct ht_slice key)
{
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        if (ht_slice_equal(ht_slice_text(rows[i].key), key)) {
            return &rows[i];
        }
    }
    return NULL;
}

size_t ht_config_row_index(const struct ht_config_row *row)
{
    return (size_t)(row - rows);
}

char *ht_config_variable(const struct ht_config_row *row, char name[64])
{
    (void)snprintf(name, 64, "HASHTAGD_%s", row->key);
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '.') {
            *at = '_';
        } else if (*at >= 'a' && *at <= 'z') {
            *at = (char)(*at - 'a' + 'A');
        }
    }
    return name;
}

void *ht_config_field(struct ht_config *config, const struct ht_config_row *row)
{
    return (char *)config + row->offset;
}
