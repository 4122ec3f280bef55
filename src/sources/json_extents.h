// SPDX-License-Identifier: MIT
#pragma once

/**
 * Finds where JSON values begin and end in bytes that come in pieces. It follows brackets,
 * strings, commas and colons strictly, since a line that is cut off shows only by that, but
 * it does not judge what stands inside of strings, numbers and literals: that is for whoever
 * reads the value.
 *
 * ht_json_extents_next() runs until something happens that its owner watches, and is called
 * again with the same bytes (more of them may have come) to go on. The depth of an event is the
 * number of open brackets around the value: 0 for the outermost one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Deeper values are an error. Above what a message may have (64), for the wrapping around it. */
#define HT_JSON_EXTENTS_DEPTH 72

enum ht_json_extents_event {
    HT_JSON_EXTENTS_MORE,  /**< all bytes are used up */
    HT_JSON_EXTENTS_KEY,   /**< a key at depth `watch` has ended; `key` is where it is */
    HT_JSON_EXTENTS_VALUE, /**< a value at most `watch` deep begins with the byte `first`, at `at` */
    HT_JSON_EXTENTS_END,   /**< a value at most `watch` deep ended before `at` */
    HT_JSON_EXTENTS_BROKEN, /**< the byte at `at` may not stand there */
    HT_JSON_EXTENTS_DEEP,   /**< too many brackets are open, at `at` */
};

/** The scanner; plain memory. */
struct ht_json_extents {
    unsigned watch;    /**< the owner's: keys of objects that are so deep, values at most so deep */
    size_t at;         /**< the next byte to look at; the owner moves it when it moves the bytes */
    uint64_t line;     /**< the owner sets the first; counts line ends outside of strings */
    size_t key;        /**< where the key of the KEY event begins, behind its quote */
    size_t key_end;    /**< where its closing quote is */
    char first;        /**< of the VALUE event */
    bool begins_line;  /**< of the VALUE event: only blanks stand before it in its line */
    size_t column;     /**< of the VALUE event: bytes before it in its line, where it begins it */
    unsigned depth;    /**< of the event; else how many brackets are open */
    uint8_t state;     /**< private */
    size_t line_begin; /**< private: where the line begins; the owner moves it with `at` */
    bool is_line_blank; /**< private: nothing but blanks was seen in it yet */
    bool is_key;        /**< private: the string is a key */
    bool reported;      /**< private: the VALUE event of the value at `at` was given */
    uint8_t objects[HT_JSON_EXTENTS_DEPTH + 1]; /**< private: by depth, whether it is an object */
};

/** Starts in front of a value at `at`. */
void ht_json_extents_init(struct ht_json_extents *extents, size_t at, uint64_t line,
                          unsigned watch);

/** Goes on over the `length` bytes at `data`, from extents->at to the next event. After BROKEN and
 * DEEP it stands where it stopped. After the END at depth 0 it must be started anew. */
enum ht_json_extents_event ht_json_extents_next(struct ht_json_extents *extents, const char *data,
                                                size_t length);

/** Makes it stand behind a value at `depth`, of whose inside nothing is known: at `at`. */
void ht_json_extents_skip_to(struct ht_json_extents *extents, size_t at, uint64_t line,
                             unsigned depth);

/** Makes it expect a value, as if a comma had stood where it stands. */
void ht_json_extents_expect_value(struct ht_json_extents *extents);
