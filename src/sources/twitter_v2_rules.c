// SPDX-License-Identifier: MIT
#include "twitter_v2_rules.h"

#include "hashtagd/json/json.h"
#include "hashtagd/json/writer.h"

#include <stdlib.h>
#include <string.h>

/* A rule of either side, to be sorted. */
struct entry {
    const char *value, *tag;
    size_t index;
};

static int add_held(struct ht_twitter_v2_held *held, const struct ht_json *rule);
static int reserve_held(struct ht_twitter_v2_held *held);
static struct entry *sort_wanted(const struct ht_twitter_v2_rule *wanted, size_t count);
static struct entry *sort_held(const struct ht_twitter_v2_held *held);
static int compare_entries(const void *left, const void *right);
static int compare_indexes(const void *left, const void *right);
static int drop_repeats(struct entry *entries, size_t *count, struct ht_error *error);
static void merge(struct ht_twitter_v2_change *change, const struct entry *wanted,
                  size_t wanted_count, const struct entry *held, size_t held_count);

/* -- the rules of the account ------------------------------------------------------------- */

int ht_twitter_v2_held_read(struct ht_twitter_v2_held *held, struct ht_slice body,
                            char next[HT_TWITTER_V2_RULES_NEXT_BYTES], struct ht_error *error)
{
    struct ht_error problem = {0};
    struct ht_json *root = ht_json_parse(body, HT_JSON_ROOT_IS_CONTAINER, NULL, &problem);
    const struct ht_json *data = ht_json_find(root, "data");
    struct ht_slice token = ht_json_text(ht_json_find(root, "meta.next_token"));
    size_t count = ht_json_count(data);
    int status = problem.code;

    next[0] = '\0';
    if (status == 0 &&
        (ht_json_find(root, "meta") == NULL || token.length >= HT_TWITTER_V2_RULES_NEXT_BYTES)) {
        status = HT_EPARSE;
    }
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = add_held(held, ht_json_element(data, i));
    }
    if (status == 0) {
        memcpy(next, token.data, token.length);
        next[token.length] = '\0';
    } else if (status == HT_EPARSE) {
        (void)ht_error_set(error, status,
                           "the list of the account's rules cannot be read; check source.url");
    } else if (status == HT_ENOMEM) {
        (void)ht_error_set(error, status, "out of memory for the list of the account's rules");
    } else {
        (void)ht_error_set(error, status, "the account has more rules than fit (%d are read)",
                           HT_TWITTER_V2_RULES_MAX);
    }
    ht_json_destroy(root);
    return status;
}

static int add_held(struct ht_twitter_v2_held *held, const struct ht_json *rule)
{
    struct ht_slice id = ht_json_text(ht_json_member(rule, "id"));
    struct ht_slice value = ht_json_text(ht_json_member(rule, "value"));
    struct ht_slice tag = ht_json_text(ht_json_member(rule, "tag"));

    if (id.length == 0 || value.length == 0) {
        return HT_EPARSE;
    }
    int status = reserve_held(held);
    if (status != 0) {
        return status;
    }
    struct ht_twitter_v2_held_rule *item = &held->items[held->count++];
    item->id = ht_slice_to_text(id);
    item->value = ht_slice_to_text(value);
    item->tag = ht_slice_to_text(tag);
    return item->id == NULL || item->value == NULL || item->tag == NULL ? HT_ENOMEM : 0;
}

static int reserve_held(struct ht_twitter_v2_held *held)
{
    if (held->count < held->capacity) {
        return 0;
    }
    if (held->count >= HT_TWITTER_V2_RULES_MAX) {
        return HT_ETOOBIG;
    }
    size_t capacity = held->capacity == 0 ? 64 : held->capacity * 2;
    struct ht_twitter_v2_held_rule *items = realloc(held->items, capacity * sizeof *items);
    if (items == NULL) {
        return HT_ENOMEM;
    }
    held->items = items;
    held->capacity = capacity;
    return 0;
}

void ht_twitter_v2_held_finish(struct ht_twitter_v2_held *held)
{
    for (size_t i = 0; i < held->count; i++) {
        free(held->items[i].id);
        free(held->items[i].value);
        free(held->items[i].tag);
    }
    free(held->items);
    *held = (struct ht_twitter_v2_held){0};
}

/* -- the difference ----------------------------------------------------------------------- */

int ht_twitter_v2_change_find(struct ht_twitter_v2_change *change,
                              const struct ht_twitter_v2_rule *wanted, size_t count,
                              const struct ht_twitter_v2_held *held, struct ht_error *error)
{
    struct entry *wanted_entries = sort_wanted(wanted, count);
    struct entry *held_entries = sort_held(held);
    *change = (struct ht_twitter_v2_change){
        .additions = calloc(count + 1, sizeof(size_t)),
        .deletions = calloc(held->count + 1, sizeof(size_t)),
    };
    int status = 0;
    if (wanted_entries == NULL || held_entries == NULL || change->additions == NULL ||
        change->deletions == NULL) {
        status = ht_error_set(error, HT_ENOMEM, "out of memory for the rules of the stream");
    } else {
        status = drop_repeats(wanted_entries, &count, error);
    }
    if (status == 0) {
        merge(change, wanted_entries, count, held_entries, held->count);
        qsort(change->additions, change->addition_count, sizeof(size_t), compare_indexes);
    } else {
        ht_twitter_v2_change_finish(change);
    }
    free(wanted_entries);
    free(held_entries);
    return status;
}

