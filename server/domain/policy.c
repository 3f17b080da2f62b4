/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/policy.h"

#include <stddef.h>
#include <string.h>

#include "server/domain/sortition.h"

enum { PRESET_DEFAULT, PRESET_DEVELOPMENT, PRESET_CYSIC, PRESETS };

static const struct number {
    const char *member;
    size_t offset;
    int64_t least;
    int64_t most;
    int64_t preset[PRESETS];
} numbers[] = {
#define P(field, least, most, def, development, cysic)                                             \
    {#field, offsetof(struct policy, field), least, most, {def, development, cysic}},
#include "server/domain/policy.def"
#undef P
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static int64_t *number_of(struct policy *p, const struct number *n)
{
    return (int64_t *)(void *)((char *)p + n->offset);
}

static bool parse_word(const json_t *row, const char *member, const char *yes, const char *no,
                       bool *out)
{
    const char *text = json_string_value(json_object_get(row, member));
    if (!text || (strcmp(text, yes) != 0 && strcmp(text, no) != 0))
        return false;
    *out = strcmp(text, yes) == 0;
    return true;
}

static bool parse_bool(const json_t *row, const char *member, bool *out)
{
    const json_t *v = json_object_get(row, member);
    if (!json_is_boolean(v))
        return false;
    *out = json_is_true(v);
    return true;
}

static bool parse_ladder(const json_t *row, struct ladder *out)
{
    const json_t *seats = json_object_get(row, "rung_seats");
    const json_t *quorums = json_object_get(row, "rung_quorums");
    size_t count = json_array_size(seats);
    if (count < 1 || count > LADDER_RUNGS_MAX || json_array_size(quorums) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        json_int_t s = json_integer_value(json_array_get(seats, i));
        json_int_t q = json_integer_value(json_array_get(quorums, i));
        if (s < 1 || s > SORTITION_SEATS_MAX || q < 1 || q > s)
            return false;
        out->rungs[i] = (struct rung){(int)s, (int)q};
    }
    out->count = (int)count;
    return true;
}

enum err policy_parse(const json_t *row, struct policy *out, const char **out_member)
{
    struct policy p;
    memset(&p, 0, sizeof p);
    for (size_t i = 0; i < NUMBERS; i++) {
        const json_t *v = json_object_get(row, numbers[i].member);
        *out_member = numbers[i].member;
        if (!json_is_integer(v) || json_integer_value(v) < numbers[i].least ||
            json_integer_value(v) > numbers[i].most)
            return ERR_BAD_FIELD;
        *number_of(&p, &numbers[i]) = json_integer_value(v);
    }
    bool cysic = false;
    *out_member = "preset";
    if (!parse_word(row, "preset", "cysic-production", "default", &cysic))
        return ERR_BAD_FIELD;
    p.rule = cysic ? RANKING_CYSIC : RANKING_WEIGHTED;
    *out_member = "sealing";
    if (!parse_word(row, "sealing", "operator", "sealed", &p.sealing_operator))
        return ERR_BAD_FIELD;
    *out_member = "mechanical_check";
    if (!parse_bool(row, "mechanical_check", &p.mechanical_check))
        return ERR_BAD_FIELD;
    *out_member = "committee";
    if (!parse_bool(row, "committee", &p.committee))
        return ERR_BAD_FIELD;
    *out_member = "rung_seats";
    if (!parse_ladder(row, &p.ladder))
        return ERR_BAD_FIELD;
    *out = p;
    return ERR_OK;
}

json_t *policy_json(const struct policy *p)
{
    struct policy copy = *p;
    json_t *row = json_object();
    for (size_t i = 0; i < NUMBERS; i++)
        json_object_set_new(row, numbers[i].member, json_integer(*number_of(&copy, &numbers[i])));
    json_object_set_new(row, "preset",
                        json_string(p->rule == RANKING_CYSIC ? "cysic-production" : "default"));
    json_object_set_new(row, "sealing", json_string(p->sealing_operator ? "operator" : "sealed"));
    json_object_set_new(row, "mechanical_check", json_boolean(p->mechanical_check));
    json_object_set_new(row, "committee", json_boolean(p->committee));
    json_t *seats = json_array();
    json_t *quorums = json_array();
    for (int i = 0; i < p->ladder.count; i++) {
        json_array_append_new(seats, json_integer(p->ladder.rungs[i].seats));
        json_array_append_new(quorums, json_integer(p->ladder.rungs[i].quorum));
    }
    json_object_set_new(row, "rung_seats", seats);
    json_object_set_new(row, "rung_quorums", quorums);
    return row;
}

enum err policy_preset(const char *name, struct policy *out)
{
    static const struct {
        const char *name;
        int column;
        bool cysic;
        bool check;
        bool operator_opens;
    } presets[] = {{"default", PRESET_DEFAULT, false, true, false},
                   {"development", PRESET_DEVELOPMENT, false, true, false},
                   {"development-ladder", PRESET_DEVELOPMENT, false, false, false},
                   {"development-fast", PRESET_DEVELOPMENT, false, true, true},
                   {"cysic-production", PRESET_CYSIC, true, false, true}};
    static const struct ladder ladders[] = {{{{5, 5}, {15, 11}, {31, 21}, {101, 68}}, 4},
                                            {{{20, 12}}, 1}};
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(presets[i].name, name) != 0)
            continue;
        memset(out, 0, sizeof *out);
        for (size_t n = 0; n < NUMBERS; n++)
            *number_of(out, &numbers[n]) = numbers[n].preset[presets[i].column];
        out->rule = presets[i].cysic ? RANKING_CYSIC : RANKING_WEIGHTED;
        out->sealing_operator = presets[i].operator_opens;
        out->mechanical_check = presets[i].check;
        out->committee = true;
        out->ladder = ladders[presets[i].cysic];
        return ERR_OK;
    }
    return ERR_UNKNOWN_POLICY;
}

int64_t policy_ladder_ms(const struct policy *p)
{
    return p->ladder.count * (2 * p->commit_ms + p->reveal_ms);
}
