// SPDX-License-Identifier: MIT
#pragma once

/**
 * Finds where a key of the configuration file stands, for messages like "file:3:12". It walks
 * over a text that was parsed before, so it needs no checks of its own.
 */

#include "hashtagd/json/json.h"

/** A key at its place: the key itself, or its value. */
struct ht_config_place {
    struct ht_json_place key;
    struct ht_json_place value;
};

/**
 * Fills `place` for `key` in the object `section`, or for `section` itself where `key` is empty, or
 * for the whole where both are. HT_ENOTFOUND where the text has no such key (or spells it with
 * escapes). `text` must be valid JSON.
 */
int ht_config_find_place(struct ht_slice text, struct ht_slice section, struct ht_slice key,
                         struct ht_config_place *place) HT_MUST_CHECK;
