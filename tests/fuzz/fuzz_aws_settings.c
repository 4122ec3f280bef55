// SPDX-License-Identifier: MIT

/**
 * Profile files, variables, answers with keys and commands, of any bytes: settings and a plan for
 * the keys, or a refusal in words that hold no value of a file; endpoints that are URLs. Each kind of
 * input stands behind a line "%%".
 */

#include "command_line.h"
#include "credentials_answer.h"
#include "credentials_plan.h"
#include "fuzz_data.h"
#include "hashtagd/aws/settings.h"
#include "keys.h"
#include "profiles.h"

#include <sys/mman.h>
#include <unistd.h>

#define SECRET "Secr3tMarkOfTheFuzzer"

enum {
    VARIABLES_MAX = 4,
};

static void check_error(const struct ht_error *error, const char *what)
{
    struct ht_slice text = ht_slice_text(error->text);
    FUZZ_CHECK(strstr(error->text, SECRET) == NULL, "%s: a secret in %s", what, error->text);
    FUZZ_CHECK(fuzz_is_utf8(text), "%s: no UTF-8 in %s", what, error->text);
}

static int make_file(struct ht_slice content, const char *more, const char *name, char text[96])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0, "memfd");
    FUZZ_CHECK(content.length == 0 ||
                   write(fd, content.data, content.length) == (ssize_t)content.length,
               "write");
    FUZZ_CHECK(write(fd, more, strlen(more)) == (ssize_t)strlen(more), "write");
    (void)snprintf(text, 96, "%s=/proc/self/fd/%d", name, fd);
    return fd;
}

static void check_plan(const struct ht_aws_settings *settings)
{
    struct ht_aws_plan plan;
    struct ht_error error = {0};
    memset(&plan, 0, sizeof(plan));
    int status = ht_aws_plan_make(&plan, settings, settings->profiles, &error);
    if (status != 0) {
        FUZZ_CHECK(status == HT_EINVAL || status == HT_EUNSUPPORTED, "%d", status);
        FUZZ_CHECK(error.text[0] != '\0', "no words for %d", status);
        check_error(&error, "plan");
    } else {
        FUZZ_CHECK(plan.role_count <= HT_AWS_ROLES_MAX, "%zu", plan.role_count);
        FUZZ_CHECK(plan.source != HT_AWS_SOURCE_KEYS || plan.keys != NULL, "no keys");
        FUZZ_CHECK(plan.source != HT_AWS_SOURCE_PROCESS || plan.command != NULL, "no command");
        FUZZ_CHECK(plan.source != HT_AWS_SOURCE_CONTAINER || plan.url != NULL, "no address");
        FUZZ_CHECK(strstr(plan.origin, SECRET) == NULL, "a secret in %s", plan.origin);
    }
    ht_aws_plan_finish(&plan);
}

static void check_endpoints(const struct ht_aws_settings *settings)
{
    for (int service = 0; service < HT_AWS_SERVICE_COUNT; service++) {
        struct ht_buffer url;
        struct ht_error error = {0};
        const char *region = settings->region != NULL ? settings->region : "eu-west-1";
        ht_buffer_init(&url, 4096);
        int status = ht_aws_endpoint(settings, (enum ht_aws_service)service, region, &url, &error);
        if (status == 0) {
            struct ht_slice text = ht_buffer_slice(&url);
            FUZZ_CHECK(ht_slice_starts_with(text, HT_SLICE("http://")) ||
                           ht_slice_starts_with(text, HT_SLICE("https://")),
                       "%.*s", FUZZ_TEXT(text));
            FUZZ_CHECK(text.data[text.length - 1] != '/', "%.*s", FUZZ_TEXT(text));
            for (size_t i = 0; i < text.length; i++) {
                FUZZ_CHECK(text.data[i] > ' ' && text.data[i] < 0x7f, "byte %02x",
                           (unsigned char)text.data[i]);
            }
        } else {
            check_error(&error, "endpoint");
        }
        ht_buffer_finish(&url);
    }
}

static void check_settings(struct fuzz_input *input)
{
    static const char mark[] =
        "\naws_secret_access_key = " SECRET "\naws_session_token=" SECRET "\n";
    char config[96], credentials[96];
    char *variables[VARIABLES_MAX];
    const char *environment[VARIABLES_MAX + 5] = {0};
    struct ht_aws_settings settings;
    struct ht_error error = {0};
    int config_fd = make_file(fuzz_take_part(input), mark, "AWS_CONFIG_FILE", config);
    int credentials_fd =
        make_file(fuzz_take_part(input), mark, "AWS_SHARED_CREDENTIALS_FILE", credentials);
    size_t count = 0;
    environment[count++] = config;
    environment[count++] = credentials;
    environment[count++] = "AWS_SECRET_ACCESS_KEY=" SECRET;
    for (size_t i = 0; i < VARIABLES_MAX; i++) {
        variables[i] = fuzz_text(fuzz_take_part(input));
        environment[count++] = variables[i];
    }
    memset(&settings, 0, sizeof(settings));
    if (ht_aws_settings_load(&settings, environment, &error) == 0) {
        check_plan(&settings);
        check_endpoints(&settings);
    } else {
        FUZZ_CHECK(error.text[0] != '\0', "no words");
        check_error(&error, "settings");
    }
    ht_aws_settings_finish(&settings);
    for (size_t i = 0; i < VARIABLES_MAX; i++) {
        free(variables[i]);
    }
    close(config_fd);
    close(credentials_fd);
}

