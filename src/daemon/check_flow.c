// SPDX-License-Identifier: MIT
#include "check.h"

#include "hashtagd/json/json.h"

#include <string.h>

/*
 * put a tweet with a hashtag that nobody else uses -> counted -> deleted -> accepted by the archive
 *
 * Each step asks the daemon until it is true, or its time is over.
 */

enum {
    POLL_MS = 250,
    COUNT_TIMEOUT_MS = 60000,
    ARCHIVE_TIMEOUT_MS = 120000, /* and archive.buffer_s */
    RECENT_COUNT = 200,
};

static bool put(struct ht_check *check);
static bool wait_for_count(struct ht_check *check);
static bool delete_mark(struct ht_check *check);
static bool wait_for_archive(struct ht_check *check);

void ht_check_flow(struct ht_check *check)
{
    static const struct {
        const char *name;
        bool (*run)(struct ht_check *check);
    } steps[] = {{"put", put},
                 {"count", wait_for_count},
                 {"delete", delete_mark},
                 {"archive", wait_for_archive}};
    bool goes_on = true;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (!goes_on) {
            ht_check_skip(check, steps[i].name, "left out, as the step before it did not pass");
            continue;
        }
        goes_on = steps[i].run(check);
    }
}

/* Asks; on anything but 2xx the step has failed with the daemon's own words. */
static bool ask(struct ht_check *check, const char *step, const struct ht_client_request *request,
                struct ht_client_answer *answer)
{
    struct ht_error error;
    int result = ht_client_ask(&check->client, request, answer, &error);
    if (result == 0 && answer->status / 100 != 2) {
        result = ht_client_explain(&check->client, answer, &error);
    }
    if (result != 0) {
        ht_check_fail(check, step, error.text, "see GET /status of the daemon, and its log");
    }
    return result == 0;
}

static bool put(struct ht_check *check)
{
    char body[256];
    uint64_t id =
        (uint64_t)ht_clock_wall_ms(&check->clock) * 1000 + ht_random_below(&check->random, 1000);
    int length = snprintf(body, sizeof(body),
                          "{\"id\":\"%llu\",\"text\":\"#%s\",\"entities\":{\"hashtags\":[{\"text\":"
                          "\"%s\"}]}}",
                          (unsigned long long)id, check->mark, check->mark);
    struct ht_client_request request = {.method = "POST",
                                        .path = "tweets",
                                        .type = "application/json",
                                        .body = ht_slice_make(body, (size_t)length),
                                        .timeout_ms = 60000};
    struct ht_client_answer answer = {0};
    bool is_put = ask(check, "put", &request, &answer);
    ht_client_answer_finish(&answer);
    if (is_put) {
        ht_check_pass(check, "put", "a tweet with #%s is on the stream", check->mark);
    }
    return is_put;
}

/* The count of the mark: 0 where there is none yet, -1 where the daemon cannot be asked. */
static int64_t find_count(struct ht_check *check)
{
    char path[96];
    struct ht_error error;
    struct ht_client_answer answer = {0};
    (void)snprintf(path, sizeof(path), "hashtags/%s", check->mark);
    struct ht_client_request request = {.method = "GET", .path = path, .timeout_ms = 10000};
    int64_t count = -1;
    if (ht_client_ask(&check->client, &request, &answer, &error) == 0 &&
        (answer.status == 200 || answer.status == 404)) {
        struct ht_json *root = ht_json_parse(ht_buffer_slice(&answer.body), 0, NULL, NULL);
        count = answer.status == 404 ? 0 : ht_json_i64(ht_json_member(root, "count"));
        ht_json_destroy(root);
    }
    ht_client_answer_finish(&answer);
    return count;
}

/* Where nothing tells this process what others count, it cannot see the mark arrive. */
static bool sees_counts(struct ht_check *check)
{
    const struct ht_config *config = check->config;
    if (config->counting.enabled || config->archive.type != HT_CONFIG_ARCHIVE_NONE) {
        return true;
    }
    ht_check_skip(check, "count",
                  "counting.enabled is false and archive.type is none: this process does not see "
                  "what others count; check with the configuration of the one that counts too");
    return false;
}

