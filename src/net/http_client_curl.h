// SPDX-License-Identifier: MIT
#pragma once

/** What all handles of curl have in common: where to connect, and what its results mean. */

#include "hashtagd/base/error.h"

#include <curl/curl.h>

#include <stdbool.h>

/** Sets an http or https URL, the issuers to trust (NULL: the system's) and whether a proxy of the
 * environment may be used: never for this machine. All are copied. */
CURLcode ht_curl_set_target(CURL *easy, const char *url, const char *ca_file,
                            bool is_without_proxy) HT_MUST_CHECK;

/** How the caller should react to a result of curl: 0 or HT_E... */
int ht_curl_code(CURLcode result);
