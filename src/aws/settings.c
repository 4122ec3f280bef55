// SPDX-License-Identifier: MIT
#include "hashtagd/aws/settings.h"

#include "profiles.h"
#include "settings_internal.h"
#include "text_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * environment -> kept variables -> the profile's name and the files -> each setting: its
 * variable, else its key in the profile.
 */

#define PATH_BYTES_MAX   4096
#define MAX_ATTEMPTS_MAX 100

/* What AWS_ENDPOINT_URL_x, and the blocks of a services section, call a service. */
static const struct {
    const char *variable, *block;
} endpoint_names[HT_AWS_SERVICE_COUNT] = {
    [HT_AWS_KINESIS] = {"AWS_ENDPOINT_URL_KINESIS", "kinesis"},
    [HT_AWS_DYNAMODB] = {"AWS_ENDPOINT_URL_DYNAMODB", "dynamodb"},
    [HT_AWS_DYNAMODB_STREAMS] = {"AWS_ENDPOINT_URL_DYNAMODB_STREAMS", "dynamodb_streams"},
    [HT_AWS_FIREHOSE] = {"AWS_ENDPOINT_URL_FIREHOSE", "firehose"},
    [HT_AWS_S3] = {"AWS_ENDPOINT_URL_S3", "s3"},
    [HT_AWS_STS] = {"AWS_ENDPOINT_URL_STS", "sts"},
    [HT_AWS_IAM] = {"AWS_ENDPOINT_URL_IAM", "iam"},
};

/* A value and where it was written, for messages. */
struct found {
    const char *value; /* NULL: nowhere */
    const char *name;  /* of the variable or key */
    char place[HT_AWS_PLACE_BYTES];
};

static int keep_environment(struct ht_aws_settings *settings, const char *const *environment);
static bool is_kept(const char *variable);
static int load_profiles(struct ht_aws_settings *settings, struct ht_error *error);
static int load_region(struct ht_aws_settings *settings, struct ht_error *error);
static int load_endpoints(struct ht_aws_settings *settings, struct ht_error *error);
static int load_endpoint(struct ht_aws_settings *settings, enum ht_aws_service service,
                         struct ht_error *error);
static int load_metadata(struct ht_aws_settings *settings, struct ht_error *error);
static int load_switch(const struct ht_aws_settings *settings, const char *variable,
                       const char *key, bool *value, struct ht_error *error);
static int load_attempts(struct ht_aws_settings *settings, struct ht_error *error);
static int check_words(const struct ht_aws_settings *settings, struct ht_error *error);
static int load_ca_file(struct ht_aws_settings *settings, struct ht_error *error);
static void look_up(const struct ht_aws_settings *settings, const char *variable, const char *key,
                    struct found *found);
static int refuse(const struct found *found, const char *expected, struct ht_error *error);
static int set_address(char **address, const struct found *found, struct ht_error *error);
static void make_canonical(char *address);
static bool is_base_address(const char *url);
static int replace_text(char **text, const char *value, struct ht_error *error);

int ht_aws_settings_load(struct ht_aws_settings *settings, const char *const *environment,
                         struct ht_error *error)
{
    int (*const steps[])(struct ht_aws_settings *, struct ht_error *) = {
        load_profiles, load_region, load_endpoints, load_metadata, load_attempts, load_ca_file,
    };

    memset(settings, 0, sizeof *settings);
    if (keep_environment(settings, environment) != 0) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the AWS settings.");
    }
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int status = steps[i](settings, error);
        if (status != 0) {
            return status;
        }
    }
    int status = load_switch(settings, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint",
                             &settings->uses_dualstack, error);
    if (status == 0) {
        status = load_switch(settings, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint",
                             &settings->uses_fips, error);
    }
    return status != 0 ? status : check_words(settings, error);
}

static int keep_environment(struct ht_aws_settings *settings, const char *const *environment)
{
    size_t count = 0, kept = 0;

    while (environment[count] != NULL) {
        count++;
    }
    settings->environment = calloc(count + 1, sizeof *settings->environment);
    if (settings->environment == NULL) {
        return HT_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_kept(environment[i])) {
            continue;
        }
        settings->environment[kept] = ht_slice_to_text(ht_slice_text(environment[i]));
        if (settings->environment[kept++] == NULL) {
            return HT_ENOMEM;
        }
    }
    return 0;
}

