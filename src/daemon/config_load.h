// SPDX-License-Identifier: MIT
#pragma once

/**
 * The steps of ht_config_load(), each in a file of its own: the JSON file, then what must hold
 * between the values.
 */

#include "config_table.h"

/** Largest file that is read. */
#define HT_CONFIG_MAX_FILE_BYTES (1024 * 1024)

/** Reads the JSON file at `path` into `config`. Mistakes name file, line and column. 0 or
 * HT_ENOMEM. */
int ht_config_load_file(struct ht_config *config, const char *path,
                        struct ht_mistakes *mistakes) HT_MUST_CHECK;

/** Notes that the value of `row` came from `place` (copied). 0 or HT_ENOMEM. */
int ht_config_set_origin(struct ht_config *config, const struct ht_config_row *row,
                         const char *place) HT_MUST_CHECK;

/** Checks what one value alone cannot tell and reads the token. `purpose` says how much must hold.
 */
void ht_config_check(struct ht_config *config, enum ht_config_purpose purpose,
                     struct ht_mistakes *mistakes);

/** The part of that which is about sources. */
void ht_config_check_sources(const struct ht_config *config, struct ht_mistakes *mistakes);

/** The part of that which is about what sources leave out, and what they share. */
void ht_config_check_filters(const struct ht_config *config, struct ht_mistakes *mistakes);

/** Notes under `place` that the file at `path`, which `key` names, cannot be read. */
void ht_config_check_readable(const char *path, const char *place, const char *key,
                              struct ht_mistakes *mistakes);

/** Reads the secrets that the sources need out of `environment` and files. Texts of mistakes never
 * hold one. */
void ht_config_load_secrets(struct ht_config *config, const char *const *environment,
                            struct ht_mistakes *mistakes);

/** Wipes and frees them. */
void ht_config_finish_secrets(struct ht_config *config);

/** Wipes and frees a text that is a secret; NULL is fine. */
void ht_config_wipe(char *secret);

/** Reads one word (a token) out of the file at `path` into `*secret` (owned by the caller). A mistake
 * is noted under `place`, with `key` as what names the file. */
void ht_config_read_secret(const char *path, const char *place, const char *key, char **secret,
                           struct ht_mistakes *mistakes);

/** Where the value of a row came from, for a mistake's place. */
const char *ht_config_place(const struct ht_config *config, const struct ht_config_row *row);

/** The value of the variable `name` in `environment` (ended by NULL); NULL where there is none. */
const char *ht_config_environment(const char *const *environment, const char *name);
