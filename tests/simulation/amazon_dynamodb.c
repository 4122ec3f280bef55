// SPDX-License-Identifier: MIT
#include "amazon_internal.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BUCKETS = 256,
    ALIASES_MAX = 24,
    EXPRESSION_BYTES = 1024,
    STALE_MS = 1000,
    TTL_DELAY_ONE_IN = 8, /* of the rounds of housekeeping, each expired item */
    PAGE_ITEMS = 40,
};

/* One name or value that an expression uses. */
struct alias {
    struct ht_slice alias, value;
    bool is_used;
};

/* A request on one item, taken apart once. */
struct write {
    struct amazon *amazon;
    struct amazon_table *table;
    struct ht_slice key, update, condition, returned, returned_on_failure, item;
    struct alias aliases[ALIASES_MAX];
    size_t alias_count;
    struct ht_slice touched[ALIASES_MAX]; /* names of attributes that were written */
    size_t touched_count;
    const char *wrong; /* what makes no sense; NULL: nothing */
};

void amazon_create_table(struct amazon *amazon, const char *name, const char *key_name,
                         bool has_stream)
{
    HT_ASSERT(amazon->table_count < AMAZON_TABLES_MAX);
    struct amazon_table *table = amazon_allocate(sizeof(*table));
    (void)snprintf(table->name, sizeof(table->name), "%s", name);
    (void)snprintf(table->key_name, sizeof(table->key_name), "%s", key_name);
    table->bucket_count = FIRST_BUCKETS;
    table->buckets = amazon_allocate(FIRST_BUCKETS * sizeof(struct amazon_item *));
    amazon->tables[amazon->table_count++] = table;
    if (has_stream) {
        amazon_changes_create(amazon, table);
    }
}

struct amazon_table *amazon_find_table(const struct amazon *amazon, struct ht_slice name)
{
    for (unsigned i = 0; i < amazon->table_count; i++) {
        if (ht_slice_equal(name, ht_slice_text(amazon->tables[i]->name))) {
            return amazon->tables[i];
        }
    }
    return NULL;
}

/* --- items --- */

static uint32_t hash_of(struct ht_slice key)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < key.length; i++) {
        hash = (hash ^ (unsigned char)key.data[i]) * 16777619u;
    }
    return hash;
}

static struct amazon_item **place_of(const struct amazon_table *table, struct ht_slice key)
{
    struct amazon_item **link = &table->buckets[hash_of(key) % table->bucket_count];
    while (*link != NULL && !ht_slice_equal(key, ht_slice_text((*link)->key))) {
        link = &(*link)->next;
    }
    return link;
}

struct amazon_item *amazon_find_item(const struct amazon_table *table, struct ht_slice key)
{
    return *place_of(table, key);
}

static const char *get(const struct amazon_item *item, struct ht_slice name)
{
    for (size_t i = 0; item != NULL && i < item->count; i++) {
        if (ht_slice_equal(name, ht_slice_text(item->attributes[i].name))) {
            return item->attributes[i].value;
        }
    }
    return NULL;
}

static void set(struct amazon_item *item, struct ht_slice name, struct ht_slice value)
{
    for (size_t i = 0; i < item->count; i++) {
        if (ht_slice_equal(name, ht_slice_text(item->attributes[i].name))) {
            free(item->attributes[i].value);
            item->attributes[i].value = amazon_copy(value);
            return;
        }
    }
    item->attributes =
        amazon_grow(item->attributes, item->count, &item->capacity, sizeof(*item->attributes));
    struct amazon_attribute_state *attribute = &item->attributes[item->count++];
    HT_ASSERT(name.length < sizeof(attribute->name));
    (void)snprintf(attribute->name, sizeof(attribute->name), "%.*s", (int)name.length, name.data);
    attribute->value = amazon_copy(value);
}

static void unset(struct amazon_item *item, struct ht_slice name)
{
    for (size_t i = 0; i < item->count; i++) {
        if (ht_slice_equal(name, ht_slice_text(item->attributes[i].name))) {
            free(item->attributes[i].value);
            item->attributes[i] = item->attributes[--item->count];
            return;
        }
    }
}

static void clear_item(struct amazon_item *item)
{
    for (size_t i = 0; i < item->count; i++) {
        free(item->attributes[i].value);
    }
    item->count = 0;
}

