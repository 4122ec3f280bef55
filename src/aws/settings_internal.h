// SPDX-License-Identifier: MIT
#pragma once

/** What the credential chain needs of the settings: the files anew, and paths as people write
 * them. */

#include "hashtagd/aws/settings.h"

/** Reads both profile files as they are now. `*profiles` is the caller's, to be freed with
 * ht_aws_profiles_destroy(); NULL on errors, as of ht_aws_settings_load(). Blocks; reentrant. */
int ht_aws_settings_read_profiles(const struct ht_aws_settings *settings,
                                  struct ht_aws_profiles **profiles,
                                  struct ht_error *error) HT_MUST_CHECK;

/** Replaces "~/" at the beginning of `path` by HOME. `*out` is the caller's; NULL with status 0 where
 * HOME is not set. HT_ENOMEM, HT_ETOOBIG. */
int ht_aws_settings_expand(const struct ht_aws_settings *settings, const char *path, char **out,
                           struct ht_error *error) HT_MUST_CHECK;