/* Answers that hold keys: a value of one is in no refusal. */
static void check_answer(struct ht_slice text)
{
    for (int form = HT_AWS_ANSWER_PROCESS; form <= HT_AWS_ANSWER_INSTANCE; form++) {
        struct ht_aws_keys *keys = NULL;
        struct ht_error error = {0};
        int status =
            ht_aws_answer_parse((enum ht_aws_answer_form)form, text, "the origin", &keys, &error);
        FUZZ_CHECK((status == 0) == (keys != NULL), "%d", status);
        if (status == 0) {
            FUZZ_CHECK(keys->access_key_id[0] != '\0' && keys->secret_access_key[0] != '\0',
                       "empty keys");
        } else {
            FUZZ_CHECK(fuzz_is_utf8(ht_slice_text(error.text)), "no UTF-8 in %s", error.text);
            FUZZ_CHECK(error.text[0] != '\0', "no words for %d", status);
        }
        ht_aws_keys_release(keys);
    }
}

static void check_marked_answer(struct ht_slice front)
{
    struct ht_buffer text;
    ht_buffer_init(&text, 1u << 20);
    ht_buffer_append_slice(&text, front);
    ht_buffer_append_text(&text, "\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"" SECRET
                                 "\",\"SessionToken\":\"" SECRET "\"}");
    for (int form = HT_AWS_ANSWER_PROCESS; form <= HT_AWS_ANSWER_INSTANCE; form++) {
        struct ht_aws_keys *keys = NULL;
        struct ht_error error = {0};
        (void)ht_aws_answer_parse((enum ht_aws_answer_form)form, ht_buffer_slice(&text),
                                  "the origin", &keys, &error);
        check_error(&error, "answer");
        ht_aws_keys_release(keys);
    }
    ht_buffer_finish(&text);
}

/* A command that is written with every word quoted comes apart into the same words. */
static void check_command(struct ht_slice rest)
{
    struct ht_aws_command_line line, again;
    struct ht_error error = {0};
    struct ht_buffer quoted;
    char *command = fuzz_text(rest);
    memset(&line, 0, sizeof(line));
    memset(&again, 0, sizeof(again));
    ht_buffer_init(&quoted, 1u << 22);
    if (ht_aws_command_line_parse(&line, command, &error) == 0) {
        FUZZ_CHECK(line.count > 0 && line.count <= HT_AWS_COMMAND_WORDS_MAX &&
                       line.arguments[line.count] == NULL,
                   "%zu words", line.count);
        for (size_t i = 0; i < line.count; i++) {
            ht_buffer_append_text(&quoted, " '");
            for (const char *at = line.arguments[i]; *at != '\0'; at++) {
                ht_buffer_append_text(&quoted, *at == '\'' ? "'\\''" : (char[]){*at, '\0'});
            }
            ht_buffer_append_text(&quoted, "'");
        }
        FUZZ_CHECK(ht_aws_command_line_parse(&again, quoted.data, NULL) == 0, "%s", quoted.data);
        FUZZ_CHECK(again.count == line.count, "%zu, %zu words", line.count, again.count);
        for (size_t i = 0; i < line.count; i++) {
            FUZZ_CHECK(strcmp(line.arguments[i], again.arguments[i]) == 0, "word %zu", i);
        }
    }
    ht_aws_command_line_finish(&line);
    ht_aws_command_line_finish(&again);
    ht_buffer_finish(&quoted);
    free(command);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    unsigned kind = fuzz_take_byte(&input) % 4;
    struct ht_slice rest = fuzz_rest(&input);
    if (rest.length > 0 && memmem(rest.data, rest.length, SECRET, 8) != NULL) {
        return 0; /* the fuzzer learned the mark: in a name it may be shown */
    }
    if (kind < 2) {
        check_settings(&input);
    } else if (kind == 2) {
        char *copy = fuzz_copy(rest);
        check_answer(ht_slice_make(copy, rest.length));
        check_marked_answer(ht_slice_make(copy, rest.length));
        free(copy);
    } else {
        check_command(rest);
    }
    return 0;
}
