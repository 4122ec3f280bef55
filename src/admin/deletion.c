// SPDX-License-Identifier: MIT
#include "deletion.h"

#include "hashtagd/base/assert.h"

const char *ht_deletion_origin_name(enum ht_origin origin)
{
    switch (origin) {
    case HT_ORIGIN_USER:
        return "user";
    case HT_ORIGIN_TTL:
        return "ttl";
    case HT_ORIGIN_UNKNOWN:
        return "unknown";
    }
    HT_UNREACHABLE();
}

void ht_deletion_format(const struct ht_archiver_record *record, bool is_event,
                        struct ht_json_writer *writer)
{
    ht_json_write_object_begin(writer);
    ht_json_write_key(writer, "event_id");
    ht_json_write_slice(writer, record->event_id);
    ht_json_write_key(writer, "hashtag");
    ht_json_write_slice(writer, record->hashtag);
    ht_json_write_key(writer, "count");
    ht_json_write_u64(writer, record->count);
    ht_json_write_key(writer, "first_seen");
    ht_json_write_i64(writer, record->first_seen_s);
    ht_json_write_key(writer, "last_seen");
    ht_json_write_i64(writer, record->last_seen_s);
    ht_json_write_key(writer, "deleted_at");
    ht_json_write_i64(writer, record->deleted_at_s);
    ht_json_write_key(writer, "origin");
    ht_json_write_text(writer, ht_deletion_origin_name(record->origin));
    if (is_event) {
        ht_json_write_key(writer, "archived");
        ht_json_write_bool(writer, record->archived);
    }
    if (!is_event || record->archived) {
        ht_json_write_key(writer, "archived_at");
        ht_json_write_i64(writer, record->archived_at_s);
        ht_json_write_key(writer, "object");
        ht_json_write_slice(writer, record->object);
    }
    ht_json_write_object_end(writer);
}
