/* SPDX-License-Identifier: Apache-2.0 */
/* zk.groth16: y = MiMC_k(x) over the BN254 scalar field, with a Groth16 proof of it that is bound
 * to one task, worker and deadline.
 *
 * Input {"x","k"[,"program"]}; public signals of the circuit, in order: y, x, k, t_hi, t_lo, where
 * t_hi and t_lo are the halves of the binding value T. The checker makes all but y itself; y is
 * what the requester buys. The verification key is data_dir/verification_key.json; "program" pins
 * its id. */
#ifndef CF_WORKLOAD_ZK_GROTH16_ZK_GROTH16_H
#define CF_WORKLOAD_ZK_GROTH16_ZK_GROTH16_H

#include "server/workload/workload.h"

enum { ZK_CONSTRAINTS = 386, ZK_SIGNALS = 5, ZK_SCALAR_TEXT_MAX = 80 };

/* The binding value's halves as decimal text, as the circuit takes them. */
struct zk_binding {
    char hi[ZK_SCALAR_TEXT_MAX];
    char lo[ZK_SCALAR_TEXT_MAX];
};
void zk_binding_text(const struct workload_task *t, struct zk_binding *out);

#endif