static struct entry *sort_wanted(const struct ht_twitter_v2_rule *wanted, size_t count)
{
    struct entry *entries = calloc(count + 1, sizeof *entries);
    for (size_t i = 0; entries != NULL && i < count; i++) {
        entries[i] = (struct entry){wanted[i].value, wanted[i].tag == NULL ? "" : wanted[i].tag, i};
    }
    if (entries != NULL) {
        qsort(entries, count, sizeof *entries, compare_entries);
    }
    return entries;
}

static struct entry *sort_held(const struct ht_twitter_v2_held *held)
{
    struct entry *entries = calloc(held->count + 1, sizeof *entries);
    for (size_t i = 0; entries != NULL && i < held->count; i++) {
        entries[i] = (struct entry){held->items[i].value, held->items[i].tag, i};
    }
    if (entries != NULL) {
        qsort(entries, held->count, sizeof *entries, compare_entries);
    }
    return entries;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    int order = strcmp(a->value, b->value);
    order = order == 0 ? strcmp(a->tag, b->tag) : order;
    return order == 0 ? compare_indexes(&a->index, &b->index) : order;
}

static int compare_indexes(const void *left, const void *right)
{
    const size_t *a = left;
    const size_t *b = right;
    return (*a > *b) - (*a < *b);
}

/* Leaves one entry of each value. */
static int drop_repeats(struct entry *entries, size_t *count, struct ht_error *error)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        const struct entry *last = kept == 0 ? NULL : &entries[kept - 1];
        if (entries[i].value[0] == '\0') {
            return ht_error_set(error, HT_EINVAL,
                                "source.rules[%zu] has no value: X needs at least one term",
                                entries[i].index);
        }
        if (last != NULL && strcmp(last->value, entries[i].value) == 0) {
            if (strcmp(last->tag, entries[i].tag) != 0) {
                return ht_error_set(error, HT_EINVAL,
                                    "source.rules[%zu] and source.rules[%zu] have the same value "
                                    "and different tags: X holds a value once; leave one out",
                                    last->index, entries[i].index);
            }
            continue;
        }
        entries[kept++] = entries[i];
    }
    *count = kept;
    return 0;
}

/* Both sides are sorted by value. Of the held rules of a wanted value the first with its tag stays.
 */
static void merge(struct ht_twitter_v2_change *change, const struct entry *wanted,
                  size_t wanted_count, const struct entry *held, size_t held_count)
{
    size_t at = 0;
    for (size_t i = 0; i < wanted_count; i++) {
        bool is_held = false;
        for (; at < held_count && strcmp(held[at].value, wanted[i].value) <= 0; at++) {
            if (!is_held && strcmp(held[at].value, wanted[i].value) == 0 &&
                strcmp(held[at].tag, wanted[i].tag) == 0) {
                is_held = true;
            } else {
                change->deletions[change->deletion_count++] = held[at].index;
            }
        }
        if (!is_held) {
            change->additions[change->addition_count++] = wanted[i].index;
        }
    }
    for (; at < held_count; at++) {
        change->deletions[change->deletion_count++] = held[at].index;
    }
}

void ht_twitter_v2_change_finish(struct ht_twitter_v2_change *change)
{
    free(change->additions);
    free(change->deletions);
    *change = (struct ht_twitter_v2_change){0};
}

/* -- what is posted ----------------------------------------------------------------------- */

size_t ht_twitter_v2_change_format_additions(const struct ht_twitter_v2_change *change,
                                             const struct ht_twitter_v2_rule *wanted, size_t from,
                                             struct ht_buffer *body)
{
    struct ht_json_writer writer;
    size_t at = from;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "add");
    ht_json_write_array_begin(&writer);
    for (; at < change->addition_count && at - from < HT_TWITTER_V2_RULES_BATCH &&
           body->length < HT_TWITTER_V2_RULES_BATCH_BYTES;
         at++) {
        const struct ht_twitter_v2_rule *rule = &wanted[change->additions[at]];
        ht_json_write_object_begin(&writer);
        ht_json_write_key(&writer, "value");
        ht_json_write_text(&writer, rule->value);
        if (rule->tag != NULL && rule->tag[0] != '\0') {
            ht_json_write_key(&writer, "tag");
            ht_json_write_text(&writer, rule->tag);
        }
        ht_json_write_object_end(&writer);
    }
    ht_json_write_array_end(&writer);
    ht_json_write_object_end(&writer);
    return at - from;
}

size_t ht_twitter_v2_change_format_deletions(const struct ht_twitter_v2_change *change,
                                             const struct ht_twitter_v2_held *held, size_t from,
                                             struct ht_buffer *body)
{
    struct ht_json_writer writer;
    size_t at = from;
    ht_json_writer_init(&writer, body);
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "delete");
    ht_json_write_object_begin(&writer);
    ht_json_write_key(&writer, "ids");
    ht_json_write_array_begin(&writer);
    for (; at < change->deletion_count && at - from < HT_TWITTER_V2_RULES_BATCH; at++) {
        ht_json_write_text(&writer, held->items[change->deletions[at]].id);
    }
    ht_json_write_array_end(&writer);
    ht_json_write_object_end(&writer);
    ht_json_write_object_end(&writer);
    return at - from;
}
