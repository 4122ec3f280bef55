// SPDX-License-Identifier: MIT
#include "config_load.h"

#include "config_value.h"
#include "nearest.h"

#include "hashtagd/json/json.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_PLACE_BYTES = 4300 };

/* What the walk through one file needs. */
struct walk {
    struct ht_config *config;
    const char *path;     /* of the file */
    struct ht_slice text; /* of the file */
    struct ht_mistakes *mistakes;
};

/* An object of keys. */
struct section {
    const char *name; /* of its keys: "stream", "source.2" */
    const char *path; /* in the file: "stream", "source[1]" */
};

static int read_file(const char *path, struct ht_buffer *text, struct ht_mistakes *mistakes);
static int walk_root(const struct walk *walk, const struct ht_json *root);
static int walk_sources(const struct walk *walk, const struct ht_json *list);
static int walk_section(const struct walk *walk, const struct section *section,
                        const struct ht_json *members);
static int walk_value(const struct walk *walk, const struct ht_config_row *row, const char *path,
                      const struct ht_json *value);

int ht_config_load_file(struct ht_config *config, const char *path, struct ht_mistakes *mistakes)
{
    struct ht_buffer text;
    ht_buffer_init(&text, HT_CONFIG_MAX_FILE_BYTES);
    struct ht_json *root = NULL;
    int result = read_file(path, &text, mistakes);
    if (result != 0) {
        goto out;
    }
    struct walk walk = {config, path, ht_buffer_slice(&text), mistakes};
    struct ht_json_place place = {1, 1, 0};
    struct ht_error error;
    root = ht_json_parse(walk.text, HT_JSON_REFUSE_DUPLICATES, &place, &error);
    if (root == NULL) {
        char where[MAX_PLACE_BYTES];
        (void)snprintf(where, sizeof(where), "%s:%zu:%zu", path, place.line, place.column);
        const char *words = strncmp(error.text, "line ", 5) == 0 ? strstr(error.text, ": ") : NULL;
        ht_mistakes_add(mistakes, where, "this is not JSON: %s",
                        words != NULL ? words + 2 : error.text);
        result = error.code == HT_ENOMEM ? HT_ENOMEM : 0;
        goto out;
    }
    result = walk_root(&walk, root);
out:
    ht_json_destroy(root);
    ht_buffer_finish(&text);
    return result == HT_ENOMEM ? HT_ENOMEM : 0;
}

static int read_file(const char *path, struct ht_buffer *text, struct ht_mistakes *mistakes)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        ht_mistakes_add(mistakes, path, "the configuration file cannot be opened: %s",
                        strerror(errno));
        return HT_EIO;
    }
    char piece[4096];
    size_t length;
    int result = 0;
    while (result == 0 && (length = fread(piece, 1, sizeof(piece), file)) > 0) {
        result = ht_buffer_append(text, piece, length);
    }
    if (result == HT_ETOOBIG) {
        ht_mistakes_add(mistakes, path, "the configuration file is larger than %d bytes",
                        HT_CONFIG_MAX_FILE_BYTES);
    } else if (result == 0 && ferror(file)) {
        ht_mistakes_add(mistakes, path, "the configuration file cannot be read: %s",
                        strerror(errno));
        result = HT_EIO;
    }
    (void)fclose(file);
    return result;
}

/* "file:line:column" of a key or its value; of the file alone where that cannot be told, or nobody
 * will read it: looking goes through the whole file each time. */
static void find_place(const struct walk *walk, const char *key, bool of_key,
                       char where[MAX_PLACE_BYTES])
{
    struct ht_json_place place;
    bool is_read = walk->mistakes->count < HT_MISTAKES_MAX;
    if (is_read && ht_json_locate(walk->text, key, of_key, &place) == 0) {
        (void)snprintf(where, MAX_PLACE_BYTES, "%s:%zu:%zu", walk->path, place.line, place.column);
    } else {
        (void)snprintf(where, MAX_PLACE_BYTES, "%s", walk->path);
    }
}

static bool is_section(struct ht_slice name)
{
    size_t count;
    const struct ht_config_row *rows = ht_config_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(rows[i].key, name.data, name.length) == 0 && rows[i].key[name.length] == '.') {
            return true;
        }
    }
    return false;
}

static const char *nearest_section(struct ht_slice name, char found[64])
{
    size_t count;
    const struct ht_config_row *rows = ht_config_rows(&count);
    struct ht_nearest nearest = {0};
    found[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char section[64];
        (void)snprintf(section, sizeof(section), "%.*s", (int)strcspn(rows[i].key, "."),
                       rows[i].key);
        struct ht_nearest this_one = {0};
        ht_nearest_offer(&this_one, name, section);
        if (this_one.word != NULL && (found[0] == '\0' || this_one.distance < nearest.distance)) {
            nearest = this_one;
            (void)snprintf(found, 64, "%s", section);
        }
    }
    return found;
}

