// SPDX-License-Identifier: MIT
#include "web.h"

const struct ht_web_file *ht_web_find(struct ht_slice name)
{
    size_t low = 0, high;
    const struct ht_web_file *files = ht_web_files(&high);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = ht_slice_compare(name, ht_slice_text(files[middle].name));
        if (order == 0) {
            return &files[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}
