// SPDX-License-Identifier: MIT
#include "../../../src/aws/credentials_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define VARIABLES_MAX 7

#define ENV_KEYS     "AWS_ACCESS_KEY_ID=ENVID", "AWS_SECRET_ACCESS_KEY=ENVSECRET"
#define FILE_KEYS(s) "aws_access_key_id = ID" s "\naws_secret_access_key = SECRET" s "\n"

/* The outcome in one line: "keys ID", "process CMD", "web TOKENFILE ARN", "container URL",
 * "instance", each with " + ARN" for each role in the order in which they are assumed. */
static void describe(const struct ht_aws_plan *plan, char text[300])
{
    const char *more = "";
    const char *word = "";

    switch (plan->source) {
    case HT_AWS_SOURCE_KEYS:
        word = "keys ";
        more = plan->keys->access_key_id;
        break;
    case HT_AWS_SOURCE_PROCESS:
        word = "process ";
        more = plan->command;
        break;
    case HT_AWS_SOURCE_WEB_IDENTITY:
        word = "web ";
        more = plan->token_file;
        break;
    case HT_AWS_SOURCE_CONTAINER:
        word = "container ";
        more = plan->url;
        break;
    case HT_AWS_SOURCE_INSTANCE:
        word = plan->is_last_resort ? "instance at last" : "instance";
        break;
    }
    int used = snprintf(text, 300, "%s%s", word, more);
    if (plan->source == HT_AWS_SOURCE_WEB_IDENTITY) {
        used += snprintf(text + used, 300 - (size_t)used, " %s", plan->web_identity.arn);
    }
    for (size_t i = plan->role_count; i > 0; i--) {
        used += snprintf(text + used, 300 - (size_t)used, " + %s", plan->roles[i - 1].arn);
    }
}

static int make(struct ht_aws_plan *plan, const char *const variables[VARIABLES_MAX],
                const char *config, const char *credentials, struct ht_error *error)
{
    const char *environment[VARIABLES_MAX + 1] = {NULL};
    struct ht_aws_settings settings;
    struct ht_aws_profiles *profiles;

    for (size_t i = 0; i < VARIABLES_MAX && variables[i] != NULL; i++) {
        environment[i] = variables[i];
    }
    /* without HOME there are no files; what they would say is given */
    assert_int_equal(ht_aws_settings_load(&settings, environment, error), 0);
    assert_int_equal(ht_aws_profiles_create(&profiles, NULL), 0);
    assert_int_equal(
        ht_aws_profiles_parse(profiles, HT_AWS_CONFIG_FILE, "config", ht_slice_text(config), error),
        0);
    assert_int_equal(ht_aws_profiles_parse(profiles, HT_AWS_CREDENTIALS_FILE, "credentials",
                                           ht_slice_text(credentials), error),
                     0);
    int status = ht_aws_plan_make(plan, &settings, profiles, error);
    for (size_t i = 0; i < plan->role_count; i++) {
        plan->roles[i].profile = NULL; /* they live in the profiles */
    }
    ht_aws_profiles_destroy(profiles);
    ht_aws_settings_finish(&settings);
    return status;
}

