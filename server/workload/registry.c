/* SPDX-License-Identifier: Apache-2.0 */
/* The list of kinds, and the hashes every kind shares. */
#include "server/workload/workload.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/json.h"

#define W(name) extern const struct workload workload_##name;
#include "server/workload/workload.def"
#undef W

static const struct workload *const KINDS[] = {
#define W(name) &workload_##name,
#include "server/workload/workload.def"
#undef W
};

const struct workload *const *workload_list(size_t *count)
{
    *count = sizeof KINDS / sizeof KINDS[0];
    return KINDS;
}

const struct workload *workload_find(const char *kind)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++)
        if (strcmp(KINDS[i]->kind, kind) == 0)
            return KINDS[i];
    return NULL;
}

enum err workload_input_hash(const json_t *input, uint8_t out[HASH_BYTES])
{
    char *text = json_canonical(input);
    if (text == NULL)
        return ERR_NO_MEMORY;
    hash_plain(text, strlen(text), out);
    free(text);
    return ERR_OK;
}

static void put_u64be(uint64_t v, uint8_t out[8])
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        out[i] = (uint8_t)v;
}

void workload_binding(const struct workload_task *t, uint8_t out[HASH_BYTES])
{
    uint8_t deadline[8];
    put_u64be((uint64_t)t->deadline_ms, deadline);
    const struct bytes parts[] = {
        {(const uint8_t *)t->market_id, strlen(t->market_id)},
        {t->task.b, sizeof t->task.b},
        {(const uint8_t *)t->kind, strlen(t->kind)},
        {t->input_hash, sizeof t->input_hash},
        {t->worker_key, sizeof t->worker_key},
        {deadline, sizeof deadline},
    };
    hash_tagged("computefi/binding/1", parts, sizeof parts / sizeof parts[0], out);
}

void workload_commitment(const struct workload_opening *o, uint8_t out[HASH_BYTES])
{
    uint8_t slot[8];
    uint8_t fence[8];
    put_u64be((uint64_t)o->slot, slot);
    put_u64be((uint64_t)o->fence, fence);
    const struct bytes parts[] = {
        {o->task.b, sizeof o->task.b}, {slot, sizeof slot},
        {fence, sizeof fence},         {o->node_key, sizeof o->node_key},
        {o->salt, sizeof o->salt},     {o->result_digest, sizeof o->result_digest},
    };
    hash_tagged("computefi/result/1", parts, sizeof parts / sizeof parts[0], out);
}
