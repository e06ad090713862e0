/* SPDX-License-Identifier: Apache-2.0
 *
 * A compressed picture as a file (.wz): what it is of, which model makes it a picture again, its latents as bytes, and
 * a checksum. docs/media.md has it byte by byte. Numbers are little-endian.
 */
#ifndef MEDIA_LATENTS_CODED_H
#define MEDIA_LATENTS_CODED_H

#include <stdbool.h>

#include "media/latents/latents.h"

enum {
    CODED_NAME_MAX = 128, /* of a model, with its zero */
    CODED_SIDE_MAX = 16384,
    CODED_PIXELS_MAX = 64 << 20,
    CODED_STEP_ONE = 256, /* of steps */
};

struct coded {
    uint32_t width, height; /* of the picture */
    uint32_t channels;      /* of it: 1 or 3 */
    uint32_t block;         /* pixels a side that share a latent of each channel */
    uint32_t depth;         /* channels of the latents */
    uint32_t step;          /* what a latent's 1 stands for, in 2^-8 of what the encoder gave */
    char model[CODED_NAME_MAX];
    uint64_t identity[2]; /* the model's, as coded_identity() says it */
};

/* Whether bytes begin as such a file does, of any version. */
bool coded_is(const void *bytes, size_t length);

/* What stands for a model's identity in files. */
void coded_identity(const char *identity, uint64_t out[static 2]);

/* Bytes that the caller frees. WISP_E_INVALID when the header is none; -ENOMEM. */
int coded_write(const struct coded *coded, const struct latents *latents, void **bytes, size_t *length,
                struct reason *why);

/* The validator: everything but the latents, which coded_latents() reads; *body is where they begin. WISP_E_FORMAT, and
 * says what is wrong: no such file, of another version, damaged. */
struct coded_body {
    const uint8_t *bytes;
    size_t length;
};
int coded_open(const void *bytes, size_t length, struct coded *out, struct coded_body *body, struct reason *why);
/* New latents. WISP_E_FORMAT, -ENOMEM. */
int coded_latents(const struct coded *coded, const struct coded_body *body, struct latents *out, struct reason *why);

/* So many latents a side stand for so many pixels. */
static inline uint32_t coded_latents_of(const struct coded *coded, uint32_t pixels)
{
    return (pixels + coded->block - 1) / coded->block;
}

#endif
