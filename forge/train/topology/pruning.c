/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/options.h"
#include "base/size.h"
#include "forge/train/topology/pruning.h"

static const char *const names[] = { [PRUNING_SNIP] = "snip", [PRUNING_SNIP_RATIO] = "snip-ratio" };

static int parse_method(const char *word, struct pruning *out)
{
    for (size_t i = PRUNING_SNIP; i < ARRAY_SIZE(names); i++) {
        if (!parse_amount(word, names[i], &out->sparsity))
            continue;
        out->method = (enum pruning_method)i;
        return out->sparsity >= 0 && out->sparsity < 1 ? 0 : WISP_E_INVALID;
    }
    return WISP_E_INVALID;
}

int pruning_parse(const char *text, struct pruning *out, struct reason *why)
{
    cleanup_free char *copy = strdup(text);
    char *rest = copy, *word = copy ? strsep(&rest, ",") : NULL;
    double batches = 1;

    if (!word)
        return refuse_errno(why, -ENOMEM, "--prune");
    *out = (struct pruning){ .method = PRUNING_NONE };
    if (parse_method(word, out) || (rest && !parse_amount(rest, "batches", &batches)) ||
        !(batches >= 1 && batches <= 1e6 && batches == floor(batches)))
        return refuse(why, WISP_E_INVALID,
                      "--prune '%s': give snip=S or snip-ratio=S, a sparsity of at least 0 and below 1, and perhaps "
                      "after it ,batches=N that the gradient is of",
                      text);
    out->batches = (uint64_t)batches;
    return 0;
}

json_t *pruning_json(const struct pruning *pruning)
{
    return json_pack("{s:s, s:f, s:I}", "method", names[pruning->method], "sparsity", pruning->sparsity, "batches",
                     (json_int_t)pruning->batches);
}
