/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine: what was made of one model file, or of a half of one (docs/design/compression.md): read, packed and warmed
 * up for this processor. How it is served (its name, how long it waits for company) is the instance's (instance.h).
 *
 * Immutable from then on, but for what its passes work in: each shard has a runner of its own. Counted by whoever loads
 * and by whoever frees, on threads of their own: sets of models that follow each other share what stays the same.
 */
#ifndef DAEMON_MODELS_ENGINE_H
#define DAEMON_MODELS_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "daemon/models/stamp.h"
#include "libipc/wire_block.h"
#include "sparse/graph/halves.h"
#include "sparse/graph/model.h"
#include "sparse/passes/decoder.h"

/* What runs the model on one shard: passes over weights that all runners share. */
struct runner {
    _Alignas(CACHE_LINE) struct forward *forward; /* NULL: it decodes, */
    struct decoder *decoder;                      /* with this */
    void *running;                                /* the queue whose pass works in it; NULL: none. The shard's */
};

struct engine {
    uint32_t holders;        /* atomic */
    struct file_stamp stamp; /* whoever loads looks at it, one at a time, and nobody else */
    struct model *model;
    struct signature signature; /* as clients see it */
    struct runner *runners;     /* by shard; the first has made the weights */
    uint32_t runner_count;
    uint32_t threads; /* that a runner may be lent */
    const struct kernels *kernels;
    struct wire_block input, output; /* a request's blocks of the arenas */
    enum half half;                  /* HALF_ENCODER: the whole model, where it has no halves */
    bool has_halves;
    bool has_golden;    /* and has answered it */
    uint32_t batch_max; /* of a model that decodes at least its beam */
    uint32_t batch_asked;
    uint64_t beginning_ns; /* of as many sequences, where it decodes */
};

struct engine_setup {
    const char *path;
    enum half half;
    uint32_t batch_max;
    uint32_t shards;  /* that it is to run on, */
    uint32_t threads; /* of so many threads each at most */
    const struct kernels *kernels;
    struct choice_cache *choices; /* NULL: formats are measured */
    struct engine *const *known;  /* that are there already, held by the caller for as long as this takes */
    uint32_t known_count;
};

/* One of those that are known, where the file has not changed, which `*shared` then says, or a new one. WISP_E_FORMAT,
 * -errno: the file; the reason names it. The caller holds it. */
int engine_get(const struct engine_setup *setup, struct engine **out, bool *shared, struct reason *why);

/* From now on its passes run on this pool; NULL: on the caller's thread alone. */
void runner_lend(const struct runner *runner, struct pool *pool);

/* Bytes of it: the model, what was made of its weights, and what passes work in. */
uint64_t engine_memory(const struct engine *engine);

/* One holder less, and with the last one it goes. Accepts NULL; returns NULL. */
struct engine *engine_release(struct engine *engine);

#endif
