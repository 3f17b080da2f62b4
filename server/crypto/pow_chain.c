/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crypto/pow_chain.h"

#include <string.h>

#include "server/crypto/sha256.h"

/* Schoolbook long division, bit by bit; b is not 0. */
static struct u256 divide(const struct u256 *a, const struct u256 *b)
{
    struct u256 q = u256_zero();
    struct u256 rem = u256_zero();
    for (unsigned i = u256_bit_count(a); i-- > 0;) {
        bool high = u256_bit(&rem, 255);
        u256_shl(&rem, &rem, 1);
        rem.w[0] |= u256_bit(a, i);
        if (high || u256_cmp(&rem, b) >= 0) {
            u256_sub(&rem, &rem, b);
            q.w[i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
    return q;
}

/* 2^256/(t+1) = (2^256 - 1 - t)/(t+1) + 1, which needs no 257th bit. */
struct u256 pow_work(const struct u256 *target)
{
    const struct u256 one = u256_from_u64(1);
    struct u256 rest, next, work;
    for (size_t i = 0; i < U256_LIMBS; i++)
        rest.w[i] = ~target->w[i];
    if (u256_add(&next, target, &one))
        return one; /* every hash meets 2^256 - 1 */
    work = divide(&rest, &next);
    u256_add(&work, &work, &one);
    return work;
}

/* *t = (above * 2^256 + *t) / d for above < d, so that the quotient fits; compares it with the
 * limit. */
static int divide_wide(struct u256 *t, uint64_t above, uint64_t d, const struct u256 *limit)
{
    u128 rem = above;
    for (size_t i = U256_LIMBS; i-- > 0;) {
        rem = rem << 64 | t->w[i];
        t->w[i] = (uint64_t)(rem / d);
        rem %= d;
    }
    return u256_cmp(t, limit);
}

enum pow_verdict pow_retarget(const struct pow_period *period, const struct u256 *limit,
                              uint32_t *next_bits)
{
    struct u256 t;
    enum pow_verdict v = pow_target_parse(period->bits, &t);
    if (v != POW_OK)
        return v;
    int64_t span = (int64_t)period->last_time - (int64_t)period->first_time;
    if (span < POW_RETARGET_SECONDS / 4)
        span = POW_RETARGET_SECONDS / 4;
    if (span > POW_RETARGET_SECONDS * 4)
        span = POW_RETARGET_SECONDS * 4;
    uint64_t above = u256_mul_u64(&t, &t, (uint64_t)span);
    if (above >= POW_RETARGET_SECONDS || divide_wide(&t, above, POW_RETARGET_SECONDS, limit) > 0)
        t = *limit;
    *next_bits = pow_target_compact(&t);
    return POW_OK;
}

void pow_chain_start(struct pow_chain *chain, const struct pow_rule *rule, bool retargets,
                     uint64_t height)
{
    *chain = (struct pow_chain){.rule = *rule, .retargets = retargets, .height = height};
}

/* A header must be later than the median of the eleven before it. */
static bool time_is_late_enough(const struct pow_chain *chain, uint32_t time)
{
    uint64_t count = chain->header_count;
    if (count > POW_MEDIAN_BLOCKS)
        count = POW_MEDIAN_BLOCKS;
    size_t not_before = 0;
    for (size_t i = 0; i < count; i++)
        not_before += time <= chain->times[i];
    /* time > sorted[count/2]  <=>  fewer than count - count/2 of them are >= time */
    return count == 0 || not_before < count - count / 2;
}

/* The bits a Bitcoin header must have, when the chain knows enough to say. */
static enum pow_verdict expect_bits(const struct pow_chain *chain, struct pow_rule *rule)
{
    if (!chain->retargets || chain->header_count == 0)
        return POW_OK;
    if (chain->height % POW_RETARGET_BLOCKS != 0) {
        rule->bits_pinned = true;
        rule->expected_bits = chain->last_bits;
        return POW_OK;
    }
    if (!chain->period_known)
        return POW_OK;
    const struct pow_period period = {chain->period_first_time, chain->last_time, chain->last_bits};
    rule->bits_pinned = true;
    return pow_retarget(&period, &rule->limit, &rule->expected_bits);
}

enum pow_verdict pow_chain_append(struct pow_chain *chain, const uint8_t header[POW_HEADER_BYTES])
{
    struct pow_header h = pow_header_parse(header);
    struct pow_rule rule = chain->rule;
    struct u256 target;
    if (chain->header_count != 0 && memcmp(h.previous, chain->tip, sizeof h.previous) != 0)
        return POW_BAD_PREVIOUS;
    if (!time_is_late_enough(chain, h.time))
        return POW_BAD_TIME;
    enum pow_verdict v = expect_bits(chain, &rule);
    if (v == POW_OK)
        v = pow_header_check(&rule, header, POW_HEADER_BYTES);
    if (v == POW_OK)
        v = pow_target_parse(h.bits, &target);
    if (v != POW_OK)
        return v;
    struct u256 work = pow_work(&target);
    u256_add(&chain->work, &chain->work, &work);
    if (chain->height % POW_RETARGET_BLOCKS == 0) {
        chain->period_first_time = h.time;
        chain->period_known = true;
    }
    pow_sha256d(header, chain->tip);
    chain->times[chain->header_count % POW_MEDIAN_BLOCKS] = h.time;
    chain->last_time = h.time;
    chain->last_bits = h.bits;
    chain->header_count++;
    chain->height++;
    return POW_OK;
}

static bool contains(const uint8_t *text, size_t len, const uint8_t *part, size_t part_bytes)
{
    for (size_t i = 0; part_bytes != 0 && i + part_bytes <= len; i++) {
        if (memcmp(text + i, part, part_bytes) == 0)
            return true;
    }
    return false;
}

static enum pow_verdict check_coinbase(const struct pow_template *t, const struct pow_submission *s,
                                       uint8_t txid[SHA256_BYTES])
{
    struct coinbase c;
    struct wire w = {s->coinbase, s->coinbase_bytes, true};
    if (s->coinbase_bytes > COINBASE_TX_MAX || !coinbase_read(&w, &c) || w.left != 0)
        return POW_BAD_COINBASE;
    if (!contains(c.script, c.script_bytes, t->tag, t->tag_bytes))
        return POW_BAD_COINBASE;
    if (t->payout_script != NULL &&
        coinbase_paid_to(&c, t->payout_script, t->payout_script_bytes) < t->payout_min)
        return POW_BAD_COINBASE;
    sha256d_of(c.tx, c.tx_bytes, txid);
    return POW_OK;
}

enum pow_verdict pow_template_check(const struct pow_template *t, const struct pow_submission *s,
                                    uint8_t hash[POW_HASH_BYTES])
{
    uint8_t root[SHA256_BYTES];
    if (s->header_bytes != POW_HEADER_BYTES)
        return POW_BAD_LENGTH;
    struct pow_header h = pow_header_parse(s->header);
    if (memcmp(h.previous, t->previous, sizeof h.previous) != 0)
        return POW_BAD_PREVIOUS;
    if (h.time < t->time_min || h.time > t->time_max)
        return POW_BAD_TIME;
    if (s->branch_count > COINBASE_BRANCH_MAX)
        return POW_BAD_MERKLE_ROOT;
    enum pow_verdict v = check_coinbase(t, s, root);
    if (v != POW_OK)
        return v;
    const struct merkle_branch branch = {s->branch, s->branch_count, 0};
    merkle_branch_fold(root, &branch, root);
    if (memcmp(root, h.merkle_root, sizeof root) != 0)
        return POW_BAD_MERKLE_ROOT;
    v = pow_header_check(&t->rule, s->header, s->header_bytes);
    if (v == POW_OK)
        pow_sha256d(s->header, hash);
    return v;
}
