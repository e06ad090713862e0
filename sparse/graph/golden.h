/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's golden input: one sample, and what the model answers to it, to the bit (docs/design/reload.md). Whoever
 * serves the model asks it this before anybody else asks it anything.
 *
 * Of a model that decodes the sample is what decoding_signature() takes, and the answer the numbers of all words at the
 * last of its first GOLDEN_WORDS positions, each fed the best word of the one before. A model that has halves has the
 * latents too, not rounded yet: the encoder's answer.
 *
 * Owned by its model. Either all of it is there, or nothing.
 */
#ifndef SPARSE_GRAPH_GOLDEN_H
#define SPARSE_GRAPH_GOLDEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sparse/graph/signature.h"

struct model;

enum {
    GOLDEN_BYTES_MAX = 1 << 20, /* of all of it: no model grows by more */
    GOLDEN_TENSORS_MAX = 2 * SIGNATURE_TENSORS_MAX + 1,
    GOLDEN_WORDS = 4,
};

/* In a file they are OWNER.NAME. */
#define GOLDEN_OWNER  "wisp.golden"
#define GOLDEN_INPUT  GOLDEN_OWNER ".input"
#define GOLDEN_OUTPUT GOLDEN_OWNER ".output"

struct golden {
    void *inputs[SIGNATURE_TENSORS_MAX], *outputs[SIGNATURE_TENSORS_MAX]; /* row-major, as requests have them */
    void *latents;
};

/* One of its tensors. */
struct golden_tensor {
    const char *owner; /* GOLDEN_INPUT, … */
    char name[TENSOR_NAME_MAX];
    enum dtype dtype;
    uint64_t count; /* elements */
    void **data;    /* where it stands in the golden */
};

bool golden_is_there(const struct golden *golden);

/* What the golden of a checked model consists of; how many. */
uint32_t golden_list(const struct model *model, struct golden *golden, struct golden_tensor list[GOLDEN_TENSORS_MAX]);
uint64_t golden_bytes(const struct golden_tensor *list, uint32_t count);

/* Memory for all of it, zeroed. WISP_E_INVALID: it would be larger than it may be; -ENOMEM. */
int golden_alloc(const struct model *model, struct golden *golden, struct reason *why);
void golden_deinit(struct golden *golden);

/* The one validator of its contents: numbers are finite, and no layer's tensors can be taken for its. WISP_E_FORMAT. */
int golden_check(const struct model *model, struct reason *why);

/* What of it one half of the model (halves.h) is asked, and is to answer. */
void golden_keep_encoder(struct golden *golden);
void golden_keep_decoder(struct golden *golden, uint64_t latents);

#endif
