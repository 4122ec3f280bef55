// SPDX-License-Identifier: MIT
#include "hashtagd/sources/twitter_v1_parameters.h"

#include "twitter_v1_pieces.h"

#include "hashtagd/base/error.h"

#include <stdarg.h>
#include <stdio.h>

#define ID_MAX_DIGITS      20
#define LANGUAGE_MAX_BYTES 35 /* RFC 5646, section 4.4.1 */
#define SHOWN_BYTES        80 /* of a value in a text */
#define FINDINGS_MAX       5  /* told of one list */
#define MICRO              INT64_C(1000000)

/* What is told so far. */
struct check {
    ht_twitter_v1_on_finding_fn on_finding;
    void *user;
    const char *key;
    size_t told; /* of this key */
    size_t mistakes;
};

/* A bounding box in millionths of a degree. */
struct box {
    int64_t west, south, east, north;
};

static void check_endpoint(struct check *check, const struct ht_twitter_v1_parameters *parameters);
static void check_list(struct check *check, const char *key, struct ht_twitter_v1_pieces pieces,
                       void (*check_piece)(struct check *check, struct ht_slice piece));
static void check_phrase(struct check *check, struct ht_slice phrase);
static void check_user(struct check *check, struct ht_slice user);
static void check_language(struct check *check, struct ht_slice language);
static void check_locations(struct check *check, struct ht_twitter_v1_pieces pieces);
static bool check_degrees(struct check *check, struct ht_slice piece, int64_t *micro);
static void check_box(struct check *check, const int64_t sides[4], size_t number);
static void warn_of_half(struct check *check, const struct box *box);
static void check_count(struct check *check, size_t count, size_t most, const char *what);
static bool read_degrees(struct ht_slice text, int64_t *micro);
static void mistake(struct check *check, const char *format, ...) HT_PRINTF(2, 3);
static struct ht_slice shown(struct ht_slice value);

size_t ht_twitter_v1_parameters_check(const struct ht_twitter_v1_parameters *parameters,
                                      ht_twitter_v1_on_finding_fn on_finding, void *user)
{
    struct check check = {.on_finding = on_finding, .user = user};

    check_endpoint(&check, parameters);
    check_list(&check, "track", ht_twitter_v1_pieces(parameters->track, parameters->track_count),
               check_phrase);
    check_locations(&check,
                    ht_twitter_v1_pieces(parameters->locations, parameters->location_count));
    check_list(&check, "follow", ht_twitter_v1_pieces(parameters->follow, parameters->follow_count),
               check_user);
    check_list(&check, "language",
               ht_twitter_v1_pieces(parameters->languages, parameters->language_count),
               check_language);
    return check.mistakes;
}

static void check_endpoint(struct check *check, const struct ht_twitter_v1_parameters *parameters)
{
    bool has_filter = parameters->track_count > 0 || parameters->location_count > 0 ||
                      parameters->follow_count > 0;

    check->key = "endpoint";
    check->told = 0;
    if (parameters->is_sample && has_filter) {
        mistake(check, "sample is a sample of all tweets and takes no track, locations or follow; "
                       "use filter, or leave them out");
    }
    if (!parameters->is_sample && !has_filter) {
        mistake(check,
                "filter needs something to look for: set track, follow or locations (a tweet "
                "that one of them finds is sent), or use sample");
    }
}

static void check_list(struct check *check, const char *key, struct ht_twitter_v1_pieces pieces,
                       void (*check_piece)(struct check *check, struct ht_slice piece))
{
    check->key = key;
    check->told = 0;
    while (ht_twitter_v1_pieces_next(&pieces)) {
        check_piece(check, pieces.piece);
    }
    if (check_piece == check_phrase) {
        check_count(check, pieces.count, HT_TWITTER_V1_TRACK_MAX, "phrases");
    } else if (check_piece == check_user) {
        check_count(check, pieces.count, HT_TWITTER_V1_FOLLOW_MAX, "users");
    } else {
        check_count(check, pieces.count, HT_TWITTER_V1_LANGUAGES_MAX, "languages");
    }
}

static void check_phrase(struct check *check, struct ht_slice phrase)
{
    struct ht_slice text = shown(phrase);

    if (phrase.length == 0) {
        mistake(check, "a phrase is empty; remove it (a comma stands between two phrases)");
    } else if (phrase.length > HT_TWITTER_V1_PHRASE_MAX_BYTES) {
        mistake(check,
                "\"%.*s\" has %zu bytes of UTF-8, and a phrase at most %d; use fewer words (all of "
                "them must be in a tweet)",
                (int)text.length, text.data, phrase.length, HT_TWITTER_V1_PHRASE_MAX_BYTES);
    }
}

static void check_user(struct check *check, struct ht_slice user)
{
    struct ht_slice text = shown(user);
    uint64_t id;

    if (user.length > ID_MAX_DIGITS || ht_slice_to_u64(user, UINT64_MAX, &id) != 0 || id == 0) {
        mistake(check,
                "\"%.*s\" is no id of a user; an id is a decimal number such as 783214, not a name",
                (int)text.length, text.data);
    }
}