static struct amazon_item *make_item(struct amazon_table *table, struct ht_slice key)
{
    struct amazon_item **link = place_of(table, key);
    if (*link == NULL) {
        *link = amazon_allocate(sizeof(**link));
        (*link)->key = amazon_copy(key);
        table->item_count++;
    }
    return *link;
}

static void remove_item(struct amazon_table *table, struct amazon_item *item)
{
    struct amazon_item **link = place_of(table, ht_slice_text(item->key));
    HT_ASSERT(*link == item);
    *link = item->next;
    clear_item(item);
    free(item->attributes);
    free(item->before);
    free(item->key);
    free(item);
    table->item_count--;
}

void amazon_dynamodb_finish(struct amazon *amazon)
{
    for (unsigned i = 0; i < amazon->table_count; i++) {
        struct amazon_table *table = amazon->tables[i];
        for (size_t k = 0; k < table->bucket_count; k++) {
            while (table->buckets[k] != NULL) {
                remove_item(table, table->buckets[k]);
            }
        }
        free(table->buckets);
        amazon_changes_finish(table);
        free(table);
    }
}

void amazon_write_item(struct ht_buffer *out, const struct amazon_item *item)
{
    (void)ht_buffer_append_text(out, "{");
    for (size_t i = 0; i < item->count; i++) {
        const struct amazon_attribute_state *attribute = &item->attributes[i];
        (void)ht_buffer_append_text(out, i > 0 ? ",\"" : "\"");
        (void)ht_buffer_append_text(out, attribute->name);
        (void)ht_buffer_append_text(out, "\":");
        (void)ht_buffer_append_text(out, attribute->value);
    }
    (void)ht_buffer_append_text(out, "}");
}

static char *image_of(const struct amazon_item *item)
{
    struct ht_buffer out;
    ht_buffer_init(&out, AMAZON_ANSWER_BYTES);
    amazon_write_item(&out, item);
    return ht_buffer_take(&out);
}

/* The item was written: who watches is told, and the change stream. `old` is owned from here on. */
static void written(struct amazon *amazon, struct amazon_table *table, struct amazon_item *item,
                    char *old)
{
    if (table->has_stream) {
        char *image = image_of(item);
        amazon_note_change(amazon, table, ht_slice_text(item->key), old, image, false);
        free(image);
    }
    free(item->before);
    item->before = old;
    item->before_ms = item->changed_ms;
    item->changed_ms = amazon_now_ms(amazon);
    const struct amazon_watch *watch = &amazon->options.watch;
    if (watch->on_item != NULL) {
        watch->on_item(watch->user, table->name, item->key, false);
    }
}

static void removed(struct amazon *amazon, struct amazon_table *table, struct amazon_item *item,
                    bool is_ttl)
{
    char *old = image_of(item), *key = amazon_copy(ht_slice_text(item->key));
    const struct amazon_watch *watch = &amazon->options.watch;
    remove_item(table, item);
    if (table->has_stream) {
        amazon_note_change(amazon, table, ht_slice_text(key), old, NULL, is_ttl);
    }
    if (watch->on_item != NULL) {
        watch->on_item(watch->user, table->name, key, true);
    }
    free(old);
    free(key);
}

/* {"N":"12"} */
static uint64_t number_of(const char *value)
{
    uint64_t number = 0;
    if (value == NULL || strncmp(value, "{\"N\":\"", 6) != 0) {
        return 0;
    }
    number = amazon_u64(ht_slice_make(value + 6, strspn(value + 6, "0123456789")), number);
    return number;
}

/* --- expressions --- */

static struct ht_slice resolve(struct write *write, struct ht_slice alias)
{
    for (size_t i = 0; i < write->alias_count; i++) {
        if (ht_slice_equal(alias, write->aliases[i].alias)) {
            write->aliases[i].is_used = true;
            return write->aliases[i].value;
        }
    }
    write->wrong = "An expression uses a name or value that is not defined";
    return HT_SLICE("?");
}

/* Takes the next word: it ends at spaces, commas, brackets and '='. */
static bool next_word(struct ht_slice *text, struct ht_slice *word)
{
    size_t begin = 0, end;
    while (begin < text->length && strchr(" ,()=", text->data[begin]) != NULL) {
        begin++;
    }
    for (end = begin; end < text->length && strchr(" ,()=", text->data[end]) == NULL;) {
        end++;
    }
    *word = ht_slice_make(text->data + begin, end - begin);
    *text = ht_slice_make(text->data + end, text->length - end);
    return word->length > 0;
}

