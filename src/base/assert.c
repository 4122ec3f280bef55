// SPDX-License-Identifier: MIT
#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void ht_assert_fail(const char *what, const char *file, int line)
{
    (void)fprintf(stderr, "hashtagd: assertion failed: %s at %s:%d\n", what, file, line);
    abort();
}
