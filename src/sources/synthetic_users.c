// SPDX-License-Identifier: MIT
#include "synthetic_users.h"

#include <stdio.h>

/* 2009-01-01 and 2013-06-01: users joined in between. */
#define FIRST_JOIN_S 1230768000u
#define LAST_JOIN_S  1370044800u

enum { USER_JSON_BYTES = 8192, TEXT_BYTES = 64 };

static struct ht_slice make_screen_name(struct ht_synthetic_vocabulary *vocabulary, unsigned number,
                                        unsigned suffix);
static void put_head(struct ht_synthetic_writer *writer, const struct ht_synthetic_user *user,
                     const struct ht_synthetic_vocabulary *vocabulary, struct ht_random *random);
static void put_counts(struct ht_synthetic_writer *writer, struct ht_random *random,
                       const char *language);
static void put_profile(struct ht_synthetic_writer *writer, const struct ht_synthetic_user *user,
                        struct ht_random *random);
static void put_color(struct ht_synthetic_writer *writer, struct ht_random *random);

void ht_synthetic_users_make(struct ht_synthetic_user *users,
                             struct ht_synthetic_vocabulary *vocabulary, uint64_t seed)
{
    struct ht_random random;
    ht_random_init(&random, seed ^ 0x7573657273u);
    for (unsigned i = 0; i < HT_SYNTHETIC_USER_COUNT; i++) {
        struct ht_synthetic_user *user = &users[i];
        char room[USER_JSON_BYTES];
        struct ht_synthetic_writer writer = {room, room + sizeof(room)};
        const struct ht_synthetic_piece *name =
            &vocabulary->names.items[ht_synthetic_below(&random, vocabulary->names.count)];
        /* Distinct, and some above 32 bits as the later ones are. */
        user->id = (i % 8 == 0 ? 700000000000000000u : 1000000u) +
                   (uint64_t)ht_synthetic_below(&random, 2000000) * HT_SYNTHETIC_USER_COUNT + i;
        user->screen_name = make_screen_name(vocabulary, i, ht_synthetic_below(&random, 4096));
        user->name = name->escaped;
        unsigned language =
            vocabulary->slot_language[ht_synthetic_below(&random, HT_SYNTHETIC_SHARE_SUM)];
        put_head(&writer, user, vocabulary, &random);
        put_counts(&writer, &random, ht_synthetic_languages[language].code);
        put_profile(&writer, user, &random);
        user->json = ht_synthetic_store_copy(&vocabulary->store,
                                             ht_slice_make(room, (size_t)(writer.at - room)));
    }
}