static int compare_values(const char *stored, struct ht_slice value)
{
    char other[512];
    (void)snprintf(other, sizeof(other), "%.*s", (int)value.length, value.data);
    if (strncmp(stored, "{\"N\"", 4) == 0) {
        uint64_t left = number_of(stored), right = number_of(other);
        return (left > right) - (left < right);
    }
    return strcmp(stored, other);
}

/* "attribute_not_exists(#a)", "#a = :b" or "#a < :b". */
static bool term_holds(struct write *write, const struct amazon_item *item, struct ht_slice term)
{
    static const char missing[] = "attribute_not_exists(";
    struct ht_slice left, right;
    if (ht_slice_starts_with(term, ht_slice_text(missing))) {
        term = ht_slice_make(term.data + sizeof(missing) - 1, term.length - sizeof(missing) + 1);
        (void)next_word(&term, &left);
        return get(item, resolve(write, left)) == NULL;
    }
    (void)next_word(&term, &left);
    bool is_equal = term.length > 2 && memcmp(term.data, " = ", 3) == 0;
    bool is_less = term.length > 2 && memcmp(term.data, " < ", 3) == 0;
    term = ht_slice_make(term.data + 3, is_equal || is_less ? term.length - 3 : 0);
    if (!next_word(&term, &right)) {
        write->wrong = "Invalid ConditionExpression";
        return false;
    }
    const char *stored = get(item, resolve(write, left));
    struct ht_slice value = resolve(write, right);
    int order = stored == NULL ? 0 : compare_values(stored, value);
    return stored != NULL && (is_equal ? order == 0 : order < 0);
}

static bool condition_holds(struct write *write, const struct amazon_item *item)
{
    struct ht_slice rest = write->condition;
    bool holds = rest.length == 0;
    while (rest.length > 0) {
        const char *end = memmem(rest.data, rest.length, " OR ", 4);
        size_t length = end == NULL ? rest.length : (size_t)(end - rest.data);
        bool term = term_holds(write, item, ht_slice_make(rest.data, length)); /* all are checked */
        holds = holds || term;
        rest = end == NULL ? HT_SLICE("") : ht_slice_make(end + 4, rest.length - length - 4);
    }
    return holds;
}

static void touch(struct write *write, struct ht_slice name)
{
    for (size_t i = 0; i < write->touched_count; i++) {
        if (ht_slice_equal(name, write->touched[i])) {
            write->wrong = "Two document paths overlap with each other";
            return;
        }
    }
    HT_ASSERT(write->touched_count < ALIASES_MAX);
    write->touched[write->touched_count++] = name;
}

static void set_clause(struct write *write, struct amazon_item *item, struct ht_slice name,
                       struct ht_slice *rest)
{
    struct ht_slice word;
    (void)next_word(rest, &word);
    bool only_new = ht_slice_equal(word, HT_SLICE("if_not_exists"));
    if (only_new) {
        (void)next_word(rest, &word);
        (void)resolve(write, word);
        (void)next_word(rest, &word);
    }
    struct ht_slice value = resolve(write, word);
    if (write->wrong == NULL && (!only_new || get(item, name) == NULL)) {
        set(item, name, value);
    }
}

static void add_clause(struct write *write, struct amazon_item *item, struct ht_slice name,
                       struct ht_slice *rest)
{
    struct ht_slice word;
    char sum[64], more[64];
    (void)next_word(rest, &word);
    struct ht_slice value = resolve(write, word);
    const char *stored = get(item, name);
    if (stored != NULL && strncmp(stored, "{\"N\"", 4) != 0) {
        write->wrong = "An operand in the update expression has an incorrect data type";
    }
    (void)snprintf(more, sizeof(more), "%.*s", (int)value.length, value.data);
    (void)snprintf(sum, sizeof(sum), "{\"N\":\"%" PRIu64 "\"}",
                   number_of(more) + number_of(stored));
    if (write->wrong == NULL) {
        set(item, name, ht_slice_text(sum));
    }
}

