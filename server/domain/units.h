/* SPDX-License-Identifier: Apache-2.0 */
/* Native units of work and the compute unit (CU) they are normalised to. Factors come from the
 * table units, in parts per 10^9. */
#ifndef CF_DOMAIN_UNITS_H
#define CF_DOMAIN_UNITS_H

#include <stdint.h>

#include "server/core/err.h"

/* Micro-CU of work_units native units: floor(work * factor_ppb / 10^3). work_units >= 0,
 * factor_ppb > 0. ERR_RANGE beyond int64. */
enum err units_to_micro_cu(int64_t work_units, int64_t factor_ppb, int64_t *out) CF_MUST_CHECK;

/* Price of one CU in gwei, floor; ERR_RANGE when micro_cu is 0 or the result does not fit. */
enum err units_price_per_cu(int64_t price_gwei, int64_t micro_cu, int64_t *out) CF_MUST_CHECK;

#endif
