// SPDX-License-Identifier: MIT
#include "http_client_curl.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/net/url.h"

static bool is_of_this_machine(const char *url);

CURLcode ht_curl_set_target(CURL *easy, const char *url, const char *ca_file, bool is_without_proxy)
{
    CURLcode result = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");

    if (result == CURLE_OK) {
        /* else the end of a transfer waits for its resolver, which may have no answer for long */
        result = curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    }
    if (result == CURLE_OK && ca_file != NULL) {
        result = curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    }
    if (result == CURLE_OK) {
        result = curl_easy_setopt(easy, CURLOPT_URL, url);
    }
    if (result == CURLE_OK && (is_without_proxy || is_of_this_machine(url))) {
        /* a proxy of the environment would ask its own loopback, its own machine's metadata */
        result = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
    return result;
}

/* Loopback, and the addresses where machines and containers are told their own metadata and keys. */
static bool is_of_this_machine(const char *url)
{
    static const char *const names[] = {"localhost", "localhost:", "127.",
                                        "[::1]",     "169.254.",   "[fd00:ec2::"};
    struct ht_url_target parts;

    if (ht_url_split_target(ht_slice_text(url), &parts) != 0) {
        return false;
    }
    for (size_t i = 0; i < HT_COUNT_OF(names); i++) {
        bool is_whole = i == 0;
        if (is_whole ? ht_slice_equal(parts.authority, ht_slice_text(names[i]))
                     : ht_slice_starts_with(parts.authority, ht_slice_text(names[i]))) {
            return true;
        }
    }
    return false;
}

int ht_curl_code(CURLcode result)
{
    switch (result) {
    case CURLE_OK:
        return 0;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return HT_EINVAL;
    case CURLE_OPERATION_TIMEDOUT:
        return HT_ETIMEDOUT;
    case CURLE_OUT_OF_MEMORY:
        return HT_ENOMEM;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return HT_EPERMISSION;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_PARTIAL_FILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return HT_ECONNECTION;
    default:
        return HT_EIO;
    }
}
