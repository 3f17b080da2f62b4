/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a workload's input and result, read strictly. */
#ifndef CF_WORKLOAD_FIELD_H
#define CF_WORKLOAD_FIELD_H

#include <stdint.h>

#include "server/workload/workload.h"

/* Where and why an input was refused; both buffers as in workload.validate. */
struct field_fault {
    char *pointer;
    char *reason;
};

/* Fills the fault; always ERR_BAD_FIELD. */
enum err field_refuse(const struct field_fault *f, const char *pointer,
                      const char *reason) CF_MUST_CHECK;
/* The value must be an object with no member beyond names (NULL-terminated). */
enum err field_only(const json_t *object, const char *const *names,
                    const struct field_fault *f) CF_MUST_CHECK;
/* Reads len bytes written as 2*len lower-case hexadecimal digits. */
bool field_hex(const json_t *value, uint8_t *out, size_t len);
/* Reads an integer within [min, max]. */
bool field_int(const json_t *value, int64_t min, int64_t max, int64_t *out);
/* True for the decimal text of a number below the BN254 group order, without sign or leading zero.
 */
bool field_is_scalar(const json_t *value);

void check_set(struct workload_check *c, enum workload_verdict verdict, const char *reason);

#endif
