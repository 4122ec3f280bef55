// SPDX-License-Identifier: MIT
#pragma once

/**
 * A small, strict scanner for the XML that AWS answers with (STS, IAM, S3, their errors). It goes
 * once through a text that is there as a whole, without recursion and without copying. Namespaces
 * are ignored: <a:Code> is Code. Attributes are passed over. A document type, an unknown entity, a
 * wrong nesting and an answer that is cut off are refused, so a half answer never passes for one.
 * Source: W3C, "Extensible Markup Language (XML) 1.0".
 *
 * For some values of a small answer:
 *
 *     struct ht_xml_wanted wanted[] = {{.path = "Error/Code", .text = &code}};
 *     if (ht_xml_read(answer, wanted, 1, &error) == 0 && wanted[0].is_found) ...
 *
 * For lists, element by element:
 *
 *     ht_xml_init(&xml, answer);
 *     while ((event = ht_xml_next(&xml)) > HT_XML_DONE) {
 *         if (event == HT_XML_BEGIN && ht_xml_is_at(&xml, "ListBucketResult/Contents"))
 *             item = new_item(list);
 *         else if (event == HT_XML_TEXT && ht_xml_is_at(&xml, "ListBucketResult/Contents/Key"))
 *             ht_xml_append_text(&xml, &item->key);
 *     }
 *     if (event < 0) ...
 *
 * Pure; errors name the byte, never the content, which may be a secret.
 */

#include "hashtagd/base/buffer.h"
#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"

#include <stdbool.h>

/** Elements inside each other; more is refused. AWS's answers have fewer than ten. */
#define HT_XML_DEPTH_MAX 32

/** What ht_xml_next() found; negative: HT_EPARSE or HT_ETOOBIG. */
enum ht_xml_event {
    HT_XML_DONE,  /**< the document ended, whole */
    HT_XML_BEGIN, /**< an element begins; it is the innermost one */
    HT_XML_TEXT,  /**< a piece of text of the innermost element; there may be several */
    HT_XML_END,   /**< the innermost element ends; it still is the innermost one */
};

/** A scan. Fields are to be read only. */
struct ht_xml {
    struct ht_slice text;                    /**< the whole document */
    size_t at;                               /**< byte that is looked at next */
    struct ht_slice names[HT_XML_DEPTH_MAX]; /**< open elements, outermost first, no prefixes */
    struct ht_slice tags[HT_XML_DEPTH_MAX];  /**< private: the same with prefixes */
    unsigned depth;                          /**< how many are open */
    struct ht_slice content;                 /**< of HT_XML_TEXT: as it is written */
    bool is_literal;                         /**< of HT_XML_TEXT: no entities in it (CDATA) */
    bool has_root;                           /**< private */
    bool ends_itself;                        /**< private: <a/> */
    bool was_end;                            /**< private: the innermost one is to be left */
};

/** Begins a scan of `text`, which outlives it. */
void ht_xml_init(struct ht_xml *xml, struct ht_slice text);

/** Goes on to the next event: one of enum ht_xml_event, or HT_EPARSE (no well-formed document; `at`
 * is where) or HT_ETOOBIG (too deep); after an error or HT_XML_DONE it stays there. */
int ht_xml_next(struct ht_xml *xml);

/** Whether the open elements are those of `path`, "Root/List/Item"; "*" stands for any name. */
bool ht_xml_is_at(const struct ht_xml *xml, const char *path);

/** Appends the text of HT_XML_TEXT with its entities decoded. HT_EPARSE (an unknown entity, a
 * character that XML does not have), HT_ENOMEM, HT_ETOOBIG. */
int ht_xml_append_text(const struct ht_xml *xml, struct ht_buffer *out) HT_MUST_CHECK;

/** A value to be looked for. */
struct ht_xml_wanted {
    const char *path;       /**< as of ht_xml_is_at() */
    struct ht_buffer *text; /**< gets the text of the first element there; its maximum holds */
    bool is_found;          /**< whether there was one; filled */
};

/** Reads the whole document and fills what is wanted. HT_EPARSE, HT_ETOOBIG (too deep, or a value
 * over the maximum of its buffer), HT_ENOMEM; `error` (may be NULL) says where. */
int ht_xml_read(struct ht_slice text, struct ht_xml_wanted *wanted, size_t count,
                struct ht_error *error) HT_MUST_CHECK;
