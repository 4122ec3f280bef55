// SPDX-License-Identifier: MIT
#include "synthetic_text.h"

#include "hashtagd/base/assert.h"

static const struct ht_synthetic_piece ellipsis = {{"\xe2\x80\xa6", 3}, {"\\u2026", 6}, 1};

static void add_tags(struct ht_synthetic_text *text, const struct ht_synthetic_text_plan *plan,
                     struct ht_random *random, unsigned room);
static void add_words(struct ht_synthetic_text *text, const struct ht_synthetic_text_plan *plan,
                      struct ht_random *random, unsigned room);
static void add_mention(struct ht_synthetic_text *text, const struct ht_synthetic_user *user);
static void add_tag(struct ht_synthetic_text *text, unsigned tag, char separator);
static void add_symbol(struct ht_synthetic_text *text);
static void add_piece(struct ht_synthetic_text *text, const struct ht_synthetic_piece *piece,
                      char separator);
static void add_token(struct ht_synthetic_text *text, const struct ht_synthetic_token *token);
static void append_cut(struct ht_synthetic_text *cut, const struct ht_synthetic_text *text,
                       unsigned limit);
static void put_entity(struct ht_synthetic_writer *writer, const struct ht_synthetic_token *token);
static void put_entity_list(struct ht_synthetic_writer *writer,
                            const struct ht_synthetic_text *text,
                            enum ht_synthetic_token_kind kind);

/* The hashtags are made first, since they are what must find room; they are placed among the
 * phrases and behind them. */
void ht_synthetic_text_make(struct ht_synthetic_text *text,
                            const struct ht_synthetic_text_plan *plan, struct ht_random *random)
{
    unsigned room = plan->is_extended ? HT_SYNTHETIC_EXTENDED_POINTS : HT_SYNTHETIC_CLASSIC_POINTS;
    unsigned draw = ht_synthetic_below(random, 1000);
    bool has_url = draw % 4 == 0;
    text->count = text->points = text->tag_count = 0;
    if (draw < 150) {
        add_mention(text, &plan->users[ht_synthetic_below(random, HT_SYNTHETIC_USER_COUNT)]);
    }
    room -= has_url ? HT_SYNTHETIC_URL_POINTS + 1 : 0;
    add_tags(text, plan, random, room);
    add_words(text, plan, random, room);
    if (draw >= 990 && text->points + 6 <= room) {
        add_symbol(text);
    }
    if (has_url) {
        ht_synthetic_text_add_url(text, ht_random_u64(random));
    }
}

/* Makes the tags; add_words() makes the tokens that show them. */
static void add_tags(struct ht_synthetic_text *text, const struct ht_synthetic_text_plan *plan,
                     struct ht_random *random, unsigned room)
{
    unsigned used = text->points + 40; /* the first phrase */
    for (unsigned i = 0; i < plan->rank_count; i++) {
        struct ht_synthetic_tag *tag = &text->tags[text->tag_count];
        ht_synthetic_tag_make(plan->vocabulary, plan->ranks[i], ht_synthetic_draw_spelling(random),
                              tag);
        if (used + tag->points + 2 > room) {
            return;
        }
        used += tag->points + 2;
        text->tag_count++;
    }
}

static void add_words(struct ht_synthetic_text *text, const struct ht_synthetic_text_plan *plan,
                      struct ht_random *random, unsigned room)
{
    const struct ht_synthetic_pieces *phrases = &plan->vocabulary->phrases[plan->language];
    const struct ht_synthetic_pieces *emoji = &plan->vocabulary->emoji;
    unsigned tags_points = 0, placed = 0;
    unsigned wanted =
        plan->is_extended ? HT_SYNTHETIC_MAX_TOKENS : 1 + ht_synthetic_below(random, 3);
    for (unsigned i = 0; i < text->tag_count; i++) {
        tags_points += text->tags[i].points + 2;
    }
    for (unsigned i = 0; i < wanted && text->count < HT_SYNTHETIC_MAX_TOKENS - 20; i++) {
        unsigned draw = ht_synthetic_below(random, 16 * phrases->count);
        const struct ht_synthetic_piece *phrase = &phrases->items[draw >> 4];
        if (text->points + tags_points + phrase->points + 1 > room) {
            break;
        }
        add_piece(text, phrase, i > 0 && draw % 16 == 0 ? '\n' : ' ');
        const struct ht_synthetic_piece *sign = &emoji->items[draw % emoji->count];
        if (draw % 16 < 4 && text->points + tags_points + sign->points + 1 <= room) {
            add_piece(text, sign, ' ');
        }
        if (draw % 16 > 10 && placed < text->tag_count) {
            tags_points -= text->tags[placed].points + 2;
            add_tag(text, placed++, ' ');
        }
    }
    while (placed < text->tag_count) {
        add_tag(text, placed++, ' ');
    }
}

