/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments, environment, market file and help. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/json.h"
#include "server/core/money.h"
#include "workers/cli/cli.h"

static const char DEFAULT_API[] = "http://127.0.0.1:8080";
static const char DEFAULT_MARKET[] = "var/market.json";

static const struct {
    const char *name;
    const char *help;
    bool takes_value;
} GLOBALS[] = {
    {"api", "address of the API (COMPUTEFI_API; default http://127.0.0.1:8080)", true},
    {"key-file", "file with the API key (else COMPUTEFI_API_KEY)", true},
    {"market", "market.json of a local market (COMPUTEFI_MARKET; default var/market.json if there)",
     true},
    {"as", "who of the market file: requester (default), operator, provider1.., verifier1..", true},
    {"idempotency-key", "key of a write, so that repeating it is safe (default: a new one)", true},
    {"timeout", "seconds to wait in all (default 30; task wait: 600)", true},
    {"json", "print the reply as JSON", false},
    {"curl", "print the curl command instead of calling", false},
    {"quiet", "print ids only", false},
    {"help", "help of a command", false},
};

bool cli_amount(const char *text, int64_t *out_gwei)
{
    size_t len = strlen(text);
    if (len < 4 || strcmp(text + len - 3, "cys") != 0) {
        return money_parse(text, len, out_gwei) == ERR_OK;
    }
    len -= 3;
    const char *dot = memchr(text, '.', len);
    size_t whole_len = dot ? (size_t)(dot - text) : len;
    size_t frac_len = dot ? len - whole_len - 1 : 0;
    char frac[10] = "000000000";
    int64_t whole = 0;
    int64_t scaled = 0;
    if (frac_len > 9 || (dot && frac_len == 0) || money_parse(text, whole_len, &whole) != ERR_OK) {
        return false;
    }
    for (size_t i = 0; i < frac_len; i++) {
        if (dot[1 + i] < '0' || dot[1 + i] > '9') {
            return false;
        }
        frac[i] = dot[1 + i];
    }
    return money_mul(whole, 1000000000, &scaled) == ERR_OK &&
           money_add(scaled, strtoll(frac, NULL, 10), out_gwei) == ERR_OK;
}

const char *cli_flag_value(const struct cli *c, const char *name)
{
    for (int i = 0; i < CLI_FLAGS_MAX && c->command->flags[i].name; i++) {
        if (strcmp(c->command->flags[i].name, name) == 0) {
            return c->values[i];
        }
    }
    return NULL;
}

static const struct cli_command *find_command(const char *noun, const char *verb, bool *verb_used)
{
    for (size_t i = 0; i < CLI_COMMAND_COUNT; i++) {
        const struct cli_command *k = &CLI_COMMANDS[i];
        *verb_used = k->verb[0] != 0;
        if (strcmp(k->noun, noun) == 0 && (!*verb_used || (verb && strcmp(k->verb, verb) == 0))) {
            return k;
        }
    }
    return NULL;
}

void cli_help(FILE *out)
{
    fputs("computefi: the compute market from a terminal.\n\n"
          "  computefi NOUN [VERB] [ARGUMENT...] [--flag value...]\n\n",
          out);
    for (size_t i = 0; i < CLI_COMMAND_COUNT; i++) {
        const struct cli_command *k = &CLI_COMMANDS[i];
        char head[64];
        snprintf(head, sizeof head, "%s%s%s%s%s", k->noun, k->verb[0] ? " " : "", k->verb,
                 k->args[0] ? " " : "", k->args);
        fprintf(out, "  %-26s %s\n", head, k->help);
    }
    fputs("\nEverywhere:\n", out);
    for (size_t i = 0; i < sizeof GLOBALS / sizeof GLOBALS[0]; i++) {
        fprintf(out, "  --%-24s %s\n", GLOBALS[i].name, GLOBALS[i].help);
    }
    fputs("\nExit codes: 0 done, 1 refused, 2 usage, 3 not found, 4 key or scope, 5 try again,\n"
          "6 task ended unpaid, 7 time is up. Start with: computefi task list\n",
          out);
}

bool cli_help_noun(FILE *out, const char *noun)
{
    bool found = false;
    for (size_t i = 0; i < CLI_COMMAND_COUNT; i++) {
        if (strcmp(CLI_COMMANDS[i].noun, noun) == 0) {
            cli_help_command(out, &CLI_COMMANDS[i]);
            fputc('\n', out);
            found = true;
        }
    }
    return found;
}

