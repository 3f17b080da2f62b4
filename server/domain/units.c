/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/units.h"

#include "server/core/money.h"

__extension__ typedef __int128 wide;

static enum err narrow(wide v, int64_t *out)
{
    if (v < 0 || v > INT64_MAX)
        return ERR_RANGE;
    *out = (int64_t)v;
    return ERR_OK;
}

enum err units_to_micro_cu(int64_t work_units, int64_t factor_ppb, int64_t *out)
{
    if (work_units < 0 || factor_ppb <= 0)
        return ERR_RANGE;
    return narrow((wide)work_units * factor_ppb / 1000, out);
}

enum err units_price_per_cu(int64_t price_gwei, int64_t micro_cu, int64_t *out)
{
    if (price_gwei < 0 || micro_cu <= 0)
        return ERR_RANGE;
    return narrow((wide)price_gwei * PPM / micro_cu, out);
}
