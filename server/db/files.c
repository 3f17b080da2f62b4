/* SPDX-License-Identifier: Apache-2.0 */
#include "server/db/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 4096, FILE_MAX_BYTES = 4 * 1024 * 1024, PATH_MAX_BYTES = 1024 };

static enum err read_text(const char *path, char **out)
{
    enum err e = ERR_IO;
    char *text = NULL;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return ERR_IO;
    if (fseek(f, 0, SEEK_END) != 0)
        goto out;
    long size = ftell(f);
    if (size < 0 || fseek(f, 0, SEEK_SET) != 0)
        goto out;
    if (size > FILE_MAX_BYTES) {
        e = ERR_TOO_LARGE;
        goto out;
    }
    text = calloc(1, (size_t)size + 1);
    if (text == NULL)
        e = ERR_NO_MEMORY;
    else if (fread(text, 1, (size_t)size, f) == (size_t)size)
        e = ERR_OK;
out:
    fclose(f);
    if (e == ERR_OK)
        *out = text;
    else
        free(text);
    return e;
}

static int is_sql(const struct dirent *d)
{
    size_t len = strlen(d->d_name);
    return d->d_name[0] != '.' && len > 4 && strcmp(d->d_name + len - 4, ".sql") == 0;
}

/* alphasort follows the locale; the order of migrations must not. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err read_file(const char *folder, const char *name, struct sql_file *out)
{
    char path[PATH_MAX_BYTES];
    uint8_t hash[HASH_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return ERR_TOO_LARGE;
    enum err e = read_text(path, &out->text);
    if (e != ERR_OK)
        return e;
    out->name = strdup(name);
    if (out->name == NULL)
        return ERR_NO_MEMORY;
    long version = strtol(name, NULL, 10);
    out->version = version > 0 && version < 1000000 ? (int)version : 0;
    hash_plain(out->text, strlen(out->text), hash);
    hex_encode(hash, sizeof hash, out->checksum);
    return ERR_OK;
}

enum err sql_files_read(const char *dir, const char *sub, struct sql_files *out)
{
    char folder[PATH_MAX_BYTES];
    struct dirent **found = NULL;
    enum err e = ERR_OK;
    *out = (struct sql_files){.count = 0};
    int n = snprintf(folder, sizeof folder, "%s/%s", dir, sub);
    if (n < 0 || (size_t)n >= sizeof folder)
        return ERR_TOO_LARGE;
    int count = scandir(folder, &found, is_sql, by_name);
    if (count < 0)
        return ERR_IO;
    if (count > FILES_MAX)
        e = ERR_TOO_LARGE;
    else
        out->items = calloc((size_t)count + 1, sizeof out->items[0]);
    if (e == ERR_OK && out->items == NULL)
        e = ERR_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (e == ERR_OK)
            e = read_file(folder, found[i]->d_name, &out->items[out->count++]);
        free(found[i]);
    }
    free(found);
    return e;
}

void sql_files_clear(struct sql_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->items[i].name);
        free(f->items[i].text);
    }
    free(f->items);
    *f = (struct sql_files){.count = 0};
}

void sql_files_checksum(const struct sql_files *f, char out[2 * HASH_BYTES + 1])
{
    /* a hash of hashes: each checksum has one length, so no two lists give the same text */
    uint8_t sum[HASH_BYTES] = {0};
    for (size_t i = 0; i < f->count; i++) {
        const char *name = f->items[i].name;
        const struct bytes parts[] = {
            {sum, sizeof sum},
            {(const uint8_t *)name, strlen(name)},
            {(const uint8_t *)f->items[i].checksum, 2 * HASH_BYTES},
        };
        hash_tagged("computefi/sql-files", parts, sizeof parts / sizeof parts[0], sum);
    }
    hex_encode(sum, sizeof sum, out);
}
