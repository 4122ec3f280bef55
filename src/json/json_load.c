// SPDX-License-Identifier: MIT
#include "json_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What the room for a token has at first; the byte behind a number needs a place too. */
#define ROOM_BYTES         16
#define SHORT_TOKEN_LENGTH (ROOM_BYTES - 2)

/* Which bytes are a number's. */
struct scan {
    bool is_in_string, is_escaped, is_in_number;
};

/* What is handed over: `opening`, so many letters and `middle` before the text, `closing` behind it. */
struct feed {
    struct ht_slice opening, text, closing;
    size_t letters;
    struct ht_slice middle;
    struct scan scan;
    bool is_out;
};

static size_t next_piece(void *room, size_t size, void *user);
static size_t take(struct ht_slice *from, size_t most, void *room);
static size_t plain_length(struct feed *feed, size_t size);
static bool pass(struct scan *scan, char byte);
static size_t longest_token(struct ht_slice text);
static size_t letters_for(size_t longest);
static json_t *unwrap(json_t *list, size_t flags, json_error_t *failure);

json_t *ht_json_load(struct ht_slice text, size_t flags, json_error_t *failure, bool *has_memory)
{
    struct feed feed = {.text = text};
    size_t longest = flags & JSON_DISABLE_EOF_CHECK ? 0 : longest_token(text);
    bool is_wrapped = longest > SHORT_TOKEN_LENGTH;
    if (is_wrapped) {
        feed.opening = HT_SLICE("[\"");
        feed.letters = letters_for(longest);
        feed.middle = HT_SLICE("\",");
        feed.closing = HT_SLICE("]");
    }
    size_t before = feed.opening.length + feed.letters + feed.middle.length;
    errno = 0;
    json_t *root = json_load_callback(next_piece, &feed, flags, failure);
    bool is_told = root == NULL && (failure->text[0] == '\0' ||
                                    json_error_code(failure) == json_error_out_of_memory);
    *has_memory = errno != ENOMEM && !feed.is_out && !is_told;
    failure->position -= (int)before;
    if (!*has_memory) {
        json_decref(root);
        return NULL;
    }
    return is_wrapped && root != NULL ? unwrap(root, flags, failure) : root;
}

/* The list's second element; the list goes. */
static json_t *unwrap(json_t *list, size_t flags, json_error_t *failure)
{
    json_t *root = json_array_get(list, 1);
    const char *wrong = NULL;
    if (json_array_size(list) != 2) {
        wrong = "end of file expected";
    } else if (!(flags & JSON_DECODE_ANY) && !json_is_array(root) && !json_is_object(root)) {
        wrong = "'[' or '{' expected";
    }
    if (wrong != NULL) {
        snprintf(failure->text, sizeof(failure->text), "%s", wrong);
        root = NULL;
    }
    json_incref(root);
    json_decref(list);
    return root;
}

/* A json_load_callback_t. */
static size_t next_piece(void *room, size_t size, void *user)
{
    struct feed *feed = user;
    feed->is_out = feed->is_out || errno == ENOMEM;
    if (feed->is_out) {
        return 0;
    }
    if (feed->opening.length > 0) {
        return take(&feed->opening, size, room);
    }
    if (feed->letters > 0) {
        size_t length = feed->letters < size ? feed->letters : size;
        memset(room, 'x', length);
        feed->letters -= length;
        return length;
    }
    if (feed->middle.length > 0) {
        return take(&feed->middle, size, room);
    }
    if (feed->text.length > 0) {
        return take(&feed->text, plain_length(feed, size), room);
    }
    return take(&feed->closing, size, room);
}

static size_t take(struct ht_slice *from, size_t most, void *room)
{
    size_t length = from->length < most ? from->length : most;
    if (length > 0) {
        memcpy(room, from->data, length);
        *from = ht_slice_make(from->data + length, from->length - length);
    }
    return length;
}

/* How much may go at once: up to the beginning of the next number. */
static size_t plain_length(struct feed *feed, size_t size)
{
    size_t most = feed->text.length < size ? feed->text.length : size;
    for (size_t i = 0; i < most; i++) {
        struct scan before = feed->scan;
        if (pass(&feed->scan, feed->text.data[i]) && !before.is_in_number && i > 0) {
            feed->scan = before;
            return i;
        }
    }
    return most;
}

/* Whether the byte is a number's. */
static bool pass(struct scan *scan, char byte)
{
    bool begins = (byte >= '0' && byte <= '9') || byte == '-';
    bool goes_on = begins || byte == '+' || byte == '.' || byte == 'e' || byte == 'E';
    scan->is_in_number = !scan->is_in_string && (scan->is_in_number ? goes_on : begins);
    if (scan->is_escaped) {
        scan->is_escaped = false;
    } else if (byte == '"') {
        scan->is_in_string = !scan->is_in_string;
    } else {
        scan->is_escaped = scan->is_in_string && byte == '\\';
    }
    return scan->is_in_number;
}

/* Of a number, or of a string with its quotes. */
static size_t longest_token(struct ht_slice text)
{
    struct scan scan = {0};
    size_t longest = 0, length = 0;
    for (size_t i = 0; i < text.length; i++) {
        bool was_in_string = scan.is_in_string;
        bool is_number = pass(&scan, text.data[i]);
        bool begins = scan.is_in_string && !was_in_string;
        bool goes_on = is_number || was_in_string;
        length = begins ? 1 : goes_on ? length + 1 : 0;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* The room doubles whenever its last byte but one is taken. That must not be the quote behind the
 * letters: whatever comes before it is looked at when the letters are over. */
static size_t letters_for(size_t longest)
{
    size_t letters = longest + 1;
    bool is_last = ((letters + 2) & (letters + 1)) == 0;
    return is_last ? letters + 1 : letters;
}