void ht_synthetic_text_cut(struct ht_synthetic_text *cut, const struct ht_synthetic_text *text,
                           unsigned limit)
{
    cut->count = cut->points = cut->tag_count = 0;
    append_cut(cut, text, limit);
}

void ht_synthetic_text_retweet(struct ht_synthetic_text *quote,
                               const struct ht_synthetic_text *text,
                               const struct ht_synthetic_user *user)
{
    static const struct ht_synthetic_piece rt = {{"RT", 2}, {"RT", 2}, 2};
    static const struct ht_synthetic_piece colon = {{":", 1}, {":", 1}, 1};
    quote->count = quote->points = quote->tag_count = 0;
    add_piece(quote, &rt, ' ');
    add_mention(quote, user);
    add_piece(quote, &colon, '\0');
    append_cut(quote, text, HT_SYNTHETIC_CLASSIC_POINTS);
}

static void append_cut(struct ht_synthetic_text *cut, const struct ht_synthetic_text *text,
                       unsigned limit)
{
    bool fits = cut->points + 1 + text->points <= limit;
    for (unsigned i = 0; i < text->count; i++) {
        struct ht_synthetic_token token = text->tokens[i];
        if (token.separator == '\0' && i == 0) {
            token.separator = ' ';
        }
        unsigned used = cut->points + (token.separator != '\0' && cut->count > 0 ? 1 : 0);
        if (!fits && used + token.points + 1 > limit) {
            if (token.kind == HT_SYNTHETIC_TOKEN_PLAIN && used + 2 <= limit) {
                token.points = limit - 1 - used;
                token.escaped.length = ht_synthetic_escaped_bytes(token.escaped, token.points);
                add_token(cut, &token);
            }
            add_piece(cut, &ellipsis, '\0');
            return;
        }
        add_token(cut, &token);
    }
}

void ht_synthetic_text_add_url(struct ht_synthetic_text *text, uint64_t number)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab";
    for (unsigned i = 0; i < sizeof(text->url); i++) {
        text->url[i] = letters[number >> (6 * i) & 63];
    }
    add_token(text, &(struct ht_synthetic_token){
                        .kind = HT_SYNTHETIC_TOKEN_URL,
                        .separator = ' ',
                        .points = HT_SYNTHETIC_URL_POINTS,
                        .escaped = ht_slice_make(text->url, sizeof(text->url)),
                    });
}

void ht_synthetic_text_put(struct ht_synthetic_writer *writer, struct ht_synthetic_text *text)
{
    unsigned at = 0;
    for (unsigned i = 0; i < text->count; i++) {
        struct ht_synthetic_token *token = &text->tokens[i];
        if (token->separator == ' ') {
            HT_SYNTHETIC_PUT(writer, " ");
        } else if (token->separator == '\n') {
            HT_SYNTHETIC_PUT(writer, "\\n");
        }
        at += token->separator != '\0' ? 1 : 0;
        if (token->sign != '\0') {
            ht_synthetic_put(writer, &token->sign, 1);
        }
        if (token->kind == HT_SYNTHETIC_TOKEN_URL) {
            HT_SYNTHETIC_PUT(writer, "https:\\/\\/t.co\\/");
        }
        ht_synthetic_put_slice(writer, token->escaped);
        token->start = at;
        at += token->points;
    }
    HT_ASSERT(at == text->points);
}

void ht_synthetic_text_put_entities(struct ht_synthetic_writer *writer,
                                    const struct ht_synthetic_text *text)
{
    HT_SYNTHETIC_PUT(writer, "{\"hashtags\":[");
    put_entity_list(writer, text, HT_SYNTHETIC_TOKEN_HASHTAG);
    HT_SYNTHETIC_PUT(writer, "],\"urls\":[");
    put_entity_list(writer, text, HT_SYNTHETIC_TOKEN_URL);
    HT_SYNTHETIC_PUT(writer, "],\"user_mentions\":[");
    put_entity_list(writer, text, HT_SYNTHETIC_TOKEN_MENTION);
    HT_SYNTHETIC_PUT(writer, "],\"symbols\":[");
    put_entity_list(writer, text, HT_SYNTHETIC_TOKEN_SYMBOL);
    HT_SYNTHETIC_PUT(writer, "]}");
}

