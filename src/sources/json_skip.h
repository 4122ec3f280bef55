// SPDX-License-Identifier: MIT
#pragma once

/**
 * Finds the end of a broken element of a list, by counting brackets alone; a string ends
 * with its line at the latest. Where the elements of the list begin their lines, a line that stands
 * as they do is taken for the next one, since the brackets of a broken element may not be right.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ht_json_skip_event {
    HT_JSON_SKIP_MORE,     /**< all bytes are used up */
    HT_JSON_SKIP_BEHIND,   /**< `at` stands behind the element, or in front of the list's end */
    HT_JSON_SKIP_ELEMENT,  /**< the next element begins at `at` */
    HT_JSON_SKIP_DOCUMENT, /**< what begins at `at` is not in the list: a line of its own */
};

/** How the elements of a list stand in the file. */
struct ht_json_skip_layout {
    bool by_line;  /**< they begin their lines, behind `column` blanks */
    size_t column; /**< bytes */
};

/** The skipper; plain memory. */
struct ht_json_skip {
    struct ht_json_skip_layout layout; /**< of the list */
    size_t at;                         /**< the next byte; the owner moves it with the bytes */
    uint64_t line;                     /**< the line of it */
    bool is_between;                   /**< private: it began outside of an element */
    bool in_string;                    /**< private */
    bool in_escape;                    /**< private */
    bool at_line_start;                /**< private: only blanks were seen in the line */
    unsigned depth;                    /**< private: open brackets */
    size_t column;                     /**< private: of the next byte */
};

/** Starts at the opening bracket of an element; or, with `is_between`, at something that stands
 * between elements and is taken for the inside of one. */
void ht_json_skip_init(struct ht_json_skip *skip, const struct ht_json_skip_layout *layout,
                       bool is_between, size_t at, uint64_t line);

/** Goes on over the `length` bytes at `data`, from skip->at. */
enum ht_json_skip_event ht_json_skip_next(struct ht_json_skip *skip, const char *data,
                                          size_t length);
