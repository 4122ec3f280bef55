// SPDX-License-Identifier: MIT
#pragma once

/**
 * The settings that AWS programs share: region, endpoints, switches, read once at start from
 * the environment and the profile files (~/.aws/config, ~/.aws/credentials), the order as the
 * SDKs have it. It reads files, so it is loaded before the loop runs; afterwards it never
 * changes. Source: AWS SDKs and Tools Reference Guide, "Settings reference".
 *
 *     struct ht_aws_settings settings;
 *     if (ht_aws_settings_load(&settings, environment, &error) != 0) ...
 *     ...
 *     ht_aws_settings_finish(&settings);
 */

#include "hashtagd/aws/service.h"
#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct ht_aws_profiles;

/** All of it. Texts are owned, NULL where not set. */
struct ht_aws_settings {
    char *region; /**< NULL where nothing names one: then ht_aws_credentials_region() may know it
                   *   from the instance metadata, else it is an error at first use */
    char *endpoints[HT_AWS_SERVICE_COUNT]; /**< overrides, "http://127.0.0.1:4567"; NULL: by rule */
    bool uses_dualstack;                   /**< AWS_USE_DUALSTACK_ENDPOINT */
    bool uses_fips;                        /**< AWS_USE_FIPS_ENDPOINT */
    unsigned max_attempts;                 /**< 0: the default of the service */
    char *metadata_endpoint;               /**< AWS_EC2_METADATA_SERVICE_ENDPOINT; NULL: by mode */
    bool uses_metadata_ipv6;               /**< AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is IPv6 */
    char *ca_file;                         /**< AWS_CA_BUNDLE; NULL: the system's */
    char *profile;                         /**< the profile's name; "default" where none is set */
    bool is_profile_explicit;              /**< AWS_PROFILE was set */
    struct ht_aws_profiles *profiles;      /**< what the files say; owned, never NULL */
    char *
        *environment; /**< owned copy of NAME=value that begin with AWS_, and HOME; ended by NULL */
};

/** Loads. `environment` is NAME=value, ended by NULL, not kept. HT_EINVAL with a text that names
 * the variable or file, line and key; HT_EPARSE (a file cannot be understood), HT_EPERMISSION,
 * HT_ETOOBIG, HT_EIO (it cannot be read), HT_ENOMEM. To be finished in every case. */
int ht_aws_settings_load(struct ht_aws_settings *settings, const char *const *environment,
                         struct ht_error *error) HT_MUST_CHECK;

/** Frees it, secrets of the files wiped; zeroed memory is fine. */
void ht_aws_settings_finish(struct ht_aws_settings *settings);

/** Sets the region from the program's own configuration, above all else. HT_EINVAL (not the form of
 * a region), HT_ENOMEM. */
int ht_aws_settings_set_region(struct ht_aws_settings *settings, const char *region,
                               struct ht_error *error) HT_MUST_CHECK;

/** Sets the endpoint of a service from the program's own configuration, above all else, the switch
 * to ignore configured endpoints too. HT_EINVAL (no http or https address), HT_ENOMEM. */
int ht_aws_settings_set_endpoint(struct ht_aws_settings *settings, enum ht_aws_service service,
                                 const char *url, struct ht_error *error) HT_MUST_CHECK;

/** The value of a variable of the kept environment; NULL where it is not set or empty. */
const char *ht_aws_settings_variable(const struct ht_aws_settings *settings, const char *name);

/**
 * Appends the base address of a service, "https://kinesis.eu-west-1.amazonaws.com", without a slash
 * at its end, to `url`: the override, else by the rules of partition, dual stack and FIPS. `region`
 * is not NULL. For S3 it is the host of the service; s3 operations put the bucket in front or into
 * the path. HT_EINVAL (no such combination, no region), HT_ENOMEM, HT_ETOOBIG. Source: the endpoint
 * rule sets of botocore 1.43.
 */
int ht_aws_endpoint(const struct ht_aws_settings *settings, enum ht_aws_service service,
                    const char *region, struct ht_buffer *url,
                    struct ht_error *error) HT_MUST_CHECK;

/** Whether `text` has the form of a region or of a host label: 1 to 63 of a-z, 0-9 and '-'. Only such
 * a text may become a part of a host name. */
bool ht_aws_region_is_valid(const char *text);

/** The region in the scope of signatures for a service: `region`, but "us-east-1" for IAM of the
 * partition aws (IAM is global), and so on. Static or `region` itself. */
const char *ht_aws_signing_region(enum ht_aws_service service, const char *region);
