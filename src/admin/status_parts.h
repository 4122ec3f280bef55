// SPDX-License-Identifier: MIT
#pragma once

/**
 * The table of the seven parts: how each one is asked for its state, its kind and what it did.
 */

#include "status.h"

#include "hashtagd/admin/admin.h"

/** How one part is asked. */
struct ht_status_row {
    const char *name;
    const char *unit;                                              /* of rate and total */
    struct ht_health *(*health)(const struct ht_admin_context *c); /* NULL: configured away */
    const char *(*type)(const struct ht_admin_context *c);
    uint64_t (*total)(const struct ht_admin_context *c);
};

/** The row of a part. Static. */
const struct ht_status_row *ht_status_row(enum ht_status_part part);
