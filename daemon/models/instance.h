/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance: one model, or a half of one, as a set of models serves it: an engine (engine.h), and what the
 * configuration says of it. Immutable.
 */
#ifndef DAEMON_MODELS_INSTANCE_H
#define DAEMON_MODELS_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "daemon/models/engine.h"

struct instance {
    struct engine *engine; /* held; lent from it, so that a request's path is one step shorter: */
    struct model *model;
    struct signature signature;    /* as clients see it */
    const struct forward *forward; /* of the first shard, for what is the same of all; NULL: it decodes, */
    const struct decoder *decoder; /* with this */
    char name[MODEL_NAME_MAX];
    char processing[MODEL_NAME_MAX];
    char file[256];                    /* without its folder: that is nobody's business */
    char decoder_name[MODEL_NAME_MAX]; /* of a half: who takes what this one gives; "" */
    struct wire_block input, output;   /* a request's blocks of the arenas */
    uint32_t entry;                    /* of the configuration */
    uint32_t batch_max;                /* of a model that decodes at least its beam */
    uint64_t wait_ns;
    uint64_t time_ns; /* of a batch at most, where users share the model */
    uint64_t slow_ns; /* requests that take longer are reported; 0: none */
    bool preferred;
    bool shared;          /* its engine is one of the set before */
    bool answers;         /* for its processing type */
    char *summary, *full; /* what clients are told (describe.h) */
};

struct instance_setup {
    const struct kernels *kernels;
    struct choice_cache *choices;
    struct engine *const *known; /* that it may share */
    uint32_t known_count;
    uint32_t shards, threads; /* of each */
};

/* A model without halves, or of one that has them the encoder, whose decoder is then another instance, made of the same
 * entry. WISP_E_FORMAT, -errno: the file; the reason names it. instance_deinit() follows in any case. */
int instance_init(struct instance *instance, const struct config_model *entry, const struct instance_setup *setup,
                  struct reason *why);
int instance_init_decoder(struct instance *instance, const struct config_model *entry,
                          const struct instance_setup *setup, struct reason *why);
void instance_deinit(struct instance *instance);

/* How wide a beam may be; 0: the model does not decode. */
uint32_t instance_beam_max(const struct instance *instance);

#endif
