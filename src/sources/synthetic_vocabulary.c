// SPDX-License-Identifier: MIT
#include "synthetic_vocabulary.h"

#include "hashtagd/base/assert.h"

#include <stdlib.h>

/* 1/k as a whole number: this much divided by k. The sum over all k stays below 2^64. */
#define WEIGHT_ONE ((uint64_t)1 << 44)

static int make_pieces(struct ht_synthetic_vocabulary *vocabulary,
                       struct ht_synthetic_pieces *pieces, const char *const *texts, bool html);
static int make_words(struct ht_synthetic_vocabulary *vocabulary, unsigned language);
static void deal_slots(struct ht_synthetic_vocabulary *vocabulary, struct ht_random *random);
static void weigh_octaves(struct ht_synthetic_vocabulary *vocabulary);
static unsigned split_ordinal(unsigned ordinal, unsigned word_count, unsigned words[3]);
static void tag_append(struct ht_synthetic_tag *tag, const struct ht_synthetic_piece *piece);
static unsigned count_texts(const char *const *texts);

int ht_synthetic_vocabulary_init(struct ht_synthetic_vocabulary *vocabulary, uint64_t seed)
{
    struct ht_random random;
    ht_random_init(&random, seed);
    vocabulary->rotation = ht_synthetic_below(&random, 1u << 16);
    deal_slots(vocabulary, &random);
    weigh_octaves(vocabulary);
    int status = make_pieces(vocabulary, &vocabulary->emoji, ht_synthetic_emoji, true);
    if (status == 0) {
        status = make_pieces(vocabulary, &vocabulary->names, ht_synthetic_names, false);
    }
    if (status == 0) {
        status = make_pieces(vocabulary, &vocabulary->locations, ht_synthetic_locations, false);
    }
    for (unsigned i = 0; status == 0 && i < HT_SYNTHETIC_LANGUAGE_COUNT; i++) {
        status = make_pieces(vocabulary, &vocabulary->phrases[i], ht_synthetic_languages[i].phrases,
                             true);
        if (status == 0) {
            status = make_words(vocabulary, i);
        }
    }
    return vocabulary->store.failed ? HT_ENOMEM : status;
}

void ht_synthetic_vocabulary_finish(struct ht_synthetic_vocabulary *vocabulary)
{
    for (unsigned i = 0; i < HT_SYNTHETIC_LANGUAGE_COUNT; i++) {
        free(vocabulary->phrases[i].items);
        for (unsigned spelling = 0; spelling < HT_SYNTHETIC_SPELLING_COUNT; spelling++) {
            free(vocabulary->words[i][spelling].items);
        }
    }
    free(vocabulary->emoji.items);
    free(vocabulary->names.items);
    free(vocabulary->locations.items);
    ht_synthetic_store_finish(&vocabulary->store);
    *vocabulary = (struct ht_synthetic_vocabulary){0};
}

/* Within an octave, 2^j to 2^(j+1) - 1, a rank is drawn evenly and kept with the probability
 * 2^j / rank, which is never below one half. */
unsigned ht_synthetic_draw_rank(const struct ht_synthetic_vocabulary *vocabulary,
                                struct ht_random *random)
{
    const uint64_t *ends = vocabulary->octave_end;
    uint64_t at = ht_random_u64(random) % ends[HT_SYNTHETIC_OCTAVE_COUNT - 1];
    unsigned octave = 0;
    while (at >= ends[octave]) {
        octave++;
    }
    unsigned first = 1u << octave;
    for (;;) {
        uint64_t bits = ht_random_u64(random);
        unsigned rank = first + ((unsigned)(bits >> 32) & (first - 1));
        if (((bits & 0xFFFFFFFF) * rank) >> 32 < first) {
            return rank;
        }
    }
}

enum ht_synthetic_spelling ht_synthetic_draw_spelling(struct ht_random *random)
{
    unsigned draw = ht_synthetic_below(random, 100);
    if (draw < 62) {
        return HT_SYNTHETIC_TITLE;
    }
    if (draw < 85) {
        return HT_SYNTHETIC_LOWER;
    }
    if (draw < 96) {
        return HT_SYNTHETIC_UPPER;
    }
    return draw < 98 ? HT_SYNTHETIC_WIDE : HT_SYNTHETIC_BOLD;
}

unsigned ht_synthetic_rank_language(const struct ht_synthetic_vocabulary *vocabulary, unsigned rank)
{
    return vocabulary->slot_language[rank % HT_SYNTHETIC_SHARE_SUM];
}

