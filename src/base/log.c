// SPDX-License-Identifier: MIT
#include "hashtagd/base/log.h"

#include "hashtagd/base/buffer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A line that is longer is cut: a log must not be a way to exhaust memory. */
enum { MAX_LINE_BYTES = 16 * 1024, MAX_VALUE_BYTES = 2048 };

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char *const level_colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};

static void write_line(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, data, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return;
        }
        data += written;
        length -= (size_t)written;
    }
}

/* U+0080 to U+009F in UTF-8: they steer terminals like the bytes below 0x20. */
static bool is_c1_control(struct ht_slice value, size_t at)
{
    return (unsigned char)value.data[at] == 0xc2 && at + 1 < value.length &&
           (unsigned char)value.data[at + 1] >= 0x80 && (unsigned char)value.data[at + 1] < 0xa0;
}

static void append_escaped(struct ht_buffer *line, struct ht_slice value)
{
    size_t length = value.length < MAX_VALUE_BYTES ? value.length : MAX_VALUE_BYTES;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if (byte == '"' || byte == '\\') {
            (void)ht_buffer_append_byte(line, '\\');
            (void)ht_buffer_append_byte(line, (char)byte);
        } else if (byte == '\n') {
            (void)ht_buffer_append_text(line, "\\n");
        } else if (byte < 0x20 || byte == 0x7f) {
            (void)ht_buffer_append_format(line, "\\u%04x", byte);
        } else if (is_c1_control(value, i)) {
            (void)ht_buffer_append_format(line, "\\u%04x", (unsigned char)value.data[++i]);
        } else {
            (void)ht_buffer_append_byte(line, (char)byte);
        }
    }
}

static bool is_plain(struct ht_slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if (byte <= ' ' || byte == '"' || byte == '\\' || byte == '=' || byte == 0x7f ||
            is_c1_control(value, i)) {
            return false;
        }
    }
    return value.length > 0 && value.length <= MAX_VALUE_BYTES;
}

static void append_quoted(struct ht_buffer *line, struct ht_slice value)
{
    (void)ht_buffer_append_byte(line, '"');
    append_escaped(line, value);
    (void)ht_buffer_append_byte(line, '"');
}

static void append_plain_fields(struct ht_buffer *line, const struct ht_log_field *fields,
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)ht_buffer_append_format(line, " %s=", fields[i].key);
        if (fields[i].text.data == NULL) {
            (void)ht_buffer_append_format(line, "%lld", (long long)fields[i].number);
        } else if (is_plain(fields[i].text)) {
            (void)ht_buffer_append_slice(line, fields[i].text);
        } else {
            append_quoted(line, fields[i].text);
        }
    }
}

static void append_json_fields(struct ht_buffer *line, const struct ht_log_field *fields,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)ht_buffer_append_format(line, ",\"%s\":", fields[i].key);
        if (fields[i].text.data == NULL) {
            (void)ht_buffer_append_format(line, "%lld", (long long)fields[i].number);
        } else {
            append_quoted(line, fields[i].text);
        }
    }
}

static void format_line(const struct ht_log *log, const struct ht_log_line *said,
                        struct ht_buffer *line)
{
    char time[HT_TIME_UTC_BYTES];
    (void)ht_time_format_utc(ht_clock_wall_ms(log->clock), time);
    switch (log->format) {
    case HT_LOG_FORMAT_TEXT:
        (void)ht_buffer_append_format(line, "%s%.12s %-7s %s: %s",
                                      log->colour ? level_colours[said->level] : "", time + 11,
                                      level_names[said->level], said->part, said->message);
        break;
    case HT_LOG_FORMAT_LOGFMT:
        (void)ht_buffer_append_format(line, "time=%s level=%s part=%s msg=", time,
                                      level_names[said->level], said->part);
        append_quoted(line, ht_slice_text(said->message));
        break;
    case HT_LOG_FORMAT_JSON:
        (void)ht_buffer_append_format(
            line, "{\"time\":\"%s\",\"level\":\"%s\",\"part\":\"%s\",\"msg\":", time,
            level_names[said->level], said->part);
        append_quoted(line, ht_slice_text(said->message));
        break;
    }
}

void ht_log_write(const struct ht_log *log, const struct ht_log_line *said)
{
    if (log == NULL || log->fd < 0 || said->level > log->level) {
        return;
    }
    struct ht_buffer line;
    ht_buffer_init(&line, MAX_LINE_BYTES);
    format_line(log, said, &line);
    if (log->format == HT_LOG_FORMAT_JSON) {
        append_json_fields(&line, said->fields, said->count);
        (void)ht_buffer_append_byte(&line, '}');
    } else {
        append_plain_fields(&line, said->fields, said->count);
        if (log->colour && log->format == HT_LOG_FORMAT_TEXT) {
            (void)ht_buffer_append_text(&line, "\033[0m");
        }
    }
    if (ht_buffer_append_byte(&line, '\n') != 0 && line.length > 0) {
        line.data[line.length - 1] = '\n';
    }
    write_line(log->fd, line.data, line.length);
    ht_buffer_finish(&line);
}

int ht_log_level_from_name(const char *name)
{
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            return i;
        }
    }
    return -1;
}
