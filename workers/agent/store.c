/* SPDX-License-Identifier: Apache-2.0 */
#include "workers/agent/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/core/json.h"
#include "server/core/log.h"
#include "server/proc/file.h"

enum { NAME_MAX_CHARS = 100, SWEEP_MAX = 10000 };
static const char RECORD[] = ".json";
static const char BYTES[] = ".bin";
static const char SAFE[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

/* Ids come from the server: one that is no plain name never becomes a path. */
static enum err path_of(const char *dir, const char *kind, const char *name, const char *suffix,
                        char out[STORE_PATH_MAX])
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_CHARS || strspn(name, SAFE) != len)
        return ERR_PARSE;
    int n = snprintf(out, STORE_PATH_MAX, "%s/%s/%s%s", dir, kind, name, suffix);
    return n > 0 && n < STORE_PATH_MAX ? ERR_OK : ERR_RANGE;
}

enum err store_open(const char *state_dir)
{
    static const char *const FOLDERS[] = {"bids", "jobs", "seats", "scratch"};
    char path[STORE_PATH_MAX];
    enum err e = file_make_dir(state_dir);
    if (e == ERR_OK && chmod(state_dir, 0700) != 0)
        e = ERR_IO;
    int n = snprintf(path, sizeof path, "%s/scratch", state_dir);
    if (n < 0 || n >= STORE_PATH_MAX)
        return ERR_RANGE;
    if (e == ERR_OK)
        e = file_remove_tree(path);
    for (size_t i = 0; e == ERR_OK && i < sizeof FOLDERS / sizeof FOLDERS[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", state_dir, FOLDERS[i]);
        e = file_make_dir(path);
    }
    return e;
}

enum err store_put(const char *state_dir, const char *kind, const char *name, const json_t *record)
{
    char path[STORE_PATH_MAX];
    enum err e = path_of(state_dir, kind, name, RECORD, path);
    if (e != ERR_OK)
        return e;
    char *text = json_canonical(record);
    if (text == NULL)
        return ERR_NO_MEMORY;
    e = file_replace(path, text, strlen(text), 0600);
    free(text);
    return e;
}

static enum err read_record(const char *path, json_t **out)
{
    struct buf text;
    buf_init(&text, STORE_RECORD_MAX_BYTES);
    enum err e = file_read(path, &text);
    if (e == ERR_OK && json_parse(text.data == NULL ? "" : text.data, text.len, out) != ERR_OK)
        e = ERR_PARSE;
    buf_clear(&text);
    return e;
}

enum err store_get(const char *state_dir, const char *kind, const char *name, json_t **out)
{
    char path[STORE_PATH_MAX];
    enum err e = path_of(state_dir, kind, name, RECORD, path);
    return e == ERR_OK ? read_record(path, out) : e;
}

void store_drop(const char *state_dir, const char *kind, const char *name)
{
    char path[STORE_PATH_MAX];
    if (path_of(state_dir, kind, name, RECORD, path) == ERR_OK)
        unlink(path);
    if (path_of(state_dir, kind, name, BYTES, path) == ERR_OK)
        unlink(path);
}

enum err store_put_bytes(const char *state_dir, const char *kind, const char *name,
                         const void *data, size_t len)
{
    char path[STORE_PATH_MAX];
    enum err e = path_of(state_dir, kind, name, BYTES, path);
    return e == ERR_OK ? file_replace(path, data, len, 0600) : e;
}

enum err store_get_bytes(const char *state_dir, const char *kind, const char *name, struct buf *out)
{
    char path[STORE_PATH_MAX];
    enum err e = path_of(state_dir, kind, name, BYTES, path);
    return e == ERR_OK ? file_read(path, out) : e;
}

/* The name of a record's file without its suffix; false for any other file. */
static bool record_name(const char *file, char name[NAME_MAX_CHARS + 1])
{
    size_t len = strlen(file);
    size_t suffix = sizeof RECORD - 1;
    if (len <= suffix || len - suffix > NAME_MAX_CHARS || strcmp(file + len - suffix, RECORD) != 0)
        return false;
    snprintf(name, NAME_MAX_CHARS + 1, "%.*s", (int)(len - suffix), file);
    return true;
}

void store_each(const char *state_dir, const char *kind,
                void (*each)(void *arg, const char *name, const json_t *record), void *arg)
{
    char path[STORE_PATH_MAX];
    char name[NAME_MAX_CHARS + 1];
    snprintf(path, sizeof path, "%s/%s", state_dir, kind);
    DIR *dir = opendir(path);
    for (struct dirent *d = dir ? readdir(dir) : NULL; d != NULL; d = readdir(dir)) {
        json_t *record = NULL;
        if (!record_name(d->d_name, name))
            continue;
        enum err e = store_get(state_dir, kind, name, &record);
        if (e == ERR_OK)
            each(arg, name, record);
        else
            log_event(LOG_WARN, "record unreadable", "kind", kind, "name", name, "error",
                      err_code(e), NULL);
        json_decref(record);
    }
    if (dir != NULL)
        closedir(dir);
}

void store_sweep(const char *state_dir, const char *kind, int64_t age_s)
{
    char path[STORE_PATH_MAX];
    int removed = 0;
    snprintf(path, sizeof path, "%s/%s", state_dir, kind);
    DIR *dir = opendir(path);
    for (struct dirent *d = dir ? readdir(dir) : NULL; d != NULL && removed < SWEEP_MAX;
         d = readdir(dir)) {
        struct stat st;
        if (d->d_name[0] == '.' || fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode) || time(NULL) - st.st_mtime < age_s)
            continue;
        removed += unlinkat(dirfd(dir), d->d_name, 0) == 0;
    }
    if (dir != NULL)
        closedir(dir);
}
