// SPDX-License-Identifier: MIT
#include "reader_scan.h"

#include <stdlib.h>

int ht_scan_reserve_brackets(struct ht_json_reader *reader)
{
    size_t wanted = reader->bracket_capacity < 256 ? 256 : reader->bracket_capacity * 2;
    size_t most = reader->text.length + 64; /* each is a byte of the text */
    size_t capacity = wanted < most || most < 256 ? wanted : most;
    struct ht_json_bracket *brackets =
        realloc(reader->brackets, capacity * sizeof(struct ht_json_bracket));
    if (brackets == NULL) {
        return HT_ENOMEM;
    }
    reader->brackets = brackets;
    reader->bracket_capacity = capacity;
    return 0;
}

enum ht_json_level ht_scan_best_level(void)
{
#if defined(HT_SCAN_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("pclmul")) {
        return HT_JSON_LEVEL_AVX2;
    }
#endif
#if defined(__x86_64__)
    return HT_JSON_LEVEL_SSE2;
#else
    return HT_JSON_LEVEL_PLAIN;
#endif
}

enum ht_json_verdict ht_scan_text(struct ht_json_reader *reader, size_t *offset)
{
    reader->bracket_count = 0;
    reader->has_escaped_keys = false;
#if defined(HT_SCAN_AVX2)
    if (reader->level == HT_JSON_LEVEL_AVX2) {
        return ht_scan_avx2(reader, offset);
    }
#endif
#if defined(__x86_64__)
    if (reader->level == HT_JSON_LEVEL_SSE2) {
        return ht_scan_sse2(reader, offset);
    }
#endif
    return ht_scan_plain(reader, offset);
}
