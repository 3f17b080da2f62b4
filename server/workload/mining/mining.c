/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, measuring and checking header searches. */
#include "server/workload/mining/mining.h"

#include <string.h>

#include "server/core/json.h"
#include "server/workload/field.h"

enum { MERKLE_ROOT_AT = 36, BITS_AT = 72, NONCE_AT = 76, WORK_MAX_BITS = 50 };

static uint32_t read_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void write_le32(uint32_t v, uint8_t *p)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

struct u256 mining_expected_hashes(const struct u256 *target)
{
    struct u256 one = u256_from_u64(1);
    struct u256 divisor;
    if (u256_add(&divisor, target, &one))
        return one;
    /* floor(2^256 / d) = floor((2^256 - d) / d) + 1, by long division. */
    struct u256 rest = {{~target->w[0], ~target->w[1], ~target->w[2], ~target->w[3]}};
    struct u256 quotient = u256_zero();
    struct u256 remainder = u256_zero();
    for (unsigned bit = 256; bit-- > 0;) {
        bool carry = u256_bit(&remainder, 255);
        u256_shl(&remainder, &remainder, 1);
        remainder.w[0] |= u256_bit(&rest, bit);
        if (carry || u256_cmp(&remainder, &divisor) >= 0) {
            (void)u256_sub(&remainder, &remainder, &divisor);
            quotient.w[bit / 64] |= UINT64_C(1) << (bit % 64);
        }
    }
    (void)u256_add(&quotient, &quotient, &one);
    return quotient;
}

static enum err read_header(const json_t *value, struct mining_job *job,
                            const struct field_fault *f)
{
    memset(job->header, 0, sizeof job->header);
    if (!field_hex(value, job->header, POW_HEADER_BYTES) &&
        !field_hex(value, job->header, NONCE_AT))
        return field_refuse(f, "/header", "must be 152 or 160 lower-case hexadecimal digits");
    memset(job->header + NONCE_AT, 0, POW_HEADER_BYTES - NONCE_AT);
    return ERR_OK;
}

