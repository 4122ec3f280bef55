// SPDX-License-Identifier: MIT
#pragma once

/**
 * TLS for the HTTP server: a certificate with its key, read once at the start, by OpenSSL.
 * TLS 1.2 and 1.3, HTTP/1.1 by ALPN (RFC 7301). The server runs the records over its own
 * sockets through memory, so nothing here blocks.
 *
 * Life: ht_tls_create() before the loop runs (it reads files), given to the server's
 * options, ht_tls_destroy() when the server is closed.
 */

#include "hashtagd/base/error.h"

struct ht_tls;

/**
 * Reads the PEM files `cert_path` (the server's certificate, then those of the issuers) and
 * `key_path` (its private key, without a passphrase). `*tls` is the caller's. HT_EIO (a file
 * cannot be read), HT_EPARSE (no certificate or key in it), HT_EINVAL (key and certificate do not
 * belong together), HT_ENOMEM; `error` (may be NULL) names the file and the cure.
 */
int ht_tls_create(struct ht_tls **tls, const char *cert_path, const char *key_path,
                  struct ht_error *error) HT_MUST_CHECK;

/** Frees it; no connection may use it any more. NULL is fine. */
void ht_tls_destroy(struct ht_tls *tls);
