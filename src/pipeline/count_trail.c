// SPDX-License-Identifier: MIT
#include "count_trail.h"

void ht_count_trail_init(struct ht_count_trail *trail, size_t window)
{
    *trail = (struct ht_count_trail){.window = window};
}

static const struct ht_count_trail_place *place_of_age(const struct ht_count_trail *trail,
                                                       size_t age)
{
    size_t at = trail->oldest + trail->count - 1 - age;
    return &trail->places[at % HT_COUNT_TRAIL_PLACES];
}

/* An eighth of the window apart, so that the ring reaches back one and seven eighths at least. */
void ht_count_trail_note(struct ht_count_trail *trail, struct ht_slice sequence_number)
{
    trail->ids++;
    uint64_t step = trail->window / 8 + 1;
    if (sequence_number.length >= HT_SEQUENCE_BYTES ||
        (trail->count > 0 && trail->ids - place_of_age(trail, 0)->ids < step)) {
        return;
    }
    struct ht_count_trail_place *place =
        &trail->places[(trail->oldest + trail->count) % HT_COUNT_TRAIL_PLACES];
    if (trail->count < HT_COUNT_TRAIL_PLACES) {
        trail->count++;
    } else {
        trail->oldest = (trail->oldest + 1) % HT_COUNT_TRAIL_PLACES;
    }
    place->ids = trail->ids;
    memcpy(place->sequence_number, sequence_number.data, sequence_number.length);
    place->sequence_number[sequence_number.length] = '\0';
}

const char *ht_count_trail_find(const struct ht_count_trail *trail)
{
    for (size_t age = 0; age < trail->count; age++) {
        const struct ht_count_trail_place *place = place_of_age(trail, age);
        if (trail->ids - place->ids >= trail->window + trail->window / 2 ||
            age + 1 == trail->count) {
            return place->sequence_number;
        }
    }
    return "";
}