static enum err read_target(const json_t *input, struct mining_job *job,
                            const struct field_fault *f)
{
    const json_t *target = json_object_get(input, "target");
    const json_t *bits = json_object_get(input, "bits");
    uint8_t raw[U256_BYTES];
    uint32_t compact = read_le32(job->header + BITS_AT);
    const char *from = "/header";
    if (target != NULL && bits != NULL)
        return field_refuse(f, "/bits", "give either target or bits");
    if (target != NULL) {
        if (!field_hex(target, raw, U256_BYTES))
            return field_refuse(f, "/target", "must be 64 lower-case hexadecimal digits");
        job->target = u256_from_be(raw);
        if (u256_is_zero(&job->target))
            return field_refuse(f, "/target", "must not be zero");
        return ERR_OK;
    }
    if (bits != NULL) {
        if (!field_hex(bits, raw, 4))
            return field_refuse(f, "/bits", "must be 8 lower-case hexadecimal digits");
        compact = (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
        from = "/bits";
    }
    enum pow_verdict v = pow_target_parse(compact, &job->target);
    return v == POW_OK ? ERR_OK : field_refuse(f, from, pow_verdict_text(v));
}

static enum err read_range(const json_t *input, struct mining_job *job, const struct field_fault *f)
{
    const json_t *bind = json_object_get(input, "bind");
    const json_t *start = json_object_get(input, "nonce_start");
    const json_t *count = json_object_get(input, "nonce_count");
    if (bind != NULL && !json_is_boolean(bind))
        return field_refuse(f, "/bind", "must be true or false");
    job->bind = bind == NULL || json_is_true(bind);
    if (job->bind && (start != NULL || count != NULL))
        return field_refuse(f, start != NULL ? "/nonce_start" : "/nonce_count",
                            "a bound search has no nonce range; set bind to false");
    int64_t from = 0;
    int64_t n = INT64_C(1) << 32;
    if (start != NULL && !field_int(start, 0, UINT32_MAX, &from))
        return field_refuse(f, "/nonce_start", "must be an integer from 0 to 4294967295");
    n -= from;
    if (count != NULL && !field_int(count, 1, (INT64_C(1) << 32) - from, &n))
        return field_refuse(f, "/nonce_count", "must be at least 1 and end at nonce 4294967295");
    job->nonce_start = (uint32_t)from;
    job->nonce_count = (uint64_t)n;
    return ERR_OK;
}

static enum err read_job(const json_t *input, struct mining_job *job, const struct field_fault *f)
{
    static const char *const NAMES[] = {"header",      "target",      "bits", "bind",
                                        "nonce_start", "nonce_count", NULL};
    enum err e = field_only(input, NAMES, f);
    if (e == ERR_OK)
        e = read_header(json_object_get(input, "header"), job, f);
    if (e == ERR_OK)
        e = read_target(input, job, f);
    if (e == ERR_OK)
        e = read_range(input, job, f);
    return e;
}

enum err mining_job_read(const json_t *input, struct mining_job *out)
{
    char pointer[WORKLOAD_POINTER_MAX];
    char reason[WORKLOAD_REASON_MAX];
    struct field_fault f = {pointer, reason};
    struct mining_job job;
    enum err e = read_job(input, &job, &f);
    if (e == ERR_OK)
        *out = job;
    return e;
}

enum err mining_validate(const json_t *input, int64_t *work_units, char *pointer, char *reason)
{
    struct field_fault f = {pointer, reason};
    struct mining_job job;
    enum err e = read_job(input, &job, &f);
    if (e != ERR_OK)
        return e;
    struct u256 expected = mining_expected_hashes(&job.target);
    if (u256_bit_count(&expected) > WORK_MAX_BITS)
        return field_refuse(&f, json_object_get(input, "target") != NULL ? "/target" : "/header",
                            "the target needs more than 2^50 hashes");
    uint64_t work = expected.w[0];
    if (!job.bind && job.nonce_count < work)
        work = job.nonce_count;
    *work_units = (int64_t)work;
    return ERR_OK;
}

void mining_header(const struct mining_job *job, const struct workload_task *t, uint32_t extra,
                   uint8_t header[POW_HEADER_BYTES])
{
    memcpy(header, job->header, POW_HEADER_BYTES);
    if (!job->bind)
        return;
    uint8_t binding[HASH_BYTES];
    uint8_t extra_be[4] = {(uint8_t)(extra >> 24), (uint8_t)(extra >> 16), (uint8_t)(extra >> 8),
                           (uint8_t)extra};
    workload_binding(t, binding);
    const struct bytes parts[] = {{binding, sizeof binding}, {extra_be, sizeof extra_be}};
    hash_tagged("computefi/pow-root/1", parts, 2, header + MERKLE_ROOT_AT);
}

/* A result's two numbers; false when the text is anything else. */
static bool read_result(struct bytes result, int64_t *nonce, int64_t *extra, uint8_t hash[32],
                        uint8_t header[POW_HEADER_BYTES])
{
    json_t *root = NULL;
    if (json_parse((const char *)result.data, result.len, &root) != ERR_OK)
        return false;
    bool ok = json_is_object(root) && json_object_size(root) == 4 &&
              field_int(json_object_get(root, "nonce"), 0, UINT32_MAX, nonce) &&
              field_int(json_object_get(root, "extra_nonce"), 0, UINT32_MAX, extra) &&
              field_hex(json_object_get(root, "hash"), hash, POW_HASH_BYTES) &&
              field_hex(json_object_get(root, "header"), header, POW_HEADER_BYTES);
    json_decref(root);
    return ok;
}

void mining_check(enum pow_kind kind, const struct workload_task *t, struct bytes result,
                  struct workload_check *out)
{
    struct mining_job job;
    int64_t nonce;
    int64_t extra;
    uint8_t shown_hash[POW_HASH_BYTES];
    uint8_t shown_header[POW_HEADER_BYTES];
    if (mining_job_read(t->input, &job) != ERR_OK) {
        check_set(out, VERDICT_UNDECIDED, "the task's input is not valid for this kind");
        return;
    }
    if (!read_result(result, &nonce, &extra, shown_hash, shown_header)) {
        check_set(out, VERDICT_REJECT, "the result is not {nonce, extra_nonce, hash, header}");
        return;
    }
    if ((uint64_t)nonce < job.nonce_start || (uint64_t)nonce - job.nonce_start >= job.nonce_count ||
        (!job.bind && extra != 0)) {
        check_set(out, VERDICT_REJECT, "the nonce is outside the assigned range");
        return;
    }
    uint8_t header[POW_HEADER_BYTES];
    uint8_t hash[POW_HASH_BYTES];
    uint8_t shown_be[POW_HASH_BYTES];
    mining_header(&job, t, (uint32_t)extra, header);
    write_le32((uint32_t)nonce, header + NONCE_AT);
    pow_hash(kind, header, hash);
    for (size_t i = 0; i < POW_HASH_BYTES; i++)
        shown_be[i] = hash[POW_HASH_BYTES - 1 - i];
    if (memcmp(header, shown_header, sizeof header) != 0)
        check_set(out, VERDICT_REJECT, "the header is not the one of this task and worker");
    else if (memcmp(shown_be, shown_hash, sizeof shown_be) != 0)
        check_set(out, VERDICT_REJECT, "the stated hash is not the header's");
    else if (!pow_hash_meets(hash, &job.target))
        check_set(out, VERDICT_REJECT, "the hash is above the target");
    else
        check_set(out, VERDICT_ACCEPT, "the hash meets the target");
}

/* Every nonce that meets the target is as good as any other, and each was checked by itself. */
bool mining_agree(const struct workload_task *t, struct bytes a, struct bytes b)
{
    (void)t;
    int64_t nonce;
    int64_t extra;
    uint8_t hash[POW_HASH_BYTES];
    uint8_t header[POW_HEADER_BYTES];
    return read_result(a, &nonce, &extra, hash, header) &&
           read_result(b, &nonce, &extra, hash, header);
}