static bool is_kept(const char *variable)
{
    return strncmp(variable, "AWS_", 4) == 0 || strncmp(variable, "HOME=", 5) == 0;
}

/* Which profile, and the files. A profile that was asked for must be there. */
static int load_profiles(struct ht_aws_settings *settings, struct ht_error *error)
{
    const char *name = ht_aws_settings_variable(settings, "AWS_PROFILE");

    if (name == NULL) {
        name = ht_aws_settings_variable(settings, "AWS_DEFAULT_PROFILE");
    }
    settings->is_profile_explicit = name != NULL;
    if (replace_text(&settings->profile, name == NULL ? "default" : name, error) != 0) {
        return HT_ENOMEM;
    }
    int status = ht_aws_settings_read_profiles(settings, &settings->profiles, error);
    if (status == 0 && name != NULL && !ht_aws_profiles_has(settings->profiles, name)) {
        status = ht_error_set(
            error, HT_EINVAL,
            "AWS_PROFILE asks for the profile \"%s\", but neither the config file nor the "
            "credentials file has it. Write [profile %s] into ~/.aws/config, or set "
            "AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE to the files that are meant.",
            name, name);
    }
    return status;
}

int ht_aws_settings_read_profiles(const struct ht_aws_settings *settings,
                                  struct ht_aws_profiles **profiles, struct ht_error *error)
{
    char *config = NULL;
    char *credentials = NULL;
    const char *path = ht_aws_settings_variable(settings, "AWS_CONFIG_FILE");
    int status =
        ht_aws_settings_expand(settings, path == NULL ? "~/.aws/config" : path, &config, error);

    *profiles = NULL;
    if (status == 0) {
        path = ht_aws_settings_variable(settings, "AWS_SHARED_CREDENTIALS_FILE");
        status = ht_aws_settings_expand(settings, path == NULL ? "~/.aws/credentials" : path,
                                        &credentials, error);
    }
    if (status == 0) {
        status = ht_aws_profiles_load(profiles, config, credentials, error);
    }
    free(config);
    free(credentials);
    return status;
}

int ht_aws_settings_expand(const struct ht_aws_settings *settings, const char *path, char **out,
                           struct ht_error *error)
{
    const char *home = ht_aws_settings_variable(settings, "HOME");
    struct ht_buffer buffer;

    *out = NULL;
    ht_buffer_init(&buffer, PATH_BYTES_MAX);
    if (strncmp(path, "~/", 2) == 0) {
        if (home == NULL) {
            return 0;
        }
        ht_buffer_append_text(&buffer, home);
        path++;
    }
    ht_buffer_append_text(&buffer, path);
    int status = ht_buffer_status(&buffer);
    if (status != 0) {
        ht_buffer_finish(&buffer);
        return ht_error_set(error, status, "The path %.64s... is too long.", path);
    }
    *out = ht_buffer_take(&buffer);
    return *out == NULL ? HT_ENOMEM : 0;
}

static int load_region(struct ht_aws_settings *settings, struct ht_error *error)
{
    struct found found;

    look_up(settings, "AWS_REGION", NULL, &found);
    if (found.value == NULL) {
        look_up(settings, "AWS_DEFAULT_REGION", "region", &found);
    }
    if (found.value == NULL) {
        return 0;
    }
    if (!ht_aws_region_is_valid(found.value)) {
        return refuse(&found, "a region, such as eu-west-1", error);
    }
    return replace_text(&settings->region, found.value, error);
}

int ht_aws_settings_set_region(struct ht_aws_settings *settings, const char *region,
                               struct ht_error *error)
{
    if (!ht_aws_region_is_valid(region)) {
        return ht_error_set(error, HT_EINVAL, "\"%.80s\" is no region; one is eu-west-1.", region);
    }
    return replace_text(&settings->region, region, error);
}

static int load_endpoints(struct ht_aws_settings *settings, struct ht_error *error)
{
    bool is_ignored = false;
    int status = load_switch(settings, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                             "ignore_configured_endpoint_urls", &is_ignored, error);

    for (unsigned i = 0; status == 0 && !is_ignored && i < HT_AWS_SERVICE_COUNT; i++) {
        status = load_endpoint(settings, (enum ht_aws_service)i, error);
    }
    return status;
}

