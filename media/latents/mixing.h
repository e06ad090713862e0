/* SPDX-License-Identifier: Apache-2.0
 *
 * How probable a bit is, of what was seen before: several contexts each count their bits, and their opinions are mixed
 * by weights that learn which of them is right (logistic mixing; Mahoney 2005). What encodes and what decodes have seen
 * the same, so both know the same.
 *
 * Only whole numbers: the same on every machine.
 */
#ifndef MEDIA_LATENTS_MIXING_H
#define MEDIA_LATENTS_MIXING_H

#include "media/latents/range.h"

enum {
    MIXING_CONTEXTS = 7,
    MIXING_INPUTS = MIXING_CONTEXTS + 1, /* and one that is always the same */
};

/* In one context: how probable a 1 is, in 2^-16 from a half, and how much was seen, as far as it counts. All zero:
 * nothing was. */
struct mixing_count {
    int16_t from_half;
    uint16_t seen;
};

struct mixing {
    struct range range;
    struct mixing_count *counts[MIXING_CONTEXTS];
    int32_t (*weights)[MIXING_INPUTS]; /* in 2^-16, of each set */
    const int16_t *logits;             /* of probabilities in 2^-12: ln(p / (1 - p)) in 2^-8 */
};

/* With room for so many contexts of each, and `sets` of weights, none of which is set. The range is set by the caller.
 * -ENOMEM. */
int mixing_init(struct mixing *mixing, const size_t contexts[static MIXING_CONTEXTS], size_t sets);
void mixing_deinit(struct mixing *mixing); /* idempotent; not what the range has written */

/* So many contexts of the one of that number, from `first` on, have seen nothing; and a set of weights has learned
 * nothing. To be said before they are used. */
void mixing_begin_contexts(struct mixing *mixing, size_t number, size_t first, size_t contexts);
void mixing_begin_set(struct mixing *mixing, size_t set);

/* Codes a bit by what one context has counted alone. */
int mixing_count_bit(struct range *range, struct mixing_count *count, int bit);

/* Codes a bit: it is seen in these contexts, and a set of weights mixes them. */
int mixing_bit(struct mixing *mixing, const uint32_t contexts[static MIXING_CONTEXTS], uint32_t set, int bit);

#endif
