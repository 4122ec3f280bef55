// SPDX-License-Identifier: MIT
#include "archive_name.h"

#include <stdio.h>
#include <time.h>

int ht_archive_name_format(char *name, size_t size, const char *prefix, int64_t wall_ms,
                           const char *suffix)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm day;
    char directory[32], moment[32];
    if (wall_ms < 0 || gmtime_r(&seconds, &day) == NULL ||
        strftime(directory, sizeof(directory), "%Y/%m/%d/%H", &day) == 0 ||
        strftime(moment, sizeof(moment), "%Y%m%dT%H%M%S", &day) == 0) {
        return HT_EIO;
    }
    int length = snprintf(name, size, "%s%s/%s.%03dZ-%s.jsonl.gz", prefix, directory, moment,
                          (int)(wall_ms % 1000), suffix);
    return length < 0 || (size_t)length >= size ? HT_ETOOBIG : 0;
}
