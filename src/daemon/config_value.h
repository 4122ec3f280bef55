// SPDX-License-Identifier: MIT
#pragma once

/**
 * One value of the configuration: from text (a flag or variable) or JSON (the file) into its
 * field, checked against its row, and back into text for people.
 */

#include "config_table.h"

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/json/json.h"

/**
 * Reads `text` into the field of `row`, in place of what was there. Lists are JSON ("[...]") or
 * words with commas between them. HT_EINVAL where it is not acceptable: the field stays, and
 * `error` says what was found and what is accepted, without any secret. HT_ENOMEM.
 */
int ht_config_set_text(struct ht_config *config, const struct ht_config_row *row,
                       struct ht_slice text, struct ht_error *error) HT_MUST_CHECK;

/** The same for a value of the file. */
int ht_config_set_json(struct ht_config *config, const struct ht_config_row *row,
                       const struct ht_json *value, struct ht_error *error) HT_MUST_CHECK;

/** Frees what the field of `row` owns. Zeroed memory is fine. */
void ht_config_clear_field(struct ht_config *config, const struct ht_config_row *row);

/** Appends the value of `row` as JSON, as it would stand in the file; secrets as "***". */
void ht_config_format_value(struct ht_config *config, const struct ht_config_row *row,
                            struct ht_buffer *out);

/** Appends what `row` accepts, in words: "a whole number from 0 to 9 (seconds)". */
void ht_config_format_accepted(const struct ht_config_row *row, struct ht_buffer *out);

/** Fills `error` with what was found (`value` where it came as JSON, else the text `found`) and what
 * `row` accepts. Returns HT_EINVAL. */
int ht_config_refuse(const struct ht_config_row *row, struct ht_slice found,
                     const struct ht_json *value, struct ht_error *error);
