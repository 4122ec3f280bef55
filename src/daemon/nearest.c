// SPDX-License-Identifier: MIT
#include "nearest.h"

#include <strings.h>

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Three rows of the usual matrix are enough: this one, the one before, and, for swaps, the one
 * before that. */
size_t ht_nearest_distance(struct ht_slice a, struct ht_slice b)
{
    if (a.length > HT_NEAREST_MAX_BYTES || b.length > HT_NEAREST_MAX_BYTES) {
        return HT_NEAREST_MAX_BYTES;
    }
    size_t rows[3][HT_NEAREST_MAX_BYTES + 1];
    for (size_t j = 0; j <= b.length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a.length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            char x = lower(a.data[i - 1]), y = lower(b.data[j - 1]);
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.data[j - 2]) && lower(a.data[i - 2]) == y) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
    }
    return rows[a.length % 3][b.length];
}

void ht_nearest_offer(struct ht_nearest *nearest, struct ht_slice word, const char *candidate)
{
    size_t distance = ht_nearest_distance(word, ht_slice_text(candidate));
    /* The beginning of a word is as good as one wrong letter. */
    if (word.length > 2 && distance > 1 && strncasecmp(candidate, word.data, word.length) == 0) {
        distance = 1;
    }
    size_t near_enough = word.length / 3 > 2 ? word.length / 3 : 2;
    /* Of a short word everything would be near. */
    if (distance > near_enough || distance >= word.length) {
        return;
    }
    if (nearest->word == NULL || distance < nearest->distance) {
        *nearest = (struct ht_nearest){candidate, distance};
    }
}