static const struct {
    const char *variables[VARIABLES_MAX];
    const char *config, *credentials, *expected;
} order_rows[] = {
    {{ENV_KEYS}, "[default]\n" FILE_KEYS("1"), "", "keys ENVID"},
    {{ENV_KEYS},
     "[default]\nrole_arn=R\nsource_profile=default\n" FILE_KEYS("1"),
     "",
     "keys ENVID"},
    {{NULL}, "", "", "instance at last"},
    {{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="}, "", "", "instance at last"},
    {{NULL}, "", "[default]\n" FILE_KEYS("1"), "keys ID1"},
    {{NULL}, "[default]\n" FILE_KEYS("1"), "[default]\n" FILE_KEYS("2"), "keys ID2"},
    {{NULL}, "[default]\n" FILE_KEYS("1"), "", "keys ID1"},
    {{NULL}, "[default]\ncredential_process = x y\n" FILE_KEYS("1"), "", "process x y"},
    {{NULL}, "[default]\ncredential_process = x y\n", "[default]\n" FILE_KEYS("1"), "keys ID1"},
    {{"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=W"},
     "",
     "[default]\n" FILE_KEYS("1"),
     "web /t W"},
    {{"AWS_WEB_IDENTITY_TOKEN_FILE=/t", "AWS_ROLE_ARN=W"},
     "[default]\nrole_arn=R\nsource_profile=default\n" FILE_KEYS("1"),
     "",
     "keys ID1 + R"},
    {{NULL}, "[default]\nrole_arn=R\nweb_identity_token_file=/p\n", "", "web /p R"},
    {{NULL},
     "[default]\nrole_arn=R\nsource_profile=b\n[profile b]\n" FILE_KEYS("2"),
     "",
     "keys ID2 + R"},
    {{NULL},
     "[default]\nrole_arn=R\nsource_profile=b\n[profile b]\nrole_arn=S\nsource_profile=c\n",
     "[c]\n" FILE_KEYS("3"),
     "keys ID3 + S + R"},
    /* keys beat the role of a profile that is a source */
    {{NULL},
     "[default]\nrole_arn=R\nsource_profile=b\n[profile "
     "b]\nrole_arn=S\nsource_profile=c\n" FILE_KEYS("2") "[profile c]\n" FILE_KEYS("3"),
     "",
     "keys ID2 + R"},
    {{NULL},
     "[default]\nrole_arn=R\nsource_profile=b\n[profile b]\ncredential_process=x\n",
     "",
     "process x + R"},
    {{NULL},
     "[default]\nrole_arn=R\nsource_profile=b\n[profile "
     "b]\nrole_arn=S\nweb_identity_token_file=/p\n",
     "",
     "web /p S + R"},
    {{NULL}, "[default]\nrole_arn=R\ncredential_source=Ec2InstanceMetadata\n", "", "instance + R"},
    {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/c"},
     "[default]\nrole_arn=R\ncredential_source=EcsContainer\n",
     "",
     "container http://169.254.170.2/c + R"},
    {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/c",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/d"},
     "",
     "",
     "container http://169.254.170.2/c"},
    {{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:80/d"},
     "",
     "",
     "container http://127.0.0.1:80/d"},
    {{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials"},
     "",
     "",
     "container http://169.254.170.23/v1/credentials"},
    {{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::23]/v1"},
     "",
     "",
     "container http://[fd00:ec2::23]/v1"},
    {{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://localhost/v1"},
     "",
     "",
     "container http://localhost/v1"},
    {{"AWS_CONTAINER_CREDENTIALS_FULL_URI=https://any.example/v1"},
     "",
     "",
     "container https://any.example/v1"},
    {{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/d"},
     "",
     "[default]\n" FILE_KEYS("1"),
     "keys ID1"},
};

static void finds_the_source_in_the_order_of_the_sdks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof order_rows / sizeof order_rows[0]; i++) {
        struct ht_aws_plan plan;
        struct ht_error error = {0};
        char text[300];
        if (make(&plan, order_rows[i].variables, order_rows[i].config, order_rows[i].credentials,
                 &error) != 0) {
            fail_msg("row %zu: %s", i, error.text);
        }
        describe(&plan, text);
        assert_string_equal(text, order_rows[i].expected);
        ht_aws_plan_finish(&plan);
    }
}

static const struct {
    int status;
    const char *variables[VARIABLES_MAX];
    const char *config, *expected[2];
} refused_rows[] = {
    {HT_EINVAL, {"AWS_ACCESS_KEY_ID=ID1"}, "", {"AWS_SECRET_ACCESS_KEY is not"}},
    {HT_EINVAL, {"AWS_SECRET_ACCESS_KEY=SECRET"}, "", {"AWS_ACCESS_KEY_ID is not"}},
    {HT_EINVAL, {ENV_KEYS, "AWS_CREDENTIAL_EXPIRATION=soon"}, "", {"AWS_CREDENTIAL_EXPIRATION"}},
    {HT_EINVAL,
     {"AWS_ACCESS_KEY_ID=ID1", "AWS_SECRET_ACCESS_KEY= SECRET"},
     "",
     {"secret access key", "environment"}},
    {HT_EINVAL,
     {"AWS_ACCESS_KEY_ID=ID1", "AWS_SECRET_ACCESS_KEY=SECRET", "AWS_SESSION_TOKEN=SECRET\nx"},
     "",
     {"session token"}},
    {HT_EINVAL, {"AWS_WEB_IDENTITY_TOKEN_FILE=/t"}, "", {"AWS_ROLE_ARN is not"}},
    {HT_EINVAL, {NULL}, "[default]\naws_access_key_id=ID1\n", {"no aws_secret_access_key"}},
    {HT_EINVAL, {NULL}, "[default]\naws_secret_access_key=SECRET\n", {"no aws_access_key_id"}},
    {HT_EINVAL, {NULL}, "[default]\nrole_arn=R\n", {"neither source_profile nor", "config line 2"}},
    {HT_EINVAL,
     {NULL},
     "[default]\nrole_arn=R\nsource_profile=a\ncredential_source=Environment\n",
     {"both source_profile and"}},
    {HT_EINVAL, {NULL}, "[default]\nrole_arn=R\nsource_profile=a\n", {"source_profile = a"}},
    {HT_EINVAL, {NULL}, "[default]\nrole_arn=R\nsource_profile=default\n", {"leads back"}},
    {HT_EINVAL,
     {NULL},
     "[default]\nrole_arn=R\nsource_profile=a\n[profile a]\nrole_arn=S\nsource_profile=default\n",
     {"leads back", "\"a\""}},
    {HT_EINVAL,
     {NULL},
     "[default]\nrole_arn=R\nsource_profile=a\n[profile a]\nregion=x\n",
     {"\"a\"", "has no keys"}},
    {HT_EINVAL,
     {NULL},
     "[default]\nrole_arn=R\ncredential_source=Nowhere\n",
     {"credential_source = Nowhere", "EcsContainer"}},
    {HT_EINVAL,
     {NULL},
     "[default]\nrole_arn=R\ncredential_source=Environment\n",
     {"AWS_ACCESS_KEY_ID is not set"}},
    {HT_EINVAL,
     {NULL},
     "[default]\nrole_arn=R\ncredential_source=EcsContainer\n",
     {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"}},
    {HT_EINVAL,
     {NULL},
     "[default]\nrole_arn=R\nduration_seconds=60\nsource_profile=default\n",
     {"duration_seconds", "900"}},
    {HT_EINVAL, {NULL}, "[default]\nweb_identity_token_file=/t\n", {"no role_arn"}},
    {HT_EUNSUPPORTED,
     {NULL},
     "[default]\nrole_arn=R\nsource_profile=default\nmfa_serial=M\n",
     {"mfa_serial", "export-credentials --profile default --format process"}},
    {HT_EUNSUPPORTED, {NULL}, "[default]\nsso_session=s\n", {"sso_session", "config line 2"}},
    {HT_EUNSUPPORTED,
     {NULL},
     "[default]\nsso_start_url=s\n",
     {"sso_start_url", "credential_process"}},
    {HT_EUNSUPPORTED, {NULL}, "[default]\nlogin_session=s\n", {"login_session"}},
    {HT_EUNSUPPORTED,
     {NULL},
     "[default]\nrole_arn=R\nsource_profile=a\n[profile a]\nsso_session=s\n",
     {"\"a\"", "sso_session"}},
    {HT_EPERMISSION,
     {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://evil.example/v1"},
     "",
     {"must be an https address"}},
    {HT_EPERMISSION,
     {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1@evil.example/"},
     "",
     {"https"}},
    {HT_EPERMISSION,
     {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1.evil.example/"},
     "",
     {"https"}},
    {HT_EPERMISSION, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.24/"}, "", {"https"}},
    {HT_EPERMISSION, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::2]/"}, "", {"https"}},
    {HT_EPERMISSION, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.1/"}, "", {"https"}},
    {HT_EPERMISSION, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.999/"}, "", {"https"}},
    {HT_EPERMISSION, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1.5/"}, "", {"https"}},
    {HT_EPERMISSION, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http:///"}, "", {"https"}},
    {HT_EPERMISSION, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://10.0.0.1/"}, "", {"https"}},
    {HT_EPERMISSION, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=ftp://127.0.0.1/"}, "", {"https"}},
    {HT_EPERMISSION, {"AWS_CONTAINER_CREDENTIALS_FULL_URI=https://"}, "", {"https"}},
    {HT_EINVAL, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=c"}, "", {"begin with /"}},
    {HT_EINVAL, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/c d"}, "", {"blank"}},
    {HT_EINVAL,
     {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/c", "AWS_CONTAINER_AUTHORIZATION_TOKEN=SECRET\r\nX"},
     "",
     {"AWS_CONTAINER_AUTHORIZATION_TOKEN"}},
};

/* The word stands in the names of variables too. */
static bool shows_a_secret(const char *text)
{
    for (const char *at = strstr(text, "SECRET"); at != NULL; at = strstr(at + 1, "SECRET")) {
        if (strncmp(at, "SECRET_ACCESS_KEY", 17) != 0) {
            return true;
        }
    }
    return false;
}

static void refuses_with_the_key_the_place_and_the_cure_but_no_secret(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused_rows / sizeof refused_rows[0]; i++) {
        struct ht_aws_plan plan;
        struct ht_error error = {0};
        int status = make(&plan, refused_rows[i].variables, refused_rows[i].config, "", &error);
        if (status != refused_rows[i].status) {
            fail_msg("row %zu: status %d, \"%s\"", i, status, error.text);
        }
        for (size_t word = 0; word < 2 && refused_rows[i].expected[word] != NULL; word++) {
            if (strstr(error.text, refused_rows[i].expected[word]) == NULL) {
                fail_msg("row %zu: \"%s\" does not say \"%s\"", i, error.text,
                         refused_rows[i].expected[word]);
            }
        }
        assert_false(shows_a_secret(error.text));
        ht_aws_plan_finish(&plan);
    }
}

static void walks_no_longer_than_eight_roles(void **state)
{
    char config[2000] = "[default]\nrole_arn=R\nsource_profile=p0\n";
    size_t used = strlen(config);
    const char *const none[VARIABLES_MAX] = {NULL};
    struct ht_aws_plan plan;
    struct ht_error error;

    (void)state;
    for (int i = 0; i < 8; i++) {
        used += (size_t)snprintf(config + used, sizeof config - used,
                                 "[profile p%d]\nrole_arn=R%d\nsource_profile=p%d\n", i, i, i + 1);
    }
    snprintf(config + used, sizeof config - used, "[profile p8]\n" FILE_KEYS("8"));
    assert_int_equal(make(&plan, none, config, "", &error), HT_EINVAL);
    assert_non_null(strstr(error.text, "more than 8 roles"));
    ht_aws_plan_finish(&plan);
}

static void takes_what_belongs_to_a_role(void **state)
{
    const char *const none[VARIABLES_MAX] = {NULL};
    struct ht_aws_plan plan;
    struct ht_error error;

    (void)state;
    assert_int_equal(make(&plan, none,
                          "[default]\nrole_arn=R\nsource_profile=default\nexternal_id=E\n"
                          "role_session_name=N\nduration_seconds=900\n" FILE_KEYS("1"),
                          "", &error),
                     0);
    assert_string_equal(plan.roles[0].external_id, "E");
    assert_string_equal(plan.roles[0].session_name, "N");
    assert_string_equal(plan.roles[0].duration_s, "900");
    assert_string_equal(plan.origin, "profile default");
    ht_aws_plan_finish(&plan);
}

static int read_token(const char *content, size_t length, struct ht_buffer *token,
                      struct ht_error *error)
{
    char path[] = "/tmp/hashtagd-token-XXXXXX";
    int fd = mkstemp(path);
    struct ht_aws_plan plan = {.source = HT_AWS_SOURCE_WEB_IDENTITY, .token_file = strdup(path)};

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, length), (ssize_t)length);
    close(fd);
    ht_buffer_init(&plan.token, 1000);
    int status = ht_aws_plan_read_token(&plan, error);
    ht_buffer_init(token, 1000);
    ht_buffer_append_slice(token, ht_buffer_slice(&plan.token));
    unlink(path);
    ht_aws_plan_finish(&plan);
    return status;
}

static void trims_a_token_and_refuses_lines(void **state)
{
    static const struct {
        const char *content;
        size_t length;
        const char *expected;
    } rows[] = {
        {"SECRET", 6, "SECRET"},
        {" SECRET\r\n", 9, "SECRET"},
        {"SECRET\n\n", 8, "SECRET"},
        {"SECRET\nX: y\n", 12, NULL},
        {"", 0, NULL},
        {"\n", 1, NULL},
        {"SEC\0RET", 7, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ht_buffer token;
        struct ht_error error;
        int status = read_token(rows[i].content, rows[i].length, &token, &error);
        assert_int_equal(status, rows[i].expected == NULL ? HT_EINVAL : 0);
        if (rows[i].expected != NULL) {
            assert_string_equal(token.data, rows[i].expected);
        } else {
            assert_null(strstr(error.text, "SECRET"));
        }
        ht_buffer_finish(&token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_source_in_the_order_of_the_sdks),
        cmocka_unit_test(refuses_with_the_key_the_place_and_the_cure_but_no_secret),
        cmocka_unit_test(walks_no_longer_than_eight_roles),
        cmocka_unit_test(takes_what_belongs_to_a_role),
        cmocka_unit_test(trims_a_token_and_refuses_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
