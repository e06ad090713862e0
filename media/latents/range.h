/* SPDX-License-Identifier: Apache-2.0
 *
 * A binary range coder: bits, each with the probability that it is a 1, to bytes and back. One type for both
 * directions, so that what says the probabilities is one code.
 *
 * Only whole numbers of 32 and 64 bits: the same bytes on every machine.
 */
#ifndef MEDIA_LATENTS_RANGE_H
#define MEDIA_LATENTS_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RANGE_ONE = 1 << 16 }; /* of probabilities */

struct range {
    bool decodes;
    uint32_t low, high, code; /* code: of what is decoded, the bytes at hand */
    const uint8_t *in;        /* to decode */
    uint8_t *out;             /* to encode: freed by the caller */
    size_t length, room;      /* of `in`, or of `out` as far as it is written */
    size_t at;                /* of `in`: the next byte; behind the end they are 0 */
    bool failed;              /* there was no memory: what was written is incomplete */
};

struct range range_encoder(void);
struct range range_decoder(const uint8_t *bytes, size_t length);

/* Encodes `bit`, or decodes one; returns it. `one`: how probable a 1 is, above 0 and below RANGE_ONE. */
int range_bit(struct range *range, int bit, uint32_t one);

/* Encoding: what is left is written. */
void range_finish(struct range *range);

#endif
