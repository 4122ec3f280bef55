// SPDX-License-Identifier: MIT
#include "hashtagd/pipeline/position.h"

int ht_sequence_compare(struct ht_slice a, struct ht_slice b)
{
    return ht_slice_compare_decimal(a, b);
}

int ht_sequence_compare_sub(struct ht_slice a, uint64_t sub_a, struct ht_slice b, uint64_t sub_b)
{
    int order = ht_sequence_compare(a, b);
    return order != 0 ? order : (sub_a > sub_b) - (sub_a < sub_b);
}

void ht_position_after(struct ht_position *position, struct ht_slice sequence_number,
                       uint64_t sub_sequence)
{
    size_t length = sequence_number.length < HT_SEQUENCE_BYTES - 1 ? sequence_number.length
                                                                   : HT_SEQUENCE_BYTES - 1;
    position->kind = HT_POSITION_AFTER;
    memcpy(position->sequence_number, sequence_number.data, length);
    position->sequence_number[length] = '\0';
    position->sub_sequence = sub_sequence;
}
