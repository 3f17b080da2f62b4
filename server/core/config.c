/* SPDX-License-Identifier: Apache-2.0 */
/* One array of texts, checked when they are set, so that readers cannot fail. */
#include "server/core/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VALUE_MAX_BYTES = 4096, NAME_MAX_BYTES = 128, ORIGIN_MAX_BYTES = 256 };

enum type { TEXT, INT, BOOL, SECRET };

struct spec {
    const char *section;
    const char *key;
    enum type type;
    const char *def;
    int64_t min;
    int64_t max;
};

static const struct spec SPECS[CONFIG_COUNT] = {
#define C(section, key, type, def, min, max, help)                                                 \
    [CONFIG_##section##_##key] = {#section, #key, type, def, min, max},
#include "server/core/config.def"
#undef C
};

struct config {
    char *text[CONFIG_COUNT];
    int64_t num[CONFIG_COUNT];
    char origin[CONFIG_COUNT]
               [ORIGIN_MAX_BYTES]; /* "default", "file:line", "COMPUTEFI_X_Y", "--set" */
};

struct report {
    char *text;
    size_t cap;
};

__attribute__((format(printf, 2, 3))) static enum err fail(struct report r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (r.cap > 0)
        vsnprintf(r.text, r.cap, format, args);
    va_end(args);
    return ERR_PARSE;
}

static int find(const char *section, const char *key)
{
    for (int i = 0; i < CONFIG_COUNT; i++) {
        if (strcmp(SPECS[i].section, section) == 0 && strcmp(SPECS[i].key, key) == 0)
            return i;
    }
    return -1;
}

static bool parse_bool(const char *value, int64_t *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(value, words[i]) == 0) {
            *out = (int64_t)(i & 1);
            return true;
        }
    }
    return false;
}

static bool parse_int(const char *value, const struct spec *s, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    long long v = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || isspace((unsigned char)value[0]))
        return false;
    *out = v;
    return v >= s->min && v <= s->max;
}

/* The first line of a file that nobody but its owner can read. */
static enum err read_secret(const char *path, const char *origin, char out[VALUE_MAX_BYTES],
                            struct report r)
{
    struct stat st;
    enum err e = ERR_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail(r, "%s: cannot open the secret file %s: %s", origin, path, strerror(errno));
    ssize_t n = read(fd, out, VALUE_MAX_BYTES - 1);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        e = fail(r, "%s: the secret file %s must be a regular file of mode 0600", origin, path);
    else if (n < 0)
        e = fail(r, "%s: cannot read the secret file %s: %s", origin, path, strerror(errno));
    else if (n == VALUE_MAX_BYTES - 1)
        e = fail(r, "%s: the secret file %s is too long", origin, path);
    if (e == ERR_OK) {
        out[n] = '\0';
        out[strcspn(out, "\r\n")] = '\0';
    }
    close(fd);
    return e;
}

static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

static enum err assign(struct config *c, int i, const char *value, const char *origin,
                       struct report r)
{
    const struct spec *s = &SPECS[i];
    char secret[VALUE_MAX_BYTES] = "";
    int64_t num = 0;
    if (strlen(value) >= VALUE_MAX_BYTES)
        return fail(r, "%s: %s.%s is too long", origin, s->section, s->key);
    if (s->type == INT && !parse_int(value, s, &num))
        return fail(r, "%s: %s.%s must be a whole number from %lld to %lld, not \"%s\"", origin,
                    s->section, s->key, (long long)s->min, (long long)s->max, value);
    if (s->type == BOOL && !parse_bool(value, &num))
        return fail(r, "%s: %s.%s must be true or false, not \"%s\"", origin, s->section, s->key,
                    value);
    if (s->type == SECRET && value[0] == '@') {
        enum err e = read_secret(value + 1, origin, secret, r);
        if (e != ERR_OK)
            return e;
        value = secret;
    }
    char *copy = strdup(value);
    explicit_bzero(secret, sizeof secret);
    if (copy == NULL)
        return ERR_NO_MEMORY;
    wipe(c->text[i]);
    c->text[i] = copy;
    c->num[i] = num;
    snprintf(c->origin[i], ORIGIN_MAX_BYTES, "%s", origin);
    return ERR_OK;
}

/* What the parser's callbacks share. inih goes on after an error; the first one is kept. */
struct load {
    struct config *config;
    const char *path;
    FILE *file;
    int line;
    enum err e;
    struct report report;
};

static char *next_line(char *line, int cap, void *arg)
{
    struct load *l = arg;
    if (fgets(line, cap, l->file) == NULL)
        return NULL;
    l->line++;
    if (strchr(line, '\n') == NULL && !feof(l->file) && l->e == ERR_OK)
        l->e = fail(l->report,
                    "%s:%d: the line is longer than %d characters (keep a long secret in "
                    "a file: @/path)",
                    l->path, l->line, cap - 2);
    return line;
}