void cli_help_command(FILE *out, const struct cli_command *k)
{
    fprintf(out, "computefi %s%s%s%s%s [flags]\n  %s\n", k->noun, k->verb[0] ? " " : "", k->verb,
            k->args[0] ? " " : "", k->args, k->help);
    for (int i = 0; i < CLI_FLAGS_MAX && k->flags[i].name; i++) {
        fprintf(out, "  --%-18s %s%s\n", k->flags[i].name, k->flags[i].help,
                k->flags[i].required ? " (required)" : "");
    }
    fprintf(out, "  for example: %s\n", k->example);
}

static enum cli_exit complain(const struct cli_command *k, const char *what, const char *word)
{
    fprintf(stderr, "computefi: %s%s%s\n", what, word ? ": " : "", word ? word : "");
    if (k) {
        cli_help_command(stderr, k);
    } else {
        fputs("computefi --help lists the commands\n", stderr);
    }
    return CLI_USAGE;
}

/* The members of --market: api, and keys.<who>. */
static enum cli_exit load_market(struct cli *c, const char *path, const char *who, bool wanted)
{
    json_error_t why;
    char member[80];
    c->market = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!c->market) {
        return wanted ? complain(NULL, "cannot read the market file", path) : CLI_OK;
    }
    snprintf(member, sizeof member, "keys.%s", who);
    if (!c->api) {
        c->api = json_string_value(cli_member(c->market, "api"));
    }
    if (!c->key) {
        c->key = json_string_value(cli_member(c->market, member));
    }
    return CLI_OK;
}

static enum cli_exit read_key_file(struct cli *c, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f || !fgets(c->key_text, sizeof c->key_text, f)) {
        if (f) {
            fclose(f);
        }
        return complain(NULL, "cannot read the key file", path);
    }
    fclose(f);
    c->key_text[strcspn(c->key_text, "\r\n")] = 0;
    c->key = c->key_text;
    return CLI_OK;
}

struct globals {
    const char *value[sizeof GLOBALS / sizeof GLOBALS[0]];
};

enum {
    G_API,
    G_KEY_FILE,
    G_MARKET,
    G_AS,
    G_IDEMPOTENCY,
    G_TIMEOUT,
    G_JSON,
    G_CURL,
    G_QUIET,
    G_HELP
};

static enum cli_exit apply_globals(struct cli *c, const struct globals *g)
{
    const char *market = g->value[G_MARKET] ? g->value[G_MARKET] : getenv("COMPUTEFI_MARKET");
    const char *who = g->value[G_AS] ? g->value[G_AS] : "requester";
    enum cli_exit code = CLI_OK;
    c->api = g->value[G_API] ? g->value[G_API] : getenv("COMPUTEFI_API");
    c->idempotency_key = g->value[G_IDEMPOTENCY];
    c->json = g->value[G_JSON] != NULL;
    c->curl = g->value[G_CURL] != NULL;
    c->quiet = g->value[G_QUIET] != NULL;
    if (g->value[G_KEY_FILE]) {
        code = read_key_file(c, g->value[G_KEY_FILE]);
    } else {
        c->key = getenv("COMPUTEFI_API_KEY");
    }
    if (g->value[G_TIMEOUT]) {
        char *end = NULL;
        errno = 0;
        long seconds = strtol(g->value[G_TIMEOUT], &end, 10);
        if (errno || *end || seconds < 1 || seconds > 86400) {
            return complain(c->command, "--timeout takes 1 to 86400 seconds", NULL);
        }
        c->timeout_ms = seconds * 1000;
    }
    if (code == CLI_OK) {
        code = load_market(c, market ? market : DEFAULT_MARKET, who, market != NULL);
    }
    if (!c->api) {
        c->api = DEFAULT_API;
    }
    return code;
}

/* How many words a global flag takes; 0 when the word is no global flag. */
static int global_words(const char *word)
{
    size_t len = strcspn(word + 2, "=");
    for (size_t k = 0; k < sizeof GLOBALS / sizeof GLOBALS[0]; k++) {
        if (strlen(GLOBALS[k].name) == len && strncmp(GLOBALS[k].name, word + 2, len) == 0) {
            return GLOBALS[k].takes_value && word[2 + len] == 0 ? 2 : 1;
        }
    }
    return 0;
}

