/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of `wisp build` that say how connections and first weights come about, and where they go.
 */
#ifndef FORGE_VERBS_SAMPLING_OPTIONS_H
#define FORGE_VERBS_SAMPLING_OPTIONS_H

#include "base/options.h"
#include "forge/plan/edges.h"
#include "forge/plan/pretrained.h"
#include "forge/plan/sampling.h"

struct sampling_options {
    const char *sampling, *weights, *base;
    bool repair;
    struct option_list edges, exports;
};

/* What they amount to for one structure. */
struct sampling_choice {
    struct sampling sampling;
    struct edges edges;
    struct pretrained *base; /* NULL: none */
};

void sampling_option_rows(struct option_table *table, struct sampling_options *options);

/* Checks them and reads the files they name, for a structure that is planned. 0, or the exit status after saying why.
 */
int sampling_from_options(const char *verb, const struct sampling_options *options, const struct structure *structure,
                          struct sampling_choice *out);
void sampling_choice_deinit(struct sampling_choice *choice);

/* Writes the connections that --export-edges asks for. */
int sampling_export(const char *verb, const struct sampling_options *options, const struct structure *structure,
                    const struct model *model);

#endif
