// SPDX-License-Identifier: MIT
#include "messages.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/base/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TAG_BYTES = 24, TAGS_BYTES = 4096, TEXT_BYTES = 6144 };

/* One hashtag as it is spelled. */
struct spelled {
    char text[TAG_BYTES];
};

void sim_messages_init(struct sim_messages *messages, struct sim *sim, struct sim_truth *truth,
                       const struct sim_messages_options *options)
{
    *messages = (struct sim_messages){.sim = sim, .truth = truth, .options = *options};
}

void sim_messages_finish(struct sim_messages *messages)
{
    for (size_t i = 0; i < messages->count; i++) {
        free(messages->items[i].data);
    }
    free(messages->items);
}

/* A few hashtags are in most posts, and most hashtags in few. */
static unsigned choose_tag(struct sim_messages *messages)
{
    uint64_t most = messages->options.vocabulary;
    uint64_t one = ht_random_below(&messages->sim->random, most);
    return (unsigned)(sim_chance(messages->sim, 700) ? one * one / most : one);
}

static void spell(struct sim_messages *messages, unsigned tag, struct spelled *spelled)
{
    static const char *const forms[] = {"tag", "Tag", "TAG"};
    uint64_t form =
        sim_chance(messages->sim, 200) ? 1 + ht_random_below(&messages->sim->random, 2) : 0;
    (void)snprintf(spelled->text, sizeof(spelled->text), "%s%u", forms[form], tag);
}

/* What a spelling counts for. Only letters of ASCII are used, so folding is this. */
static uint32_t folded(struct sim_messages *messages, const struct spelled *spelled)
{
    struct spelled lower = *spelled;
    for (char *at = lower.text; *at != '\0' && messages->options.fold == HT_FOLD_CASE; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    }
    return sim_truth_number(messages->truth, ht_slice_text(lower.text));
}

struct ht_slice sim_messages_hashtag(struct sim_messages *messages)
{
    struct spelled spelled;
    (void)snprintf(spelled.text, sizeof(spelled.text), "tag%u", choose_tag(messages));
    uint32_t number = folded(messages, &spelled);
    const struct sim_hashtag *hashtag = &messages->truth->hashtags[number];
    return ht_slice_make(hashtag->text, hashtag->length);
}

static void add_tag(struct sim_message *message, uint32_t tag, bool is_set)
{
    for (unsigned i = 0; i < message->tag_count && is_set; i++) {
        if (message->tags[i] == tag) {
            return;
        }
    }
    message->tags[message->tag_count++] = tag;
}

static void list_tags(char text[TAGS_BYTES], const struct spelled *tags, unsigned count,
                      const char *member)
{
    size_t length = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        length += (size_t)snprintf(text + length, TAGS_BYTES - length, "%s{\"%s\":\"%s\"}",
                                   i > 0 ? "," : "", member, tags[i].text);
    }
}

enum shape { V1, V1_RETWEET, V2, BLUESKY, MASTODON, SHAPES };

static void write_twitter(char text[TEXT_BYTES], enum shape shape,
                          const struct sim_message *message, uint32_t number, const char *tags)
{
    unsigned id = message->identity;
    if (shape == V1) {
        (void)snprintf(text, TEXT_BYTES,
                       "{\"id\":%u,\"id_str\":\"%u\",\"text\":\"~%u~\",\"user\":{\"id\":1},"
                       "\"entities\":{\"hashtags\":[%s]}}",
                       id, id, number, tags);
    } else if (shape == V1_RETWEET) {
        (void)snprintf(text, TEXT_BYTES,
                       "{\"id\":%u,\"id_str\":\"%u\",\"text\":\"~%u~\",\"user\":{\"id\":1},"
                       "\"entities\":{\"hashtags\":[]},\"retweeted_status\":{\"id\":1,"
                       "\"id_str\":\"1\",\"text\":\"t\",\"user\":{\"id\":2},"
                       "\"entities\":{\"hashtags\":[%s]}}}",
                       id, id, number, tags);
    } else {
        (void)snprintf(text, TEXT_BYTES,
                       "{\"data\":{\"id\":\"%u\",\"text\":\"~%u~\",\"entities\":{"
                       "\"hashtags\":[%s]}}}",
                       id, number, tags);
    }
}

