// SPDX-License-Identifier: MIT
#include "hashtagd/aws/dynamodb_streams_get_records.h"

#include "hashtagd/aws/attribute.h"
#include "hashtagd/json/parts.h"

/* Longest sequence number that is taken (40 digits in the API reference). */
enum { MOST_SEQUENCE_DIGITS = 128 };

static enum ht_dynamodb_stream_event event_of(struct ht_slice name)
{
    static const struct {
        const char *name;
        enum ht_dynamodb_stream_event event;
    } events[] = {
        {"INSERT", HT_DYNAMODB_STREAM_EVENT_INSERT},
        {"MODIFY", HT_DYNAMODB_STREAM_EVENT_MODIFY},
        {"REMOVE", HT_DYNAMODB_STREAM_EVENT_REMOVE},
    };
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (ht_slice_equal(name, ht_slice_text(events[i].name))) {
            return events[i].event;
        }
    }
    return HT_DYNAMODB_STREAM_EVENT_OTHER;
}

/* The API's model has capital names, the events of Lambda small ones. */
static enum ht_dynamodb_stream_identity identity_of(struct ht_slice text)
{
    struct ht_json_parts parts = ht_json_parts(text);
    struct ht_slice key, value, type = {"", 0}, principal = {"", 0};
    if (text.length == 0 || text.data[0] == 'n') {
        return HT_DYNAMODB_STREAM_IDENTITY_NONE;
    }
    while (ht_json_parts_next(&parts, &key, &value)) {
        if (ht_slice_equal_ignoring_case(key, HT_SLICE("type"))) {
            type = ht_json_parts_plain_text(value);
        } else if (ht_slice_equal_ignoring_case(key, HT_SLICE("principalid"))) {
            principal = ht_json_parts_plain_text(value);
        }
    }
    return ht_slice_equal_ignoring_case(type, HT_SLICE("service")) &&
                   ht_slice_equal_ignoring_case(principal, HT_SLICE("dynamodb.amazonaws.com"))
               ? HT_DYNAMODB_STREAM_IDENTITY_TTL
               : HT_DYNAMODB_STREAM_IDENTITY_OTHER;
}

/* The digits of a string; empty where it is no sequence number. */
static struct ht_slice sequence_of(struct ht_slice value)
{
    struct ht_slice digits = ht_json_parts_plain_text(value);
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || i == MOST_SEQUENCE_DIGITS) {
            return (struct ht_slice){"", 0};
        }
    }
    return digits;
}

static int64_t time_of(struct ht_slice value)
{
    int64_t time_ms = 0;
    return ht_attribute_read_decimal(value, 3, &time_ms, NULL) == 0 && time_ms > 0 ? time_ms : 0;
}

static struct ht_slice object_of(struct ht_slice value)
{
    return value.data[0] == '{' ? value : (struct ht_slice){"", 0};
}

/* Reads the member "dynamodb"; whether it is whole. */
static bool read_change(struct ht_slice text, struct ht_dynamodb_stream_record *record)
{
    struct ht_json_parts parts = ht_json_parts(text);
    struct ht_slice key, value;
    while (ht_json_parts_next(&parts, &key, &value)) {
        if (ht_slice_equal(key, HT_SLICE("SequenceNumber"))) {
            record->sequence_number = sequence_of(value);
        } else if (ht_slice_equal(key, HT_SLICE("Keys"))) {
            record->keys = object_of(value);
        } else if (ht_slice_equal(key, HT_SLICE("NewImage"))) {
            record->new_image = object_of(value);
        } else if (ht_slice_equal(key, HT_SLICE("OldImage"))) {
            record->old_image = object_of(value);
        } else if (ht_slice_equal(key, HT_SLICE("ApproximateCreationDateTime"))) {
            record->created_ms = time_of(value);
        }
    }
    return !parts.is_broken;
}

int ht_dynamodb_stream_record_read(struct ht_slice text, struct ht_dynamodb_stream_record *record)
{
    struct ht_json_parts parts = ht_json_parts(text);
    struct ht_slice key, value, empty = {"", 0};
    bool is_whole = true;
    *record = (struct ht_dynamodb_stream_record){
        .event_id = empty,
        .sequence_number = empty,
        .keys = empty,
        .new_image = empty,
        .old_image = empty,
    };
    while (ht_json_parts_next(&parts, &key, &value)) {
        if (ht_slice_equal(key, HT_SLICE("eventName"))) {
            record->event = event_of(ht_json_parts_plain_text(value));
        } else if (ht_slice_equal(key, HT_SLICE("eventID"))) {
            record->event_id = ht_json_parts_plain_text(value);
        } else if (ht_slice_equal(key, HT_SLICE("userIdentity"))) {
            record->identity = identity_of(value);
        } else if (ht_slice_equal(key, HT_SLICE("dynamodb"))) {
            is_whole = read_change(value, record);
        }
    }
    is_whole = is_whole && !parts.is_broken && record->sequence_number.length > 0;
    return is_whole ? 0 : HT_EPARSE;
}
