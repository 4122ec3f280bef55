// SPDX-License-Identifier: MIT
#include "twitter_v1_cure.h"

#include "hashtagd/base/error.h"

#include <inttypes.h>
#include <stdio.h>

#define SWITCHED_OFF                                                                               \
    "X has switched this API off: use source.type=twitter-v2, jetstream or mastodon, or set "      \
    "source.url to a server that still speaks it"

static const char *find_text(const struct ht_twitter_v1_cure_context *context);
static void format_unauthorized(const struct ht_twitter_v1_cure_context *context,
                                char text[HT_TWITTER_V1_CURE_BYTES]);

const char *ht_twitter_v1_cure_format(const struct ht_twitter_v1_cure_context *context,
                                      char text[HT_TWITTER_V1_CURE_BYTES])
{
    if (context->status == 401) {
        format_unauthorized(context, text);
    } else {
        snprintf(text, HT_TWITTER_V1_CURE_BYTES, "%s", find_text(context));
    }
    return text;
}

static const char *find_text(const struct ht_twitter_v1_cure_context *context)
{
    static const char elsewhere[] = "check source.url, and that the server there speaks API v1.1 "
                                    "(/1.1/statuses/filter.json and sample.json)";

    switch (context->status) {
    case 403:
        return context->is_twitter
                   ? SWITCHED_OFF
                   : "the account or the app may not read this stream; ask who runs "
                     "the server, or use source.endpoint=filter or another account";
    case 404:
    case 410:
        return context->is_twitter ? SWITCHED_OFF : elsewhere;
    case 406:
        return context->is_sample
                   ? "a parameter is not taken; check source.language"
                   : "a parameter is not taken; check source.track, locations, follow and language";
    case 413:
        return "a list is too long for this server; shorten source.track, follow or locations (400 "
               "phrases, 5000 users and 25 boxes were what everybody had)";
    case 416:
        return "a range is not taken; check source.locations, and parameters in source.url";
    case 420:
        return "too many connections or attempts with this account; end the other programs that "
               "use "
               "it, then it goes on by itself";
    default:
        return "";
    }
}

/* A signature holds for some minutes around its time, so a wrong clock looks like wrong keys. */
static void format_unauthorized(const struct ht_twitter_v1_cure_context *context,
                                char text[HT_TWITTER_V1_CURE_BYTES])
{
    int64_t behind_s = context->clock_behind_s;

    if (behind_s > HT_TWITTER_V1_CLOCK_TOLERATED_S || behind_s < -HT_TWITTER_V1_CLOCK_TOLERATED_S) {
        snprintf(text, HT_TWITTER_V1_CURE_BYTES,
                 "this machine's clock is %" PRId64 " s %s the server's, and signatures hold for a "
                 "few minutes only: set the time (NTP: timedatectl set-ntp true)",
                 behind_s < 0 ? -behind_s : behind_s, behind_s < 0 ? "ahead of" : "behind");
        return;
    }
    snprintf(text, HT_TWITTER_V1_CURE_BYTES,
             "check TWITTER_CONSUMER_KEY, TWITTER_CONSUMER_SECRET, TWITTER_ACCESS_TOKEN and "
             "TWITTER_ACCESS_TOKEN_SECRET (wrong, revoked, or of another app), and that this "
             "machine's clock is right (NTP)");
}
