/* SPDX-License-Identifier: Apache-2.0 */
#include "server/proc/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_CHUNK = 16 * 1024, OPEN_DIRS_MAX = 16 };

static enum err write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        data += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

/* A rename is durable only when its folder was synced. */
static enum err sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else if ((size_t)(slash - path) >= sizeof folder)
        return ERR_IO;
    else
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path + (slash == path)), path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    enum err e = fsync(fd) == 0 ? ERR_OK : ERR_IO;
    close(fd);
    return e;
}

enum err file_replace(const char *path, const void *data, size_t len, mode_t mode)
{
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return ERR_IO;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    enum err e = fchmod(fd, mode) == 0 ? write_all(fd, data, len) : ERR_IO;
    if (e == ERR_OK && fsync(fd) != 0)
        e = ERR_IO;
    if (close(fd) != 0)
        e = ERR_IO;
    if (e == ERR_OK && rename(temporary, path) != 0)
        e = ERR_IO;
    if (e != ERR_OK) {
        unlink(temporary);
        return e;
    }
    return sync_folder_of(path);
}

enum err file_read(const char *path, struct buf *out)
{
    char chunk[READ_CHUNK];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    enum err e = ERR_OK;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            e = ERR_IO;
        if (n <= 0)
            break;
        buf_add(out, chunk, (size_t)n);
        if (!buf_ok(out)) {
            e = ERR_TOO_LARGE;
            break;
        }
    }
    close(fd);
    return e;
}

enum err file_make_dir(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? ERR_OK : ERR_IO;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

enum err file_remove_tree(const char *path)
{
    if (nftw(path, remove_entry, OPEN_DIRS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0)
        return ERR_OK;
    return errno == ENOENT ? ERR_OK : ERR_IO;
}
