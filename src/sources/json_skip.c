// SPDX-License-Identifier: MIT
#include "json_skip.h"

static enum ht_json_skip_event look(const struct ht_json_skip *skip, char c);
static enum ht_json_skip_event pass(struct ht_json_skip *skip, char c);
static void note_line(struct ht_json_skip *skip, char c);
static void pass_in_string(struct ht_json_skip *skip, char c);

void ht_json_skip_init(struct ht_json_skip *skip, const struct ht_json_skip_layout *layout,
                       bool is_between, size_t at, uint64_t line)
{
    *skip = (struct ht_json_skip){
        .layout = *layout,
        .at = at,
        .line = line,
        .is_between = is_between,
        .depth = is_between ? 1 : 0,
    };
}

enum ht_json_skip_event ht_json_skip_next(struct ht_json_skip *skip, const char *data,
                                          size_t length)
{
    while (skip->at < length) {
        char c = data[skip->at];
        enum ht_json_skip_event event = look(skip, c);
        if (event == HT_JSON_SKIP_MORE) {
            skip->at++;
            event = pass(skip, c);
        }
        if (event != HT_JSON_SKIP_MORE) {
            return event;
        }
    }
    return HT_JSON_SKIP_MORE;
}

/* Whether the element is over before `c`. */
static enum ht_json_skip_event look(const struct ht_json_skip *skip, char c)
{
    const struct ht_json_skip_layout *layout = &skip->layout;
    bool opens = c == '{' || c == '[';
    if (c == ']' && skip->is_between && skip->depth == 1 && !skip->in_string) {
        return HT_JSON_SKIP_BEHIND;
    }
    if (!skip->at_line_start) {
        return HT_JSON_SKIP_MORE;
    }
    if (opens && (layout->by_line ? skip->column == layout->column : skip->is_between)) {
        return HT_JSON_SKIP_ELEMENT;
    }
    if (c == ']' && layout->by_line && skip->column <= layout->column) {
        return HT_JSON_SKIP_BEHIND;
    }
    return opens && skip->column == 0 ? HT_JSON_SKIP_DOCUMENT : HT_JSON_SKIP_MORE;
}

/* Whether the element is over behind `c`. */
static enum ht_json_skip_event pass(struct ht_json_skip *skip, char c)
{
    note_line(skip, c);
    if (c == '\n') {
        skip->in_string = skip->in_escape = false;
    } else if (skip->in_string || c == '"') {
        pass_in_string(skip, c);
    } else if (c == '{' || c == '[') {
        skip->depth++;
    } else if (c == '}' || c == ']') {
        skip->depth--;
        return skip->depth == 0 ? HT_JSON_SKIP_BEHIND : HT_JSON_SKIP_MORE;
    }
    return HT_JSON_SKIP_MORE;
}

static void note_line(struct ht_json_skip *skip, char c)
{
    bool is_blank = c == ' ' || c == '\t' || c == '\r';
    skip->line += c == '\n';
    skip->column = c == '\n' ? 0 : skip->column + 1;
    skip->at_line_start = c == '\n' || (skip->at_line_start && is_blank);
}

static void pass_in_string(struct ht_json_skip *skip, char c)
{
    if (skip->in_escape) {
        skip->in_escape = false;
    } else if (c == '"') {
        skip->in_string = !skip->in_string;
    } else {
        skip->in_escape = c == '\\';
    }
}
