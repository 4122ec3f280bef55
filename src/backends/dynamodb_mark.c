// SPDX-License-Identifier: MIT
#include "dynamodb_mark.h"

#include <inttypes.h>
#include <stdio.h>

static const char prefix[] = "shardId-";

enum {
    PREFIX_LENGTH = sizeof(prefix) - 1,
    ID_DIGITS = 12,
    HEX_MAX = 10, /* 12 decimal digits */
    SUB_DIGITS = 7,
};

void ht_mark_name(const char *shard_id, char name[HT_MARK_NAME_BYTES])
{
    uint64_t number;
    struct ht_slice digits = {shard_id + PREFIX_LENGTH, ID_DIGITS};
    if (strlen(shard_id) == PREFIX_LENGTH + ID_DIGITS &&
        strncmp(shard_id, prefix, PREFIX_LENGTH) == 0 &&
        ht_slice_to_u64(digits, UINT64_MAX, &number) == 0) {
        (void)snprintf(name, HT_MARK_NAME_BYTES, "m%" PRIx64, number);
    } else {
        (void)snprintf(name, HT_MARK_NAME_BYTES, "m:%.*s", HT_SHARD_ID_BYTES - 1, shard_id);
    }
}

/* Lower-case hex as ht_mark_name() writes it; false for anything else. */
static bool read_hex(struct ht_slice text, uint64_t *number)
{
    *number = 0;
    if (text.length == 0 || text.length > HEX_MAX || (text.data[0] == '0' && text.length > 1)) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        const char *digit = memchr("0123456789abcdef", text.data[i], 16);
        if (digit == NULL) {
            return false;
        }
        unsigned value = text.data[i] <= '9' ? (unsigned)(text.data[i] - '0')
                                             : (unsigned)(text.data[i] - 'a') + 10;
        *number = *number * 16 + value;
    }
    return *number <= 999999999999;
}

bool ht_mark_shard(struct ht_slice name, char shard_id[HT_SHARD_ID_BYTES])
{
    uint64_t number;
    if (name.length < 2 || name.data[0] != 'm') {
        return false;
    }
    if (name.data[1] == ':') {
        size_t length = name.length - 2;
        if (length == 0 || length >= HT_SHARD_ID_BYTES ||
            memchr(name.data, '\0', name.length) != NULL) {
            return false;
        }
        memcpy(shard_id, name.data + 2, length);
        shard_id[length] = '\0';
        return true;
    }
    if (!read_hex(ht_slice_make(name.data + 1, name.length - 1), &number)) {
        return false;
    }
    (void)snprintf(shard_id, HT_SHARD_ID_BYTES, "%s%012" PRIu64, prefix, number);
    return true;
}

void ht_mark_value(struct ht_slice sequence_number, uint64_t sub_sequence,
                   char value[HT_MARK_VALUE_BYTES])
{
    while (sequence_number.length > 1 && sequence_number.data[0] == '0') {
        sequence_number.data++;
        sequence_number.length--;
    }
    size_t length =
        sequence_number.length < HT_SEQUENCE_BYTES ? sequence_number.length : HT_SEQUENCE_BYTES - 1;
    uint64_t sub =
        sub_sequence < HT_MARK_SUB_SEQUENCE_MAX ? sub_sequence : HT_MARK_SUB_SEQUENCE_MAX;
    int written = snprintf(value, HT_MARK_VALUE_BYTES, "%03zu%.*s", length, (int)length,
                           sequence_number.data);
    if (sub > 0) {
        (void)snprintf(value + written, HT_MARK_VALUE_BYTES - (size_t)written, ".%07" PRIu64, sub);
    }
}

bool ht_mark_read(struct ht_slice value, struct ht_slice *sequence_number, uint64_t *sub_sequence)
{
    uint64_t length;
    *sub_sequence = 0;
    if (value.length < 4 ||
        ht_slice_to_u64(ht_slice_make(value.data, 3), HT_SEQUENCE_BYTES - 1, &length) != 0 ||
        length == 0 || value.length < 3 + length) {
        return false;
    }
    *sequence_number = ht_slice_make(value.data + 3, (size_t)length);
    for (size_t i = 0; i < sequence_number->length; i++) {
        if (sequence_number->data[i] < '0' || sequence_number->data[i] > '9') {
            return false;
        }
    }
    struct ht_slice rest = {value.data + 3 + length, value.length - 3 - (size_t)length};
    return rest.length == 0 || (rest.length == 1 + SUB_DIGITS && rest.data[0] == '.' &&
                                ht_slice_to_u64(ht_slice_make(rest.data + 1, SUB_DIGITS),
                                                UINT64_MAX, sub_sequence) == 0);
}