/* The variables come before the files, and what names a service before what is for all. */
static int load_endpoint(struct ht_aws_settings *settings, enum ht_aws_service service,
                         struct ht_error *error)
{
    struct found found;

    look_up(settings, endpoint_names[service].variable, NULL, &found);
    if (found.value == NULL) {
        look_up(settings, "AWS_ENDPOINT_URL", NULL, &found);
    }
    const char *section =
        ht_aws_profiles_get(settings->profiles, HT_AWS_ANY_FILE, settings->profile, "services");
    if (found.value == NULL && section != NULL) {
        found.name = endpoint_names[service].block;
        found.value =
            ht_aws_profiles_get_of_service(settings->profiles, section, found.name, "endpoint_url");
        ht_aws_profiles_place(settings->profiles, settings->profile, "services", found.place);
    }
    if (found.value == NULL) {
        look_up(settings, "AWS_ENDPOINT_URL", "endpoint_url", &found);
    }
    return found.value == NULL ? 0 : set_address(&settings->endpoints[service], &found, error);
}

int ht_aws_settings_set_endpoint(struct ht_aws_settings *settings, enum ht_aws_service service,
                                 const char *url, struct ht_error *error)
{
    struct found found = {.value = url, .name = "endpoint", .place = "configuration"};

    return set_address(&settings->endpoints[service], &found, error);
}

static int load_metadata(struct ht_aws_settings *settings, struct ht_error *error)
{
    struct found found;

    look_up(settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "ec2_metadata_service_endpoint_mode", &found);
    if (found.value != NULL) {
        settings->uses_metadata_ipv6 = strcasecmp(found.value, "IPv6") == 0;
        if (!settings->uses_metadata_ipv6 && strcasecmp(found.value, "IPv4") != 0) {
            return refuse(&found, "IPv4 or IPv6", error);
        }
    }
    look_up(settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint", &found);
    return found.value == NULL ? 0 : set_address(&settings->metadata_endpoint, &found, error);
}

static int set_address(char **address, const struct found *found, struct ht_error *error)
{
    if (strchr(found->value, '@') != NULL) { /* what stands before it may be a password */
        return ht_error_set(error, HT_EINVAL,
                            "%s (%s) must be an address without a user name or password in it.",
                            found->name, found->place);
    }
    if (!is_base_address(found->value)) {
        return refuse(found, "an address such as http://127.0.0.1:4566 or https://HOST/PATH",
                      error);
    }
    if (replace_text(address, found->value, error) != 0) {
        return HT_ENOMEM;
    }
    for (size_t length = strlen(*address); (*address)[length - 1] == '/'; length--) {
        (*address)[length - 1] = '\0';
    }
    make_canonical(*address);
    return 0;
}

/* Scheme and host in small letters, no default port: as they are signed and sent. */
static void make_canonical(char *address)
{
    char *host = strstr(address, "://") + 3;
    char *end = host + strcspn(host, "/");

    for (char *at = address; at < end; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    }
    const char *port = host[-4] == 's' ? ":443" : ":80";
    size_t length = strlen(port);
    if ((size_t)(end - host) > length && memcmp(end - length, port, length) == 0) {
        memmove(end - length, end, strlen(end) + 1);
    }
}

/* http or https, a host, no name or password, no query: requests add what follows. */
static bool is_base_address(const char *url)
{
    size_t scheme = strncasecmp(url, "https://", 8) == 0  ? 8
                    : strncasecmp(url, "http://", 7) == 0 ? 7
                                                          : 0;

    if (scheme == 0 || strchr("/:?#", url[scheme]) != NULL) { /* finds the end of the text too */
        return false;
    }
    for (const char *at = url + scheme; *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 127 || strchr("@?#\\\"<>", *at) != NULL) {
            return false;
        }
    }
    return true;
}

