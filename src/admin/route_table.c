// SPDX-License-Identifier: MIT
#include "router.h"

#include "hashtag_list.h"
#include "routes.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/pipeline/archiver.h"

#define JSON    "application/json"
#define PROBLEM "application/problem+json"

/* A body that nobody wants is read all the same, so that a malformed one is refused before anything
 * is done. */
enum { MAX_TWEETS_BODY_BYTES = 32 * 1024 * 1024, MAX_EMPTY_BODY_BYTES = 4096 };

static const struct ht_route_parameter hashtags_parameters[] = {
    {"limit", HT_PARAMETER_NUMBER, 1, HT_TALLY_TOP_MAX, 20, NULL, "how many at most"},
    {"window", HT_PARAMETER_CHOICE, 0, 0, 0, ht_window_names, "which window"},
    {"prefix", HT_PARAMETER_TEXT, 0, 0, 0, NULL,
     "only those that begin so, folded like the counts"},
    {"after", HT_PARAMETER_TEXT, 0, 0, 0, NULL, "the `next` of the page before"},
    {0},
};

static const struct ht_route_parameter archive_parameters[] = {
    {"limit", HT_PARAMETER_NUMBER, 1, HT_ARCHIVER_RECENT_MAX, 50, NULL, "how many at most"},
    {0},
};

static const struct ht_route_parameter events_parameters[] = {
    {"limit", HT_PARAMETER_NUMBER, 1, 100, 20, NULL, "how many hashtags `top` carries"},
    {"window", HT_PARAMETER_CHOICE, 0, 0, 0, ht_window_names, "which window `top` carries"},
    {0},
};

#define BAD_QUERY                                                                                  \
    {                                                                                              \
        400, "problem", PROBLEM, "a parameter is unknown, repeated or out of range"                \
    }
#define NOT_FOUND                                                                                  \
    {                                                                                              \
        404, "problem", PROBLEM, "there is no such hashtag"                                        \
    }
#define UNAVAILABLE                                                                                \
    {                                                                                              \
        503, "problem", PROBLEM, "a part behind cannot do it now; Retry-After tells when to ask"   \
    }

static const struct ht_route_response page_responses[] = {
    {200, NULL, "text/html", "the dashboard"},
    {304, NULL, NULL, "not changed"},
    {0},
};

static const struct ht_route_response archive_responses[] = {
    {200, "deletions", JSON, "newest first"},
    BAD_QUERY,
    {0},
};

static const struct ht_route_response events_responses[] = {
    {200, NULL, "text/event-stream",
     "`top`, `rates`, `deleted` and `status`, until one side closes"},
    BAD_QUERY,
    UNAVAILABLE,
    {0},
};

static const struct ht_route_response flush_responses[] = {
    {200, "flushed", JSON, "durable, with what was on the stream if that was counted within 5 s"},
    UNAVAILABLE,
    {0},
};

static const struct ht_route_response hashtags_responses[] = {
    {200, "hashtags", JSON, "most first, ties by name"},
    BAD_QUERY,
    UNAVAILABLE,
    {0},
};

static const struct ht_route_response hashtag_responses[] = {
    {200, "hashtag", JSON, "the item with its counts in every window"},
    {400, "problem", PROBLEM, "the path is not percent-encoded UTF-8"},
    NOT_FOUND,
    UNAVAILABLE,
    {0},
};

static const struct ht_route_response delete_responses[] = {
    {200, "deleted", JSON, "the item as it was"},
    {400, "problem", PROBLEM, "the path is not percent-encoded UTF-8"},
    NOT_FOUND,
    UNAVAILABLE,
    {0},
};

static const struct ht_route_response health_responses[] = {
    {200, "health", JSON, "the loop turns"},
    {0},
};

static const struct ht_route_response metrics_responses[] = {
    {200, NULL, "text/plain", "Prometheus text 0.0.4; OpenMetrics 1.0 where Accept asks for it"},
    {0},
};

static const struct ht_route_response openapi_responses[] = {
    {200, "openapi", JSON, "this description"},
    {0},
};

static const struct ht_route_response ready_responses[] = {
    {200, "health", JSON, "every stage works"},
    {503, "unready", PROBLEM, "`problems` names each part that doesn't work, and why"},
    {0},
};

static const struct ht_route_response status_responses[] = {
    {200, "status", JSON, "the state of every part"},
    {0},
};

static const struct ht_route_response tweets_responses[] = {
    {202, "accepted", JSON, "durable on the stream, but for those in `rejected`"},
    {400, "unaccepted", PROBLEM, "none was acceptable"},
    {411, "problem", PROBLEM, "a length is needed"},
    {413, "problem", PROBLEM, "too large, or too many tweets"},
    {415, "problem", PROBLEM, "neither JSON nor JSON lines"},
    UNAVAILABLE,
    {0},
};

static const struct ht_route routes[] = {
    {HT_HTTP_GET, "/", "dashboard", "The dashboard.", ht_route_web, .is_free = true,
     .is_page = true, .responses = page_responses},
    {HT_HTTP_GET, "/archive", "listDeletions",
     "The latest archived deletions that this daemon delivered.", ht_route_archive,
     .parameters = archive_parameters, .responses = archive_responses},
    {HT_HTTP_GET, "/events", "listen", "Live events for the dashboard (server-sent events).",
     ht_route_events, .parameters = events_parameters, .responses = events_responses},
    {HT_HTTP_POST, "/flush", "flush",
     "Waits up to 5 s for what is on the stream when it is asked, writes pending counts and closes "
     "open archive buffers; answered once durable. What came later or is further back is not in "
     "it.",
     ht_route_flush, .max_body_bytes = MAX_EMPTY_BODY_BYTES, .responses = flush_responses},
    {HT_HTTP_GET, "/hashtags", "listHashtags", "The top hashtags of a window, in pages.",
     ht_route_hashtags, .parameters = hashtags_parameters, .responses = hashtags_responses},
    {HT_HTTP_GET, "/hashtags/{tag}", "getHashtag", "One hashtag with all that is known of it.",
     ht_route_hashtag, .responses = hashtag_responses},
    {HT_HTTP_DELETE, "/hashtags/{tag}", "deleteHashtag",
     "Removes a hashtag, counts not yet written included; what was removed reaches the archive.",
     ht_route_hashtag_delete, .responses = delete_responses},
    {HT_HTTP_GET, "/healthz", "getHealth", "Whether the process is alive.", ht_route_healthz,
     .is_free = true, .responses = health_responses},
    {HT_HTTP_GET, "/metrics", "getMetrics", "Metrics for Prometheus.", ht_route_metrics,
     .responses = metrics_responses},
    {HT_HTTP_GET, "/openapi.json", "getDescription", "This description.", ht_route_openapi,
     .responses = openapi_responses},
    {HT_HTTP_GET, "/readyz", "getReadiness", "Whether every stage works.", ht_route_readyz,
     .is_free = true, .responses = ready_responses},
    {HT_HTTP_GET, "/status", "getStatus", "The state of every stage.", ht_route_status,
     .responses = status_responses},
    {HT_HTTP_POST, "/tweets", "putTweets", "Puts tweets on the stream; answered once durable.",
     ht_route_tweets, .needs_body = true, .max_body_bytes = MAX_TWEETS_BODY_BYTES,
     .responses = tweets_responses},
    {HT_HTTP_GET, "/{file}", "dashboardFile", "A file of the dashboard.", ht_route_web,
     .is_free = true, .is_page = true, .responses = page_responses},
};

const struct ht_route *ht_routes(size_t *count)
{
    *count = HT_COUNT_OF(routes);
    return routes;
}
