// SPDX-License-Identifier: MIT
#pragma once

/** The JSON in which programs, container agents and instance metadata give keys. Pure. */

#include "keys.h"

enum ht_aws_answer_form {
    HT_AWS_ANSWER_PROCESS,   /**< {"Version":1,"AccessKeyId",...,"SessionToken"?,"Expiration"?} */
    HT_AWS_ANSWER_CONTAINER, /**< {"AccessKeyId","SecretAccessKey","Token","Expiration"} */
    HT_AWS_ANSWER_INSTANCE,  /**< the same, and "Code":"Success" */
};

/** Reads an answer into `*keys`, the caller's. HT_EPARSE (no JSON, a wrong type or time), HT_EINVAL
 * (a part is missing or cannot be a key), HT_EPERMISSION (a Code that is not Success), HT_ENOMEM;
 * `error` names `origin`, never a value of the answer but Code. */
int ht_aws_answer_parse(enum ht_aws_answer_form form, struct ht_slice text, const char *origin,
                        struct ht_aws_keys **keys, struct ht_error *error) HT_MUST_CHECK;
