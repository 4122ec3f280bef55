// SPDX-License-Identifier: MIT
#pragma once

/**
 * The two files that AWS programs share: ~/.aws/config and ~/.aws/credentials. What they say is
 * kept as it was written and asked by profile and key; where both files name a key, the
 * credentials file wins, and of several sections with one name the last that names the key. Source:
 * AWS SDKs and Tools Reference Guide, "Shared config and credentials files", "File format".
 *
 *     [profile archive]              ; in the config file; [archive] in the credentials file
 *     region = eu-west-1
 *     services = local
 *     s3 =
 *       addressing_style = path      ; a nested value
 *     [services local]
 *     dynamodb =
 *       endpoint_url = http://127.0.0.1:8000
 *
 * Parsing is pure; only ht_aws_profiles_load() reads files. No error shows a value.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"

#include <stdbool.h>

struct ht_aws_profiles;

/** A file larger than this is refused: real ones have some kilobytes. */
#define HT_AWS_PROFILES_MAX_BYTES ((size_t)1024 * 1024)

/** Bytes of a place in words, the end mark included. */
#define HT_AWS_PLACE_BYTES 256

/** Which file. */
enum ht_aws_profile_file {
    HT_AWS_CONFIG_FILE,
    HT_AWS_CREDENTIALS_FILE,
    HT_AWS_ANY_FILE, /**< for asking: either, the credentials file first */
};

/** Makes empty profiles. `*profiles` is the caller's. HT_ENOMEM. */
int ht_aws_profiles_create(struct ht_aws_profiles **profiles, struct ht_error *error) HT_MUST_CHECK;

/** Reads `text` as the content of a file, once a file; `path` is for messages and copied. HT_EPARSE
 * with file and line, HT_ETOOBIG, HT_ENOMEM; what was read before the mistake stays. */
int ht_aws_profiles_parse(struct ht_aws_profiles *profiles, enum ht_aws_profile_file file,
                          const char *path, struct ht_slice text,
                          struct ht_error *error) HT_MUST_CHECK;

/** Makes profiles of two files; a path that is NULL or names no file adds nothing. Blocks. Errors
 * as ht_aws_profiles_parse() and ht_aws_text_file_read(); then `*profiles` is NULL. */
int ht_aws_profiles_load(struct ht_aws_profiles **profiles, const char *config_path,
                         const char *credentials_path, struct ht_error *error) HT_MUST_CHECK;

/** Frees them, all text wiped. NULL is fine. */
void ht_aws_profiles_destroy(struct ht_aws_profiles *profiles);

/** Whether there is a section for the profile, an empty one too. */
bool ht_aws_profiles_has(const struct ht_aws_profiles *profiles, const char *profile);

/** The value of `key` (lower case) in a profile; NULL where it is not set or empty. Lives as long as
 * the profiles. */
const char *ht_aws_profiles_get(const struct ht_aws_profiles *profiles,
                                enum ht_aws_profile_file file, const char *profile,
                                const char *key);

/** The value of `key` in the block `service` of the section [services NAME]; NULL where it is not
 * set or empty. */
const char *ht_aws_profiles_get_of_service(const struct ht_aws_profiles *profiles, const char *name,
                                           const char *service, const char *key);

/** Writes where a profile's key stands, "~/.aws/config line 7", into `place`; the profile's name
 * where it stands nowhere. Returns `place`. */
char *ht_aws_profiles_place(const struct ht_aws_profiles *profiles, const char *profile,
                            const char *key, char place[HT_AWS_PLACE_BYTES]);