static int load_switch(const struct ht_aws_settings *settings, const char *variable,
                       const char *key, bool *value, struct ht_error *error)
{
    struct found found;

    look_up(settings, variable, key, &found);
    if (found.value == NULL) {
        return 0;
    }
    *value = strcasecmp(found.value, "true") == 0;
    if (!*value && strcasecmp(found.value, "false") != 0) {
        return refuse(&found, "true or false", error);
    }
    return 0;
}

static int load_attempts(struct ht_aws_settings *settings, struct ht_error *error)
{
    struct found found;
    uint64_t number;

    look_up(settings, "AWS_MAX_ATTEMPTS", "max_attempts", &found);
    if (found.value == NULL) {
        return 0;
    }
    if (ht_slice_to_u64(ht_slice_text(found.value), MAX_ATTEMPTS_MAX, &number) != 0 ||
        number == 0) {
        return refuse(&found, "a whole number from 1 to 100", error);
    }
    settings->max_attempts = (unsigned)number;
    return 0;
}

/* Settings that are only checked: there is one way to retry here, and STS is always regional. */
static int check_words(const struct ht_aws_settings *settings, struct ht_error *error)
{
    static const struct {
        const char *variable, *key, *words[3], *expected;
    } rows[] = {
        {"AWS_RETRY_MODE",
         "retry_mode",
         {"standard", "adaptive", "legacy"},
         "standard, adaptive or legacy"},
        {"AWS_STS_REGIONAL_ENDPOINTS",
         "sts_regional_endpoints",
         {"regional", "legacy", "regional"},
         "regional or legacy"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct found found;
        bool is_known = false;
        look_up(settings, rows[i].variable, rows[i].key, &found);
        for (size_t word = 0; found.value != NULL && word < 3; word++) {
            is_known = is_known || strcasecmp(found.value, rows[i].words[word]) == 0;
        }
        if (found.value != NULL && !is_known) {
            return refuse(&found, rows[i].expected, error);
        }
    }
    return 0;
}

static int load_ca_file(struct ht_aws_settings *settings, struct ht_error *error)
{
    struct found found;

    look_up(settings, "AWS_CA_BUNDLE", "ca_bundle", &found);
    return found.value == NULL
               ? 0
               : ht_aws_settings_expand(settings, found.value, &settings->ca_file, error);
}

/* The variable, else the key of the profile (NULL: none). */
static void look_up(const struct ht_aws_settings *settings, const char *variable, const char *key,
                    struct found *found)
{
    found->value = ht_aws_settings_variable(settings, variable);
    found->name = variable;
    memcpy(found->place, "environment", sizeof "environment");
    if (found->value == NULL && key != NULL) {
        found->value =
            ht_aws_profiles_get(settings->profiles, HT_AWS_ANY_FILE, settings->profile, key);
        found->name = key;
        ht_aws_profiles_place(settings->profiles, settings->profile, key, found->place);
    }
}

static int refuse(const struct found *found, const char *expected, struct ht_error *error)
{
    return ht_error_set(error, HT_EINVAL, "%s (%s) is \"%.80s\", but must be %s.", found->name,
                        found->place, found->value, expected);
}

const char *ht_aws_settings_variable(const struct ht_aws_settings *settings, const char *name)
{
    size_t length = strlen(name);

    for (char **variable = settings->environment; variable != NULL && *variable != NULL;
         variable++) {
        if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=') {
            const char *value = *variable + length + 1;
            return *value == '\0' ? NULL : value;
        }
    }
    return NULL;
}

static int replace_text(char **text, const char *value, struct ht_error *error)
{
    char *copy = ht_slice_to_text(ht_slice_text(value));

    if (copy == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the AWS settings.");
    }
    free(*text);
    *text = copy;
    return 0;
}

void ht_aws_settings_finish(struct ht_aws_settings *settings)
{
    for (char **variable = settings->environment; variable != NULL && *variable != NULL;
         variable++) {
        ht_aws_wipe_text(*variable);
    }
    free(settings->environment);
    for (size_t i = 0; i < HT_AWS_SERVICE_COUNT; i++) {
        free(settings->endpoints[i]);
    }
    free(settings->region);
    free(settings->metadata_endpoint);
    free(settings->ca_file);
    free(settings->profile);
    ht_aws_profiles_destroy(settings->profiles);
    memset(settings, 0, sizeof *settings);
}