void ht_synthetic_put_time(struct ht_synthetic_writer *writer, uint64_t wall_s)
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t day = wall_s / 86400;
    unsigned second = (unsigned)(wall_s % 86400);
    /* Days to a date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
    unsigned z = (unsigned)day + 719468;
    unsigned era = z / 146097;
    unsigned doe = z - era * 146097;
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned shifted_month = (5 * doy + 2) / 153;
    unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    unsigned year = yoe + era * 400 + (month <= 2 ? 1 : 0);
    ht_synthetic_put(writer, days + day % 7 * 3, 3);
    HT_SYNTHETIC_PUT(writer, " ");
    ht_synthetic_put(writer, months + (month - 1) * 3, 3);
    HT_SYNTHETIC_PUT(writer, " ");
    ht_synthetic_put_digits(writer, doy - (153 * shifted_month + 2) / 5 + 1, 2);
    HT_SYNTHETIC_PUT(writer, " ");
    ht_synthetic_put_digits(writer, second / 3600, 2);
    HT_SYNTHETIC_PUT(writer, ":");
    ht_synthetic_put_digits(writer, second / 60 % 60, 2);
    HT_SYNTHETIC_PUT(writer, ":");
    ht_synthetic_put_digits(writer, second % 60, 2);
    HT_SYNTHETIC_PUT(writer, " +0000 ");
    ht_synthetic_put_digits(writer, year, 4);
}

static struct ht_slice make_screen_name(struct ht_synthetic_vocabulary *vocabulary, unsigned number,
                                        unsigned suffix)
{
    char text[TEXT_BYTES];
    int length = snprintf(text, sizeof(text), "user_%u_%03x", number, suffix);
    return ht_synthetic_store_copy(&vocabulary->store, ht_slice_make(text, (size_t)length));
}

static void put_head(struct ht_synthetic_writer *writer, const struct ht_synthetic_user *user,
                     const struct ht_synthetic_vocabulary *vocabulary, struct ht_random *random)
{
    unsigned language =
        vocabulary->slot_language[ht_synthetic_below(random, HT_SYNTHETIC_SHARE_SUM)];
    const struct ht_synthetic_pieces *phrases = &vocabulary->phrases[language];
    const struct ht_synthetic_pieces *locations = &vocabulary->locations;
    HT_SYNTHETIC_PUT(writer, "{\"id\":");
    ht_synthetic_put_u64(writer, user->id);
    HT_SYNTHETIC_PUT(writer, ",\"id_str\":\"");
    ht_synthetic_put_u64(writer, user->id);
    HT_SYNTHETIC_PUT(writer, "\",\"name\":\"");
    ht_synthetic_put_slice(writer, user->name);
    HT_SYNTHETIC_PUT(writer, "\",\"screen_name\":\"");
    ht_synthetic_put_slice(writer, user->screen_name);
    HT_SYNTHETIC_PUT(writer, "\",\"location\":\"");
    ht_synthetic_put_slice(writer,
                           locations->items[ht_synthetic_below(random, locations->count)].escaped);
    HT_SYNTHETIC_PUT(writer, "\",\"url\":null,\"description\":\"");
    ht_synthetic_put_slice(writer,
                           phrases->items[ht_synthetic_below(random, phrases->count)].escaped);
    HT_SYNTHETIC_PUT(writer, "\",\"protected\":false,\"verified\":false,");
}

static void put_counts(struct ht_synthetic_writer *writer, struct ht_random *random,
                       const char *language)
{
    HT_SYNTHETIC_PUT(writer, "\"followers_count\":");
    ht_synthetic_put_u64(writer, ht_synthetic_below(random, 20000));
    HT_SYNTHETIC_PUT(writer, ",\"friends_count\":");
    ht_synthetic_put_u64(writer, ht_synthetic_below(random, 3000));
    HT_SYNTHETIC_PUT(writer, ",\"listed_count\":");
    ht_synthetic_put_u64(writer, ht_synthetic_below(random, 100));
    HT_SYNTHETIC_PUT(writer, ",\"favourites_count\":");
    ht_synthetic_put_u64(writer, ht_synthetic_below(random, 30000));
    HT_SYNTHETIC_PUT(writer, ",\"statuses_count\":");
    ht_synthetic_put_u64(writer, ht_synthetic_below(random, 90000));
    HT_SYNTHETIC_PUT(writer, ",\"created_at\":\"");
    ht_synthetic_put_time(writer,
                          FIRST_JOIN_S + ht_synthetic_below(random, LAST_JOIN_S - FIRST_JOIN_S));
    HT_SYNTHETIC_PUT(writer, "\",\"utc_offset\":null,\"time_zone\":null,\"geo_enabled\":false,"
                             "\"lang\":\"");
    ht_synthetic_put_slice(writer, ht_slice_text(language));
    HT_SYNTHETIC_PUT(writer, "\",");
}

static void put_profile(struct ht_synthetic_writer *writer, const struct ht_synthetic_user *user,
                        struct ht_random *random)
{
    uint64_t image = 370000000000000000u + ht_random_u64(random) % 10000000000000000u;
    HT_SYNTHETIC_PUT(writer, "\"contributors_enabled\":false,\"is_translator\":false,"
                             "\"profile_background_color\":\"");
    put_color(writer, random);
    HT_SYNTHETIC_PUT(
        writer,
        "\",\"profile_background_image_url\":\"http:\\/\\/abs.twimg.com\\/images\\/themes\\/theme1"
        "\\/bg.png\",\"profile_background_image_url_https\":\"https:\\/\\/abs.twimg.com\\/images"
        "\\/themes\\/theme1\\/"
        "bg.png\",\"profile_background_tile\":false,\"profile_link_color\":\"");
    put_color(writer, random);
    HT_SYNTHETIC_PUT(writer, "\",\"profile_sidebar_border_color\":\"C0DEED\","
                             "\"profile_sidebar_fill_color\":\"DDEEF6\",\"profile_text_color\":\"");
    put_color(writer, random);
    HT_SYNTHETIC_PUT(writer, "\",\"profile_use_background_image\":true,\"profile_image_url\":"
                             "\"http:\\/\\/pbs.twimg.com\\/profile_images\\/");
    ht_synthetic_put_u64(writer, image);
    HT_SYNTHETIC_PUT(writer, "\\/portrait_normal.jpeg\",\"profile_image_url_https\":"
                             "\"https:\\/\\/pbs.twimg.com\\/profile_images\\/");
    ht_synthetic_put_u64(writer, image);
    HT_SYNTHETIC_PUT(writer, "\\/portrait_normal.jpeg\",\"profile_banner_url\":"
                             "\"https:\\/\\/pbs.twimg.com\\/profile_banners\\/");
    ht_synthetic_put_u64(writer, user->id);
    HT_SYNTHETIC_PUT(writer, "\\/1370044800\",\"default_profile\":true,"
                             "\"default_profile_image\":false,\"following\":null,"
                             "\"follow_request_sent\":null,\"notifications\":null}");
}

static void put_color(struct ht_synthetic_writer *writer, struct ht_random *random)
{
    static const char digits[] = "0123456789ABCDEF";
    for (int i = 0; i < 6; i++) {
        ht_synthetic_put(writer, digits + ht_synthetic_below(random, 16), 1);
    }
}
