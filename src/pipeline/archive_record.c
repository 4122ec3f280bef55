// SPDX-License-Identifier: MIT
#include "archive_record.h"

#include "hashtagd/json/writer.h"

#include <stdlib.h>

const char *ht_archive_record_origin(enum ht_origin origin)
{
    switch (origin) {
    case HT_ORIGIN_USER:
        return "user";
    case HT_ORIGIN_TTL:
        return "ttl";
    case HT_ORIGIN_UNKNOWN:
        break;
    }
    return "unknown";
}

int ht_archive_record_format(const struct ht_removal *removal, struct ht_buffer *lines)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, lines);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "event_id");
    ht_json_write_slice(&writer, removal->event_id);
    ht_json_write_key(&writer, "hashtag");
    ht_json_write_slice(&writer, removal->item.hashtag);
    ht_json_write_key(&writer, "count");
    ht_json_write_u64(&writer, removal->item.count);
    ht_json_write_key(&writer, "first_seen");
    ht_json_write_i64(&writer, removal->item.first_seen_s);
    ht_json_write_key(&writer, "last_seen");
    ht_json_write_i64(&writer, removal->item.last_seen_s);
    ht_json_write_key(&writer, "deleted_at");
    ht_json_write_i64(&writer, removal->deleted_at_s);
    ht_json_write_key(&writer, "origin");
    ht_json_write_text(&writer, ht_archive_record_origin(removal->origin));
    ht_json_write_key(&writer, "item");
    ht_json_write_raw(&writer, removal->item_json);
    ht_json_write_object_end(&writer);
    (void)ht_buffer_append_byte(lines, '\n');
    return ht_buffer_status(lines);
}

/* Copies the bytes of `slice` to *at, moves it on and returns the copy. */
static struct ht_slice copy_slice(struct ht_slice slice, char **at)
{
    struct ht_slice copy = {*at, slice.length};
    if (slice.length > 0) {
        memcpy(*at, slice.data, slice.length);
    }
    *at += slice.length;
    return copy;
}

void ht_archive_ring_add(struct ht_archive_ring *ring, const struct ht_archiver_record *record)
{
    size_t text_bytes = record->event_id.length + record->hashtag.length + record->object.length;
    struct ht_archiver_record *copy = malloc(sizeof(*copy) + text_bytes);
    if (copy == NULL) {
        return;
    }
    char *at = (char *)(copy + 1);
    *copy = *record;
    copy->event_id = copy_slice(record->event_id, &at);
    copy->hashtag = copy_slice(record->hashtag, &at);
    copy->object = copy_slice(record->object, &at);
    free(ring->entries[ring->next]);
    ring->entries[ring->next] = copy;
    ring->next = (ring->next + 1) % HT_ARCHIVER_RECENT_MAX;
    ring->count += ring->count < HT_ARCHIVER_RECENT_MAX;
}

const struct ht_archiver_record *ht_archive_ring_get(const struct ht_archive_ring *ring, size_t age)
{
    if (age >= ring->count) {
        return NULL;
    }
    return ring->entries[(ring->next + HT_ARCHIVER_RECENT_MAX - 1 - age) % HT_ARCHIVER_RECENT_MAX];
}

void ht_archive_ring_finish(struct ht_archive_ring *ring)
{
    for (size_t i = 0; i < HT_ARCHIVER_RECENT_MAX; i++) {
        free(ring->entries[i]);
    }
    *ring = (struct ht_archive_ring){0};
}
