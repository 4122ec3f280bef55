// SPDX-License-Identifier: MIT
#include "hashtagd/tally/marks.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/tally/tag_set.h"

#include <stdlib.h>

/* All digits together: a bound against our own mistakes. */
#define DIGITS_MAX_BYTES ((size_t)1 << 32)

struct mark {
    size_t start; /**< of its digits */
    size_t length;
    uint64_t sub_sequence;
};

struct ht_marks {
    struct ht_tag_set *tags; /**< owned */
    struct mark *marks;      /**< owned: by the tag's number */
    size_t capacity;
    uint32_t highest; /**< the number of the highest mark */
    struct ht_buffer digits;
};

static int compare(const struct ht_marks *marks, uint32_t number, struct ht_slice sequence,
                   uint64_t sub_sequence);
static int make_room(struct ht_marks *marks, size_t count);

struct ht_marks *ht_marks_create(const struct ht_hash_key *key)
{
    struct ht_marks *marks = calloc(1, sizeof(*marks));
    if (marks == NULL) {
        return NULL;
    }
    ht_buffer_init(&marks->digits, DIGITS_MAX_BYTES);
    marks->tags = ht_tag_set_create(key);
    if (marks->tags == NULL) {
        ht_marks_destroy(marks);
        return NULL;
    }
    return marks;
}

void ht_marks_destroy(struct ht_marks *marks)
{
    if (marks == NULL) {
        return;
    }
    ht_tag_set_destroy(marks->tags);
    ht_buffer_finish(&marks->digits);
    free(marks->marks);
    free(marks);
}

int ht_marks_put(struct ht_marks *marks, struct ht_slice tag, struct ht_slice sequence,
                 uint64_t sub_sequence)
{
    size_t before = ht_tag_set_count(marks->tags);
    uint32_t number;
    if (make_room(marks, before + 1) != 0 ||
        ht_buffer_reserve(&marks->digits, sequence.length) != 0) {
        return HT_ENOMEM;
    }
    int status = ht_tag_set_add(marks->tags, tag, &number);
    bool is_known = number < before;
    if (status != 0 || (is_known && compare(marks, number, sequence, sub_sequence) >= 0)) {
        return status;
    }
    marks->marks[number] = (struct mark){marks->digits.length, sequence.length, sub_sequence};
    (void)ht_buffer_append_slice(&marks->digits, sequence);
    if (before == 0 || compare(marks, marks->highest, sequence, sub_sequence) < 0) {
        marks->highest = number;
    }
    return 0;
}

bool ht_marks_cover(const struct ht_marks *marks, struct ht_slice tag, struct ht_slice sequence,
                    uint64_t sub_sequence)
{
    uint32_t number;
    return ht_tag_set_find(marks->tags, tag, &number) &&
           compare(marks, number, sequence, sub_sequence) >= 0;
}

bool ht_marks_are_ahead(const struct ht_marks *marks, struct ht_slice tag, struct ht_slice sequence,
                        uint64_t sub_sequence)
{
    uint32_t number;
    return ht_tag_set_find(marks->tags, tag, &number) &&
           compare(marks, number, sequence, sub_sequence) > 0;
}

bool ht_marks_are_past(const struct ht_marks *marks, struct ht_slice sequence,
                       uint64_t sub_sequence)
{
    return ht_tag_set_count(marks->tags) == 0 ||
           compare(marks, marks->highest, sequence, sub_sequence) < 0;
}

size_t ht_marks_count(const struct ht_marks *marks)
{
    return ht_tag_set_count(marks->tags);
}

size_t ht_marks_memory_bytes(const struct ht_marks *marks)
{
    return sizeof(*marks) + ht_tag_set_memory_bytes(marks->tags) +
           marks->capacity * sizeof(marks->marks[0]) + marks->digits.capacity;
}

/* Below, at or above 0 as the mark is before, at or behind the record. */
static int compare(const struct ht_marks *marks, uint32_t number, struct ht_slice sequence,
                   uint64_t sub_sequence)
{
    const struct mark *mark = &marks->marks[number];
    int order = ht_slice_compare_decimal(
        ht_slice_make(marks->digits.data + mark->start, mark->length), sequence);
    return order != 0 ? order
                      : (mark->sub_sequence > sub_sequence) - (mark->sub_sequence < sub_sequence);
}

static int make_room(struct ht_marks *marks, size_t count)
{
    if (count <= marks->capacity) {
        return 0;
    }
    size_t capacity = marks->capacity == 0 ? 16 : marks->capacity * 2;
    struct mark *grown = realloc(marks->marks, capacity * sizeof(*grown));
    if (grown == NULL) {
        return HT_ENOMEM;
    }
    marks->marks = grown;
    marks->capacity = capacity;
    return 0;
}
