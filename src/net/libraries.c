// SPDX-License-Identifier: MIT
#include "hashtagd/net/libraries.h"

#include <curl/curl.h>
#include <llhttp.h>
#include <openssl/ssl.h>
#include <uv.h>

#define TEXT_OF(number)       #number
#define TEXT_OF_VALUE(number) TEXT_OF(number)

const char *ht_net_libuv_version(void)
{
    return uv_version_string();
}

const char *ht_net_libcurl_version(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

const char *ht_net_llhttp_version(void)
{
    return TEXT_OF_VALUE(LLHTTP_VERSION_MAJOR) "." TEXT_OF_VALUE(
        LLHTTP_VERSION_MINOR) "." TEXT_OF_VALUE(LLHTTP_VERSION_PATCH);
}

const char *ht_net_openssl_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}
