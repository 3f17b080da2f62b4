/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/static.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/core/log.h"

enum {
    FILES_MAX = 512,
    FILE_MAX_BYTES = 8 * 1024 * 1024,
    TOTAL_MAX_BYTES = 64 * 1024 * 1024,
    DEPTH_MAX = 8,
    PATH_MAX_BYTES = 512
};

struct static_files {
    size_t count;
    size_t total_bytes;
    struct static_file files[FILES_MAX];
};

static const char *type_of(const char *path)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".webp", "image/webp"},
        {".woff2", "font/woff2"},
        {".wasm", "application/wasm"},
        {".txt", "text/plain; charset=utf-8"},
        {".webmanifest", "application/manifest+json"},
        {".yaml", "application/yaml"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcasecmp(dot, types[i].end) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static enum err read_all(int fd, size_t size, uint8_t **out)
{
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL)
        return ERR_NO_MEMORY;
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, data + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            free(data);
            return ERR_IO;
        }
        got += (size_t)n;
    }
    *out = data;
    return ERR_OK;
}

/* Takes content; name is the path of the URL. */
static enum err keep(struct static_files *f, const char *name, uint8_t *content, size_t len)
{
    struct static_file *file = &f->files[f->count];
    uint8_t hash[HASH_BYTES];
    file->path = strdup(name);
    if (file->path == NULL) {
        free(content);
        return ERR_NO_MEMORY;
    }
    hash_plain(content, len, hash);
    file->etag[0] = '"';
    hex_encode(hash, 16, file->etag + 1);
    strcat(file->etag, "\"");
    file->content = (struct bytes){content, len};
    file->content_type = type_of(strcmp(name, "/") == 0 ? "/index.html" : name);
    file->immutable = strncmp(name, "/assets/", 8) == 0;
    f->count++;
    f->total_bytes += len;
    return ERR_OK;
}

static enum err add_file(struct static_files *f, int dir_fd, const char *file, const char *name)
{
    struct stat st;
    uint8_t *content = NULL;
    int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return ERR_IO;
    enum err e = ERR_IO;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        size_t size = (size_t)st.st_size;
        if (size > FILE_MAX_BYTES || f->total_bytes + size > TOTAL_MAX_BYTES ||
            f->count == FILES_MAX)
            e = ERR_RANGE;
        else
            e = read_all(fd, size, &content);
        if (e == ERR_OK)
            e = keep(f, name, content, size);
    }
    close(fd);
    return e;
}

static enum err add_dir(struct static_files *f, int fd, const char *prefix, int depth);

static enum err add_entry(struct static_files *f, int dir_fd, const char *entry, const char *prefix,
                          int depth)
{
    char name[PATH_MAX_BYTES];
    struct stat st;
    if (entry[0] == '.')
        return ERR_OK;
    if (snprintf(name, sizeof name, "%s/%s", prefix, entry) >= (int)sizeof name)
        return ERR_RANGE;
    if (fstatat(dir_fd, entry, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return ERR_IO;
    if (S_ISREG(st.st_mode))
        return add_file(f, dir_fd, entry, strcmp(name, "/index.html") == 0 ? "/" : name);
    if (!S_ISDIR(st.st_mode))
        return ERR_OK;
    int fd = openat(dir_fd, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? ERR_IO : add_dir(f, fd, name, depth + 1);
}

/* Takes fd. */
static enum err add_dir(struct static_files *f, int fd, const char *prefix, int depth)
{
    DIR *dir = depth > DEPTH_MAX ? NULL : fdopendir(fd);
    if (dir == NULL) {
        close(fd);
        return depth > DEPTH_MAX ? ERR_RANGE : ERR_IO;
    }
    enum err e = ERR_OK;
    const struct dirent *entry;
    while (e == ERR_OK && (entry = readdir(dir)) != NULL)
        e = add_entry(f, fd, entry->d_name, prefix, depth);
    closedir(dir);
    return e;
}

enum err static_files_new(const char *dir, const char *openapi_file, struct static_files **out)
{
    struct static_files *f = calloc(1, sizeof *f);
    enum err e = f == NULL ? ERR_NO_MEMORY : ERR_OK;
    if (e == ERR_OK && openapi_file != NULL && openapi_file[0] != '\0') {
        e = add_file(f, AT_FDCWD, openapi_file, "/openapi.yaml");
        if (e != ERR_OK)
            log_event(LOG_ERROR, "cannot read openapi_file", "path", openapi_file, NULL);
    }
    if (e == ERR_OK && dir != NULL && dir[0] != '\0') {
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        e = fd < 0 ? ERR_IO : add_dir(f, fd, "", 0);
        if (e != ERR_OK)
            log_event(LOG_ERROR, "cannot read static_dir", "path", dir, NULL);
    }
    if (e != ERR_OK) {
        static_files_free(f);
        return e;
    }
    *out = f;
    return ERR_OK;
}

static void release(const uint8_t *content)
{
    union {
        const uint8_t *in;
        void *out;
    } owned = {content}; /* struct bytes borrows by type; these we own */
    free(owned.out);
}

void static_files_free(struct static_files *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->count; i++) {
        free(f->files[i].path);
        release(f->files[i].content.data);
    }
    free(f);
}

const struct static_file *static_files_find(const struct static_files *f, const char *path,
                                            size_t len)
{
    for (size_t i = 0; i < f->count; i++) {
        if (strlen(f->files[i].path) == len && memcmp(f->files[i].path, path, len) == 0)
            return &f->files[i];
    }
    return NULL;
}
