// SPDX-License-Identifier: MIT
#pragma once

/**
 * The table of all configuration keys. One row says everything that is known of a key; the
 * parser, `hashtagd config`, `--help`, docs/configuration.md and the error messages are made
 * from it. To add a key, add a field to struct ht_config and a row.
 */

#include "config.h"

enum ht_config_type {
    HT_CONFIG_TEXT,    /**< char * */
    HT_CONFIG_PATH,    /**< char *: a file or directory */
    HT_CONFIG_URL,     /**< char *: http, https, ws or wss; may be empty */
    HT_CONFIG_NUMBER,  /**< uint64_t */
    HT_CONFIG_BOOLEAN, /**< bool */
    HT_CONFIG_CHOICE,  /**< unsigned: the value of one of `choices` */
    HT_CONFIG_TEXTS,   /**< struct ht_config_texts */
    HT_CONFIG_PATHS,   /**< struct ht_config_texts: files */
    HT_CONFIG_RULES,   /**< struct ht_config_rules */
    HT_CONFIG_ADDRESS, /**< struct ht_address */
    HT_CONFIG_START,   /**< struct ht_config_start */
};

/** A word that a CHOICE knows. */
struct ht_config_choice {
    const char *name; /**< NULL ends the list */
    unsigned value;
};

struct ht_config_row {
    const char *key; /**< "section.key" */
    enum ht_config_type type;
    const char *unit;          /**< "bytes", "seconds" ...; "" where there is none */
    const char *fallback;      /**< the default, as --set would give it */
    const char *fallback_text; /**< the default in words where it depends on things; else NULL */
    uint64_t minimum, maximum; /**< NUMBER: both allowed; texts: length in bytes */
    const struct ht_config_choice *choices; /**< CHOICE only */
    bool is_secret;                         /**< never shown; of a URL: what stands before '@' */
    size_t offset;                          /**< of the field in struct ht_config */
    const char *doc;                        /**< what it means, for a person */
};

/** The rows of what everybody may set, section by section; `*count` (not NULL) of them. The keys of
 * a second source and of later ones ("source.2.type") are like those of the first and not among
 * them. Static. */
const struct ht_config_row *ht_config_rows(size_t *count);

/** All rows: those, then the ones of later sources. Static. */
const struct ht_config_row *ht_config_all_rows(size_t *count);

/** Which source the row belongs to: 0 for the first, and for what belongs to no source. */
size_t ht_config_row_source(const struct ht_config_row *row);

/** The row of `name` ("type") of source `source` (0 and up); NULL where there is none. */
const struct ht_config_row *ht_config_source_row(size_t source, const char *name);

/** The row of `key`; NULL where there is none. */
const struct ht_config_row *ht_config_find_row(struct ht_slice key);

/** The place of a row in the table: index into `origins`. */
size_t ht_config_row_index(const struct ht_config_row *row);

/** The environment variable of a row, "HASHTAGD_SOURCE_RATE", written into `name`. Returns
 * `name`. */
char *ht_config_variable(const struct ht_config_row *row, char name[64]);

/** The field of a row in `config`. */
void *ht_config_field(struct ht_config *config, const struct ht_config_row *row);
