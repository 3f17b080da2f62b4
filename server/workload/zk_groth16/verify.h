/* SPDX-License-Identifier: Apache-2.0 */
/* The pairing check of a result whose public signals are already known to be the right ones. */
#ifndef CF_WORKLOAD_ZK_GROTH16_VERIFY_H
#define CF_WORKLOAD_ZK_GROTH16_VERIFY_H

#include "server/workload/workload.h"

/* program: id the key must have (64 digits), NULL for any. result: {"proof","public"}. Undecided
 * when there is no usable key here. */
void zk_proof_verify(const char *data_dir, const char *program, const json_t *result,
                     struct workload_check *out);

#endif
