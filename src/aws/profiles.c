// SPDX-License-Identifier: MIT
#include "profiles.h"

#include "text_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The text of a file is copied once and cut up in place: names and values are pointers into it,
 * ended by a NUL that takes the place of a bracket, an equals sign or a line's end.
 */

#define FILE_COUNT 2

enum section_kind {
    SECTION_PROFILE,
    SECTION_SERVICES,
    SECTION_OTHER, /* read and forgotten: sso-session, plugins, what comes */
};

/* One key with its value, or, with key NULL, a section that is there. */
struct entry {
    enum section_kind section;
    enum ht_aws_profile_file file;
    const char *name;   /* of the section */
    const char *key;    /* lower case */
    const char *nested; /* key inside the block of `key`; else NULL */
    char *value;        /* never NULL where key is not */
    unsigned line;
};

struct ht_aws_profiles {
    char *texts[FILE_COUNT]; /* owned */
    size_t lengths[FILE_COUNT];
    char *paths[FILE_COUNT]; /* owned */
    struct entry *entries;   /* owned */
    size_t count, capacity;
};

struct parser {
    struct ht_aws_profiles *profiles;
    enum ht_aws_profile_file file;
    const char *path;
    struct ht_error *error;
    unsigned line;
    bool is_in_section;
    enum section_kind section;
    const char *name;
    bool has_key;    /* an indented line may follow */
    const char *key; /* the last one that was not indented */
    bool is_block;   /* its value is empty: indented lines are nested values */
    char *value_end; /* of the last value: where a continuation is put */
};

static int parse_line(struct parser *parser, char *line, char *end);
static int parse_section(struct parser *parser, char *line, char *end);
static void name_section(struct parser *parser, char *begin, char *end);
static int parse_key(struct parser *parser, char *line, char *end, bool is_nested);
static int parse_indented(struct parser *parser, char *line, char *end);
static char *cut_comment(const char *key, char *value, char *end);
static int add_entry(struct parser *parser, const struct entry *entry);
static int complain(const struct parser *parser, const char *what);
static const struct entry *find(const struct ht_aws_profiles *profiles, const struct entry *wanted);
static char *trim_front(char *begin, const char *end);
static char *trim_back(const char *begin, char *end);

int ht_aws_profiles_create(struct ht_aws_profiles **profiles, struct ht_error *error)
{
    *profiles = calloc(1, sizeof **profiles);
    return *profiles == NULL ? ht_error_set(error, HT_ENOMEM, "Out of memory for AWS profiles.")
                             : 0;
}

int ht_aws_profiles_parse(struct ht_aws_profiles *profiles, enum ht_aws_profile_file file,
                          const char *path, struct ht_slice text, struct ht_error *error)
{
    struct parser parser = {.profiles = profiles, .file = file, .path = path, .error = error};

    if (text.length > HT_AWS_PROFILES_MAX_BYTES) {
        return ht_error_set(error, HT_ETOOBIG, "The file %s is larger than 1 MiB.", path);
    }
    if (ht_slice_starts_with(text, HT_SLICE("\xef\xbb\xbf"))) { /* a byte order mark */
        text = ht_slice_make(text.data + 3, text.length - 3);
    }
    profiles->texts[file] = ht_slice_to_text(text);
    profiles->lengths[file] = text.length;
    profiles->paths[file] = ht_slice_to_text(ht_slice_text(path));
    if (profiles->texts[file] == NULL || profiles->paths[file] == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for the file %s.", path);
    }
    char *at = profiles->texts[file];
    char *end = at + text.length;
    while (at < end) {
        char *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end == NULL ? end : line_end;
        parser.line++;
        int status = parse_line(&parser, at, line_end);
        if (status != 0) {
            return status;
        }
        at = line_end + 1;
    }
    return 0;
}

static int parse_line(struct parser *parser, char *line, char *end)
{
    char *first = trim_front(line, end);

    if (memchr(line, '\0', (size_t)(end - line)) != NULL) {
        return complain(parser, "holds a NUL byte; is it a text file in UTF-8?");
    }
    end = trim_back(first, end);
    if (first == end || *first == '#' || *first == ';') {
        return 0;
    }
    if (first != line) {
        return parse_indented(parser, first, end);
    }
    if (*first == '[') {
        return parse_section(parser, first, end);
    }
    return parse_key(parser, first, end, false);
}