static void write_post(char text[TEXT_BYTES], enum shape shape, const struct sim_message *message,
                       uint32_t number, const char *tags)
{
    if (shape == BLUESKY) {
        (void)snprintf(text, TEXT_BYTES,
                       "{\"did\":\"did:plc:a\",\"kind\":\"commit\",\"commit\":{\"operation\":"
                       "\"%s\",\"collection\":\"app.bsky.feed.post\",\"rkey\":\"%u\","
                       "\"record\":{\"text\":\"~%u~\",\"facets\":[{\"features\":[%s]}]}}}",
                       message->is_edit ? "update" : "create", message->identity, number, tags);
    } else if (shape == MASTODON) {
        (void)snprintf(text, TEXT_BYTES,
                       "{\"account\":{},\"content\":\"~%u~\",\"edited_at\":%s,"
                       "\"uri\":\"https://a/%u\",\"tags\":[%s]}",
                       number, message->is_edit ? "\"t\"" : "null", message->identity, tags);
    } else {
        write_twitter(text, shape, message, number, tags);
    }
}

static void write_key(struct sim_message *message, enum shape shape)
{
    const char *head = shape == BLUESKY    ? "at://did:plc:a/app.bsky.feed.post/"
                       : shape == MASTODON ? "https://a/"
                                           : "";
    (void)snprintf(message->key, sizeof(message->key), "%s%u", head, message->identity);
}

static void keep(struct sim_message *message, const char *text)
{
    message->data = strdup(text);
    HT_ASSERT(message->data != NULL);
    message->length = strlen(text);
}

static enum shape choose_shape(struct sim_messages *messages, const struct sim_message *message)
{
    if (message->is_editable) {
        return message->identity % 2 == 0 ? BLUESKY : MASTODON;
    }
    if (sim_chance(messages->sim, messages->options.retweets)) {
        return V1_RETWEET;
    }
    return sim_chance(messages->sim, 500) ? V1 : V2;
}

static void make_post(struct sim_messages *messages, struct sim_message *message, uint32_t number)
{
    static const char *const members[SHAPES] = {
        "text", "text", "tag", "$type\":\"app.bsky.richtext.facet#tag\",\"tag", "name"};
    const struct sim_messages_options *options = &messages->options;
    struct spelled spelled[SIM_TAGS_MAX];
    char tags[TAGS_BYTES];
    char text[TEXT_BYTES];
    enum shape shape = choose_shape(messages, message);
    unsigned count = (unsigned)ht_random_below(&messages->sim->random, 5);
    if (options->dense > 0 && !message->is_editable && sim_chance(messages->sim, options->dense)) {
        count = SIM_TAGS_MAX;
    }
    bool is_silent = shape == V1_RETWEET && options->ignores_retweets;
    for (unsigned i = 0; i < count; i++) {
        spell(messages, i > 0 && sim_chance(messages->sim, 100) ? 0 : choose_tag(messages),
              &spelled[i]);
        if (!is_silent) {
            add_tag(message, folded(messages, &spelled[i]),
                    options->once_per_tweet || message->is_editable);
        }
    }
    list_tags(tags, spelled, count, members[shape]);
    write_key(message, shape);
    write_post(text, shape, message, number, tags);
    keep(message, text);
}

static void make_bad(struct sim_messages *messages, char text[TEXT_BYTES], uint32_t number)
{
    switch (ht_random_below(&messages->sim->random, 3)) {
    case 0:
        (void)snprintf(text, TEXT_BYTES,
                       "{\"id\":%u,\"id_str\":\"1\",\"text\":\"~%u~\","
                       "\"entities\":{\"hashtags\":[{\"text\":",
                       number, number);
        break;
    case 1:
        (void)snprintf(text, TEXT_BYTES, "not json ~%u~", number);
        break;
    default:
        (void)snprintf(text, TEXT_BYTES,
                       "{\"id\":%u,\"text\":\"~%u~\",\"entities\":{\"hashtags\":3}}", number,
                       number);
        break;
    }
}