static void apply(struct write *write, struct amazon_item *item)
{
    struct ht_slice rest = write->update, word;
    char clause = '?';
    while (write->wrong == NULL && next_word(&rest, &word)) {
        if (word.data[0] != '#') {
            clause = word.data[0];
            continue;
        }
        struct ht_slice name = resolve(write, word);
        touch(write, name);
        if (ht_slice_equal(name, ht_slice_text(write->table->key_name))) {
            write->wrong = "Cannot update attribute: it is part of the key";
        } else if (clause == 'S') {
            set_clause(write, item, name, &rest);
        } else if (clause == 'A') {
            add_clause(write, item, name, &rest);
        } else if (clause == 'R') {
            unset(item, name);
        } else {
            write->wrong = "Invalid UpdateExpression";
        }
    }
}

/* --- requests on one item --- */

static void take_aliases(struct write *write, struct ht_slice object, bool are_texts)
{
    struct ht_json_parts parts = ht_json_parts(object);
    struct ht_slice key, value;
    while (ht_json_parts_next(&parts, &key, &value)) {
        HT_ASSERT(write->alias_count < ALIASES_MAX);
        write->aliases[write->alias_count++] = (struct alias){
            key, are_texts ? ht_slice_make(value.data + 1, value.length - 2) : value, false};
    }
}

/* The text of {"name":{"S":"text"}}. */
static struct ht_slice key_of(const struct amazon_table *table, struct ht_slice object)
{
    return amazon_member(ht_json_parts_find(object, table->key_name), "S");
}

static bool take_apart(struct write *write, struct amazon *amazon,
                       const struct amazon_request *request, struct amazon_reply *reply)
{
    struct ht_json_parts parts = ht_json_parts(request->body);
    struct ht_slice name, value, key = {"", 0};
    *write = (struct write){.amazon = amazon};
    while (ht_json_parts_next(&parts, &name, &value)) {
        struct ht_slice text = value.data[0] == '"' && value.length >= 2
                                   ? ht_slice_make(value.data + 1, value.length - 2)
                                   : value;
        if (ht_slice_equal(name, HT_SLICE("TableName"))) {
            write->table = amazon_find_table(amazon, text);
        } else if (ht_slice_equal(name, HT_SLICE("Key"))) {
            key = value;
        } else if (ht_slice_equal(name, HT_SLICE("Item"))) {
            key = write->item = value;
        } else if (ht_slice_equal(name, HT_SLICE("UpdateExpression"))) {
            write->update = text;
        } else if (ht_slice_equal(name, HT_SLICE("ConditionExpression"))) {
            write->condition = text;
        } else if (ht_slice_equal(name, HT_SLICE("ReturnValues"))) {
            write->returned = text;
        } else if (ht_slice_equal(name, HT_SLICE("ReturnValuesOnConditionCheckFailure"))) {
            write->returned_on_failure = text;
        } else if (ht_slice_equal(name, HT_SLICE("ExpressionAttributeNames"))) {
            take_aliases(write, value, true);
        } else if (ht_slice_equal(name, HT_SLICE("ExpressionAttributeValues"))) {
            take_aliases(write, value, false);
        }
    }
    if (write->table == NULL) {
        amazon_refuse(reply, 400, "ResourceNotFoundException", "Requested resource not found");
        return false;
    }
    write->key = key_of(write->table, key);
    if (parts.is_broken || write->key.length == 0) {
        amazon_refuse(reply, 400, "ValidationException", "The key is missing or empty");
        return false;
    }
    return true;
}

/* Every name and value must be of use. */
static bool check_aliases(struct write *write, struct amazon_reply *reply)
{
    for (size_t i = 0; i < write->alias_count && write->wrong == NULL; i++) {
        if (!write->aliases[i].is_used) {
            write->wrong = "Value provided in ExpressionAttributeNames or -Values is unused";
        }
    }
    if (write->wrong != NULL) {
        amazon_refuse(reply, 400, "ValidationException", write->wrong);
    }
    return write->wrong == NULL;
}

static void refuse_condition(const struct write *write, struct amazon_reply *reply,
                             const struct amazon_item *item)
{
    reply->status = 400;
    (void)ht_buffer_append_text(&reply->body,
                                "{\"__type\":\"com.amazonaws.dynamodb.v20120810#"
                                "ConditionalCheckFailedException\",\"message\":\"The conditional "
                                "request failed\"");
    if (item != NULL && ht_slice_equal(write->returned_on_failure, HT_SLICE("ALL_OLD"))) {
        (void)ht_buffer_append_text(&reply->body, ",\"Item\":");
        amazon_write_item(&reply->body, item);
    }
    (void)ht_buffer_append_text(&reply->body, "}");
}

