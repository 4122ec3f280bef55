// SPDX-License-Identifier: MIT
#include "fake_dynamodb.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"
#include "hashtagd/json/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A request while it is served. */
struct request {
    struct fake_dynamodb *fake;
    const struct ht_json *root;
    const char *table;
    char *key_name;
    char *key;
};

void fake_dynamodb_init(struct fake_dynamodb *fake)
{
    *fake = (struct fake_dynamodb){0};
}

static void free_item(struct fake_item *item)
{
    for (size_t i = 0; i < item->attribute_count; i++) {
        free(item->attributes[i].name);
        free(item->attributes[i].value);
    }
    free(item->table);
    free(item->key);
    free(item);
}

void fake_dynamodb_finish(struct fake_dynamodb *fake)
{
    for (size_t i = 0; i < FAKE_BUCKETS; i++) {
        while (fake->buckets[i] != NULL) {
            struct fake_item *item = fake->buckets[i];
            fake->buckets[i] = item->next;
            free_item(item);
        }
    }
}

static struct fake_item **place_of(struct fake_dynamodb *fake, const char *table, const char *key)
{
    HT_ASSERT(key != NULL);
    uint32_t hash = 2166136261u;
    for (const char *at = key; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    }
    struct fake_item **link = &fake->buckets[hash % FAKE_BUCKETS];
    while (*link != NULL &&
           (strcmp((*link)->key, key) != 0 || strcmp((*link)->table, table) != 0)) {
        link = &(*link)->next;
    }
    return link;
}

struct fake_item *fake_dynamodb_find(struct fake_dynamodb *fake, const char *table, const char *key)
{
    return *place_of(fake, table, key);
}

static struct fake_item *make(struct fake_dynamodb *fake, const char *table, const char *key)
{
    struct fake_item **link = place_of(fake, table, key);
    if (*link == NULL) {
        *link = calloc(1, sizeof(**link));
        HT_ASSERT(*link != NULL);
        (*link)->table = strdup(table);
        (*link)->key = strdup(key);
        fake->item_count++;
    }
    return *link;
}

static struct fake_attribute *find_attribute(struct fake_item *item, const char *name)
{
    for (size_t i = 0; item != NULL && i < item->attribute_count; i++) {
        if (strcmp(item->attributes[i].name, name) == 0) {
            return &item->attributes[i];
        }
    }
    return NULL;
}

static void set(struct fake_item *item, const char *name, char *value)
{
    struct fake_attribute *attribute = find_attribute(item, name);
    if (attribute == NULL) {
        HT_ASSERT(item->attribute_count < HT_COUNT_OF(item->attributes));
        attribute = &item->attributes[item->attribute_count++];
        attribute->name = strdup(name);
    } else {
        free(attribute->value);
    }
    attribute->value = value;
}

static void unset(struct fake_item *item, const char *name)
{
    struct fake_attribute *attribute = find_attribute(item, name);
    if (attribute != NULL) {
        free(attribute->name);
        free(attribute->value);
        *attribute = item->attributes[--item->attribute_count];
    }
}

void fake_dynamodb_put_pairs(struct fake_dynamodb *fake, const char *table, const char *key_name,
                             const char *key, const char *const *pairs)
{
    struct fake_item *item = make(fake, table, key);
    struct ht_buffer value;
    ht_buffer_init(&value, 1 << 16);
    HT_ASSERT(ht_buffer_append_text(&value, "{\"S\":") == 0);
    ht_json_append_string(&value, ht_slice_text(key));
    HT_ASSERT(ht_buffer_append_byte(&value, '}') == 0);
    set(item, key_name, ht_buffer_take(&value));
    for (; pairs[0] != NULL; pairs += 2) {
        set(item, pairs[0], strdup(pairs[1]));
    }
}

void fake_dynamodb_remove(struct fake_dynamodb *fake, const char *table, const char *key)
{
    struct fake_item **link = place_of(fake, table, key), *item = *link;
    if (item != NULL) {
        *link = item->next;
        free_item(item);
        fake->item_count--;
    }
}

const char *fake_dynamodb_get(struct fake_dynamodb *fake, const char *table, const char *key,
                              const char *name)
{
    struct fake_attribute *attribute = find_attribute(fake_dynamodb_find(fake, table, key), name);
    return attribute == NULL ? NULL : attribute->value;
}

static uint64_t number_of(const char *value)
{
    return value == NULL ? 0 : strtoull(value + strlen("{\"N\":\""), NULL, 10);
}

uint64_t fake_dynamodb_number(struct fake_dynamodb *fake, const char *table, const char *key,
                              const char *name)
{
    return number_of(fake_dynamodb_get(fake, table, key, name));
}

