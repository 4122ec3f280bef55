// SPDX-License-Identifier: MIT
#include "hashtagd/net/tls.h"

#include "hashtagd/base/assert.h"
#include "tls_internal.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TLS_MAGIC             0x4874546cu /* "HtTl" */
#define RECORD_MAX_BYTES      16384
#define OUTPUT_STEP_MAX_BYTES 65536

struct ht_tls {
    uint32_t magic;
    SSL_CTX *context; /* owned */
};

struct ht_tls_session {
    SSL *ssl;    /* owned, with both memory BIOs */
    BIO *input;  /* owned by ssl */
    BIO *output; /* owned by ssl */
};

static int configure(SSL_CTX *context, struct ht_error *error);
static int load_files(SSL_CTX *context, const char *cert_path, const char *key_path,
                      struct ht_error *error);
static int check_readable(const char *path, const char *what, struct ht_error *error);
static int refuse_passphrase(char *buffer, int size, int writing, void *user);
/* OpenSSL's signature for ALPN. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                           const unsigned char *offered, unsigned int offered_length, void *user);
static const char *openssl_reason(void);

int ht_tls_create(struct ht_tls **out, const char *cert_path, const char *key_path,
                  struct ht_error *error)
{
    struct ht_tls *tls = calloc(1, sizeof *tls);
    int status = HT_ENOMEM;

    *out = NULL;
    if (tls == NULL) {
        return ht_error_set(error, HT_ENOMEM, "Out of memory for TLS.");
    }
    tls->magic = TLS_MAGIC;
    tls->context = SSL_CTX_new(TLS_server_method());
    if (tls->context == NULL) {
        ht_error_set(error, HT_ENOMEM, "Cannot start TLS: %s.", openssl_reason());
        goto out;
    }
    status = configure(tls->context, error);
    if (status == 0) {
        status = load_files(tls->context, cert_path, key_path, error);
    }
out:
    if (status != 0) {
        ht_tls_destroy(tls);
        return status;
    }
    *out = tls;
    return 0;
}

static int configure(SSL_CTX *context, struct ht_error *error)
{
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        return ht_error_set(error, HT_EUNSUPPORTED, "OpenSSL does not offer TLS 1.2: %s.",
                            openssl_reason());
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return 0;
}

static int load_files(SSL_CTX *context, const char *cert_path, const char *key_path,
                      struct ht_error *error)
{
    int status = check_readable(cert_path, "TLS certificate", error);

    if (status == 0) {
        status = check_readable(key_path, "TLS key", error);
    }
    if (status != 0) {
        return status;
    }
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, cert_path) != 1) {
        return ht_error_set(error, HT_EPARSE,
                            "%s has no usable certificate (%s). It must be a PEM file with the "
                            "server's certificate first, then its issuers'.",
                            cert_path, openssl_reason());
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1) {
        bool mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
        if (mismatch) {
            return ht_error_set(error, HT_EINVAL,
                                "The key in %s does not belong to the certificate in %s. Give the "
                                "pair that was made together.",
                                key_path, cert_path);
        }
        return ht_error_set(error, HT_EPARSE,
                            "%s has no usable private key (%s). It must be a PEM file without a "
                            "passphrase.",
                            key_path, openssl_reason());
    }
    return 0;
}

static int check_readable(const char *path, const char *what, struct ht_error *error)
{
    if (access(path, R_OK) == 0) {
        return 0;
    }
    return ht_error_set(error, HT_EIO, "Cannot read the %s %s: %s. Check the path and its rights.",
                        what, path, strerror(errno));
}

/* Without this OpenSSL would ask on the terminal. */
static int refuse_passphrase(char *buffer, int size, int writing, void *user)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)user;
    return -1;
}

/* OpenSSL's signature. RFC 7301 section 3.2: a client that offers nothing we speak is refused. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                           const unsigned char *offered, unsigned int offered_length, void *user)
{
    static const char wanted[] = "http/1.1";

    (void)ssl;
    (void)user;
    for (unsigned int i = 0; i < offered_length; i += offered[i] + 1u) {
        struct ht_slice name = ht_slice_make(offered + i + 1, offered[i]);
        if (i + 1 + name.length <= offered_length && ht_slice_equal(name, HT_SLICE(wanted))) {
            *chosen = offered + i + 1;
            *chosen_length = offered[i];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void ht_tls_destroy(struct ht_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    HT_ASSERT(tls->magic == TLS_MAGIC);
    SSL_CTX_free(tls->context);
    tls->magic = 0;
    free(tls);
}

struct ht_tls_session *ht_tls_session_create(struct ht_tls *tls)
{
    HT_ASSERT(tls->magic == TLS_MAGIC);
    struct ht_tls_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->ssl = SSL_new(tls->context);
    session->input = BIO_new(BIO_s_mem());
    session->output = BIO_new(BIO_s_mem());
    if (session->ssl == NULL || session->input == NULL || session->output == NULL) {
        SSL_free(session->ssl);
        BIO_free(session->input);
        BIO_free(session->output);
        free(session);
        return NULL;
    }
    SSL_set_bio(session->ssl, session->input, session->output);
    SSL_set_accept_state(session->ssl);
    return session;
}

void ht_tls_session_destroy(struct ht_tls_session *session)
{
    if (session != NULL) {
        SSL_free(session->ssl);
        free(session);
    }
}

int ht_tls_session_feed(struct ht_tls_session *session, struct ht_slice cipher)
{
    int written = BIO_write(session->input, cipher.data, (int)cipher.length);

    return written == (int)cipher.length ? 0 : HT_ENOMEM;
}

enum ht_tls_read ht_tls_session_read(struct ht_tls_session *session, char *data, size_t capacity,
                                     size_t *length)
{
    ERR_clear_error();
    int count = SSL_read(session->ssl, data, (int)capacity);
    if (count > 0) {
        *length = (size_t)count;
        return HT_TLS_READ_DATA;
    }
    switch (SSL_get_error(session->ssl, count)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return HT_TLS_READ_EMPTY;
    case SSL_ERROR_ZERO_RETURN:
        return HT_TLS_READ_END;
    default:
        return HT_TLS_READ_FAILED;
    }
}

int ht_tls_session_write(struct ht_tls_session *session, struct ht_slice plain)
{
    size_t wanted = plain.length < RECORD_MAX_BYTES ? plain.length : RECORD_MAX_BYTES;

    ERR_clear_error();
    int count = SSL_write(session->ssl, plain.data, (int)wanted);
    if (count > 0) {
        return count;
    }
    int reason = SSL_get_error(session->ssl, count);
    bool waits = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
    return waits ? 0 : HT_ECONNECTION;
}

void ht_tls_session_end(struct ht_tls_session *session)
{
    ERR_clear_error();
    if (SSL_is_init_finished(session->ssl)) {
        SSL_shutdown(session->ssl);
    }
}

int ht_tls_session_output(struct ht_tls_session *session, struct ht_buffer *out)
{
    size_t waiting;

    while ((waiting = BIO_ctrl_pending(session->output)) > 0) {
        size_t step = waiting < OUTPUT_STEP_MAX_BYTES ? waiting : OUTPUT_STEP_MAX_BYTES;
        int status = ht_buffer_reserve(out, step);
        if (status != 0) {
            return status;
        }
        int count = BIO_read(session->output, out->data + out->length, (int)step);
        if (count <= 0) {
            return HT_ENOMEM;
        }
        out->length += (size_t)count;
        out->data[out->length] = '\0';
    }
    return 0;
}

/* The library's own words for the latest error. */
static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return reason == NULL ? "unknown reason" : reason;
}