static void check_language(struct check *check, struct ht_slice language)
{
    struct ht_slice text = shown(language);
    bool is_fine = language.length >= 2 && language.length <= LANGUAGE_MAX_BYTES;

    for (size_t i = 0; is_fine && i < language.length; i++) {
        char byte = language.data[i];
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        is_fine = is_letter || (i > 1 && (byte == '-' || (byte >= '0' && byte <= '9')));
    }
    if (!is_fine) {
        mistake(check, "\"%.*s\" is no language tag (BCP 47); write en, ja or zh-Hant",
                (int)text.length, text.data);
    }
}

/* Four numbers in a row are a box, wherever the texts end. */
static void check_locations(struct check *check, struct ht_twitter_v1_pieces pieces)
{
    int64_t sides[4];
    bool is_readable = true;

    check->key = "locations";
    check->told = 0;
    while (ht_twitter_v1_pieces_next(&pieces)) {
        size_t side = (pieces.count - 1) % 4;
        is_readable =
            check_degrees(check, pieces.piece, &sides[side]) && (is_readable || side == 0);
        if (side == 3 && is_readable) {
            check_box(check, sides, pieces.count / 4);
        }
    }
    if (pieces.count % 4 != 0) {
        mistake(check,
                "%zu numbers are given, and a box has four: west,south,east,north (the world is "
                "-180,-90,180,90)",
                pieces.count);
    }
    check_count(check, pieces.count / 4, HT_TWITTER_V1_LOCATIONS_MAX, "boxes");
}

static bool check_degrees(struct check *check, struct ht_slice piece, int64_t *micro)
{
    struct ht_slice text = shown(piece);

    if (read_degrees(piece, micro)) {
        return true;
    }
    mistake(check, "\"%.*s\" is no number of degrees; write for example -122.75", (int)text.length,
            text.data);
    return false;
}

static void check_box(struct check *check, const int64_t sides[4], size_t number)
{
    static const char order[] =
        "the order is west,south,east,north, longitude first (the world is -180,-90,180,90)";
    struct box box = {sides[0], sides[1], sides[2], sides[3]};

    if (box.south < -90 * MICRO || box.south > 90 * MICRO || box.north < -90 * MICRO ||
        box.north > 90 * MICRO) {
        mistake(check, "box %zu has a latitude beyond 90 degrees; %s", number, order);
    } else if (box.west < -180 * MICRO || box.west > 180 * MICRO || box.east < -180 * MICRO ||
               box.east > 180 * MICRO) {
        mistake(check, "box %zu has a longitude beyond 180 degrees; %s", number, order);
    } else if (box.south > box.north) {
        mistake(check, "box %zu has its south above its north; %s", number, order);
    } else if (box.west > box.east) {
        mistake(check,
                "box %zu has its west behind its east; %s; one over the date line is written as "
                "two, up to 180 and from -180",
                number, order);
    } else {
        warn_of_half(check, &box);
    }
}

/* Programs that were copied from one another ask for this box, and mean the world. */
static void warn_of_half(struct check *check, const struct box *box)
{
    static const struct ht_twitter_v1_finding finding = {
        "locations", true,
        "-90,-90,90,90 is half the globe: it leaves out all that is west of 90\u00b0 W (America "
        "from St. Louis on) and east of 90\u00b0 E (most of China, Japan, South-East Asia, "
        "Australia); the world is -180,-90,180,90"};

    if (box->west == -90 * MICRO && box->south == -90 * MICRO && box->east == 90 * MICRO &&
        box->north == 90 * MICRO) {
        check->on_finding(check->user, &finding);
    }
}

static void check_count(struct check *check, size_t count, size_t most, const char *what)
{
    if (count > most) {
        check->told = 0; /* behind many others this one is told still */
        mistake(check, "%zu %s are given, and at most %zu are taken; leave some out", count, what,
                most);
    }
}

/* Reads -?d{1,3}(.d+)? as millionths; further digits say nothing. */
static bool read_degrees(struct ht_slice text, int64_t *micro)
{
    bool is_negative = text.length > 0 && text.data[0] == '-';
    size_t at = is_negative ? 1 : 0, begin = at;
    int64_t value = 0, unit = MICRO;

    for (; at < text.length && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        value = at - begin < 3 ? value * 10 + (text.data[at] - '0') : value;
    }
    bool is_number = at > begin && at - begin <= 3;
    value *= MICRO;
    if (is_number && at < text.length) {
        is_number = text.data[at++] == '.' && at < text.length;
        for (; is_number && at < text.length; at++) {
            is_number = text.data[at] >= '0' && text.data[at] <= '9';
            unit /= 10;
            value += unit * (text.data[at] - '0');
        }
    }
    *micro = is_negative ? -value : value;
    return is_number;
}

/* A list that is all wrong is told a few times, not thousands. */
static void mistake(struct check *check, const char *format, ...)
{
    char text[HT_ERROR_TEXT_BYTES];
    struct ht_twitter_v1_finding finding = {check->key, false, text};
    va_list arguments;

    check->mistakes++;
    if (check->told++ < FINDINGS_MAX) {
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        check->on_finding(check->user, &finding);
    }
}

/* A value short enough for a text, cut between characters. */
static struct ht_slice shown(struct ht_slice value)
{
    if (value.length > SHOWN_BYTES) {
        value.length = SHOWN_BYTES;
        while (value.length > 0 && ((unsigned char)value.data[value.length] & 0xc0u) == 0x80u) {
            value.length--;
        }
    }
    return value;
}
