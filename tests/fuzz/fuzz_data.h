// SPDX-License-Identifier: MIT
#pragma once

/** What the targets share that read stored, configured and answered bytes. */

#include "fuzz.h"

#include <string.h>

/** For "%.*s": a slice's length and bytes. */
#define FUZZ_TEXT(slice) (int)(slice).length, (slice).length == 0 ? "" : (slice).data

/** Takes a part off the front: up to the next line that is nothing but "%%", or all of the rest. */
static inline struct ht_slice fuzz_take_part(struct fuzz_input *input)
{
    static const char mark[] = "\n%%\n";
    struct ht_slice part = fuzz_rest(input);
    const char *end = part.length == 0 ? NULL : memmem(part.data, part.length, mark, 4);
    size_t taken = part.length;
    if (end != NULL) {
        part.length = (size_t)(end - part.data);
        taken = part.length + 4;
    }
    input->data += taken;
    input->length -= taken;
    return part;
}
