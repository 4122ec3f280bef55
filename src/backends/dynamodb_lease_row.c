// SPDX-License-Identifier: MIT
#include "dynamodb_lease_row.h"

#include "hashtagd/aws/attribute.h"
#include "hashtagd/base/assert.h"

enum attribute {
    KEY,
    OWNER,
    COUNTER,
    CHECKPOINT,
    SUB_SEQUENCE,
    ENTITY_TYPE,
    WARM_SEQUENCE,
    TIME_MS,
    ATTRIBUTE_COUNT,
};

/* sentinel, kind */
static const struct {
    const char *text;
    enum ht_position_kind kind;
} sentinels[] = {
    {"TRIM_HORIZON", HT_POSITION_TRIM_HORIZON},
    {"LATEST", HT_POSITION_LATEST},
    {"AT_TIMESTAMP", HT_POSITION_AT_TIME},
    {"SHARD_END", HT_POSITION_END},
};

/* Copies the text of an S; false where there is none or it is too long. */
static bool copy_text(const struct ht_json_reader *reader, struct ht_json_value value,
                      struct ht_buffer *arena, struct ht_slice out)
{
    struct ht_slice text;
    char *bytes = (char *)(uintptr_t)out.data;
    bytes[0] = '\0';
    if (ht_attribute_text(reader, value, arena, &text) != 0 || text.length >= out.length ||
        memchr(text.data, '\0', text.length) != NULL) {
        return false;
    }
    memcpy(bytes, text.data, text.length);
    bytes[text.length] = '\0';
    return true;
}

static struct ht_slice room(char *text, size_t size)
{
    return ht_slice_make(text, size);
}

static bool is_number(const char *text)
{
    size_t length = strspn(text, "0123456789");
    return length > 0 && text[length] == '\0';
}

static int read_position(const struct ht_json_reader *reader, const struct ht_json_value *found,
                         struct ht_buffer *arena, struct ht_position *position)
{
    char text[HT_LEASE_CHECKPOINT_BYTES];
    *position = (struct ht_position){.kind = HT_POSITION_AFTER};
    if (!copy_text(reader, found[CHECKPOINT], arena, room(text, sizeof(text)))) {
        return HT_EPARSE;
    }
    /* An end has one too: what the shard's children must know of it is read from there. */
    if (!copy_text(reader, found[WARM_SEQUENCE], arena,
                   room(position->warm_sequence, sizeof(position->warm_sequence))) ||
        !is_number(position->warm_sequence)) {
        position->warm_sequence[0] = '\0';
    }
    for (size_t i = 0; i < HT_COUNT_OF(sentinels); i++) {
        if (strcmp(sentinels[i].text, text) == 0) {
            position->kind = sentinels[i].kind;
            /* KCL keeps the time elsewhere: then it is the oldest record. */
            if (ht_attribute_i64(reader, found[TIME_MS], &position->time_ms) != 0) {
                position->time_ms = 0;
            }
            return 0;
        }
    }
    if (!is_number(text)) {
        return HT_EPARSE;
    }
    memcpy(position->sequence_number, text, sizeof(text));
    if (ht_attribute_u64(reader, found[SUB_SEQUENCE], &position->sub_sequence) != 0) {
        position->sub_sequence = 0;
    }
    return 0;
}

int ht_lease_row_read(const struct ht_json_reader *reader, struct ht_json_value item,
                      struct ht_buffer *arena, struct ht_lease_row *row)
{
    static const char *const names[ATTRIBUTE_COUNT] = {
        [KEY] = "leaseKey",
        [OWNER] = "leaseOwner",
        [COUNTER] = "leaseCounter",
        [CHECKPOINT] = "checkpoint",
        [SUB_SEQUENCE] = "checkpointSubSequenceNumber",
        [ENTITY_TYPE] = "entityType",
        [WARM_SEQUENCE] = "htWarmSequence",
        [TIME_MS] = "htTimeMs",
    };
    struct ht_json_keys keys;
    struct ht_json_value found[ATTRIBUTE_COUNT];
    char type[16];
    *row = (struct ht_lease_row){0};
    ht_json_keys_init(&keys, names, ATTRIBUTE_COUNT);
    ht_json_reader_find(reader, item, &keys, found);
    bool is_lease = found[ENTITY_TYPE].kind == '\0' ||
                    (copy_text(reader, found[ENTITY_TYPE], arena, room(type, sizeof(type))) &&
                     strcmp(type, "LEASE") == 0);
    if (!is_lease ||
        !copy_text(reader, found[KEY], arena, room(row->shard_id, sizeof(row->shard_id))) ||
        row->shard_id[0] == '\0') {
        return HT_ENOTFOUND;
    }
    if (found[OWNER].kind != '\0' &&
        !copy_text(reader, found[OWNER], arena, room(row->owner, sizeof(row->owner)))) {
        return HT_EPARSE;
    }
    if (ht_attribute_u64(reader, found[COUNTER], &row->counter) != 0) {
        return HT_EPARSE;
    }
    return read_position(reader, found, arena, &row->position);
}

const char *ht_lease_checkpoint_text(const struct ht_position *position)
{
    for (size_t i = 0; i < HT_COUNT_OF(sentinels); i++) {
        if (sentinels[i].kind == position->kind) {
            return sentinels[i].text;
        }
    }
    return position->sequence_number;
}

static int rank(const struct ht_position *position)
{
    switch (position->kind) {
    case HT_POSITION_AT_TIME:
        return 0;
    case HT_POSITION_TRIM_HORIZON:
        return 1;
    case HT_POSITION_LATEST:
        return 2;
    case HT_POSITION_AFTER:
    case HT_POSITION_BEFORE:
        return 3;
    case HT_POSITION_END:
        return 4;
    }
    HT_UNREACHABLE();
}

int ht_lease_compare(const struct ht_position *a, const struct ht_position *b)
{
    int order = rank(a) - rank(b);
    if (order != 0 || rank(a) != 3) {
        return order;
    }
    return ht_sequence_compare_sub(ht_slice_text(a->sequence_number), a->sub_sequence,
                                   ht_slice_text(b->sequence_number), b->sub_sequence);
}