static void answer_update(const struct write *write, struct amazon_reply *reply,
                          const struct amazon_item *item)
{
    struct ht_buffer *out = &reply->body;
    size_t count = 0;
    if (ht_slice_equal(write->returned, HT_SLICE("ALL_NEW"))) {
        (void)ht_buffer_append_text(out, "{\"Attributes\":");
        amazon_write_item(out, item);
        (void)ht_buffer_append_text(out, "}");
        return;
    }
    if (!ht_slice_equal(write->returned, HT_SLICE("UPDATED_NEW"))) {
        (void)ht_buffer_append_text(out, "{}");
        return;
    }
    (void)ht_buffer_append_text(out, "{\"Attributes\":{");
    for (size_t i = 0; i < write->touched_count; i++) {
        const char *value = get(item, write->touched[i]);
        if (value != NULL) {
            (void)ht_buffer_append_format(out, "%s\"%.*s\":%s", count++ > 0 ? "," : "",
                                          (int)write->touched[i].length, write->touched[i].data,
                                          value);
        }
    }
    (void)ht_buffer_append_text(out, "}}");
}

static void set_key(const struct amazon_table *table, struct amazon_item *item)
{
    char value[4096];
    (void)snprintf(value, sizeof(value), "{\"S\":\"%s\"}", item->key);
    set(item, ht_slice_text(table->key_name), ht_slice_text(value));
}

static void update_item(struct amazon *amazon, const struct amazon_request *request,
                        struct amazon_reply *reply)
{
    struct write write;
    if (!take_apart(&write, amazon, request, reply)) {
        return;
    }
    struct amazon_item *item = amazon_find_item(write.table, write.key);
    bool holds = condition_holds(&write, item);
    char *old = item == NULL ? NULL : image_of(item);
    if (!holds) {
        free(old);
        if (write.wrong != NULL) {
            amazon_refuse(reply, 400, "ValidationException", write.wrong);
        } else {
            refuse_condition(&write, reply, item);
        }
        return;
    }
    bool is_new = item == NULL;
    item = make_item(write.table, write.key);
    if (is_new) {
        set_key(write.table, item);
    }
    apply(&write, item);
    HT_ASSERT(check_aliases(&write, reply)); /* the program's requests are right */
    answer_update(&write, reply, item);
    written(amazon, write.table, item, old);
}

static void put_item(struct amazon *amazon, const struct amazon_request *request,
                     struct amazon_reply *reply)
{
    struct write write;
    struct ht_slice name, value;
    if (!take_apart(&write, amazon, request, reply)) {
        return;
    }
    struct amazon_item *item = amazon_find_item(write.table, write.key);
    if (!condition_holds(&write, item)) {
        refuse_condition(&write, reply, item);
        return;
    }
    char *old = item == NULL ? NULL : image_of(item);
    item = make_item(write.table, write.key);
    clear_item(item);
    struct ht_json_parts parts = ht_json_parts(write.item);
    while (ht_json_parts_next(&parts, &name, &value)) {
        set(item, name, value);
    }
    (void)ht_buffer_append_text(&reply->body, "{}");
    written(amazon, write.table, item, old);
}

static void delete_item(struct amazon *amazon, const struct amazon_request *request,
                        struct amazon_reply *reply)
{
    struct write write;
    if (!take_apart(&write, amazon, request, reply)) {
        return;
    }
    struct amazon_item *item = amazon_find_item(write.table, write.key);
    if (!condition_holds(&write, item)) {
        refuse_condition(&write, reply, item);
        return;
    }
    if (item != NULL && ht_slice_equal(write.returned, HT_SLICE("ALL_OLD"))) {
        (void)ht_buffer_append_text(&reply->body, "{\"Attributes\":");
        amazon_write_item(&reply->body, item);
        (void)ht_buffer_append_text(&reply->body, "}");
    } else {
        (void)ht_buffer_append_text(&reply->body, "{}");
    }
    if (item != NULL) {
        removed(amazon, write.table, item, false);
    }
}

/* Without ConsistentRead an answer may be about a second old. */
static void write_read(struct amazon *amazon, struct ht_buffer *out, const struct amazon_item *item,
                       bool is_consistent)
{
    bool is_stale = !is_consistent && amazon_now_ms(amazon) - item->changed_ms < STALE_MS &&
                    item->before != NULL && amazon_below(amazon, 2) == 0;
    if (is_stale) {
        (void)ht_buffer_append_text(out, item->before);
    } else {
        amazon_write_item(out, item);
    }
}

