// SPDX-License-Identifier: MIT
#include "config_load.h"

#include "hashtagd/base/buffer.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_names(struct ht_config *config, struct ht_mistakes *mistakes);
static const char *place_of(const struct ht_config *config, const char *key);
static void check_listen(struct ht_config *config, struct ht_mistakes *mistakes);
static void check_tls(struct ht_config *config, struct ht_mistakes *mistakes);

void ht_config_check(struct ht_config *config, enum ht_config_purpose purpose,
                     struct ht_mistakes *mistakes)
{
    if (purpose == HT_CONFIG_FOR_SERVE) {
        check_names(config, mistakes);
        ht_config_check_sources(config, mistakes);
        ht_config_check_filters(config, mistakes);
        check_listen(config, mistakes);
        check_tls(config, mistakes);
    }
    if (config->admin.token_file[0] != '\0') {
        ht_config_read_secret(config->admin.token_file, place_of(config, "admin.token_file"),
                              "admin.token_file", &config->token, mistakes);
    }
}

/* Where the value of a key came from, for a mistake's place. */
static const char *place_of(const struct ht_config *config, const char *key)
{
    return ht_config_place(config, ht_config_find_row(ht_slice_text(key)));
}

const char *ht_config_place(const struct ht_config *config, const struct ht_config_row *row)
{
    const char *origin = config->origins[ht_config_row_index(row)];
    return origin != NULL ? origin : "default";
}

void ht_config_check_readable(const char *path, const char *place, const char *key,
                              struct ht_mistakes *mistakes)
{
    struct stat about;
    if (stat(path, &about) != 0 || access(path, R_OK) != 0) {
        ht_mistakes_add(mistakes, place, "%s: %s cannot be read: %s", key, path, strerror(errno));
    } else if (S_ISDIR(about.st_mode)) {
        ht_mistakes_add(mistakes, place, "%s: %s is a directory; accepted: a file", key, path);
    }
}

/* What Amazon takes for a name: its API references, "CreateStream", "CreateTable",
 * "CreateDeliveryStream", "Bucket naming rules". */
struct name_rule {
    const char *key, *value, *extra; /* letters and digits are always fine; these too */
    size_t minimum, maximum;
    bool is_lower;
};

static bool is_name(const struct name_rule *rule)
{
    size_t length = strlen(rule->value);
    for (const char *at = rule->value; *at != '\0'; at++) {
        bool is_upper = *at >= 'A' && *at <= 'Z';
        bool is_plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        if (!is_plain && !(is_upper && !rule->is_lower) && strchr(rule->extra, *at) == NULL) {
            return false;
        }
    }
    return length >= rule->minimum && length <= rule->maximum;
}

static void check_name(const struct ht_config *config, const struct name_rule *rule,
                       struct ht_mistakes *mistakes)
{
    if (!is_name(rule)) {
        ht_mistakes_add(mistakes, place_of(config, rule->key),
                        "%s: \"%s\" is no name that Amazon takes; accepted: %zu to %zu of %s, "
                        "digits and %s",
                        rule->key, rule->value, rule->minimum, rule->maximum,
                        rule->is_lower ? "a-z" : "a-z, A-Z", rule->extra);
    }
}

static void check_names(struct ht_config *config, struct ht_mistakes *mistakes)
{
    bool is_s3 = config->archive.type == HT_CONFIG_ARCHIVE_S3;
    struct name_rule stream = {"stream.name", config->stream.name, "_.-", 1, 128, false};
    struct name_rule table = {"table.name", config->table.name, "_.-", 3, 239, false};
    struct name_rule leases = {"table.leases", config->table.leases, "_.-", 3, 255, false};
    struct name_rule delivery = {"archive.name", config->archive.name, "_.-", 1, 64, false};
    struct name_rule bucket = {is_s3 ? "archive.name" : "archive.bucket",
                               is_s3 ? config->archive.name : config->archive.bucket,
                               ".-",
                               3,
                               63,
                               true};
    if (config->stream.type == HT_CONFIG_STREAM_KINESIS) {
        check_name(config, &stream, mistakes);
    }
    if (config->table.type == HT_CONFIG_TABLE_DYNAMODB) {
        check_name(config, &table, mistakes);
        check_name(config, &leases, mistakes);
    }
    if (config->archive.type == HT_CONFIG_ARCHIVE_FIREHOSE) {
        check_name(config, &delivery, mistakes);
    }
    if (is_s3 || (config->archive.type == HT_CONFIG_ARCHIVE_FIREHOSE && bucket.value[0] != '\0')) {
        check_name(config, &bucket, mistakes);
    }
}

static void check_listen(struct ht_config *config, struct ht_mistakes *mistakes)
{
    if (!ht_address_is_loopback(&config->admin.listen) && config->admin.token_file[0] == '\0') {
        char address[HT_ADDRESS_TEXT_BYTES];
        ht_mistakes_add(mistakes, place_of(config, "admin.listen"),
                        "admin.listen: %s can be reached from other machines, so admin.token_file "
                        "is required: put a secret into a file (openssl rand -hex 32 > FILE) and "
                        "name it there, or listen on 127.0.0.1",
                        ht_address_format(&config->admin.listen, address));
    }
}

static void check_tls(struct ht_config *config, struct ht_mistakes *mistakes)
{
    bool has_cert = config->admin.tls_cert[0] != '\0', has_key = config->admin.tls_key[0] != '\0';
    if (has_cert && !has_key) {
        ht_mistakes_add(mistakes, place_of(config, "admin.tls_cert"),
                        "admin.tls_cert is set, but admin.tls_key is not; set both or neither");
    }
    if (has_key && !has_cert) {
        ht_mistakes_add(mistakes, place_of(config, "admin.tls_key"),
                        "admin.tls_key is set, but admin.tls_cert is not; set both or neither");
    }
    if (has_cert) {
        ht_config_check_readable(config->admin.tls_cert, place_of(config, "admin.tls_cert"),
                                 "admin.tls_cert", mistakes);
    }
    if (has_key) {
        ht_config_check_readable(config->admin.tls_key, place_of(config, "admin.tls_key"),
                                 "admin.tls_key", mistakes);
    }
}
