/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/outcome.h"
#include "forge/experiment/guessing.h"
#include "sparse/graph/flow.h"

enum { ADVICE_BYTES = 256 };

/* No recipe helps where nothing passes. */
static bool advise_on_flow(const struct model *model, char text[static ADVICE_BYTES])
{
    struct flow flow;
    char counts[160];

    if (flow_count(model, &flow) || !flow_is_poor(&flow))
        return false;
    flow_text(&flow, counts, sizeof counts);
    snprintf(text, ADVICE_BYTES, "%s; build it with a lower sparsity, or with --repair", counts);
    return true;
}

static const char *advise_on_recipe(const struct recipe *recipe, const struct trainer_result *r)
{
    if (r->accuracy > 0.9)
        return "it knows the training samples by heart: are they enough, and do their labels belong to them?";
    /* With "auto", "none" means that no class is rare, and then no weights help. */
    if (r->validation_balance.predicted == 1 && recipe->balance == BALANCE_NONE && r->validation_balance.majority > 0.6)
        return "it never says another class; try --balance full";
    if (recipe->optimizer->adaptive)
        return "try another --rate (three times, or a third), more --epochs, or less --sparsity";
    return "try another --rate (three times, or a third), --optimizer adamw, more --epochs, or less --sparsity";
}

void guessing_warn(const char *verb, const struct model *model, const struct recipe *recipe,
                   const struct trainer_result *r)
{
    const struct evaluation_balance *b = &r->validation_balance;
    char text[ADVICE_BYTES];

    if (r->ending == ENDING_INTERRUPTED || r->ending == ENDING_DIVERGED || !r->validated || !balance_is_guessing(b))
        return;
    if (!advise_on_flow(model, text))
        snprintf(text, sizeof text, "%s", advise_on_recipe(recipe, r));
    warn_user(verb,
              "the model does no better than guessing: it is right in %.2f%% of the validation samples (balanced "
              "accuracy %.2f%%), and always saying \"%s\" would be in %.2f%%; %s",
              100 * r->validation_accuracy, 100 * b->balanced, model->labels[b->common], 100 * b->majority, text);
}