static void get_item(struct amazon *amazon, const struct amazon_request *request,
                     struct amazon_reply *reply)
{
    struct write write;
    if (!take_apart(&write, amazon, request, reply)) {
        return;
    }
    const struct amazon_item *item = amazon_find_item(write.table, write.key);
    bool is_consistent =
        ht_slice_equal(ht_json_parts_find(request->body, "ConsistentRead"), HT_SLICE("true"));
    (void)ht_buffer_append_text(&reply->body, item == NULL ? "{" : "{\"Item\":");
    if (item != NULL) {
        write_read(amazon, &reply->body, item, is_consistent);
    }
    (void)ht_buffer_append_text(&reply->body, "}");
}

/* --- the whole table --- */

struct scan {
    uint64_t segment, segments, limit, count;
    size_t bucket;
    bool is_consistent;
};

static void read_scan(const struct amazon_request *request, struct scan *scan)
{
    struct ht_slice start = ht_json_parts_find(request->body, "ExclusiveStartKey");
    *scan = (struct scan){.segments = 1, .limit = PAGE_ITEMS};
    scan->segments = amazon_u64(amazon_member(request->body, "TotalSegments"), scan->segments);
    scan->segment = amazon_u64(amazon_member(request->body, "Segment"), scan->segment);
    scan->limit = amazon_u64(amazon_member(request->body, "Limit"), scan->limit);
    scan->limit = scan->limit > PAGE_ITEMS ? PAGE_ITEMS : scan->limit;
    scan->is_consistent =
        ht_slice_equal(ht_json_parts_find(request->body, "ConsistentRead"), HT_SLICE("true"));
    scan->bucket = scan->segment;
    uint64_t bucket = 0;
    if (start.length > 0 && ht_slice_to_u64(amazon_member(start, "at"), UINT32_MAX, &bucket) == 0) {
        scan->bucket = bucket;
    }
}

/* Page by page in the order of the buckets; a page may be empty and yet not the last. */
static void scan_table(struct amazon *amazon, const struct amazon_request *request,
                       struct amazon_reply *reply)
{
    struct amazon_table *table =
        amazon_find_table(amazon, amazon_member(request->body, "TableName"));
    struct scan scan;
    if (table == NULL) {
        amazon_refuse(reply, 400, "ResourceNotFoundException", "Requested resource not found");
        return;
    }
    read_scan(request, &scan);
    bool is_empty = request->fault == AMAZON_EMPTY_PAGE;
    if (is_empty) {
        amazon_strike(amazon, AMAZON_EMPTY_PAGE);
    }
    (void)ht_buffer_append_text(&reply->body, "{\"Items\":[");
    for (; !is_empty && scan.bucket < table->bucket_count && scan.count < scan.limit;
         scan.bucket += scan.segments) {
        for (struct amazon_item *at = table->buckets[scan.bucket]; at != NULL; at = at->next) {
            (void)ht_buffer_append_text(&reply->body, scan.count++ > 0 ? "," : "");
            write_read(amazon, &reply->body, at, scan.is_consistent);
        }
    }
    (void)ht_buffer_append_format(&reply->body, "],\"Count\":%" PRIu64, scan.count);
    if (scan.bucket < table->bucket_count) {
        (void)ht_buffer_append_format(&reply->body, ",\"LastEvaluatedKey\":{\"at\":\"%zu\"}",
                                      scan.bucket);
    }
    (void)ht_buffer_append_text(&reply->body, "}");
}

static void describe_table(struct amazon *amazon, const struct amazon_request *request,
                           struct amazon_reply *reply)
{
    struct amazon_table *table =
        amazon_find_table(amazon, amazon_member(request->body, "TableName"));
    if (table == NULL) {
        amazon_refuse(reply, 400, "ResourceNotFoundException", "Requested resource not found");
        return;
    }
    (void)ht_buffer_append_format(
        &reply->body,
        "{\"Table\":{\"TableName\":\"%s\",\"TableStatus\":\"ACTIVE\",\"ItemCount\":%zu,"
        "\"KeySchema\":[{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"}],"
        "\"AttributeDefinitions\":[{\"AttributeName\":\"%s\",\"AttributeType\":\"S\"}]",
        table->name, table->item_count, table->key_name, table->key_name);
    if (table->has_stream) {
        (void)ht_buffer_append_format(
            &reply->body,
            ",\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":"
            "\"NEW_AND_OLD_IMAGES\"},\"LatestStreamArn\":\"arn:aws:dynamodb:eu-west-1:"
            "111122223333:table/%s/stream/1\"",
            table->name);
    }
    (void)ht_buffer_append_text(&reply->body, "}}");
}

