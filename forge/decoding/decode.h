/* SPDX-License-Identifier: Apache-2.0
 *
 * Decodes samples of pairs of texts, in batches, as the daemon does it: greedily or by a beam; each is shown with what
 * it was to be.
 */
#ifndef FORGE_DECODING_DECODE_H
#define FORGE_DECODING_DECODE_H

#include "forge/train/batches.h"
#include "sparse/passes/beam.h"

/* All borrowed. */
struct decode {
    const struct model *model; /* it decodes, and has one other input */
    const struct kernels *kernels;
    struct pool *pool;
    struct batches *batches; /* of pairs of texts */
    size_t batch;            /* sequences at once; changes no result */
    uint32_t beam;           /* how wide, up to DECODING_BEAM_MAX; 0: as the model says */
};

/* A sample's words, up to the end of each. */
struct decoded {
    uint32_t sample;
    const int32_t *words, *target;
    size_t count, target_count;
};

typedef void decode_see(void *argument, const struct decoded *decoded);

/* The samples which[0 … count), in their order. WISP_E_INTERRUPTED; -ENOMEM. */
int decode_samples(const struct decode *decode, const uint32_t *which, size_t count, decode_see *see, void *argument,
                   struct reason *why);

#endif
