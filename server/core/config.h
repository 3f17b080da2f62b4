/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from an INI file, the environment and the command line, checked against config.def. */
#ifndef CF_CORE_CONFIG_H
#define CF_CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "server/core/err.h"

enum config_key {
#define C(section, key, type, def, min, max, help) CONFIG_##section##_##key,
#include "server/core/config.def"
#undef C
    CONFIG_COUNT
};

struct config;

/* Defaults, then path (NULL: none), then COMPUTEFI_* variables. Unknown keys and bad values are
 * errors: *out_error names the file, line and reason (static storage of cfg). */
enum err config_load(const char *path, struct config **out, char *error,
                     size_t error_cap) CF_MUST_CHECK;
/* "section.key=value" from --set. */
enum err config_set(struct config *c, const char *assignment, char *error,
                    size_t error_cap) CF_MUST_CHECK;
void config_free(struct config *c);
const char *config_text(const struct config *c, enum config_key k);
int64_t config_int(const struct config *c, enum config_key k);
bool config_bool(const struct config *c, enum config_key k);
/* Prints every setting with where it comes from; secrets as "***". */
void config_show(const struct config *c, FILE *out);

#endif