static void make_other(struct sim_messages *messages, struct sim_message *message, uint32_t number)
{
    char text[TEXT_BYTES];
    (void)snprintf(message->key, sizeof(message->key), "%u", message->identity);
    if (message->kind == SIM_BAD) {
        make_bad(messages, text, number);
    } else if (message->kind == SIM_NOTICE) {
        (void)snprintf(text, sizeof(text),
                       "{\"delete\":{\"status\":{\"id\":%u,\"id_str\":\"%u\",\"user_id\":3},"
                       "\"note\":\"~%u~\"}}",
                       number, number, number);
    } else {
        (void)snprintf(text, sizeof(text),
                       "{\"id\":%u,\"id_str\":\"%u\",\"text\":\"~%u~\",\"user\":{\"id\":1},"
                       "\"refuse\":1,\"entities\":{\"hashtags\":[]}}",
                       message->identity, message->identity, number);
    }
    keep(message, text);
}

static struct sim_message *add(struct sim_messages *messages)
{
    if (messages->count == messages->capacity) {
        messages->capacity = messages->capacity == 0 ? 1024 : messages->capacity * 2;
        messages->items = realloc(messages->items, messages->capacity * sizeof(*messages->items));
        HT_ASSERT(messages->items != NULL);
    }
    struct sim_message *message = &messages->items[messages->count++];
    *message = (struct sim_message){.kind = SIM_TWEET};
    return message;
}

/* A post among the last ones that can be edited; NULL where there is none. */
static const struct sim_message *find_editable(struct sim_messages *messages, unsigned recent)
{
    size_t most = messages->count - 1 < recent ? messages->count - 1 : recent;
    if (most == 0 || !sim_chance(messages->sim, messages->options.edits)) {
        return NULL;
    }
    size_t back = 1 + ht_random_below(&messages->sim->random, most);
    const struct sim_message *found = &messages->items[messages->count - 1 - back];
    bool is_young = messages->count - 1 - found->first <= (size_t)2 * recent;
    return found->is_editable && !found->is_final && is_young ? found : NULL;
}

uint32_t sim_messages_make(struct sim_messages *messages, unsigned recent)
{
    struct sim_message *message = add(messages);
    uint32_t number = (uint32_t)messages->count - 1;
    const struct sim_message *edited = find_editable(messages, recent);
    message->identity = edited != NULL ? edited->identity : 1000000 + ++messages->identities;
    message->first = edited != NULL ? edited->first : number;
    message->is_edit = edited != NULL;
    message->is_final = recent == 0;
    message->is_editable = edited != NULL || sim_chance(messages->sim, messages->options.edits);
    uint64_t dice = ht_random_below(&messages->sim->random, 1000);
    if (edited == NULL && dice < messages->options.bad) {
        message->kind = SIM_BAD;
    } else if (edited == NULL && dice < messages->options.bad + messages->options.notices) {
        message->kind = SIM_NOTICE;
    }
    if (message->kind == SIM_TWEET) {
        make_post(messages, message, number);
    } else {
        message->is_editable = false;
        make_other(messages, message, number);
    }
    return number;
}

uint32_t sim_messages_broken(struct sim_messages *messages, const char *beginning)
{
    char text[256];
    struct sim_message *message = add(messages);
    uint32_t number = (uint32_t)messages->count - 1;
    message->kind = SIM_BAD;
    message->identity = 1000000 + ++messages->identities;
    (void)snprintf(text, sizeof(text), "%s ~%u~", beginning, number);
    keep(message, text);
    return number;
}

uint32_t sim_messages_refused(struct sim_messages *messages)
{
    struct sim_message *message = add(messages);
    uint32_t number = (uint32_t)messages->count - 1;
    message->kind = SIM_REFUSED;
    message->identity = 1000000 + ++messages->identities;
    make_other(messages, message, number);
    return number;
}
