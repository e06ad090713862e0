/* SPDX-License-Identifier: Apache-2.0
 *
 * From a plan and a seed to a model: connections and first weights are sampled layer by layer, in memory that follows
 * the connections. The stream of random numbers of a layer is its place among the weighted layers.
 */
#ifndef FORGE_PLAN_ASSEMBLE_H
#define FORGE_PLAN_ASSEMBLE_H

#include "base/cleanup.h"
#include "forge/plan/plan.h"
#include "sparse/graph/model.h"

CLEANUP_DEFINE(model, struct model, model_free)
#define cleanup_model cleanup(model_at_exit)

struct edges;
struct pretrained;

struct assembly {
    const char *name;
    const char *media; /* JSON, or NULL */
    char **labels;     /* borrowed; label_count of them, or none */
    size_t label_count;
    uint64_t seed;
    uint64_t candidates;           /* samplings that training is to draw and choose from; 0 or 1: this one */
    const struct edges *edges;     /* connections that are given; NULL: none */
    const struct pretrained *base; /* for WEIGHTS_INHERITED */
    struct pool *pool;             /* who helps; NULL: nobody. Changes no bit. */
};

/* The plan's layers; biases 0, scales 1, unless they are inherited. *moved (may be NULL): connections that repair put
 * elsewhere. WISP_E_FORMAT when the parts do not fit. */
int assemble_model(const struct plan *plan, const struct assembly *assembly, struct model **out, uint64_t *moved,
                   struct reason *why);

/* The model without its connections, for model_file_size(): the counts are the plan's. */
int assemble_outline(const struct plan *plan, const struct assembly *assembly, struct model **out, struct reason *why);
/* The same outline for another solution of the plan: its counts, without what the file says of them; and both. */
void assemble_outline_counts(const struct plan *plan, struct model *outline);
int assemble_outline_again(const struct plan *plan, const struct assembly *assembly, struct model *outline,
                           struct reason *why);

/* Draws the model's connections and weights anew from another seed, in the way that its lineage tells: as many in every
 * layer as there are now; layers whose connections were given keep them, and their weights when those were given;
 * vectors begin anew. WISP_E_INVALID for a model with inherited values: the file they came from is needed. */
int resample_model(struct model *model, uint64_t seed, struct reason *why);
/* The dense network of the same layers: all the connections that there can be, weights drawn as a build of it with this
 * seed does, given ones too. WISP_E_INVALID as above. */
int connect_model(struct model *model, uint64_t seed, struct reason *why);

/* Gives the model its own copies of the labels. -ENOMEM. */
int model_set_labels(struct model *model, char *const *labels, size_t count);
/* Replaces one of the model's strings (media, lineage) by a copy. -ENOMEM. */
int model_set_text(char **field, const char *text);
int model_set_idf(struct model *model, const uint8_t *idf, uint32_t count); /* copied; NULL: none */

#endif