static int on_pair(void *arg, const char *section, const char *key, const char *value)
{
    struct load *l = arg;
    char origin[ORIGIN_MAX_BYTES];
    if (l->e != ERR_OK)
        return 1;
    int i = find(section, key);
    snprintf(origin, sizeof origin, "%s:%d", l->path, l->line);
    if (i < 0)
        l->e = fail(l->report, "%s: there is no setting %s.%s", origin, section, key);
    else
        l->e = assign(l->config, i, value, origin, l->report);
    return 1;
}

static enum err load_file(struct config *c, const char *path, struct report r)
{
    struct load l = {.config = c, .path = path, .report = r, .e = ERR_OK};
    l.file = fopen(path, "re");
    if (l.file == NULL)
        return fail(r, "%s: %s", path, strerror(errno));
    int bad_line = ini_parse_stream(next_line, &l, on_pair, &l);
    if (l.e == ERR_OK && bad_line > 0)
        l.e = fail(r, "%s:%d: expected [section], key = value or a comment", path, bad_line);
    else if (l.e == ERR_OK && bad_line < 0)
        l.e = ERR_NO_MEMORY;
    if (l.e == ERR_OK && ferror(l.file))
        l.e = fail(r, "%s: cannot be read", path);
    fclose(l.file);
    return l.e;
}

/* "COMPUTEFI_DB_BATCH_MAX": sections hold no underscore, so the first one ends the section.
 * Variables whose second word is no section belong to somebody else. */
static enum err load_variable(struct config *c, const char *variable, struct report r)
{
    char name[NAME_MAX_BYTES];
    const char *equals = strchr(variable, '=');
    size_t len = equals == NULL ? 0 : (size_t)(equals - variable);
    if (len == 0 || len >= sizeof name)
        return ERR_OK;
    memcpy(name, variable, len);
    name[len] = '\0';
    char lower[NAME_MAX_BYTES];
    for (size_t i = 0; i <= len; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    char *section = lower + strlen("computefi_");
    char *key = strchr(section, '_');
    if (key == NULL)
        return ERR_OK;
    *key++ = '\0';
    bool ours = false;
    for (int i = 0; i < CONFIG_COUNT; i++)
        ours = ours || strcmp(SPECS[i].section, section) == 0;
    if (!ours)
        return ERR_OK;
    int i = find(section, key);
    if (i < 0)
        return fail(r, "environment: %s: there is no setting %s.%s", name, section, key);
    return assign(c, i, equals + 1, name, r);
}

static enum err load_environment(struct config *c, struct report r)
{
    enum err e = ERR_OK;
    for (char **v = environ; v != NULL && *v != NULL && e == ERR_OK; v++) {
        if (strncmp(*v, "COMPUTEFI_", strlen("COMPUTEFI_")) == 0)
            e = load_variable(c, *v, r);
    }
    return e;
}

enum err config_load(const char *path, struct config **out, char *error, size_t error_cap)
{
    struct report r = {error, error_cap};
    struct config *c = calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_NO_MEMORY;
    enum err e = ERR_OK;
    for (int i = 0; i < CONFIG_COUNT && e == ERR_OK; i++)
        e = assign(c, i, SPECS[i].def, "default", r);
    if (e == ERR_OK && path != NULL)
        e = load_file(c, path, r);
    if (e == ERR_OK)
        e = load_environment(c, r);
    if (e != ERR_OK) {
        config_free(c);
        return e;
    }
    *out = c;
    return ERR_OK;
}

enum err config_set(struct config *c, const char *assignment, char *error, size_t error_cap)
{
    struct report r = {error, error_cap};
    char name[NAME_MAX_BYTES];
    const char *equals = strchr(assignment, '=');
    size_t len = equals == NULL ? 0 : (size_t)(equals - assignment);
    if (len == 0 || len >= sizeof name)
        return fail(r, "--set %s: expected section.key=value", assignment);
    memcpy(name, assignment, len);
    name[len] = '\0';
    char *key = strchr(name, '.');
    if (key == NULL)
        return fail(r, "--set %s: expected section.key=value", name);
    *key++ = '\0';
    int i = find(name, key);
    if (i < 0)
        return fail(r, "--set: there is no setting %s.%s", name, key);
    return assign(c, i, equals + 1, "--set", r);
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < CONFIG_COUNT; i++)
        wipe(c->text[i]);
    free(c);
}

const char *config_text(const struct config *c, enum config_key k)
{
    assert(SPECS[k].type == TEXT || SPECS[k].type == SECRET);
    return c->text[k];
}

int64_t config_int(const struct config *c, enum config_key k)
{
    assert(SPECS[k].type == INT);
    return c->num[k];
}

bool config_bool(const struct config *c, enum config_key k)
{
    assert(SPECS[k].type == BOOL);
    return c->num[k] != 0;
}

void config_show(const struct config *c, FILE *out)
{
    for (int i = 0; i < CONFIG_COUNT; i++) {
        bool hidden = SPECS[i].type == SECRET && c->text[i][0] != '\0';
        fprintf(out, "%s.%s = %s  ; %s\n", SPECS[i].section, SPECS[i].key,
                hidden ? "***" : c->text[i], c->origin[i]);
    }
}
