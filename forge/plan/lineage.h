/* SPDX-License-Identifier: Apache-2.0
 *
 * Lineage: what a model file says of its origin. A JSON object that holds nothing of the machine, the clock or the
 * number of threads, so that the same inputs and seed give the same file.
 *
 *   {"wisp": "0.1.0", "structure": "784-…", "method": "er", "sparsity": 0.95, "sigma": …, "seed": 7,
 *    "connections": …, "potential": …,
 *    "sampling": "exact", "granularity": "weight", "repair": false, "weights": "scaled",
 *    "budget": {"of": "file", "limit": …}, "given": {"fc1": 0.2},
 *    "candidates": 5,
 *    "edges": {"fc1": {"hash", "connections", "weights"}}, "base": {"name", "hash"},
 *    "training": {"recipe": {…}, "data": {"name", "hash", "samples", "validation_samples"}, "epochs", "best_epoch",
 *                 "accuracy", "validation_accuracy", "loss", "interrupted", "candidates": [{"seed", …}],
 *                 "adversary": {"name", "identity"}, "media": {…}}     the last of what is made of noise
 *    "quantized": {"values": "bf16", "of", "data": {"name", "hash", "split"}, "float32": {…}, "rounded": {…},
 *                  "difference": {…}}}                figures of `wisp eval`, of both models, and how they differ
 */
#ifndef FORGE_PLAN_LINEAGE_H
#define FORGE_PLAN_LINEAGE_H

#include <jansson.h>

#include "forge/plan/plan.h"
#include "sparse/graph/model.h"

/* Digits of a real number in every JSON that the forge writes: enough for any float, without noise like 0.94999. */
#define JSON_FORM (JSON_COMPACT | JSON_REAL_PRECISION(10))

struct assembly;

/* What is known before anything is sampled, and all there is to say of a build. The caller frees it; NULL: out of
 * memory. */
char *lineage_of_build(const struct plan *plan, const struct assembly *assembly);

/* The model's lineage as an object, {} when it has none or an unreadable one. New reference; NULL: out of memory. */
json_t *lineage_of_model(const struct model *model);

/* The seed that the file's connections were drawn from; 0 when it does not say. */
uint64_t lineage_seed(const struct model *model);

/* Replaces the model's lineage; takes the reference over. -ENOMEM. */
int lineage_store(struct model *model, json_t *lineage);

#endif
