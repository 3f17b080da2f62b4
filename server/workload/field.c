/* SPDX-License-Identifier: Apache-2.0 */
#include "server/workload/field.h"

#include <stdio.h>
#include <string.h>

/* r of BN254: the size of the field the circuits compute in. */
static const char SCALAR_ORDER[] =
    "21888242871839275222246405745257275088548364400416034343698204186575808495617";

enum err field_refuse(const struct field_fault *f, const char *pointer, const char *reason)
{
    snprintf(f->pointer, WORKLOAD_POINTER_MAX, "%s", pointer);
    snprintf(f->reason, WORKLOAD_REASON_MAX, "%s", reason);
    return ERR_BAD_FIELD;
}

static bool listed(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

enum err field_only(const json_t *object, const char *const *names, const struct field_fault *f)
{
    if (!json_is_object(object))
        return field_refuse(f, "", "the input must be a JSON object");
    /* Jansson's iterators are not const-correct; nothing is changed here. */
    json_t *o = (json_t *)(uintptr_t)object;
    for (void *it = json_object_iter(o); it != NULL; it = json_object_iter_next(o, it))
        if (!listed(json_object_iter_key(it), names))
            return field_refuse(f, "", "the input has a member this kind does not know");
    return ERR_OK;
}

bool field_hex(const json_t *value, uint8_t *out, size_t len)
{
    const char *text = json_string_value(value);
    if (text == NULL || json_string_length(value) != 2 * len)
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'F')
            return false; /* one spelling for each value, so equal inputs have equal hashes */
    return hex_decode(text, out, len) == ERR_OK;
}

bool field_int(const json_t *value, int64_t min, int64_t max, int64_t *out)
{
    if (!json_is_integer(value))
        return false;
    json_int_t v = json_integer_value(value);
    if (v < min || v > max)
        return false;
    *out = v;
    return true;
}

bool field_is_scalar(const json_t *value)
{
    const char *text = json_string_value(value);
    if (text == NULL || json_string_length(value) != strlen(text))
        return false;
    size_t len = strlen(text);
    if (len == 0 || strspn(text, "0123456789") != len || (text[0] == '0' && len > 1))
        return false;
    size_t order_len = sizeof SCALAR_ORDER - 1;
    return len < order_len || (len == order_len && strcmp(text, SCALAR_ORDER) < 0);
}

void check_set(struct workload_check *c, enum workload_verdict verdict, const char *reason)
{
    c->verdict = verdict;
    snprintf(c->reason, sizeof c->reason, "%s", reason);
}
