/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts in gwei (10^-9 CYS or CGT) as int64. No float ever touches money. */
#ifndef CF_CORE_MONEY_H
#define CF_CORE_MONEY_H

#include <stddef.h>
#include <stdint.h>

#include "server/core/err.h"

#define MONEY_MAX_GWEI INT64_C(1000000000000000000) /* 10^18: the whole supply */
#define PPM            INT64_C(1000000)
enum { MONEY_TEXT_MAX = 24 };

/* Decimal digits only, no sign, no leading zero (but "0"), at most 10^18. ERR_PARSE or ERR_RANGE.
 */
enum err money_parse(const char *text, size_t len, int64_t *out_gwei) CF_MUST_CHECK;
/* Prints digits and NUL (negative amounts with '-'); returns the length. */
size_t money_print(int64_t gwei, char out[MONEY_TEXT_MAX]);
/* "1.5" CYS style text with up to 9 decimals; returns the length. */
size_t money_print_cys(int64_t gwei, char out[MONEY_TEXT_MAX]);
/* ERR_RANGE on overflow or result outside 0..MONEY_MAX_GWEI. */
enum err money_add(int64_t a, int64_t b, int64_t *out_gwei) CF_MUST_CHECK;
enum err money_sub(int64_t a, int64_t b, int64_t *out_gwei) CF_MUST_CHECK;
enum err money_mul(int64_t a, int64_t count, int64_t *out_gwei) CF_MUST_CHECK;
/* floor(a * num / den) with a 128-bit product; a, num >= 0, den > 0 (asserted). */
int64_t money_mul_div(int64_t a, int64_t num, int64_t den);

#endif
