// SPDX-License-Identifier: MIT
#include "net_certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool fill(X509 *certificate, EVP_PKEY *key);
static bool add_extension(X509 *certificate, int nid, const char *value);
static bool write_files(const struct net_certificate *files, X509 *certificate, EVP_PKEY *key);

bool net_certificate_make(struct net_certificate *files)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    snprintf(files->directory, sizeof files->directory, "/tmp/hashtagd-tls-XXXXXX");
    bool made = key != NULL && certificate != NULL && mkdtemp(files->directory) != NULL;
    snprintf(files->cert_path, sizeof files->cert_path, "%s/cert.pem", files->directory);
    snprintf(files->key_path, sizeof files->key_path, "%s/key.pem", files->directory);
    made = made && fill(certificate, key) && write_files(files, certificate, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made;
}

static bool fill(X509 *certificate, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) != NULL &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"hashtagd test", -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           add_extension(certificate, NID_subject_alt_name, "IP:127.0.0.1") &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return added;
}

static bool write_files(const struct net_certificate *files, X509 *certificate, EVP_PKEY *key)
{
    FILE *cert_file = fopen(files->cert_path, "w");
    FILE *key_file = fopen(files->key_path, "w");
    bool written = cert_file != NULL && key_file != NULL &&
                   PEM_write_X509(cert_file, certificate) == 1 &&
                   PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) == 1;

    if (cert_file != NULL) {
        fclose(cert_file);
    }
    if (key_file != NULL) {
        fclose(key_file);
    }
    return written;
}

bool net_certificate_lock(const struct net_certificate *files)
{
    unsigned char passphrase[] = "secret";
    FILE *file = fopen(files->key_path, "r");
    EVP_PKEY *key = file == NULL ? NULL : PEM_read_PrivateKey(file, NULL, NULL, NULL);
    if (file != NULL) {
        fclose(file);
    }
    file = fopen(files->key_path, "w");
    bool is_locked = key != NULL && file != NULL &&
                     PEM_write_PrivateKey(file, key, EVP_aes_256_cbc(), passphrase,
                                          sizeof(passphrase) - 1, NULL, NULL) == 1;
    if (file != NULL) {
        fclose(file);
    }
    EVP_PKEY_free(key);
    return is_locked;
}

void net_certificate_remove(struct net_certificate *files)
{
    unlink(files->cert_path);
    unlink(files->key_path);
    rmdir(files->directory);
}
