/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "forge/cost/budget.h"
#include "sparse/file/model_file.h"
#include "sparse/file/safetensors.h"

/* By how much the headers of two plans of one structure may differ, when it is not by what their connections are more:
 * a few numbers of up to 24 characters, and the multiple of 64 that the header ends at; and for each layer two entries
 * of padding that are there or not, and a digit here and there. */
enum { HEADER_ROUNDING = 6 * 24 + SAFETENSORS_ALIGNMENT, LAYER_ROUNDING = 2 * (96 + SAFETENSORS_ALIGNMENT) };

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
    uint64_t all;          /* connections of the dense network */
    uint64_t metadata;     /* bytes of it in the last file that was measured; 0: none was */
    double needed;         /* by the last plan that was tried; when it does not fit, at least so much */
};

/* By how much the metadata of two plans of one structure differ at most: a few numbers. */
enum { METADATA_ROUNDING = 6 * 24 };

/* Most plans that are tried do not fit by far: then the metadata need not be written anew. */
static bool is_far_too_long(struct search *s)
{
    uint64_t bytes;

    assemble_outline_counts(s->plan, s->outline);
    if (model_file_size_with(s->outline, s->metadata - METADATA_ROUNDING, &bytes))
        return false;
    s->needed = (double)bytes;
    return s->needed > s->limit;
}

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
        if (!result && s->metadata > METADATA_ROUNDING && is_far_too_long(s))
            return 0;
        if (!result)
            result = assemble_outline_again(s->plan, s->assembly, s->outline, why);
        if (!result)
            result = model_file_size(s->outline, &bytes, &s->metadata, why);
        if (!result)
            s->needed = (double)bytes;
    }
    return result;
}

/* How `connections` of them do: *side -1: fewer than the given layers take; 0: fits; 1: too many. */
static int attempt(struct search *s, uint64_t connections, int *side, struct reason *why)
{
    struct reason ours;
    int result;

    s->wish->density = (double)connections / (double)s->all;
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
    if (result && result != -EFBIG)
        return refuse(why, result, "%s", ours.text);
    *side = result || s->needed > s->limit;
    return 0;
}

/* What the last plan would need at least, were there no rounding that makes more connections need less: of shares to
 * whole connections (or kernels), of tensors to multiples of 64, of numbers in the header to digits. It grows with the
 * connections, so when it is over the limit, no more of them fit. */
static double min_needed(const struct search *s)
{
    double min = s->needed;

    for (uint32_t i = 0; i < s->plan->layer_count; i++) {
        const struct density_layer *d = &s->plan->layers[i].density;
        double rounding = s->wish->sampling.kernels ? (double)(d->kernel_width * d->kernel_height) : 1;

        min -= plan_connection_cost(s->plan, i, s->budget) *
               fmax(0, (double)d->connections - d->probability * (double)d->potential + rounding);
        if (s->budget == BUDGET_FILE)
            min -= LAYER_ROUNDING;
    }
    return s->budget == BUDGET_FILE ? min - HEADER_ROUNDING : min;
}

/* More connections may need less: from the end that bisection found on, all that might are tried. */
static int look_beyond(struct search *s, uint64_t *best, struct reason *why)
{
    int result = 0, side;

    for (uint64_t connections = *best + 1; connections <= s->all && !result; connections++) {
        result = attempt(s, connections, &side, why);
        if (!result && !side)
            *best = connections;
        if (!result && side > 0 && min_needed(s) > s->limit)
            break;
    }
    return result;
}

int budget_solve(struct plan *plan, struct plan_wish *wish, enum plan_budget budget, double limit,
                 const struct assembly *assembly, struct reason *why)
{
    const uint64_t all = structure_potential(&plan->structure);
    const double max = budget == BUDGET_FILE ? fmin(limit, (double)MODEL_FILE_MAX) : limit;
    struct search s = { plan, wish, budget, max, assembly, NULL, all, 0, 0 };
    uint64_t low = 0, high = all + 1;
    double min = INFINITY;
    int result = 0, side;

    while (high - low > 1 && !result) {
        uint64_t middle = low + (high - low) / 2;

        result = attempt(&s, middle, &side, why);
        if (!result && side > 0) {
            high = middle;
            min = s.needed;
        } else {
            low = middle;
        }
    }
    if (!result)
        result = look_beyond(&s, &low, why);
    side = 1;
    if (!result && low)
        result = attempt(&s, low, &side, why);
    model_free(s.outline);
    if (!result && side)
        result =
            refuse(why, WISP_E_INVALID, "no density fits: the sparsest network needs %.15g %s, and %.15g are allowed",
                   min, plan_budget_unit(budget), max);
    return result;
}

int budget_check(struct plan *plan, enum plan_budget budget, double limit, const struct assembly *assembly,
                 struct reason *why)
{
    struct search s = { plan, NULL, budget, limit, assembly, NULL, 0, 0, 0 };
    int result = measure(&s, why);

    model_free(s.outline);
    if (!result && s.needed > limit)
        return refuse(why, WISP_E_INVALID, "its sparsity %.6g takes %.15g %s, and %.15g are allowed", 1 - plan->density,
                      s.needed, plan_budget_unit(budget), limit);
    return result;
}
