// SPDX-License-Identifier: MIT
#pragma once

/**
 * The scan of a whole text: checks it and fills the reader's masks and brackets. Private to
 * json/; the reader calls it with the memory for the masks made.
 */

#include "hashtagd/json/reader.h"

/** The best level that this processor has. */
enum ht_json_level ht_scan_best_level(void);

/** Scans reader->text (not empty) with the instructions of reader->level, which the processor has;
 * there is room for a mask of each 64 bytes. Sets `*offset` where the verdict is not OK. */
enum ht_json_verdict ht_scan_text(struct ht_json_reader *reader, size_t *offset);

/** Makes room for 64 more brackets; 0 or HT_ENOMEM. */
int ht_scan_reserve_brackets(struct ht_json_reader *reader);

/** The scans that ht_scan_text() chooses from; same arguments and results. */
enum ht_json_verdict ht_scan_plain(struct ht_json_reader *reader, size_t *offset);
/** With SSE2; only on x86-64. */
enum ht_json_verdict ht_scan_sse2(struct ht_json_reader *reader, size_t *offset);
/** With AVX2; only where HT_SCAN_AVX2 is defined and the processor has it. */
enum ht_json_verdict ht_scan_avx2(struct ht_json_reader *reader, size_t *offset);
