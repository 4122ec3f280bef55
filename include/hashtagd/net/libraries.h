// SPDX-License-Identifier: MIT
#pragma once

/**
 * The versions of the libraries that this folder owns, as they are at run time: for
 * `GET /status`, the build metric and bug reports. Any thread.
 */

/** libuv's, "1.44.2". Static. */
const char *ht_net_libuv_version(void);

/** libcurl's, "7.88.1". Static. */
const char *ht_net_libcurl_version(void);

/** llhttp's, "8.1.0"; it is linked in. Static. */
const char *ht_net_llhttp_version(void);

/** OpenSSL's, "3.0.15". Static. */
const char *ht_net_openssl_version(void);
