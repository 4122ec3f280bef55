// SPDX-License-Identifier: MIT
#include "hashtagd/sources/many_source.h"

#include "source_cursor.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <stdlib.h>

/*
 *   start -> every part's start, each with its own cursor
 *   part's deliver -> the sink's deliver, with everybody's cursors
 *        `-- sink full: this part waits; the others do when they deliver next
 *   resume -> those that wait
 *   stop -> every part's stop -> the last on_stopped -> on_stopped
 *
 * The cursor is a line "many", then a line "NAME CURSOR" for each part that has one. Another text
 * is the cursor of a time when there was one source: every part gets it and takes its own.
 */

enum {
    MAGIC = 0x4d616e79,
    OTHERS_BYTES = 256,      /* of the text that names all in trouble */
    OTHERS_EXTRA_BYTES = 40, /* a name's state, and how many more there are */
};

static const char cursor_head[] = HT_SOURCE_CURSOR_OF_MANY;

/* One of the sources, and the sink that it sees. */
struct part {
    struct ht_source_sink sink; /* first */
    struct many_source *many;
    struct ht_source *source; /* owned */
    char cursor[HT_SOURCE_OWN_CURSOR_BYTES];
    size_t cursor_length;
    bool is_waiting; /* its last delivery was answered with false */
};

struct many_source {
    struct ht_source source; /* first: what callers see */
    uint32_t magic;
    struct ht_clock *clock;
    struct ht_timer_queue *timers;
    const struct ht_log *log;    /* NULL: none */
    struct ht_source_sink *sink; /* not owned; NULL until started */
    struct part parts[HT_SOURCE_COUNT_MAX];
    struct ht_source *list[HT_SOURCE_COUNT_MAX];
    size_t count, stopped_count;
    bool is_stopping;
    void (*on_stopped)(void *user);
    void *on_stopped_user;
};

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor);
static void take_cursors(struct many_source *many, struct ht_slice cursor);
static bool on_deliver(struct ht_source_sink *sink, const struct ht_source *from,
                       const struct ht_slice *messages, size_t count, struct ht_slice cursor);
static void on_refuse(struct ht_source_sink *sink, const struct ht_source *from,
                      struct ht_slice bytes, const char *reason);
static void resume(struct ht_source *source);
static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user);
static void on_part_stopped(void *user);
static void on_part_health(void *user, struct ht_health *health);
static void destroy(struct ht_source *source);
static struct many_source *from_source(struct ht_source *source);

struct ht_source *ht_many_source_create(struct ht_source *const *sources, size_t count,
                                        struct ht_clock *clock, struct ht_timer_queue *timers,
                                        const struct ht_log *log)
{
    static const struct ht_source_ops ops = {
        .type = "many",
        .start = start,
        .resume = resume,
        .stop = stop,
        .destroy = destroy,
    };
    static const struct ht_source_sink_ops sink_ops = {on_deliver, on_refuse};
    HT_ASSERT(count >= 2 && count <= HT_SOURCE_COUNT_MAX);
    struct many_source *many = calloc(1, sizeof(*many));
    if (many == NULL) {
        return NULL;
    }
    many->magic = MAGIC;
    many->clock = clock;
    many->timers = timers;
    many->log = log;
    many->count = count;
    ht_source_init(&many->source, &ops, ops.type, clock);
    for (size_t i = 0; i < count; i++) {
        many->parts[i] = (struct part){.sink = {&sink_ops}, .many = many, .source = sources[i]};
        many->list[i] = sources[i];
        sources[i]->health.on_change = on_part_health;
        sources[i]->health.on_change_user = many;
    }
    many->source.parts = many->list;
    many->source.part_count = count;
    on_part_health(many, NULL);
    return &many->source;
}

static void start(struct ht_source *source, struct ht_source_sink *sink, struct ht_slice cursor)
{
    struct many_source *many = from_source(source);
    many->sink = sink;
    take_cursors(many, cursor);
    for (size_t i = 0; i < many->count; i++) {
        struct part *part = &many->parts[i];
        part->source->ops->start(part->source, &part->sink,
                                 ht_slice_make(part->cursor, part->cursor_length));
    }
}