const struct amazon_operation amazon_dynamodb_operations[6] = {
    {"DynamoDB_20120810.UpdateItem", AMAZON_DYNAMODB, "ProvisionedThroughputExceededException",
     true, update_item},
    {"DynamoDB_20120810.GetItem", AMAZON_DYNAMODB, "ProvisionedThroughputExceededException", false,
     get_item},
    {"DynamoDB_20120810.PutItem", AMAZON_DYNAMODB, "RequestLimitExceeded", true, put_item},
    {"DynamoDB_20120810.DeleteItem", AMAZON_DYNAMODB, "ThrottlingException", true, delete_item},
    {"DynamoDB_20120810.Scan", AMAZON_DYNAMODB, "ProvisionedThroughputExceededException", false,
     scan_table},
    {"DynamoDB_20120810.DescribeTable", AMAZON_DYNAMODB, "ThrottlingException", false,
     describe_table},
};

/* --- others --- */

static struct amazon_table *need_table(const struct amazon *amazon, const char *name)
{
    struct amazon_table *table = amazon_find_table(amazon, ht_slice_text(name));
    HT_ASSERT(table != NULL);
    return table;
}

const char *amazon_attribute(struct amazon *amazon, const char *table, const char *key,
                             const char *name)
{
    return get(amazon_find_item(need_table(amazon, table), ht_slice_text(key)),
               ht_slice_text(name));
}

uint64_t amazon_number(struct amazon *amazon, const char *table, const char *key, const char *name)
{
    return number_of(amazon_attribute(amazon, table, key, name));
}

void amazon_add(struct amazon *amazon, const char *name, const char *key, const char *attribute,
                uint64_t number)
{
    struct amazon_table *table = need_table(amazon, name);
    struct amazon_item *item = amazon_find_item(table, ht_slice_text(key));
    char sum[64];
    char *old = item == NULL ? NULL : image_of(item);
    if (item == NULL) {
        item = make_item(table, ht_slice_text(key));
        set_key(table, item);
    }
    (void)snprintf(sum, sizeof(sum), "{\"N\":\"%" PRIu64 "\"}",
                   number + number_of(get(item, ht_slice_text(attribute))));
    set(item, ht_slice_text(attribute), ht_slice_text(sum));
    written(amazon, table, item, old);
}

bool amazon_delete(struct amazon *amazon, const char *name, const char *key, bool is_ttl)
{
    struct amazon_table *table = need_table(amazon, name);
    struct amazon_item *item = amazon_find_item(table, ht_slice_text(key));
    if (item != NULL) {
        removed(amazon, table, item, is_ttl);
    }
    return item != NULL;
}

void amazon_set_ttl(struct amazon *amazon, const char *table, const char *attribute)
{
    struct amazon_table *found = need_table(amazon, table);
    (void)snprintf(found->ttl, sizeof(found->ttl), "%s", attribute);
}

void amazon_expire(struct amazon *amazon, const char *name)
{
    struct amazon_table *table = need_table(amazon, name);
    struct ht_slice attribute = ht_slice_text(table->ttl);
    int64_t now_s = amazon_wall_ms(amazon) / 1000;
    const struct amazon_watch *watch = &amazon->options.watch;
    for (size_t i = 0; attribute.length > 0 && i < table->bucket_count; i++) {
        for (struct amazon_item *at = table->buckets[i], *next; at != NULL; at = next) {
            next = at->next;
            uint64_t expires_s = number_of(get(at, attribute));
            if (expires_s > 0 && (int64_t)expires_s <= now_s &&
                amazon_below(amazon, TTL_DELAY_ONE_IN) == 0 &&
                (watch->may_expire == NULL || watch->may_expire(watch->user, at->key))) {
                removed(amazon, table, at, true);
            }
        }
    }
}

void amazon_dynamodb_keep_house(struct amazon *amazon)
{
    for (unsigned i = 0; i < amazon->table_count; i++) {
        if (amazon->tables[i]->has_stream) {
            amazon_changes_keep_house(amazon, amazon->tables[i]);
        }
    }
}
