// SPDX-License-Identifier: MIT

/**
 * The configuration from a file, variables and flags of any bytes, parts of the input between lines
 * of "%%": a configuration that is whole, or mistakes that have a place each and are all told in one
 * run; a secret is in no mistake and in nothing that `hashtagd config` shows.
 */

#include "config_load.h"
#include "config_show.h"
#include "config_table.h"
#include "config_variables.h"
#include "fuzz_data.h"

#include <sys/mman.h>
#include <unistd.h>

#define SECRET "Secr3tMarkOfTheFuzzer"

enum {
    SETS_MAX = 3,
    VARIABLES_MAX = 3,
};

static int make_file(struct ht_slice content, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0, "memfd");
    FUZZ_CHECK(content.length == 0 ||
                   write(fd, content.data, content.length) == (ssize_t)content.length,
               "write");
    (void)snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void check_lines(const struct ht_mistakes *mistakes, const char *what)
{
    struct ht_slice lines = ht_buffer_slice(&mistakes->lines);
    size_t count = 0;
    FUZZ_CHECK(memmem(lines.data, lines.length, SECRET, strlen(SECRET)) == NULL,
               "%s: a secret in %.*s", what, FUZZ_TEXT(lines));
    for (size_t i = 0; i < lines.length; i++) {
        unsigned char byte = (unsigned char)lines.data[i];
        count += byte == '\n';
        FUZZ_CHECK(byte == '\n' || (byte >= 0x20 && byte != 0x7f), "%s: control %02x", what, byte);
        FUZZ_CHECK(byte != 0xc2 || (unsigned char)lines.data[i + 1] >= 0xa0, "%s: a C1 control",
                   what);
    }
    FUZZ_CHECK(fuzz_is_utf8(lines), "%s: no UTF-8 in %.*s", what, FUZZ_TEXT(lines));
    FUZZ_CHECK(count == (mistakes->count < HT_MISTAKES_MAX ? mistakes->count : HT_MISTAKES_MAX),
               "%s: %zu lines, %zu mistakes", what, count, mistakes->count);
}

static void check_shown(struct ht_config *config, const char *const *environment)
{
    struct ht_buffer out;
    ht_buffer_init(&out, 1u << 22);
    ht_config_show_effective(config, &out);
    ht_config_show_variables(environment, &out);
    struct ht_slice shown = ht_buffer_slice(&out);
    FUZZ_CHECK(memmem(shown.data, shown.length, SECRET, strlen(SECRET)) == NULL,
               "a secret is shown: %.*s", FUZZ_TEXT(shown));
    ht_buffer_finish(&out);
}

/* How many mistakes it has; `extra` is one more flag, or NULL. */
static size_t load(struct ht_config_options options, const char *const *sets, size_t set_count,
                   const char *extra)
{
    static struct ht_config config;
    struct ht_mistakes mistakes;
    const char *all[SETS_MAX + 1];
    for (size_t i = 0; i < set_count; i++) {
        all[i] = sets[i];
    }
    all[set_count] = extra;
    options.sets = all;
    options.set_count = set_count + (extra != NULL);
    ht_mistakes_init(&mistakes);
    int status = ht_config_load(&config, &options, &mistakes);
    FUZZ_CHECK((status == 0) == (mistakes.count == 0), "%d with %zu mistakes", status,
               mistakes.count);
    FUZZ_CHECK(status == 0 || status == HT_EINVAL, "%d", status);
    check_lines(&mistakes, extra == NULL ? "as it is" : "with one more");
    if (status == 0) {
        FUZZ_CHECK(config.source_count >= 1 && config.source_count <= HT_SOURCE_COUNT_MAX, "%zu",
                   config.source_count);
        check_shown(&config, options.environment);
    }
    size_t count = mistakes.count;
    ht_config_finish(&config);
    ht_mistakes_finish(&mistakes);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_input(data, size);
    if (size > 0 && memmem(data, size, SECRET, 8) != NULL) {
        return 0; /* the fuzzer learned the mark: in a name it may be shown */
    }
    unsigned choice = fuzz_take_byte(&input);
    char file[64], token[64], token_file[96], bearer_file[96];
    char *sets[SETS_MAX], *variables[VARIABLES_MAX];
    int fd = make_file(fuzz_take_part(&input), file);
    int token_fd =
        make_file(choice & 16 ? HT_SLICE(SECRET "\n") : HT_SLICE(SECRET " two\n"), token);
    (void)snprintf(token_file, sizeof(token_file), "HASHTAGD_ADMIN_TOKEN_FILE=%s", token);
    (void)snprintf(bearer_file, sizeof(bearer_file), "TWITTER_BEARER_TOKEN_FILE=%s", token);
    const char *environment[12] = {
        "HOME=/nonexistent",
        choice & 1 ? "TWITTER_BEARER_TOKEN=" SECRET : "TWITTER_BEARER_TOKEN=" SECRET " two",
        choice & 2 ? "TWITTER_CONSUMER_SECRET=" SECRET : "TWITTER_CONSUMER_SECRET=\x01" SECRET,
        "TWITTER_CONSUMER_KEY=" SECRET,
        choice & 4 ? token_file : "MASTODON_ACCESS_TOKEN=" SECRET "\xff",
        choice & 8 ? bearer_file : "AWS_SECRET_ACCESS_KEY=" SECRET,
    };
    for (size_t i = 0; i < VARIABLES_MAX; i++) {
        variables[i] = fuzz_text(fuzz_take_part(&input));
        environment[6 + i] = variables[i];
    }
    environment[6 + VARIABLES_MAX] = NULL;
    for (size_t i = 0; i < SETS_MAX; i++) {
        sets[i] = fuzz_text(fuzz_take_part(&input));
    }
    size_t set_count = choice / 32 % (SETS_MAX + 1);
    struct ht_config_options options = {.file = file,
                                        .environment = environment,
                                        .purpose = choice & 128 ? HT_CONFIG_FOR_CLIENT
                                                                : HT_CONFIG_FOR_SERVE};
    size_t alone = load(options, (const char *const *)sets, set_count, NULL);
    size_t with = load(options, (const char *const *)sets, set_count, "nosuch.key=1");
    FUZZ_CHECK(with == alone + 1, "%zu mistakes, with one more %zu", alone, with);
    for (size_t i = 0; i < VARIABLES_MAX; i++) {
        free(variables[i]);
    }
    for (size_t i = 0; i < SETS_MAX; i++) {
        free(sets[i]);
    }
    close(fd);
    close(token_fd);
    return 0;
}