static void keep_cursor(struct part *part, struct ht_slice cursor)
{
    if (cursor.length > 0 && cursor.length <= sizeof(part->cursor)) {
        memcpy(part->cursor, cursor.data, cursor.length);
        part->cursor_length = cursor.length;
    }
}

static void take_cursors(struct many_source *many, struct ht_slice cursor)
{
    for (size_t i = 0; i < many->count; i++) {
        struct part *part = &many->parts[i];
        keep_cursor(part, ht_source_cursor_own(cursor, part->source->name));
    }
}

/* Writes everybody's cursors into `text`; returns the length. Names and cursors have limits so
 * that they fit. */
static size_t write_cursors(const struct many_source *many, char text[HT_SOURCE_CURSOR_BYTES])
{
    _Static_assert(sizeof(cursor_head) + HT_SOURCE_COUNT_MAX * (HT_SOURCE_NAME_BYTES +
                                                                HT_SOURCE_OWN_CURSOR_BYTES + 2) <=
                       HT_SOURCE_CURSOR_BYTES,
                   "room for every cursor");
    size_t length = sizeof(cursor_head) - 1;
    memcpy(text, cursor_head, length);
    for (size_t i = 0; i < many->count; i++) {
        const struct part *part = &many->parts[i];
        size_t name_length = strlen(part->source->name);
        if (part->cursor_length == 0) {
            continue;
        }
        text[length++] = '\n';
        memcpy(text + length, part->source->name, name_length);
        length += name_length;
        text[length++] = ' ';
        memcpy(text + length, part->cursor, part->cursor_length);
        length += part->cursor_length;
    }
    return length;
}

static bool on_deliver(struct ht_source_sink *sink, const struct ht_source *from,
                       const struct ht_slice *messages, size_t count, struct ht_slice cursor)
{
    struct part *part = HT_CONTAINER_OF(sink, struct part, sink);
    struct many_source *many = part->many;
    char text[HT_SOURCE_CURSOR_BYTES];
    HT_ASSERT(cursor.length <= sizeof(part->cursor) &&
              (cursor.length == 0 || memchr(cursor.data, '\n', cursor.length) == NULL));
    keep_cursor(part, cursor);
    if (count > 0) {
        many->source.health.last_success_s = ht_clock_wall_s(many->clock);
        many->source.health.last_success_monotonic_ms = ht_clock_monotonic_ms(many->clock);
    }
    ht_rate_add(&many->source.messages, ht_clock_monotonic_ms(many->clock), count);
    bool goes_on = many->sink->ops->deliver(many->sink, from, messages, count,
                                            ht_slice_make(text, write_cursors(many, text)));
    part->is_waiting |= !goes_on; /* until resume(), as it was told */
    return goes_on;
}

static void on_refuse(struct ht_source_sink *sink, const struct ht_source *from,
                      struct ht_slice bytes, const char *reason)
{
    struct part *part = HT_CONTAINER_OF(sink, struct part, sink);
    part->many->sink->ops->refuse(part->many->sink, from, bytes, reason);
}

static void resume(struct ht_source *source)
{
    struct many_source *many = from_source(source);
    for (size_t i = 0; i < many->count; i++) {
        struct part *part = &many->parts[i];
        if (part->is_waiting) {
            part->is_waiting = false;
            part->source->ops->resume(part->source);
        }
    }
}

static void stop(struct ht_source *source, void (*on_stopped)(void *user), void *user)
{
    struct many_source *many = from_source(source);
    many->on_stopped = on_stopped;
    many->on_stopped_user = user;
    many->is_stopping = true;
    for (size_t i = 0; i < many->count; i++) {
        many->parts[i].source->ops->stop(many->parts[i].source, on_part_stopped, many);
    }
}

static void on_part_stopped(void *user)
{
    struct many_source *many = user;
    if (++many->stopped_count == many->count) {
        many->on_stopped(many->on_stopped_user);
    }
}

/* The later in this list, the more a person should see it. */
static unsigned badness(enum ht_health_state state)
{
    static const enum ht_health_state order[] = {
        HT_HEALTH_OFF,    HT_HEALTH_STOPPED,  HT_HEALTH_IDLE,    HT_HEALTH_WORKING,
        HT_HEALTH_PAUSED, HT_HEALTH_STARTING, HT_HEALTH_WAITING, HT_HEALTH_FAILED};
    unsigned at = 0;
    while (order[at] != state) {
        at++;
    }
    return at;
}

