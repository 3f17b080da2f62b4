/* SPDX-License-Identifier: Apache-2.0 */
/* Small files that must survive a kill: written beside their place, synced, renamed over it. */
#ifndef CF_PROC_FILE_H
#define CF_PROC_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "server/core/buf.h"
#include "server/core/err.h"

/* Replaces path atomically and durably; ERR_IO, and the old content stands. */
enum err file_replace(const char *path, const void *data, size_t len, mode_t mode) CF_MUST_CHECK;
/* Appends the whole file; ERR_NOT_FOUND, ERR_IO, ERR_TOO_LARGE beyond the buffer's maximum. */
enum err file_read(const char *path, struct buf *out) CF_MUST_CHECK;
/* Makes a folder (mode 0700) unless it exists; parents must exist. ERR_IO. */
enum err file_make_dir(const char *path) CF_MUST_CHECK;
/* Removes a folder with everything in it; a missing one is fine. ERR_IO. */
enum err file_remove_tree(const char *path) CF_MUST_CHECK;

#endif