static void refuse_section(const struct walk *walk, struct ht_slice name)
{
    char where[MAX_PLACE_BYTES];
    find_place(walk, name.data, true, where);
    const struct ht_config_row *row = ht_config_find_row(name);
    if (row != NULL) {
        const char *dot = strchr(row->key, '.');
        ht_mistakes_add(walk->mistakes, where,
                        "%s stands at the top; in the file write {\"%.*s\": {\"%s\": ...}}",
                        row->key, (int)(dot - row->key), row->key, dot + 1);
        return;
    }
    char near[64];
    nearest_section(name, near);
    ht_mistakes_add(walk->mistakes, where, "unknown section %.100s%s%s%s", name.data,
                    near[0] == '\0' ? "" : "; did you mean ", near,
                    near[0] == '\0' ? "; accepted: source, stream, table, counting, archive, "
                                      "data, admin, memory or log"
                                    : "?");
}

static int walk_root(const struct walk *walk, const struct ht_json *root)
{
    char where[MAX_PLACE_BYTES];
    if (ht_json_type(root) != HT_JSON_OBJECT) {
        find_place(walk, "", false, where);
        ht_mistakes_add(walk->mistakes, where, "found %s; accepted: an object of sections",
                        ht_json_type_name(ht_json_type(root)));
        return 0;
    }
    struct ht_json_members members = ht_json_members(root);
    while (ht_json_members_next(&members)) {
        bool is_source = ht_slice_equal(members.key, HT_SLICE("source"));
        const struct section section = {members.key.data, members.key.data};
        if (!is_section(members.key)) {
            refuse_section(walk, members.key);
        } else if (is_source && ht_json_type(members.value) == HT_JSON_ARRAY) {
            if (walk_sources(walk, members.value) != 0) {
                return HT_ENOMEM;
            }
        } else if (walk_section(walk, &section, members.value) != 0) {
            return HT_ENOMEM;
        }
    }
    return 0;
}

/* Several sources: a list of what one source is. */
static int walk_sources(const struct walk *walk, const struct ht_json *list)
{
    size_t count = ht_json_count(list);
    if (count == 0 || count > HT_SOURCE_COUNT_MAX) {
        char where[MAX_PLACE_BYTES];
        find_place(walk, "source", false, where);
        ht_mistakes_add(walk->mistakes, where, "source: found a list of %zu; accepted: 1 to %d",
                        count, HT_SOURCE_COUNT_MAX);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        char name[32], path[32];
        (void)snprintf(name, sizeof(name), i == 0 ? "source" : "source.%zu", i + 1);
        (void)snprintf(path, sizeof(path), "source[%zu]", i);
        const struct section section = {name, path};
        if (walk_section(walk, &section, ht_json_element(list, i)) != 0) {
            return HT_ENOMEM;
        }
    }
    return 0;
}

static void refuse_key(const struct walk *walk, const char *key, const char *path)
{
    size_t count;
    const struct ht_config_row *rows = ht_config_rows(&count);
    struct ht_nearest nearest = {0};
    for (size_t i = 0; i < count; i++) {
        ht_nearest_offer(&nearest, ht_slice_text(key), rows[i].key);
    }
    char where[MAX_PLACE_BYTES];
    find_place(walk, path, true, where);
    ht_mistakes_add(walk->mistakes, where, "unknown key %s%s%s%s", key,
                    nearest.word == NULL ? "" : "; did you mean ",
                    nearest.word == NULL ? "" : nearest.word,
                    nearest.word == NULL ? "; hashtagd config --defaults lists all keys" : "?");
}

static int walk_section(const struct walk *walk, const struct section *section,
                        const struct ht_json *object)
{
    if (ht_json_type(object) != HT_JSON_OBJECT) {
        char where[MAX_PLACE_BYTES];
        find_place(walk, section->path, false, where);
        ht_mistakes_add(walk->mistakes, where, "%s: found %s; accepted: an object of keys%s",
                        section->path, ht_json_type_name(ht_json_type(object)),
                        strcmp(section->path, "source") == 0 ? ", or a list of them" : "");
        return 0;
    }
    struct ht_json_members members = ht_json_members(object);
    while (ht_json_members_next(&members)) {
        char key[256], path[256];
        (void)snprintf(key, sizeof(key), "%s.%.200s", section->name, members.key.data);
        (void)snprintf(path, sizeof(path), "%s.%.200s", section->path, members.key.data);
        const struct ht_config_row *row = ht_config_find_row(ht_slice_text(key));
        if (row == NULL) {
            refuse_key(walk, key, path);
        } else if (walk_value(walk, row, path, members.value) != 0) {
            return HT_ENOMEM;
        }
    }
    return 0;
}

static int walk_value(const struct walk *walk, const struct ht_config_row *row, const char *path,
                      const struct ht_json *value)
{
    char where[MAX_PLACE_BYTES];
    find_place(walk, path, false, where);
    struct ht_error error;
    int result = ht_config_set_json(walk->config, row, value, &error);
    if (result == HT_ENOMEM) {
        return result;
    }
    if (result != 0) {
        ht_mistakes_add(walk->mistakes, where, "%s", error.text);
        return 0;
    }
    return ht_config_set_origin(walk->config, row, where);
}
