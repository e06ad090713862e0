/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "forge/budget.h"
#include "sparse/model_file.h"

bool budget_parse(const char *text, double *out)
{
    static const char letters[] = "KMGT";
    size_t digits = strspn(text, "0123456789.");
    char number[32];
    const char *letter;
    double unit = 1000;

    if (!digits || digits >= sizeof number)
        return false;
    memcpy(number, text, digits);
    number[digits] = 0;
    if (!parse_real(number, out))
        return false;
    text += digits;
    letter = *text ? strchr(letters, *text == 'k' ? 'K' : *text) : NULL;
    if (letter) {
        text++;
        if (*text == 'i') {
            unit = 1024;
            text++;
        }
        *out *= pow(unit, (double)(letter - letters + 1));
    }
    if (*text == 'B')
        text++;
    return !*text && *out > 0;
}

struct search {
    struct plan *plan;
    struct plan_wish *wish;
    enum plan_budget budget;
    double limit;
    const struct assembly *assembly;
    struct model *outline; /* for BUDGET_FILE */
    double needed;         /* of the last plan that was tried */
};

static int measure(struct search *s, struct reason *why)
{
    uint64_t bytes;
    int result = 0;

    if (s->budget == BUDGET_FLOPS) {
        s->needed = plan_flops(s->plan);
    } else if (s->budget == BUDGET_MEMORY) {
        s->needed = (double)s->plan->bytes;
    } else {
        if (!s->outline)
            result = assemble_outline(s->plan, s->assembly, &s->outline, why);
        if (!result)
            result = assemble_outline_again(s->plan, s->assembly, s->outline, why);
        if (!result)
            result = model_file_size(s->outline, &bytes, why);
        if (!result)
            s->needed = (double)bytes;
    }
    return result;
}

/* How `connections` of them do: *side -1: fewer than the given layers take; 0: fits; 1: too many. */
static int attempt(struct search *s, uint64_t connections, uint64_t all, int *side, struct reason *why)
{
    struct reason ours;
    int result;

    s->wish->density = (double)connections / (double)all;
    result = plan_again(s->plan, s->wish, side, &ours);
    if (result && *side)
        return 0;
    if (result)
        return refuse(why, result, "%s", ours.text);
    /* The file says what it was made for, so that belongs to its size. */
    s->plan->budget = s->budget;
    s->plan->budget_limit = s->limit;
    result = measure(s, &ours);
    /* A file that may not be at all, because it would be too long, does not fit. */
    if (result && result != WISP_E_INVALID && result != -EFBIG)
        return refuse(why, result, "%s", ours.text);
    *side = result || s->needed > s->limit;
    return 0;
}

int budget_solve(struct plan *plan, struct plan_wish *wish, enum plan_budget budget, double limit,
                 const struct assembly *assembly, struct reason *why)
{
    struct search s = { plan, wish, budget, limit, assembly, NULL, 0 };
    uint64_t all = structure_potential(&plan->structure), low = 0, high = all + 1;
    double least = INFINITY;
    int result = 0, side;

    while (high - low > 1 && !result) {
        uint64_t middle = low + (high - low) / 2;

        result = attempt(&s, middle, all, &side, why);
        if (!result && side > 0) {
            high = middle;
            least = s.needed;
        } else {
            low = middle;
        }
    }
    side = 1;
    if (!result && low)
        result = attempt(&s, low, all, &side, why);
    model_free(s.outline);
    if (!result && side)
        result =
            refuse(why, WISP_E_INVALID, "no density fits: the sparsest network needs %.10g %s, and %.10g are allowed",
                   least, plan_budget_unit(budget), limit);
    return result;
}
