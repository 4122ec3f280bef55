// SPDX-License-Identifier: MIT
#include "check.h"

#include "hashtagd/aws/s3_get_object.h"
#include "hashtagd/aws/s3_list_objects_v2.h"
#include "hashtagd/base/gzip.h"

#include <string.h>

/*
 * directory: the file that GET /archive named
 * s3:        the object that it named
 * firehose:  the objects of the day, until one has the line: Firehose writes them by itself, after
 *            its own buffering
 */

enum {
    MAX_OBJECT_BYTES = 64 * 1024 * 1024,
    LOOK_INTERVAL_MS = 5000,
    FIREHOSE_EXTRA_MS = 90000,
    NEWEST_COUNT = 20, /* objects of the day that are looked into */
};

/* An object on its way to us. */
struct fetch {
    struct ht_loop *loop;
    struct ht_buffer bytes; /* owned */
    int status;
};

/* The newest keys of the day. */
struct listing {
    struct ht_loop *loop;
    char keys[NEWEST_COUNT][1100];
    size_t count; /* of all; the last NEWEST_COUNT are kept */
    char token[1200];
    int status;
    struct ht_error error;
};

static void look_into_directory(struct ht_check *check);
static void look_into_bucket(struct ht_check *check);
static void look_into_delivery(struct ht_check *check);

void ht_check_archive(struct ht_check *check)
{
    if (check->event_id[0] == '\0') {
        return;
    }
    switch ((enum ht_config_archive)check->config->archive.type) {
    case HT_CONFIG_ARCHIVE_DIRECTORY:
        look_into_directory(check);
        break;
    case HT_CONFIG_ARCHIVE_S3:
        look_into_bucket(check);
        break;
    case HT_CONFIG_ARCHIVE_FIREHOSE:
        look_into_delivery(check);
        break;
    case HT_CONFIG_ARCHIVE_NONE:
        break;
    }
}

/* Whether the lines, gzip or plain, have our deletion. */
static bool has_line(const struct ht_check *check, struct ht_slice bytes)
{
    struct ht_buffer text;
    ht_buffer_init(&text, MAX_OBJECT_BYTES);
    if (ht_gzip_has_magic(bytes)) {
        if (ht_gzip_parse(bytes, &text) != 0) {
            ht_buffer_finish(&text);
            return false;
        }
        bytes = ht_buffer_slice(&text);
    }
    bool is_found = bytes.length > 0 && memmem(bytes.data, bytes.length, check->event_id,
                                               strlen(check->event_id)) != NULL;
    ht_buffer_finish(&text);
    return is_found;
}

static void tell(struct ht_check *check, bool is_found, const char *place)
{
    if (is_found) {
        ht_check_pass(check, "found", "its line is in %s", place);
    } else {
        char text[5100];
        (void)snprintf(text, sizeof(text), "its line is not in %s", place);
        ht_check_fail(check, "found", text, "see the log of the daemon");
    }
}