/* The text of a member; the caller frees it. */
static char *text_of(const struct ht_json *object, const char *name)
{
    const struct ht_json *member = ht_json_member(object, name);
    return member == NULL ? NULL : ht_slice_to_text(ht_json_text(member));
}

/* An attribute value as JSON text again; the caller frees it. */
static char *value_text(const struct ht_json *value)
{
    struct ht_buffer buffer;
    ht_buffer_init(&buffer, 1 << 20);
    HT_ASSERT(ht_json_dump(value, &buffer) == 0);
    return ht_buffer_take(&buffer);
}

/* "#x" as the attribute's name, ":x" as the value's JSON; the caller frees it. */
static char *resolve(const struct request *request, const char *alias)
{
    if (alias[0] == '#') {
        char *name = text_of(ht_json_member(request->root, "ExpressionAttributeNames"), alias);
        HT_ASSERT(name != NULL);
        return name;
    }
    const struct ht_json *values = ht_json_member(request->root, "ExpressionAttributeValues");
    const struct ht_json *value = ht_json_member(values, alias);
    HT_ASSERT(value != NULL);
    return value_text(value);
}

static int compare_values(const char *a, const char *b)
{
    if (strncmp(a, "{\"N\"", 4) == 0) {
        uint64_t left = number_of(a), right = number_of(b);
        return (left > right) - (left < right);
    }
    return strcmp(a, b);
}

/* One term: "attribute_not_exists(#a)" or "#a = :b" or "#a < :b". */
static bool term_holds(const struct request *request, struct fake_item *item, const char *term)
{
    char left[64] = "", operation[8] = "", right[64] = "";
    static const char missing[] = "attribute_not_exists(";
    if (strncmp(term, missing, sizeof(missing) - 1) == 0) {
        size_t length = strcspn(term + sizeof(missing) - 1, ")");
        (void)snprintf(left, sizeof(left), "%.*s", (int)length, term + sizeof(missing) - 1);
        char *name = resolve(request, left);
        bool holds = find_attribute(item, name) == NULL;
        free(name);
        return holds;
    }
    size_t first = strcspn(term, " "), second = strcspn(term + first + 1, " ");
    (void)snprintf(left, sizeof(left), "%.*s", (int)first, term);
    (void)snprintf(operation, sizeof(operation), "%.*s", (int)second, term + first + 1);
    (void)snprintf(right, sizeof(right), "%s", term + first + second + 2);
    char *name = resolve(request, left), *value = resolve(request, right);
    struct fake_attribute *attribute = find_attribute(item, name);
    int order = attribute == NULL ? 0 : compare_values(attribute->value, value);
    bool holds = attribute != NULL && (operation[0] == '=' ? order == 0 : order < 0);
    free(name);
    free(value);
    return holds;
}

static bool condition_holds(const struct request *request, struct fake_item *item)
{
    char *condition = text_of(request->root, "ConditionExpression");
    bool holds = condition == NULL;
    for (char *term = condition; term != NULL && !holds;) {
        char *end = strstr(term, " OR ");
        if (end != NULL) {
            *end = '\0';
        }
        holds = term_holds(request, item, term);
        term = end == NULL ? NULL : end + 4;
    }
    free(condition);
    return holds;
}

/* Takes the next word of an update expression: ends at spaces, commas, brackets and '='. */
static bool next_word(const char **at, char word[64])
{
    *at += strspn(*at, " ,()=");
    size_t length = strcspn(*at, " ,()=");
    (void)snprintf(word, 64, "%.*s", (int)length, *at);
    *at += length;
    return length > 0;
}

static void set_clause(const struct request *request, struct fake_item *item, const char *name,
                       const char **at)
{
    char word[64];
    HT_ASSERT(next_word(at, word));
    bool only_new = strcmp(word, "if_not_exists") == 0;
    if (only_new) {
        HT_ASSERT(next_word(at, word) && next_word(at, word));
    }
    if (!only_new || find_attribute(item, name) == NULL) {
        set(item, name, resolve(request, word));
    }
}

static void add_clause(const struct request *request, struct fake_item *item, const char *name,
                       const char **at)
{
    char word[64], sum[64];
    HT_ASSERT(next_word(at, word));
    char *value = resolve(request, word);
    struct fake_attribute *old = find_attribute(item, name);
    (void)snprintf(sum, sizeof(sum), "{\"N\":\"%" PRIu64 "\"}",
                   number_of(value) + number_of(old == NULL ? NULL : old->value));
    set(item, name, strdup(sum));
    free(value);
}