void ht_synthetic_tag_make(const struct ht_synthetic_vocabulary *vocabulary, unsigned rank,
                           enum ht_synthetic_spelling spelling, struct ht_synthetic_tag *tag)
{
    static const struct ht_synthetic_piece underscore = {{"_", 1}, {"_", 1}, 1};
    static const struct ht_synthetic_piece year = {{"2013", 4}, {"2013", 4}, 4};
    unsigned slot = rank % HT_SYNTHETIC_SHARE_SUM;
    unsigned language = vocabulary->slot_language[slot];
    unsigned share = ht_synthetic_languages[language].share;
    unsigned ordinal = rank / HT_SYNTHETIC_SHARE_SUM * share + vocabulary->slot_order[slot];
    const struct ht_synthetic_pieces *words = &vocabulary->words[language][spelling];
    unsigned chosen[3];
    unsigned count = split_ordinal(ordinal, words->count, chosen);
    tag->points = tag->utf8_length = tag->escaped_length = 0;
    for (unsigned i = 0; i < count; i++) {
        if (i > 0 && ht_synthetic_languages[language].joiner != '\0') {
            tag_append(tag, &underscore);
        }
        unsigned word = (chosen[i] + vocabulary->rotation) % words->count;
        tag_append(tag, &words->items[word]);
    }
    if (rank % 31 == 30) {
        tag_append(tag, &year);
    }
}

static int make_pieces(struct ht_synthetic_vocabulary *vocabulary,
                       struct ht_synthetic_pieces *pieces, const char *const *texts, bool html)
{
    unsigned count = count_texts(texts);
    pieces->items = calloc(count, sizeof(*pieces->items));
    if (pieces->items == NULL) {
        return HT_ENOMEM;
    }
    pieces->count = count;
    for (unsigned i = 0; i < count; i++) {
        pieces->items[i] = ht_synthetic_piece_make(&vocabulary->store, texts[i], html);
    }
    return 0;
}

static int make_words(struct ht_synthetic_vocabulary *vocabulary, unsigned language)
{
    const char *const *texts = ht_synthetic_languages[language].words;
    unsigned count = count_texts(texts);
    for (unsigned spelling = 0; spelling < HT_SYNTHETIC_SPELLING_COUNT; spelling++) {
        struct ht_synthetic_pieces *pieces = &vocabulary->words[language][spelling];
        pieces->items = calloc(count, sizeof(*pieces->items));
        if (pieces->items == NULL) {
            return HT_ENOMEM;
        }
        pieces->count = count;
        for (unsigned i = 0; i < count; i++) {
            pieces->items[i] = ht_synthetic_piece_spell(&vocabulary->store, texts[i],
                                                        (enum ht_synthetic_spelling)spelling);
        }
    }
    return 0;
}

/* Each language gets as many slots as its share says; their order depends on the seed. */
static void deal_slots(struct ht_synthetic_vocabulary *vocabulary, struct ht_random *random)
{
    uint8_t *slots = vocabulary->slot_language;
    unsigned dealt[HT_SYNTHETIC_LANGUAGE_COUNT] = {0};
    unsigned at = 0;
    for (unsigned i = 0; i < HT_SYNTHETIC_LANGUAGE_COUNT; i++) {
        for (unsigned n = 0; n < ht_synthetic_languages[i].share; n++) {
            slots[at++] = (uint8_t)i;
        }
    }
    HT_ASSERT(at == HT_SYNTHETIC_SHARE_SUM);
    for (unsigned i = HT_SYNTHETIC_SHARE_SUM - 1; i > 0; i--) {
        unsigned other = ht_synthetic_below(random, i + 1);
        uint8_t language = slots[i];
        slots[i] = slots[other];
        slots[other] = language;
    }
    for (unsigned i = 0; i < HT_SYNTHETIC_SHARE_SUM; i++) {
        vocabulary->slot_order[i] = (uint8_t)dealt[slots[i]]++;
    }
}

static void weigh_octaves(struct ht_synthetic_vocabulary *vocabulary)
{
    uint64_t sum = 0;
    for (unsigned rank = 1; rank <= HT_SYNTHETIC_RANK_COUNT; rank++) {
        sum += WEIGHT_ONE / rank;
        if (((rank + 1) & rank) == 0) {
            vocabulary->octave_end[__builtin_ctz(rank + 1) - 1] = sum;
        }
    }
}

/* The first ordinals are single words, then come pairs, then triples. */
static unsigned split_ordinal(unsigned ordinal, unsigned word_count, unsigned words[3])
{
    unsigned pairs = word_count * word_count;
    if (ordinal < word_count) {
        words[0] = ordinal;
        return 1;
    }
    ordinal -= word_count;
    if (ordinal < pairs) {
        words[0] = ordinal % word_count;
        words[1] = ordinal / word_count;
        return 2;
    }
    ordinal -= pairs;
    words[0] = ordinal % word_count;
    words[1] = ordinal / word_count % word_count;
    words[2] = ordinal / pairs;
    return 3;
}

static void tag_append(struct ht_synthetic_tag *tag, const struct ht_synthetic_piece *piece)
{
    HT_ASSERT(piece->utf8.length <= sizeof(tag->utf8) - tag->utf8_length);
    HT_ASSERT(piece->escaped.length <= sizeof(tag->escaped) - tag->escaped_length);
    memcpy(tag->utf8 + tag->utf8_length, piece->utf8.data, piece->utf8.length);
    memcpy(tag->escaped + tag->escaped_length, piece->escaped.data, piece->escaped.length);
    tag->utf8_length += (unsigned)piece->utf8.length;
    tag->escaped_length += (unsigned)piece->escaped.length;
    tag->points += piece->points;
}

static unsigned count_texts(const char *const *texts)
{
    unsigned count = 0;
    while (texts[count] != NULL) {
        count++;
    }
    return count;
}
