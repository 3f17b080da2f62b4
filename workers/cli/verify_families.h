/* SPDX-License-Identifier: Apache-2.0 */
/* `computefi verify FAMILY FILE...`: runs vector files through the verifiers of this program. */
#ifndef CF_CLI_VERIFY_FAMILIES_H
#define CF_CLI_VERIFY_FAMILIES_H

#include <stddef.h>
#include <stdio.h>

/* Runs the cases of one file and adds to *passed and *failed. Prints each case that disagrees to
 * out. Files it needs beside the document are read from the same folder. Returns 0, or -1 when the
 * family is unknown or the file cannot be read as one of its documents (said on out; nothing was
 * counted). */
int verify_family_run(const char *family, const char *path, FILE *out, size_t *passed,
                      size_t *failed);

/* The names of the families, NULL-terminated. */
const char *const *verify_family_names(void);

#endif
