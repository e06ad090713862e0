/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "base/size.h"
#include "forge/train/topology/regrowth.h"

static const struct regrowth_method methods[] = {
    { .name = "set", .fraction = 0.3, .until = 1 },
    { .name = "rigl", .by_gradient = true, .fades = true, .every = 100, .fraction = 0.3, .until = 0.75 },
};

#define WHAT_THERE_IS                                                                                                  \
    "give set or rigl, and perhaps after it ,fraction=F (of a layer's connections, above 0, at most 1), ,every=N "     \
    "(steps) and ,until=P (part of the training, above 0, at most 1)"

static bool parse_one(const char *word, struct regrowth *out)
{
    double amount;

    if (parse_amount(word, "fraction", &amount) && amount > 0 && amount <= 1)
        out->fraction = amount;
    else if (parse_amount(word, "every", &amount) && amount >= 1 && amount <= 1e12 && amount == floor(amount))
        out->every = (uint64_t)amount;
    else if (parse_amount(word, "until", &amount) && amount > 0 && amount <= 1)
        out->until = amount;
    else
        return false;
    return true;
}

int regrowth_parse(const char *text, struct regrowth *out, struct reason *why)
{
    cleanup_free char *copy = strdup(text);
    char *rest = copy, *word = copy ? strsep(&rest, ",") : NULL;

    if (!word)
        return refuse_errno(why, -ENOMEM, "--regrow");
    *out = (struct regrowth){ .method = NULL };
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        if (!strcmp(methods[i].name, word))
            *out = (struct regrowth){ &methods[i], methods[i].every, methods[i].fraction, methods[i].until };
    }
    while (out->method && (word = strsep(&rest, ","))) {
        if (!parse_one(word, out))
            break;
    }
    return !word && out->method ? 0 : refuse(why, WISP_E_INVALID, "--regrow '%s': " WHAT_THERE_IS, word);
}

json_t *regrowth_json(const struct regrowth *regrowth)
{
    json_t *object = json_pack("{s:s, s:f, s:f}", "method", regrowth->method->name, "fraction", regrowth->fraction,
                               "until", regrowth->until);

    if (object && regrowth->every)
        json_object_set_new(object, "every", json_integer((json_int_t)regrowth->every));
    return object;
}

bool regrowth_is_due(const struct regrowth *regrowth, uint64_t step, uint64_t steps, uint64_t per_epoch)
{
    const uint64_t every = regrowth->every ? regrowth->every : per_epoch;

    return regrowth->method && step && step % every == 0 && (double)step < regrowth->until * (double)steps;
}

double regrowth_done(const struct regrowth *regrowth, uint64_t step, uint64_t steps)
{
    return (double)step / (regrowth->until * (double)steps);
}