/* "[default]", "[profile name]", "[profile \"a name\"]", "[services name]", a comment behind it. */
static int parse_section(struct parser *parser, char *line, char *end)
{
    char *close = memchr(line, ']', (size_t)(end - line));

    if (close == NULL) {
        return complain(parser, "begins a section with [ that no ] ends");
    }
    char *rest = trim_front(close + 1, end);
    if (rest != end && *rest != '#' && *rest != ';') {
        return complain(parser, "has text behind the ] of a section");
    }
    char *begin = trim_front(line + 1, close);
    close = trim_back(begin, close);
    if (begin == close) {
        return complain(parser, "begins a section without a name");
    }
    name_section(parser, begin, close);
    parser->is_in_section = true;
    parser->has_key = false;
    struct entry entry = {.section = parser->section, .name = parser->name};
    return add_entry(parser, &entry);
}

static void name_section(struct parser *parser, char *begin, char *end)
{
    char *word_end = begin;

    while (word_end < end && !isblank((unsigned char)*word_end)) {
        word_end++;
    }
    struct ht_slice word = ht_slice_make(begin, (size_t)(word_end - begin));
    char *name = trim_front(word_end, end);
    parser->section = SECTION_OTHER;
    if (parser->file == HT_AWS_CREDENTIALS_FILE) {
        parser->section = SECTION_PROFILE;
        name = begin;
    } else if (name == end) {
        /* of all names, "default" alone may stand without the word profile */
        parser->section =
            ht_slice_equal(word, HT_SLICE("default")) ? SECTION_PROFILE : SECTION_OTHER;
        name = begin;
    } else if (ht_slice_equal(word, HT_SLICE("profile"))) {
        parser->section = SECTION_PROFILE;
    } else if (ht_slice_equal(word, HT_SLICE("services"))) {
        parser->section = SECTION_SERVICES;
    }
    if (end - name >= 2 && (*name == '"' || *name == '\'') && end[-1] == *name) {
        name++;
        end--;
    }
    *end = '\0';
    parser->name = name;
}

static int parse_key(struct parser *parser, char *line, char *end, bool is_nested)
{
    char *equals = memchr(line, '=', (size_t)(end - line));

    if (!parser->is_in_section) {
        return complain(parser, "stands before the first [section]");
    }
    if (equals == NULL) {
        return complain(parser, "is no \"key = value\", no [section] and no comment");
    }
    char *key_end = trim_back(line, equals);
    if (key_end == line) {
        return complain(parser, "has no key before =");
    }
    for (char *at = line; at < key_end; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    char *value = trim_front(equals + 1, end);
    *key_end = '\0';
    end = cut_comment(line, value, end);
    bool is_empty = value == end;
    *end = '\0';
    struct entry entry = {.section = parser->section,
                          .name = parser->name,
                          .key = is_nested ? parser->key : line,
                          .nested = is_nested ? line : NULL,
                          .value = value};
    if (!is_nested) {
        parser->has_key = true;
        parser->key = line;
        parser->is_block = is_empty;
        parser->value_end = end;
    }
    return add_entry(parser, &entry);
}

/* A nested value where the key above has none, else more of the value above. */
static int parse_indented(struct parser *parser, char *line, char *end)
{
    if (!parser->has_key) {
        return complain(parser, "is indented, but there is no key above it that it belongs to");
    }
    if (parser->is_block) {
        return parse_key(parser, line, end, true);
    }
    /* the value lies before this line, so there is room for it and the line's end */
    size_t length = (size_t)(end - line);
    *parser->value_end = '\n';
    memmove(parser->value_end + 1, line, length);
    parser->value_end += 1 + length;
    *parser->value_end = '\0';
    return 0;
}

/* Secrets and commands may hold " #": for these the whole line is the value. */
static char *cut_comment(const char *key, char *value, char *end)
{
    static const char *const whole[] = {"aws_access_key_id", "aws_secret_access_key",
                                        "aws_session_token", "credential_process"};

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        if (strcmp(key, whole[i]) == 0) {
            return end;
        }
    }
    for (char *at = value; at < end; at++) {
        bool is_mark = *at == '#' || *at == ';';
        if (is_mark && (at == value || isblank((unsigned char)at[-1]))) {
            return trim_back(value, at);
        }
    }
    return end;
}

static int add_entry(struct parser *parser, const struct entry *entry)
{
    struct ht_aws_profiles *profiles = parser->profiles;

    if (profiles->count == profiles->capacity) {
        size_t capacity = profiles->capacity == 0 ? 16 : profiles->capacity * 2;
        struct entry *entries = realloc(profiles->entries, capacity * sizeof *entries);
        if (entries == NULL) {
            return ht_error_set(parser->error, HT_ENOMEM, "Out of memory for the file %s.",
                                parser->path);
        }
        profiles->entries = entries;
        profiles->capacity = capacity;
    }
    struct entry *added = &profiles->entries[profiles->count++];
    *added = *entry;
    added->file = parser->file;
    added->line = parser->line;
    return 0;
}

static int complain(const struct parser *parser, const char *what)
{
    return ht_error_set(parser->error, HT_EPARSE, "%s, line %u: the line %s.", parser->path,
                        parser->line, what);
}