/* The state of all together tells one trouble; the log tells each. */
static void tell_part(const struct many_source *many, struct ht_health *health)
{
    const struct ht_source *part = HT_CONTAINER_OF(health, struct ht_source, health);
    enum ht_log_level level = ht_health_news(health);
    if (many->log != NULL) {
        HT_LOG_AT(many->log, level, "source", "state changed", HT_TEXT("source", part->name),
                  HT_TEXT("state", ht_health_state_name(health->state)),
                  HT_TEXT("text", health->text), (struct ht_log_field){0});
    }
}

/* The errors of all parts are errors of the whole. */
static void take_errors(struct many_source *many)
{
    struct ht_health *whole = &many->source.health;
    uint64_t errors = 0;
    for (size_t i = 0; i < many->count; i++) {
        const struct ht_source *part = many->list[i];
        errors += part->health.errors;
        if (part->health.errors > 0 && part->health.last_error_s >= whole->last_error_s) {
            whole->last_error_s = part->health.last_error_s;
            (void)snprintf(whole->last_error, sizeof(whole->last_error), "%s: %.440s", part->name,
                           part->health.last_error);
        }
    }
    whole->errors = errors;
}

static bool is_in_trouble(const struct ht_source *part)
{
    return badness(part->health.state) >= badness(HT_HEALTH_WAITING);
}

/* Names all in trouble but `worst`, which has the word; of very long names as many as fit. */
static void name_others(const struct many_source *many, const struct ht_source *worst,
                        char text[OTHERS_BYTES])
{
    size_t length = 0, unnamed = 0;
    text[0] = '\0';
    for (size_t i = 0; i < many->count; i++) {
        const struct ht_source *part = many->list[i];
        if (part == worst || !is_in_trouble(part)) {
            continue;
        }
        if (unnamed > 0 || length + strlen(part->name) + OTHERS_EXTRA_BYTES > OTHERS_BYTES) {
            unnamed++;
            continue;
        }
        length += (size_t)snprintf(text + length, OTHERS_BYTES - length, "%s%s %s",
                                   length == 0 ? "; also " : ", ", part->name,
                                   ht_health_state_name(part->health.state));
    }
    if (unnamed > 0) {
        (void)snprintf(text + length, OTHERS_BYTES - length, ", and %zu more", unnamed);
    }
}

static void on_part_health(void *user, struct ht_health *health)
{
    struct many_source *many = user;
    const struct ht_source *worst = many->list[0];
    if (health != NULL) {
        tell_part(many, health);
    }
    for (size_t i = 0; i < many->count; i++) {
        const struct ht_source *part = many->list[i];
        if (badness(part->health.state) > badness(worst->health.state)) {
            worst = part;
        }
    }
    take_errors(many);
    bool is_told = worst->health.text[0] != '\0';
    char others[OTHERS_BYTES];
    name_others(many, worst, others);
    /* the others are named even where the worst has much to say */
    int room = (int)(HT_ERROR_TEXT_BYTES - strlen(others) - strlen(worst->name) - sizeof(": "));
    while (room > 0 && (worst->health.text[room] & 0xC0) == 0x80) {
        room--; /* at the border of a character */
    }
    ht_health_set(&many->source.health, worst->health.state, "%s%s%.*s%s",
                  is_told ? worst->name : "", is_told ? ": " : "", room, worst->health.text,
                  others);
}

static void destroy(struct ht_source *source)
{
    if (source == NULL) {
        return;
    }
    struct many_source *many = from_source(source);
    for (size_t i = 0; i < many->count; i++) {
        many->list[i]->health.on_change = NULL;
        many->list[i]->ops->destroy(many->list[i]);
    }
    many->magic = 0;
    free(many);
}

static struct many_source *from_source(struct ht_source *source)
{
    struct many_source *many = HT_CONTAINER_OF(source, struct many_source, source);
    HT_ASSERT(many->magic == MAGIC);
    return many;
}
