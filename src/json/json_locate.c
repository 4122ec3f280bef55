// SPDX-License-Identifier: MIT
#include "hashtagd/json/json.h"

#include "hashtagd/json/reader.h"
#include "reader_tokens.h"

#include <stdlib.h>

/* One step of a path: a key, or an index. */
struct step {
    struct ht_slice key; /* data NULL for an index */
    uint64_t index;
};

static int next_step(const char **path, struct step *step);
static struct ht_json_value take_step(const struct ht_json_reader *reader,
                                      struct ht_json_value container, const struct step *step,
                                      uint32_t *key_begin);

int ht_json_locate(struct ht_slice text, const char *path, bool of_key, struct ht_json_place *place)
{
    struct ht_json_reader reader;
    struct ht_json_value value;
    uint32_t key_begin = 0;
    int result = HT_EPARSE;
    ht_json_reader_init(&reader, INT32_MAX);
    if (ht_json_reader_scan(&reader, text, NULL) != HT_JSON_VERDICT_OK) {
        goto out;
    }
    value = ht_json_reader_root(&reader);
    key_begin = value.begin;
    while (*path != '\0' && value.kind != '\0') {
        struct step step;
        if (next_step(&path, &step) != 0) {
            break;
        }
        value = take_step(&reader, value, &step, &key_begin);
    }
    result = *path == '\0' && value.kind != '\0' ? 0 : HT_ENOTFOUND;
    if (result == 0) {
        *place = ht_json_place_at(text, of_key ? key_begin : value.begin);
    }
out:
    ht_json_reader_finish(&reader);
    return result;
}

/* Takes one key or one [index] off the path. */
static int next_step(const char **path, struct step *step)
{
    const char *text = *path;
    *step = (struct step){0};
    if (*text == '[') {
        size_t length = strcspn(text, "]");
        if (text[length] != ']' ||
            ht_slice_to_u64(ht_slice_make(text + 1, length - 1), UINT32_MAX, &step->index) != 0) {
            return HT_EPARSE;
        }
        *path = text + length + 1;
        return 0;
    }
    text += *text == '.' ? 1 : 0;
    step->key = ht_slice_make(text, strcspn(text, ".["));
    *path = text + step->key.length;
    return 0;
}

static bool is_key(const struct ht_json_reader *reader, struct ht_json_value key,
                   struct ht_slice wanted)
{
    struct ht_buffer arena; /* an escape takes six bytes and gives one at least */
    struct ht_slice text;
    ht_buffer_init(&arena, 6 * wanted.length + 8);
    bool is_same =
        ht_json_reader_text(reader, key, &arena, &text) == 0 && ht_slice_equal(text, wanted);
    ht_buffer_finish(&arena);
    return is_same;
}

/* The member or element that the step names, kind '\0' where there is none; for members
 * `*key_begin` becomes the place of the key, for elements that of the value. */
static struct ht_json_value take_step(const struct ht_json_reader *reader,
                                      struct ht_json_value container, const struct step *step,
                                      uint32_t *key_begin)
{
    struct ht_json_value found = {0};
    bool by_key = step->key.data != NULL;
    uint64_t index = 0;
    if (container.kind != (by_key ? '{' : '[')) {
        return found;
    }
    struct ht_json_walk walk = ht_json_walk(reader, container);
    while (ht_json_walk_next(&walk)) {
        if (by_key ? is_key(reader, walk.key, step->key) : index++ == step->index) {
            found = walk.value;
            *key_begin = by_key ? walk.key.begin : walk.value.begin;
        }
    }
    return found;
}