static void apply(const struct request *request, struct fake_item *item)
{
    char *expression = text_of(request->root, "UpdateExpression");
    const char *at = expression;
    char word[64], clause = '?';
    while (next_word(&at, word)) {
        if (word[0] != '#') {
            clause = word[0];
            continue;
        }
        char *name = resolve(request, word);
        if (clause == 'S') {
            set_clause(request, item, name, &at);
        } else if (clause == 'A') {
            add_clause(request, item, name, &at);
        } else {
            HT_ASSERT(clause == 'R');
            unset(item, name);
        }
        free(name);
    }
    free(expression);
}

static void write_item(struct ht_buffer *out, const struct fake_item *item)
{
    struct ht_json_writer writer;
    ht_json_writer_init(&writer, out);
    ht_json_write_object_begin(&writer);
    for (size_t i = 0; i < item->attribute_count; i++) {
        ht_json_write_key(&writer, item->attributes[i].name);
        ht_json_write_raw(&writer, ht_slice_text(item->attributes[i].value));
    }
    ht_json_write_object_end(&writer);
}

static void answer(struct ht_aws_call *call, enum fake_fault fault, struct ht_slice body)
{
    if (fault == FAKE_LOST_AFTER) {
        fake_aws_break(call);
    } else if (fault == FAKE_BROKEN_ANSWER) {
        fake_aws_answer(call, ht_slice_make(body.data, body.length - 1));
    } else {
        fake_aws_answer(call, body);
    }
}

static void refuse_condition(struct request *request, struct ht_aws_call *call,
                             enum fake_fault fault, const struct fake_item *item)
{
    struct ht_buffer text;
    ht_buffer_init(&text, 1 << 20);
    request->fake->conditions_failed++;
    if (item != NULL && !request->fake->hides_failed_item) {
        write_item(&text, item);
    }
    if (fault == FAKE_LOST_AFTER) {
        fake_aws_break(call);
    } else {
        fake_aws_refuse(call, "ConditionalCheckFailedException", ht_buffer_slice(&text));
    }
    ht_buffer_finish(&text);
}

/* UpdateItem, PutItem, DeleteItem, GetItem. */
static void serve_item(struct request *request, struct ht_aws_call *call, enum fake_fault fault)
{
    struct fake_dynamodb *fake = request->fake;
    struct fake_item *item = fake_dynamodb_find(fake, request->table, request->key);
    struct ht_buffer body;
    bool is_delete = strcmp(call->operation, "DeleteItem") == 0;
    bool is_get = strcmp(call->operation, "GetItem") == 0;
    if (!is_get && !condition_holds(request, item)) {
        refuse_condition(request, call, fault, item);
        return;
    }
    ht_buffer_init(&body, 1 << 20);
    if (strcmp(call->operation, "UpdateItem") == 0) {
        fake->updates++;
        if (item == NULL) {
            fake_dynamodb_put(fake, request->table, request->key_name, request->key, NULL);
            item = fake_dynamodb_find(fake, request->table, request->key);
        }
        apply(request, item);
    } else if (strcmp(call->operation, "PutItem") == 0) {
        fake->puts++;
        const struct ht_json *members = ht_json_member(request->root, "Item");
        fake_dynamodb_remove(fake, request->table, request->key);
        item = make(fake, request->table, request->key);
        struct ht_json_members walk = ht_json_members(members);
        while (ht_json_members_next(&walk)) {
            set(item, walk.key.data, value_text(walk.value));
        }
        item = NULL;
    }
    fake->gets += is_get;
    fake->deletes += is_delete;
    HT_ASSERT(ht_buffer_append_byte(&body, '{') == 0);
    if (item != NULL) {
        HT_ASSERT(ht_buffer_append_text(&body, is_get ? "\"Item\":" : "\"Attributes\":") == 0);
        write_item(&body, item);
    }
    HT_ASSERT(ht_buffer_append_byte(&body, '}') == 0);
    if (is_delete) {
        fake_dynamodb_remove(fake, request->table, request->key);
    }
    answer(call, fault, ht_buffer_slice(&body));
    ht_buffer_finish(&body);
}