static bool wait_for_count(struct ht_check *check)
{
    if (!sees_counts(check)) {
        return false;
    }
    int64_t count = 0;
    uint64_t began_ms = ht_clock_monotonic_ms(&check->clock), now_ms = began_ms;
    while (count <= 0 && now_ms - began_ms < COUNT_TIMEOUT_MS) {
        count = find_count(check);
        if (count <= 0 && !ht_client_wait(&check->client, POLL_MS)) {
            break;
        }
        now_ms = ht_clock_monotonic_ms(&check->clock);
    }
    if (count != 1) {
        char text[160];
        (void)snprintf(text, sizeof(text), "#%s counts %lld after %llu s, not 1", check->mark,
                       (long long)(count < 0 ? 0 : count),
                       (unsigned long long)((now_ms - began_ms) / 1000));
        ht_check_fail(check, "count", text,
                      check->config->counting.enabled
                          ? "see the parts stream and count in GET /status"
                          : "counting.enabled is false: the process that counts must run");
        return false;
    }
    ht_check_pass(check, "count", "#%s counts 1, after %.1f s", check->mark,
                  (double)(now_ms - began_ms) / 1000);
    return true;
}

static bool delete_mark(struct ht_check *check)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "hashtags/%s", check->mark);
    struct ht_client_request request = {.method = "DELETE", .path = path, .timeout_ms = 60000};
    struct ht_client_answer answer = {0};
    bool is_deleted = ask(check, "delete", &request, &answer);
    ht_client_answer_finish(&answer);
    if (is_deleted) {
        ht_check_pass(check, "delete", "#%s is gone from the table", check->mark);
    }
    return is_deleted;
}

static void copy_slice(struct ht_slice slice, char *out, size_t size)
{
    (void)snprintf(out, size, "%.*s", (int)(slice.length < size ? slice.length : size - 1),
                   slice.data);
}

static bool find_deletion(struct ht_check *check, struct ht_slice body)
{
    struct ht_json *root = ht_json_parse(body, 0, NULL, NULL);
    const struct ht_json *list = ht_json_member(root, "deletions");
    bool is_found = false;
    for (size_t i = 0; i < ht_json_count(list) && !is_found; i++) {
        const struct ht_json *deletion = ht_json_element(list, i);
        is_found = ht_slice_equal(ht_json_text(ht_json_member(deletion, "hashtag")),
                                  ht_slice_text(check->mark));
        if (is_found) {
            copy_slice(ht_json_text(ht_json_member(deletion, "event_id")), check->event_id,
                       sizeof(check->event_id));
            copy_slice(ht_json_text(ht_json_member(deletion, "object")), check->object,
                       sizeof(check->object));
        }
    }
    ht_json_destroy(root);
    return is_found;
}

/* A flush closes the buffers, so that nobody waits for archive.buffer_s. */
static bool look_once(struct ht_check *check)
{
    struct ht_error error;
    struct ht_client_answer answer = {0};
    struct ht_client_request flush = {.method = "POST", .path = "flush", .timeout_ms = 60000};
    bool is_asked = ht_client_ask(&check->client, &flush, &answer, &error) == 0;
    ht_client_answer_finish(&answer);
    char path[48];
    (void)snprintf(path, sizeof(path), "archive?limit=%d", RECENT_COUNT);
    struct ht_client_request recent = {.method = "GET", .path = path, .timeout_ms = 10000};
    answer = (struct ht_client_answer){0};
    bool is_found = is_asked && ht_client_ask(&check->client, &recent, &answer, &error) == 0 &&
                    answer.status == 200 && find_deletion(check, ht_buffer_slice(&answer.body));
    ht_client_answer_finish(&answer);
    return is_found;
}

static bool wait_for_archive(struct ht_check *check)
{
    if (check->config->archive.type == HT_CONFIG_ARCHIVE_NONE) {
        ht_check_skip(check, "archive", "archive.type is none: another process archives");
        return false;
    }
    uint64_t limit_ms = ARCHIVE_TIMEOUT_MS + check->config->archive.buffer_s * 1000;
    uint64_t began_ms = ht_clock_monotonic_ms(&check->clock), now_ms = began_ms;
    bool is_found = false;
    while (!is_found && now_ms - began_ms < limit_ms) {
        is_found = look_once(check);
        if (!is_found && !ht_client_wait(&check->client, POLL_MS)) {
            break;
        }
        now_ms = ht_clock_monotonic_ms(&check->clock);
    }
    if (!is_found) {
        ht_check_fail(check, "archive", "the deletion did not reach the archive",
                      "see the parts changes and archive in GET /status");
        return false;
    }
    ht_check_pass(check, "archive", "the deletion was accepted after %.1f s%s%s",
                  (double)(now_ms - began_ms) / 1000, check->object[0] == '\0' ? "" : ": ",
                  check->object);
    return true;
}
