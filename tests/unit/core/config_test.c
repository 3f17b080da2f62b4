/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cu.h"

static char folder[] = "/tmp/computefi-config-XXXXXX";
static char error[512];

static int set_up(void)
{
    return mkdtemp(folder) == NULL;
}

static int tear_down(void)
{
    return rmdir(folder);
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    chmod(path, mode);
    return path;
}

static enum err load_text(const char *text, struct config **out)
{
    const char *path = write_file("test.ini", text, 0600);
    error[0] = '\0';
    enum err e = config_load(path, out, error, sizeof error);
    unlink(path);
    return e;
}

static void defaults_hold(void)
{
    struct config *c = NULL;
    CU_ASSERT_EQUAL_FATAL(config_load(NULL, &c, error, sizeof error), ERR_OK);
    CU_ASSERT_EQUAL(config_int(c, CONFIG_server_port), 8080);
    CU_ASSERT_STRING_EQUAL(config_text(c, CONFIG_server_listen), "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(config_text(c, CONFIG_db_uri), "");
    config_free(c);
}

static void file_then_environment_then_set(void)
{
    struct config *c = NULL;
    setenv("COMPUTEFI_DB_BATCH_MAX", "64", 1);
    setenv("COMPUTEFI_TEST_PG", "not a section", 1);
    enum err e = load_text("; comment\n[server]\nport = 1\n[db]\nbatch_max=32\nreaders = 3\n", &c);
    unsetenv("COMPUTEFI_DB_BATCH_MAX");
    unsetenv("COMPUTEFI_TEST_PG");
    CU_ASSERT_EQUAL_FATAL(e, ERR_OK);
    CU_ASSERT_EQUAL(config_int(c, CONFIG_server_port), 1);
    CU_ASSERT_EQUAL(config_int(c, CONFIG_db_readers), 3);
    CU_ASSERT_EQUAL(config_int(c, CONFIG_db_batch_max), 64);
    CU_ASSERT_EQUAL(config_set(c, "db.batch_max=128", error, sizeof error), ERR_OK);
    CU_ASSERT_EQUAL(config_int(c, CONFIG_db_batch_max), 128);
    CU_ASSERT_EQUAL(config_set(c, "market.id=a=b", error, sizeof error), ERR_OK);
    CU_ASSERT_STRING_EQUAL(config_text(c, CONFIG_market_id), "a=b");
    config_free(c);
}

static void mistakes_name_file_and_line(void)
{
    static const struct {
        const char *text;
        const char *where;
        const char *what;
    } rows[] = {
        {"[server]\nprot = 1\n", "test.ini:2:", "no setting server.prot"},
        {"[srv]\n\nport = 1\n", "test.ini:3:", "no setting srv.port"},
        {"[server]\nport = 65536\n", "test.ini:2:", "from 0 to 65535"},
        {"[server]\nport = 1x\n", "test.ini:2:", "whole number"},
        {"[server]\nport =\n", "test.ini:2:", "whole number"},
        {"[server]\nport = 99999999999999999999\n", "test.ini:2:", "whole number"},
        {"[server]\nnonsense\nport = 1\n", "test.ini:2:", "expected"},
        {"[db]\nuri = @/does/not/exist\n", "test.ini:2:", "cannot open the secret file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config *c = NULL;
        CU_ASSERT_EQUAL(load_text(rows[i].text, &c), ERR_PARSE);
        CU_ASSERT_PTR_NULL(c);
        CU_ASSERT_PTR_NOT_NULL(strstr(error, rows[i].where));
        CU_ASSERT_PTR_NOT_NULL(strstr(error, rows[i].what));
    }
    struct config *c = NULL;
    CU_ASSERT_EQUAL(config_load("/does/not/exist.ini", &c, error, sizeof error), ERR_PARSE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "/does/not/exist.ini"));
}

static void a_line_too_long_is_no_second_setting(void)
{
    char text[600] = "[market]\nid = ";
    struct config *c = NULL;
    memset(text + strlen(text), 'x', 400);
    CU_ASSERT_EQUAL(load_text(text, &c), ERR_PARSE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "test.ini:2:"));
}

static void environment_mistakes_are_named(void)
{
    struct config *c = NULL;
    setenv("COMPUTEFI_SERVER_PROT", "1", 1);
    CU_ASSERT_EQUAL(config_load(NULL, &c, error, sizeof error), ERR_PARSE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "COMPUTEFI_SERVER_PROT"));
    unsetenv("COMPUTEFI_SERVER_PROT");
    CU_ASSERT_EQUAL_FATAL(config_load(NULL, &c, error, sizeof error), ERR_OK);
    CU_ASSERT_EQUAL(config_set(c, "server.port", error, sizeof error), ERR_PARSE);
    CU_ASSERT_EQUAL(config_set(c, "port=1", error, sizeof error), ERR_PARSE);
    CU_ASSERT_EQUAL(config_set(c, "server.prot=1", error, sizeof error), ERR_PARSE);
    CU_ASSERT_EQUAL(config_int(c, CONFIG_server_port), 8080);
    config_free(c);
}

static void secrets_come_from_private_files(void)
{
    struct config *c = NULL;
    char assignment[300];
    char shown[8192] = "";
    CU_ASSERT_EQUAL_FATAL(config_load(NULL, &c, error, sizeof error), ERR_OK);
    const char *path = write_file("secret", "hunter2hunter2\n", 0644);
    snprintf(assignment, sizeof assignment, "server.key_secret=@%s", path);
    CU_ASSERT_EQUAL(config_set(c, assignment, error, sizeof error), ERR_PARSE);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "0600"));
    chmod(path, 0600);
    CU_ASSERT_EQUAL(config_set(c, assignment, error, sizeof error), ERR_OK);
    CU_ASSERT_STRING_EQUAL(config_text(c, CONFIG_server_key_secret), "hunter2hunter2");
    unlink(path);
    FILE *out = fmemopen(shown, sizeof shown, "w");
    config_show(c, out);
    fclose(out);
    CU_ASSERT_PTR_NOT_NULL(strstr(shown, "server.key_secret = ***  ; --set"));
    CU_ASSERT_PTR_NOT_NULL(strstr(shown, "server.port = 8080  ; default"));
    CU_ASSERT_PTR_NULL(strstr(shown, "hunter2"));
    config_free(c);
}

CU_MAIN_WITH(set_up, tear_down, "config", {"defaults hold", defaults_hold},
             {"file, then environment, then --set", file_then_environment_then_set},
             {"mistakes name file and line", mistakes_name_file_and_line},
             {"a line too long is no second setting", a_line_too_long_is_no_second_setting},
             {"environment mistakes are named", environment_mistakes_are_named},
             {"secrets come from private files", secrets_come_from_private_files})
