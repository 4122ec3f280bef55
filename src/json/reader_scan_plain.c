// SPDX-License-Identifier: MIT
/* The scan in portable C: what reader_scan_core.h does by itself. */
#include "reader_scan.h"

#include "reader_scan_core.h"

enum ht_json_verdict ht_scan_plain(struct ht_json_reader *reader, size_t *offset)
{
    return scan_all(reader, offset);
}