/* Pages by bucket: the key of a page's end names the next bucket. */
static void serve_scan(struct request *request, struct ht_aws_call *call, enum fake_fault fault)
{
    struct ht_buffer body;
    int64_t segment = 0, segments = 1, limit = 1000;
    const struct ht_json *root = request->root;
    if (ht_json_member(root, "TotalSegments") != NULL) {
        segment = ht_json_i64(ht_json_member(root, "Segment"));
        segments = ht_json_i64(ht_json_member(root, "TotalSegments"));
    }
    if (ht_json_member(root, "Limit") != NULL) {
        limit = ht_json_i64(ht_json_member(root, "Limit"));
    }
    if (request->fake->items_a_page > 0) {
        limit = request->fake->items_a_page;
    }
    char *start = text_of(ht_json_member(root, "ExclusiveStartKey"), "at");
    size_t bucket = start == NULL ? (size_t)segment : strtoull(start, NULL, 10);
    free(start);
    request->fake->scans++;
    ht_buffer_init(&body, 16 << 20);
    HT_ASSERT(ht_buffer_append_text(&body, "{\"Items\":[") == 0);
    int64_t count = 0;
    for (; bucket < FAKE_BUCKETS && count < limit; bucket += (size_t)segments) {
        for (struct fake_item *at = request->fake->buckets[bucket]; at != NULL; at = at->next) {
            if (strcmp(at->table, request->table) == 0) {
                HT_ASSERT(ht_buffer_append_text(&body, count++ > 0 ? "," : "") == 0);
                write_item(&body, at);
            }
        }
    }
    HT_ASSERT(ht_buffer_append_byte(&body, ']') == 0);
    if (bucket < FAKE_BUCKETS) {
        HT_ASSERT(
            ht_buffer_append_format(&body, ",\"LastEvaluatedKey\":{\"at\":\"%zu\"}", bucket) == 0);
    }
    HT_ASSERT(ht_buffer_append_byte(&body, '}') == 0);
    answer(call, fault, ht_buffer_slice(&body));
    ht_buffer_finish(&body);
}

static void serve_describe(struct request *request, struct ht_aws_call *call)
{
    struct ht_buffer body;
    const char *type = request->fake->key_type, *status = request->fake->table_status;
    ht_buffer_init(&body, 4096);
    HT_ASSERT(ht_buffer_append_format(
                  &body,
                  "{\"Table\":{\"TableStatus\":\"%s\",\"ItemCount\":%zu,\"KeySchema\":[{"
                  "\"AttributeName\":\"hashtag\",\"KeyType\":\"HASH\"}],\"AttributeDefinitions\":["
                  "{\"AttributeName\":\"hashtag\",\"AttributeType\":\"%s\"}]}}",
                  status == NULL ? "ACTIVE" : status, request->fake->item_count,
                  type == NULL ? "S" : type) == 0);
    fake_aws_answer(call, ht_buffer_slice(&body));
    ht_buffer_finish(&body);
}

static void find_key(struct request *request, const char *operation)
{
    bool is_put = strcmp(operation, "PutItem") == 0;
    const struct ht_json *key = ht_json_member(request->root, is_put ? "Item" : "Key");
    struct ht_json_members walk = ht_json_members(key);
    HT_ASSERT(ht_json_members_next(&walk));
    request->key = text_of(walk.value, "S");
    request->key_name = ht_slice_to_text(walk.key);
}

void fake_dynamodb_late_delete(struct fake_dynamodb *fake, struct ht_slice body)
{
    struct ht_json *root = ht_json_parse(body, 0, NULL, NULL);
    HT_ASSERT(root != NULL);
    struct request request = {.fake = fake, .root = root};
    char *table = text_of(root, "TableName");
    request.table = table;
    find_key(&request, "DeleteItem");
    if (condition_holds(&request, fake_dynamodb_find(fake, table, request.key))) {
        fake_dynamodb_remove(fake, table, request.key);
    }
    free(request.key);
    free(request.key_name);
    free(table);
    ht_json_destroy(root);
}

bool fake_dynamodb_serve(struct fake_dynamodb *fake, enum fake_fault fault)
{
    struct ht_aws_call *call = fake_aws_next(&fake->client);
    if (call == NULL) {
        return false;
    }
    if (fake->refuses != NULL || fault == FAKE_THROTTLED || fault == FAKE_EXPIRED_TOKEN) {
        fake_aws_refuse(call,
                        fake->refuses != NULL     ? fake->refuses
                        : fault == FAKE_THROTTLED ? "ThrottlingException"
                                                  : "ExpiredTokenException",
                        HT_SLICE(""));
        return true;
    }
    if (fault == FAKE_LOST_BEFORE) {
        fake_aws_break(call);
        return true;
    }
    struct ht_json *root = ht_json_parse(call->body, 0, NULL, NULL);
    HT_ASSERT(root != NULL);
    struct request request = {.fake = fake, .root = root};
    char *table = text_of(root, "TableName");
    request.table = table;
    if (strcmp(call->operation, "Scan") == 0) {
        serve_scan(&request, call, fault);
    } else if (strcmp(call->operation, "DescribeTable") == 0) {
        serve_describe(&request, call);
    } else {
        find_key(&request, call->operation);
        serve_item(&request, call, fault);
        free(request.key);
        free(request.key_name);
    }
    free(table);
    ht_json_destroy(root);
    return true;
}
