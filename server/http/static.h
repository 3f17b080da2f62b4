/* SPDX-License-Identifier: Apache-2.0 */
/* The built dashboard and the contract, read into memory at start-up: no request opens a file. */
#ifndef CF_HTTP_STATIC_H
#define CF_HTTP_STATIC_H

#include <stdbool.h>
#include <stddef.h>

#include "server/core/bytes.h"
#include "server/core/err.h"

struct static_file {
    char *path; /* "/assets/app-1a2b.js"; "/" is index.html */
    const char *content_type;
    struct bytes content;
    char etag[2 * 16 + 3]; /* quoted */
    bool immutable;        /* its name carries a hash of its content */
};

struct static_files;

/* dir, openapi_file: NULL or "" for none. ERR_IO when one is named and cannot be read, ERR_RANGE
 * when they are too many or too large. Borrowed pointers stay valid until static_files_free. */
enum err static_files_new(const char *dir, const char *openapi_file,
                          struct static_files **out) CF_MUST_CHECK;
void static_files_free(struct static_files *f);
/* NULL when there is none. */
const struct static_file *static_files_find(const struct static_files *f, const char *path,
                                            size_t len);

#endif
