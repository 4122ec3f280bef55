// SPDX-License-Identifier: MIT
#pragma once

/** A key and a certificate for 127.0.0.1, signed by itself, as two PEM files in a directory of
 * their own. */

#include <stdbool.h>

struct net_certificate {
    char directory[64];
    char cert_path[96];
    char key_path[96];
};

/** Makes the files. False where that fails. */
bool net_certificate_make(struct net_certificate *certificate);

/** Locks the key with a passphrase. False where that fails. */
bool net_certificate_lock(const struct net_certificate *certificate);

/** Removes them. */
void net_certificate_remove(struct net_certificate *certificate);