static void put_entity_list(struct ht_synthetic_writer *writer,
                            const struct ht_synthetic_text *text, enum ht_synthetic_token_kind kind)
{
    bool is_first = true;
    for (unsigned i = 0; i < text->count; i++) {
        const struct ht_synthetic_token *token = &text->tokens[i];
        if (token->kind != kind) {
            continue;
        }
        if (!is_first) {
            HT_SYNTHETIC_PUT(writer, ",");
        }
        is_first = false;
        HT_SYNTHETIC_PUT(writer, "{");
        put_entity(writer, token);
        HT_SYNTHETIC_PUT(writer, ",\"indices\":[");
        ht_synthetic_put_u64(writer, token->start);
        HT_SYNTHETIC_PUT(writer, ",");
        ht_synthetic_put_u64(writer, token->start + token->points);
        HT_SYNTHETIC_PUT(writer, "]}");
    }
}

static void put_entity(struct ht_synthetic_writer *writer, const struct ht_synthetic_token *token)
{
    switch (token->kind) {
    case HT_SYNTHETIC_TOKEN_HASHTAG:
    case HT_SYNTHETIC_TOKEN_SYMBOL:
        HT_SYNTHETIC_PUT(writer, "\"text\":\"");
        ht_synthetic_put_slice(writer, token->escaped);
        HT_SYNTHETIC_PUT(writer, "\"");
        break;
    case HT_SYNTHETIC_TOKEN_URL:
        HT_SYNTHETIC_PUT(writer, "\"url\":\"https:\\/\\/t.co\\/");
        ht_synthetic_put_slice(writer, token->escaped);
        HT_SYNTHETIC_PUT(writer, "\",\"expanded_url\":\"http:\\/\\/example.com\\/story\\/");
        ht_synthetic_put_slice(writer, token->escaped);
        HT_SYNTHETIC_PUT(writer, "\",\"display_url\":\"example.com\\/story\\/");
        ht_synthetic_put_slice(writer, token->escaped);
        HT_SYNTHETIC_PUT(writer, "\"");
        break;
    case HT_SYNTHETIC_TOKEN_MENTION:
        HT_SYNTHETIC_PUT(writer, "\"screen_name\":\"");
        ht_synthetic_put_slice(writer, token->escaped);
        HT_SYNTHETIC_PUT(writer, "\",\"name\":\"");
        ht_synthetic_put_slice(writer, token->user->name);
        HT_SYNTHETIC_PUT(writer, "\",\"id\":");
        ht_synthetic_put_u64(writer, token->user->id);
        HT_SYNTHETIC_PUT(writer, ",\"id_str\":\"");
        ht_synthetic_put_u64(writer, token->user->id);
        HT_SYNTHETIC_PUT(writer, "\"");
        break;
    case HT_SYNTHETIC_TOKEN_PLAIN:
        HT_UNREACHABLE();
    }
}

static void add_mention(struct ht_synthetic_text *text, const struct ht_synthetic_user *user)
{
    add_token(text, &(struct ht_synthetic_token){
                        .kind = HT_SYNTHETIC_TOKEN_MENTION,
                        .separator = ' ',
                        .sign = '@',
                        .points = (unsigned)user->screen_name.length + 1,
                        .escaped = user->screen_name,
                        .user = user,
                    });
}

static void add_tag(struct ht_synthetic_text *text, unsigned tag, char separator)
{
    const struct ht_synthetic_tag *made = &text->tags[tag];
    add_token(text, &(struct ht_synthetic_token){
                        .kind = HT_SYNTHETIC_TOKEN_HASHTAG,
                        .separator = separator,
                        .sign = '#',
                        .points = made->points + 1,
                        .escaped = ht_slice_make(made->escaped, made->escaped_length),
                    });
}

static void add_symbol(struct ht_synthetic_text *text)
{
    add_token(text, &(struct ht_synthetic_token){
                        .kind = HT_SYNTHETIC_TOKEN_SYMBOL,
                        .separator = ' ',
                        .sign = '$',
                        .points = 5,
                        .escaped = HT_SLICE("HTGD"),
                    });
}

static void add_piece(struct ht_synthetic_text *text, const struct ht_synthetic_piece *piece,
                      char separator)
{
    add_token(text, &(struct ht_synthetic_token){
                        .kind = HT_SYNTHETIC_TOKEN_PLAIN,
                        .separator = separator,
                        .points = piece->points,
                        .escaped = piece->escaped,
                    });
}

/* The first token of a text has nothing before it. */
static void add_token(struct ht_synthetic_text *text, const struct ht_synthetic_token *token)
{
    HT_ASSERT(text->count < HT_SYNTHETIC_MAX_TOKENS);
    struct ht_synthetic_token *added = &text->tokens[text->count];
    *added = *token;
    if (text->count == 0) {
        added->separator = '\0';
    }
    text->points += added->points + (added->separator != '\0' ? 1 : 0);
    text->count++;
}