int ht_aws_profiles_load(struct ht_aws_profiles **out, const char *config_path,
                         const char *credentials_path, struct ht_error *error)
{
    const char *paths[FILE_COUNT] = {config_path, credentials_path};
    struct ht_aws_profiles *profiles;
    int status = ht_aws_profiles_create(&profiles, error);

    *out = NULL;
    for (unsigned file = 0; status == 0 && file < FILE_COUNT; file++) {
        struct ht_buffer text;
        ht_buffer_init(&text, HT_AWS_PROFILES_MAX_BYTES);
        status =
            paths[file] == NULL ? HT_ENOTFOUND : ht_aws_text_file_read(paths[file], &text, error);
        if (status == 0) {
            status = ht_aws_profiles_parse(profiles, (enum ht_aws_profile_file)file, paths[file],
                                           ht_buffer_slice(&text), error);
        } else if (status == HT_ENOTFOUND) {
            ht_error_clear(error);
            status = 0;
        }
        ht_aws_wipe_buffer(&text);
    }
    if (status != 0) {
        ht_aws_profiles_destroy(profiles);
        return status;
    }
    *out = profiles;
    return 0;
}

void ht_aws_profiles_destroy(struct ht_aws_profiles *profiles)
{
    if (profiles == NULL) {
        return;
    }
    for (size_t i = 0; i < FILE_COUNT; i++) {
        if (profiles->texts[i] != NULL) {
            explicit_bzero(profiles->texts[i], profiles->lengths[i]);
        }
        free(profiles->texts[i]);
        free(profiles->paths[i]);
    }
    free(profiles->entries);
    free(profiles);
}

bool ht_aws_profiles_has(const struct ht_aws_profiles *profiles, const char *profile)
{
    struct entry wanted = {.section = SECTION_PROFILE, .file = HT_AWS_ANY_FILE, .name = profile};

    return find(profiles, &wanted) != NULL;
}

const char *ht_aws_profiles_get(const struct ht_aws_profiles *profiles,
                                enum ht_aws_profile_file file, const char *profile, const char *key)
{
    struct entry wanted = {.section = SECTION_PROFILE, .file = file, .name = profile, .key = key};
    const struct entry *entry = find(profiles, &wanted);

    return entry == NULL || entry->value[0] == '\0' ? NULL : entry->value;
}

const char *ht_aws_profiles_get_of_service(const struct ht_aws_profiles *profiles, const char *name,
                                           const char *service, const char *key)
{
    struct entry wanted = {.section = SECTION_SERVICES,
                           .file = HT_AWS_CONFIG_FILE,
                           .name = name,
                           .key = service,
                           .nested = key};
    const struct entry *entry = find(profiles, &wanted);

    return entry == NULL || entry->value[0] == '\0' ? NULL : entry->value;
}

char *ht_aws_profiles_place(const struct ht_aws_profiles *profiles, const char *profile,
                            const char *key, char place[HT_AWS_PLACE_BYTES])
{
    struct entry wanted = {
        .section = SECTION_PROFILE, .file = HT_AWS_ANY_FILE, .name = profile, .key = key};
    const struct entry *entry = find(profiles, &wanted);

    if (entry == NULL) {
        snprintf(place, HT_AWS_PLACE_BYTES, "profile \"%s\"", profile);
    } else {
        snprintf(place, HT_AWS_PLACE_BYTES, "%s line %u", profiles->paths[entry->file],
                 entry->line);
    }
    return place;
}

/* The last entry that fits: the credentials file is read after the config file, so it wins. */
static const struct entry *find(const struct ht_aws_profiles *profiles, const struct entry *wanted)
{
    for (size_t i = profiles->count; i > 0; i--) {
        const struct entry *entry = &profiles->entries[i - 1];
        if (entry->section != wanted->section || strcmp(entry->name, wanted->name) != 0 ||
            (wanted->file != HT_AWS_ANY_FILE && wanted->file != entry->file)) {
            continue;
        }
        if (wanted->key == NULL) {
            return entry;
        }
        bool has_key = entry->key != NULL && strcmp(entry->key, wanted->key) == 0;
        bool has_nested = entry->nested == NULL || wanted->nested == NULL
                              ? entry->nested == wanted->nested
                              : strcmp(entry->nested, wanted->nested) == 0;
        if (has_key && has_nested) {
            return entry;
        }
    }
    return NULL;
}

static char *trim_front(char *begin, const char *end)
{
    while (begin < end && isspace((unsigned char)*begin)) {
        begin++;
    }
    return begin;
}

static char *trim_back(const char *begin, char *end)
{
    while (end > begin && isspace((unsigned char)end[-1])) {
        end--;
    }
    return end;
}