/* --name value, --name=value, or --name for booleans. Consumes one or two words. */
static enum cli_exit take_flag(struct cli *c, struct globals *g, char **argv, int argc, int *i)
{
    char name[64];
    const char *word = argv[*i] + 2;
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const char **slot = NULL;
    bool takes_value = true;
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), word);
    for (size_t k = 0; k < sizeof GLOBALS / sizeof GLOBALS[0]; k++) {
        if (strcmp(GLOBALS[k].name, name) == 0) {
            slot = &g->value[k];
            takes_value = GLOBALS[k].takes_value;
        }
    }
    for (int k = 0; !slot && c->command && k < CLI_FLAGS_MAX && c->command->flags[k].name; k++) {
        if (strcmp(c->command->flags[k].name, name) == 0) {
            slot = &c->values[k];
            takes_value = c->command->flags[k].kind != FLAG_BOOL;
        }
    }
    if (!slot) {
        return complain(c->command, "unknown flag", argv[*i]);
    }
    if (takes_value && !equals && *i + 1 >= argc) {
        return complain(c->command, "this flag needs a value", argv[*i]);
    }
    *slot = !takes_value ? "" : equals ? equals + 1 : argv[++*i];
    return CLI_OK;
}

static int wanted_args(const struct cli_command *k)
{
    int n = k->args[0] != 0;
    for (const char *p = k->args; *p; p++) {
        n += *p == ' ';
    }
    return n;
}

static enum cli_exit check_args(const struct cli *c)
{
    bool open_ended = strstr(c->command->args, "...") != NULL;
    int want = wanted_args(c->command);
    if (c->arg_count < want || (c->arg_count > want && !open_ended)) {
        return complain(c->command, "wrong number of arguments", NULL);
    }
    for (int i = 0; i < CLI_FLAGS_MAX && c->command->flags[i].name; i++) {
        if (c->command->flags[i].required && !c->values[i]) {
            return complain(c->command, "this flag is required", c->command->flags[i].name);
        }
    }
    return CLI_OK;
}

/* The first words that are no flags name the command; only then are its flags known. */
static bool find_by_words(int argc, char **argv, struct cli *c)
{
    const char *words[2] = {NULL, NULL};
    bool verb_used = false;
    int count = 0;
    for (int i = 1; i < argc && count < 2; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            i += global_words(argv[i]) == 2;
        } else if (argv[i][0] != '-') {
            words[count++] = argv[i];
        }
    }
    c->command = count ? find_command(words[0], words[1], &verb_used) : NULL;
    return c->command && verb_used;
}

static enum cli_exit show_help(const struct cli_command *k, const char *noun)
{
    if (k) {
        cli_help_command(stdout, k);
    } else if (!noun) {
        cli_help(stdout);
    } else if (!cli_help_noun(stdout, noun)) {
        return complain(NULL, "no such command", noun);
    }
    return CLI_OK;
}

enum cli_exit cli_parse(int argc, char **argv, struct cli *c, bool *done)
{
    struct globals g = {{0}};
    if (argc > 1 && strcmp(argv[1], "help") == 0) { /* "help task wait" is "task wait --help" */
        g.value[G_HELP] = "";
        argc--;
        argv++;
    }
    const char *words[CLI_ARGS_MAX];
    int word_count = 0;
    bool verb_used = find_by_words(argc, argv, c);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            enum cli_exit code = take_flag(c, &g, argv, argc, &i);
            if (code != CLI_OK) {
                return code;
            }
        } else if (strcmp(argv[i], "-h") == 0) {
            g.value[G_HELP] = "";
        } else if (word_count < CLI_ARGS_MAX) {
            words[word_count++] = argv[i];
        }
    }
    *done = g.value[G_HELP] != NULL || word_count == 0;
    if (*done) {
        return show_help(c->command, word_count > 0 ? words[0] : NULL);
    }
    if (!c->command) {
        return complain(NULL, "no such command", words[0]);
    }
    for (int i = verb_used ? 2 : 1; i < word_count; i++) {
        c->args[c->arg_count++] = words[i];
    }
    enum cli_exit code = check_args(c);
    return code == CLI_OK ? apply_globals(c, &g) : code;
}
