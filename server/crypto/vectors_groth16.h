/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CF_CRYPTO_VECTORS_GROTH16_H
#define CF_CRYPTO_VECTORS_GROTH16_H

#include <jansson.h>

#include "server/crypto/groth16.h"

/* Reads a key in the plain coordinates of the vector files; false when it is malformed. */
bool vectors_groth16_read_key(struct groth16_raw_key *key, const json_t *v);

#endif
