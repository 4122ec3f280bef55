// SPDX-License-Identifier: MIT
#include "twitter_v2_cure.h"

#include "hashtagd/base/assert.h"

#include <string.h>

/* For a status and, where it is not empty, a word of the body. The first row that fits counts. */
struct row {
    int status; /* 0: any */
    const char *word;
    enum { FOR_ALL, FOR_KEYS, FOR_SAMPLE } context;
    const char *cure;
};

static const struct row rows[] = {
    {0, "TooManyConnections", FOR_ALL,
     "stop the other program that streams with this app; where there is none, X has not noticed "
     "the end of an earlier connection: it does within minutes"},
    {0, "RuleConfigurationIssue", FOR_ALL, "name at least one rule in source.rules"},
    {0, "RulesInvalidIssue", FOR_ALL, "look through source.rules"},
    {0, "usage-capped", FOR_ALL,
     "the account has used up what it may have in this period: see Usage in X's developer portal"},
    {0, "UsageCapExceeded", FOR_ALL,
     "the account has used up what it may have in this period: see Usage in X's developer portal"},
    {0, "credits", FOR_ALL, "buy credits for the account in X's developer portal"},
    {400, "backfill_minutes", FOR_ALL,
     "set source.backfill_minutes to 0: it needs Enterprise access"},
    {401, "", FOR_KEYS,
     "check TWITTER_CONSUMER_KEY and TWITTER_CONSUMER_SECRET, the API key and secret of the app in "
     "X's developer portal"},
    {401, "", FOR_ALL,
     "check TWITTER_BEARER_TOKEN or source.token_file; the app's page in X's developer portal "
     "makes a new bearer token"},
    {402, "", FOR_ALL, "look at plan and credits of the account in X's developer portal"},
    {403, "backfill", FOR_ALL, "Set source.backfill_minutes to 0: it needs Enterprise access"},
    {403, "nsupported", FOR_ALL,
     "the streams take an app-only bearer token, not a user's: set TWITTER_BEARER_TOKEN"},
    {403, "client-not-enrolled", FOR_SAMPLE,
     "the app's access does not include the sample stream, or the app belongs to no project: see "
     "X's developer portal, or set source.endpoint=filter"},
    {403, "client-not-enrolled", FOR_ALL,
     "put the app into a project with pay-per-use or Enterprise access in X's developer portal"},
    {403, "", FOR_KEYS,
     "check TWITTER_CONSUMER_KEY and TWITTER_CONSUMER_SECRET, and that the app's access in X's "
     "developer portal (pay-per-use or Enterprise) includes this stream"},
    {403, "", FOR_ALL,
     "check that the app's access in X's developer portal (pay-per-use or Enterprise) includes "
     "this stream"},
    {404, "", FOR_ALL, "check source.url"},
    {410, "", FOR_ALL, "check source.url"},
};

static bool fits(const struct row *row, const struct ht_twitter_v2_cure_context *context);
static bool has_word(struct ht_slice body, const char *word);

const char *ht_twitter_v2_cure(int status, struct ht_slice body,
                               const struct ht_twitter_v2_cure_context *context)
{
    for (size_t i = 0; i < HT_COUNT_OF(rows); i++) {
        if ((rows[i].status == 0 || rows[i].status == status) && fits(&rows[i], context) &&
            has_word(body, rows[i].word)) {
            return rows[i].cure;
        }
    }
    return "";
}

static bool fits(const struct row *row, const struct ht_twitter_v2_cure_context *context)
{
    switch (row->context) {
    case FOR_KEYS:
        return context->has_keys;
    case FOR_SAMPLE:
        return context->is_sample;
    case FOR_ALL:
        break;
    }
    return true;
}

static bool has_word(struct ht_slice body, const char *word)
{
    size_t length = strlen(word);
    return length == 0 ||
           (body.length >= length && memmem(body.data, body.length, word, length) != NULL);
}