static void look_into_directory(struct ht_check *check)
{
    char path[5000];
    struct ht_buffer bytes;
    (void)snprintf(path, sizeof(path), "%s/archive/%s", check->config->data.dir, check->object);
    ht_buffer_init(&bytes, MAX_OBJECT_BYTES);
    FILE *file = fopen(path, "re");
    char piece[8192];
    size_t length;
    while (file != NULL && (length = fread(piece, 1, sizeof(piece), file)) > 0) {
        (void)ht_buffer_append(&bytes, piece, length);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    tell(check, ht_buffer_status(&bytes) == 0 && has_line(check, ht_buffer_slice(&bytes)), path);
    ht_buffer_finish(&bytes);
}

static void on_fetched(struct ht_s3_get_object *op)
{
    struct fetch *fetch = op->user;
    fetch->status = op->status;
    if (op->status == 0) {
        fetch->status = ht_buffer_append_slice(&fetch->bytes, op->body);
    }
    ht_loop_stop(fetch->loop);
}

static bool object_has_line(struct ht_check *check, const char *key)
{
    struct fetch fetch = {.loop = check->aws.loop};
    ht_buffer_init(&fetch.bytes, MAX_OBJECT_BYTES);
    struct ht_s3_get_object op = {.bucket = ht_slice_text(check->bucket),
                                  .key = ht_slice_text(key),
                                  .max_bytes = MAX_OBJECT_BYTES,
                                  .resource = "an object of the archive",
                                  .done = on_fetched,
                                  .user = &fetch};
    ht_s3_get_object_start(check->aws.session.client, &op);
    ht_loop_run(check->aws.loop);
    bool is_found = fetch.status == 0 && has_line(check, ht_buffer_slice(&fetch.bytes));
    ht_buffer_finish(&fetch.bytes);
    return is_found;
}

/* The key is what stands behind the bucket where the archive tells both. */
static void look_into_bucket(struct ht_check *check)
{
    char scheme[100], place[1400];
    size_t length = (size_t)snprintf(scheme, sizeof(scheme), "s3://%s/", check->bucket);
    const char *key = check->object;
    if (strncmp(key, scheme, length) == 0) {
        key += length;
    }
    (void)snprintf(place, sizeof(place), "%s%s", scheme, key);
    tell(check, object_has_line(check, key), place);
}

static void on_listed(struct ht_s3_list_objects_v2 *op)
{
    struct listing *listing = op->user;
    listing->status = op->status;
    listing->error = op->call.error;
    for (size_t i = 0; op->status == 0 && i < op->count; i++) {
        (void)snprintf(listing->keys[listing->count++ % NEWEST_COUNT], sizeof(listing->keys[0]),
                       "%.*s", (int)op->objects[i].key.length, op->objects[i].key.data);
    }
    (void)snprintf(listing->token, sizeof(listing->token), "%.*s",
                   (int)(op->status == 0 && op->is_truncated ? op->next_token.length : 0),
                   op->next_token.length == 0 ? "" : op->next_token.data);
    ht_loop_stop(listing->loop);
}

/* All keys of the day, page by page; those of Firehose sort by time. */
static void list_day(struct ht_check *check, struct listing *listing)
{
    char day[HT_TIME_UTC_BYTES], prefix[1200], token[1200];
    (void)ht_time_format_utc(ht_clock_wall_ms(&check->clock), day);
    (void)snprintf(prefix, sizeof(prefix), "%s%.4s/%.2s/%.2s/", check->prefix, day, day + 5,
                   day + 8);
    listing->count = 0;
    listing->token[0] = '\0';
    do {
        memcpy(token, listing->token, sizeof(token));
        struct ht_s3_list_objects_v2 op = {.bucket = ht_slice_text(check->bucket),
                                           .prefix = ht_slice_text(prefix),
                                           .continuation = ht_slice_text(token),
                                           .resource = "the bucket of the archive",
                                           .done = on_listed,
                                           .user = listing};
        ht_s3_list_objects_v2_start(check->aws.session.client, &op);
        ht_loop_run(check->aws.loop);
    } while (listing->status == 0 && listing->token[0] != '\0');
}

static const char *find_in_day(struct ht_check *check, struct listing *listing)
{
    list_day(check, listing);
    size_t kept = listing->count < NEWEST_COUNT ? listing->count : NEWEST_COUNT;
    for (size_t i = 0; listing->status == 0 && i < kept; i++) {
        const char *key = listing->keys[(listing->count - 1 - i) % NEWEST_COUNT];
        if (object_has_line(check, key)) {
            return key;
        }
    }
    return NULL;
}

static void look_into_delivery(struct ht_check *check)
{
    struct listing listing = {.loop = check->aws.loop};
    uint64_t limit_ms = FIREHOSE_EXTRA_MS + check->config->archive.buffer_s * 1000;
    uint64_t began_ms = ht_clock_monotonic_ms(&check->clock);
    const char *key = find_in_day(check, &listing);
    while (key == NULL && listing.status == 0 &&
           ht_clock_monotonic_ms(&check->clock) - began_ms < limit_ms) {
        ht_aws_command_wait(&check->aws, LOOK_INTERVAL_MS);
        key = find_in_day(check, &listing);
    }
    char place[1400];
    (void)snprintf(place, sizeof(place), "s3://%s/%s", check->bucket, key == NULL ? "" : key);
    if (listing.status != 0) {
        ht_check_fail(check, "found", listing.error.text,
                      "check needs s3:ListBucket and s3:GetObject to look (docs/aws.md)");
        return;
    }
    tell(check, key != NULL, place);
}
