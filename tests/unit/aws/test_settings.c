// SPDX-License-Identifier: MIT
#include "hashtagd/aws/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define VARIABLES_MAX 6

static char folder[] = "/tmp/hashtagd-settings-XXXXXX";

static int make_folder(void **state)
{
    char path[100];

    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/.aws", folder);
    return mkdir(path, 0700);
}

static void write_config(const char *name, const char *text)
{
    char path[100];

    snprintf(path, sizeof path, "%s/.aws/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int remove_folder(void **state)
{
    char path[100];

    (void)state;
    snprintf(path, sizeof path, "%s/.aws/config", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/.aws/credentials", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/.aws", folder);
    rmdir(path);
    return rmdir(folder);
}

/* With HOME in the test's folder, whose config file is `config`. */
static int load(struct ht_aws_settings *settings, const char *const variables[VARIABLES_MAX],
                const char *config, struct ht_error *error)
{
    char home[100];
    const char *environment[VARIABLES_MAX + 2] = {home};
    size_t count = 1;

    snprintf(home, sizeof home, "HOME=%s", folder);
    write_config("config", config);
    for (size_t i = 0; i < VARIABLES_MAX && variables[i] != NULL; i++) {
        environment[count++] = variables[i];
    }
    return ht_aws_settings_load(settings, environment, error);
}

enum field {
    REGION,
    KINESIS,
    DYNAMODB,
    STREAMS,
    FIREHOSE,
    S3,
    STS,
    IAM,
    DUALSTACK,
    FIPS,
    ATTEMPTS,
    CA_FILE,
    METADATA,
    PROFILE,
};

/* As text; NULL where it is not set. */
static const char *shown(const struct ht_aws_settings *settings, enum field field, char number[20])
{
    switch (field) {
    case REGION:
        return settings->region;
    case DUALSTACK:
        return settings->uses_dualstack ? "true" : "false";
    case FIPS:
        return settings->uses_fips ? "true" : "false";
    case ATTEMPTS:
        snprintf(number, 20, "%u", settings->max_attempts);
        return number;
    case METADATA:
        return settings->metadata_endpoint;
    case CA_FILE:
        return settings->ca_file;
    case PROFILE:
        return settings->profile;
    default:
        return settings->endpoints[HT_AWS_KINESIS + (field - KINESIS)];
    }
}

static const struct {
    const char *variables[VARIABLES_MAX];
    const char *config;
    enum field field;
    const char *expected;
} order_rows[] = {
    {{NULL}, "", REGION, NULL},
    {{"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-2"}, "", REGION, "eu-west-1"},
    {{"AWS_DEFAULT_REGION=eu-west-2"}, "[default]\nregion=x\n", REGION, "eu-west-2"},
    {{"AWS_REGION=", "AWS_DEFAULT_REGION="}, "[default]\nregion=x\n", REGION, "x"},
    {{"AWS_PROFILE=a"}, "[profile a]\nregion=x\n[default]\nregion=y\n", REGION, "x"},
    {{"AWS_PROFILE=a", "AWS_DEFAULT_PROFILE=b"}, "[profile a]\n", PROFILE, "a"},
    {{"AWS_DEFAULT_PROFILE=b"}, "[profile b]\n", PROFILE, "b"},
    {{NULL}, "", PROFILE, "default"},
    {{"AWS_ENDPOINT_URL=http://a:1", "AWS_ENDPOINT_URL_KINESIS=http://b:2"},
     "",
     KINESIS,
     "http://b:2"},
    {{"AWS_ENDPOINT_URL=http://a:1"}, "", KINESIS, "http://a:1"},
    {{"AWS_ENDPOINT_URL_DYNAMODB=http://a:1/"}, "", DYNAMODB, "http://a:1"},
    {{"AWS_ENDPOINT_URL_DYNAMODB=http://a:1"}, "", STREAMS, NULL},
    {{"AWS_ENDPOINT_URL_DYNAMODB_STREAMS=http://a:1"}, "", STREAMS, "http://a:1"},
    {{"AWS_ENDPOINT_URL_FIREHOSE=https://a/b//"}, "", FIREHOSE, "https://a/b"},
    {{"AWS_ENDPOINT_URL_S3=http://[::1]:1"}, "", S3, "http://[::1]:1"},
    {{"AWS_ENDPOINT_URL_STS=HTTP://a:1"}, "", STS, "http://a:1"},
    {{"AWS_ENDPOINT_URL_IAM=http://a:1"}, "", IAM, "http://a:1"},
    {{NULL}, "[default]\nendpoint_url=http://a:1\n", S3, "http://a:1"},
    {{NULL},
     "[default]\nendpoint_url=http://a:1\nservices=l\n[services l]\ns3 =\n"
     " endpoint_url=http://b:2\n",
     S3,
     "http://b:2"},
    {{NULL},
     "[default]\nendpoint_url=http://a:1\nservices=l\n[services l]\ns3 =\n"
     " endpoint_url=http://b:2\n",
     STS,
     "http://a:1"},
    {{"AWS_ENDPOINT_URL=http://c:3"},
     "[default]\nservices=l\n[services l]\ndynamodb_streams =\n endpoint_url=http://b:2\n",
     STREAMS,
     "http://c:3"},
    {{"AWS_ENDPOINT_URL=http://c:3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=TRUE"},
     "",
     STREAMS,
     NULL},
    {{"AWS_ENDPOINT_URL=http://c:3"},
     "[default]\nignore_configured_endpoint_urls = true\n",
     STREAMS,
     NULL},
    {{"AWS_USE_DUALSTACK_ENDPOINT=True"}, "", DUALSTACK, "true"},
    {{NULL}, "[default]\nuse_dualstack_endpoint = true\n", DUALSTACK, "true"},
    {{"AWS_USE_DUALSTACK_ENDPOINT=false"},
     "[default]\nuse_dualstack_endpoint = true\n",
     DUALSTACK,
     "false"},
    {{"AWS_USE_FIPS_ENDPOINT=true"}, "", FIPS, "true"},
    {{NULL}, "[default]\nuse_fips_endpoint = true\n", FIPS, "true"},
    {{NULL}, "", ATTEMPTS, "0"},
    {{"AWS_MAX_ATTEMPTS=7"}, "[default]\nmax_attempts = 4\n", ATTEMPTS, "7"},
    {{NULL}, "[default]\nmax_attempts = 4\n", ATTEMPTS, "4"},
    {{"AWS_CA_BUNDLE=/etc/a.pem"}, "[default]\nca_bundle = /b.pem\n", CA_FILE, "/etc/a.pem"},
    {{NULL}, "[default]\nca_bundle = /b.pem\n", CA_FILE, "/b.pem"},
    {{"AWS_EC2_METADATA_SERVICE_ENDPOINT=http://a/"}, "", METADATA, "http://a"},
    {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=ipv6"}, "", METADATA, NULL},
    {{NULL}, "[default]\nec2_metadata_service_endpoint = http://b\n", METADATA, "http://b"},
    {{"AWS_CONFIG_FILE=/nowhere"}, "[default]\nregion = x\n", REGION, NULL},
    {{"AWS_RETRY_MODE=Adaptive", "AWS_STS_REGIONAL_ENDPOINTS=legacy"}, "", REGION, NULL},
};

static void takes_each_setting_from_the_first_that_names_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof order_rows / sizeof order_rows[0]; i++) {
        struct ht_aws_settings settings;
        struct ht_error error = {0};
        char number[20];
        assert_int_equal(load(&settings, order_rows[i].variables, order_rows[i].config, &error), 0);
        const char *value = shown(&settings, order_rows[i].field, number);
        if (order_rows[i].expected == NULL) {
            assert_null(value);
        } else {
            assert_non_null(value);
            assert_string_equal(value, order_rows[i].expected);
        }
        ht_aws_settings_finish(&settings);
    }
}

static void names_the_place_of_a_wrong_setting(void **state)
{
    static const struct {
        const char *variables[VARIABLES_MAX];
        const char *config, *expected[2];
    } rows[] = {
        {{"AWS_REGION=eu west"}, "", {"AWS_REGION", "a region"}},
        {{NULL}, "[default]\nregion=EU\n", {"config line 2", "region"}},
        {{"AWS_PROFILE=a"}, "[default]\n", {"AWS_PROFILE", "[profile a]"}},
        {{"AWS_ENDPOINT_URL=127.0.0.1:4566"}, "", {"AWS_ENDPOINT_URL", "http://"}},
        {{"AWS_ENDPOINT_URL_S3=http://"}, "", {"AWS_ENDPOINT_URL_S3", "http://"}},
        {{"AWS_ENDPOINT_URL_S3=http://a:b@c"}, "", {"AWS_ENDPOINT_URL_S3", "without a user name"}},
        {{"AWS_ENDPOINT_URL_S3=http://c?x=y"}, "", {"AWS_ENDPOINT_URL_S3", "must be"}},
        {{"AWS_ENDPOINT_URL_S3=http://c d"}, "", {"AWS_ENDPOINT_URL_S3", "must be"}},
        {{NULL}, "[default]\nendpoint_url=ftp://a\n", {"config line 2", "endpoint_url"}},
        {{NULL},
         "[default]\nservices=l\n[services l]\nkinesis=\n endpoint_url=a\n",
         {"kinesis", "config line 2"}},
        {{"AWS_USE_FIPS_ENDPOINT=1"}, "", {"AWS_USE_FIPS_ENDPOINT", "true or false"}},
        {{"AWS_USE_DUALSTACK_ENDPOINT=yes"}, "", {"DUALSTACK", "true or false"}},
        {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=on"}, "", {"AWS_IGNORE", "true or false"}},
        {{"AWS_MAX_ATTEMPTS=0"}, "", {"AWS_MAX_ATTEMPTS", "1 to 100"}},
        {{"AWS_MAX_ATTEMPTS=-1"}, "", {"AWS_MAX_ATTEMPTS", "1 to 100"}},
        {{NULL}, "[default]\nmax_attempts=many\n", {"config line 2", "1 to 100"}},
        {{"AWS_RETRY_MODE=fast"}, "", {"AWS_RETRY_MODE", "standard"}},
        {{"AWS_EC2_METADATA_SERVICE_ENDPOINT=169.254.169.254"}, "", {"METADATA", "must be"}},
        {{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=6"}, "", {"MODE", "IPv4 or IPv6"}},
        {{NULL}, "[default\n", {"config, line 1", "]"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_aws_settings settings;
        struct ht_error error = {0};
        int status = load(&settings, rows[i].variables, rows[i].config, &error);
        assert_true(status == HT_EINVAL || status == HT_EPARSE);
        for (size_t word = 0; word < 2; word++) {
            if (strstr(error.text, rows[i].expected[word]) == NULL) {
                fail_msg("row %zu: \"%s\" does not say \"%s\"", i, error.text,
                         rows[i].expected[word]);
            }
        }
        ht_aws_settings_finish(&settings);
    }
}

static void writes_addresses_as_they_are_signed(void **state)
{
    static const struct {
        const char *variable, *expected;
    } rows[] = {
        {"AWS_ENDPOINT_URL_S3=HTTPS://S3.Example.COM/Path/", "https://s3.example.com/Path"},
        {"AWS_ENDPOINT_URL_S3=https://a:443", "https://a"},
        {"AWS_ENDPOINT_URL_S3=https://a:443/b:443", "https://a/b:443"},
        {"AWS_ENDPOINT_URL_S3=https://a:8443/b", "https://a:8443/b"},
        {"AWS_ENDPOINT_URL_S3=https://a:80", "https://a:80"},
        {"AWS_ENDPOINT_URL_S3=http://a:80/", "http://a"},
        {"AWS_ENDPOINT_URL_S3=http://a:443", "http://a:443"},
        {"AWS_ENDPOINT_URL_S3=http://[::1]:80/x", "http://[::1]/x"},
        {"AWS_ENDPOINT_URL_S3=http://[fe80::80]", "http://[fe80::80]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_aws_settings settings;
        const char *const variables[] = {rows[i].variable, NULL};
        assert_int_equal(ht_aws_settings_load(&settings, variables, NULL), 0);
        assert_string_equal(settings.endpoints[HT_AWS_S3], rows[i].expected);
        ht_aws_settings_finish(&settings);
    }
}

static void keeps_the_password_of_an_address_to_itself(void **state)
{
    static const char *const variables[] = {"AWS_ENDPOINT_URL=http://user:hunter2@127.0.0.1", NULL};
    struct ht_aws_settings settings;
    struct ht_error error = {0};

    (void)state;
    assert_int_equal(ht_aws_settings_load(&settings, variables, &error), HT_EINVAL);
    assert_null(strstr(error.text, "hunter2"));
    ht_aws_settings_finish(&settings);
}

static void keeps_the_variables_of_aws_alone(void **state)
{
    static const char *const environment[] = {"PATH=/bin", "AWS_A=1", "AWS_AB=2",
                                              "AWS_EMPTY=", NULL};
    struct ht_aws_settings settings;

    (void)state;
    assert_int_equal(ht_aws_settings_load(&settings, environment, NULL), 0);
    assert_string_equal(ht_aws_settings_variable(&settings, "AWS_A"), "1");
    assert_string_equal(ht_aws_settings_variable(&settings, "AWS_AB"), "2");
    assert_null(ht_aws_settings_variable(&settings, "AWS_EMPTY"));
    assert_null(ht_aws_settings_variable(&settings, "PATH"));
    ht_aws_settings_finish(&settings);
    ht_aws_settings_finish(&settings);
}

static void the_programs_own_configuration_is_above_all(void **state)
{
    static const char *const environment[] = {"AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL=http://a",
                                              NULL};
    struct ht_aws_settings settings;
    struct ht_error error;

    (void)state;
    assert_int_equal(ht_aws_settings_load(&settings, environment, &error), 0);
    assert_int_equal(ht_aws_settings_set_region(&settings, "us-east-2", &error), 0);
    assert_int_equal(ht_aws_settings_set_region(&settings, "us east", &error), HT_EINVAL);
    assert_string_equal(settings.region, "us-east-2");
    assert_int_equal(ht_aws_settings_set_endpoint(&settings, HT_AWS_S3, "http://b:9000/", &error),
                     0);
    assert_int_equal(ht_aws_settings_set_endpoint(&settings, HT_AWS_S3, "b:9000", &error),
                     HT_EINVAL);
    assert_string_equal(settings.endpoints[HT_AWS_S3], "http://b:9000");
    assert_string_equal(settings.endpoints[HT_AWS_STS], "http://a");
    ht_aws_settings_finish(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_each_setting_from_the_first_that_names_it),
        cmocka_unit_test(names_the_place_of_a_wrong_setting),
        cmocka_unit_test(keeps_the_variables_of_aws_alone),
        cmocka_unit_test(writes_addresses_as_they_are_signed),
        cmocka_unit_test(keeps_the_password_of_an_address_to_itself),
        cmocka_unit_test(the_programs_own_configuration_is_above_all),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
