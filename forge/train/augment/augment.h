/* SPDX-License-Identifier: Apache-2.0
 *
 * Augmentation: what a sample might as well have been. Applied to pictures, sounds and texts before they become
 * tensors, each time anew, from a stream of random numbers of its own: so it is reproducible, and the same for any
 * number of threads. What is 0 is off.
 */
#ifndef FORGE_TRAIN_AUGMENT_AUGMENT_H
#define FORGE_TRAIN_AUGMENT_AUGMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/rng.h"
#include "media/spec/media.h"

enum augment_kind {
    AUGMENT_SHIFT,  /* picture: moved by up to so many pixels; what enters is the edge's own value */
    AUGMENT_FLIP,   /* picture: mirrored left to right with this probability */
    AUGMENT_TURN,   /* picture: turned by one, two or three quarters with this probability */
    AUGMENT_ZOOM,   /* picture: a crop of it, up to this fraction smaller at each side, as large as the whole was */
    AUGMENT_COLOUR, /* picture: brightness, contrast and saturation, each up to this fraction up or down */
    AUGMENT_GRAIN,  /* picture: noise of this standard deviation, of 255, on every pixel */
    AUGMENT_CUTOUT, /* picture: a square of this fraction of the shorter side becomes its mean */
    AUGMENT_SPEED,  /* sound: played up to this fraction faster or slower, which moves its pitch too */
    AUGMENT_NOISE,  /* sound: hiss or rumble is added, so many dB or more below the signal */
    AUGMENT_CUT,    /* sound: up to this fraction is cut off at either end */
    AUGMENT_MOVE,   /* sound: earlier or later by up to this fraction of its length, which stays; silence comes in */
    AUGMENT_MASK,   /* sound: up to this fraction of the tensor's bands, and of its frames, becomes their mean */
    AUGMENT_CROP,   /* text: with this probability a stretch of it, of at least 12 characters, stands for the whole */
    AUGMENT_DROP,   /* text: each word is left out with this probability, but for one */
    AUGMENT_TYPOS,  /* text: each letter is left out, doubled, another, or after the next, with this probability */
    AUGMENT_KINDS,
};

struct augment {
    double amount[AUGMENT_KINDS];
};

/* "shift=2,flip=0.5", or "none". WISP_E_INVALID, and says what there is. */
int augment_parse(const char *text, struct augment *out, struct reason *why);
/* WISP_E_INVALID when something is on that is not for data of this kind. */
int augment_check(const struct augment *augment, enum media_kind kind, struct reason *why);
void augment_help(FILE *to); /* what there is, a line each */
bool augment_is_on(const struct augment *augment);
/* New reference; NULL: out of memory. */
json_t *augment_json(const struct augment *augment);

/* *out is new and freed by the caller, also when nothing was changed. -ENOMEM, or what resampling says. */
int augment_picture(const struct augment *augment, struct rng *rng, const struct media_picture *picture,
                    struct media_picture *out);
int augment_sound(const struct augment *augment, struct rng *rng, const struct media_sound *sound,
                  struct media_sound *out, struct reason *why);
/* Quarters, 0 to 3, by which a picture is turned clockwise. */
unsigned augment_turns(const struct augment *augment, struct rng *rng);
/* What happens to the pixels, in place; their memory may become another. -ENOMEM. */
int augment_pixels(const struct augment *augment, struct rng *rng, struct media_picture *picture);
/* Moves it, at boundaries of UTF-8 characters; `own` is NULL before, and freed by the caller afterwards. -ENOMEM. */
struct augmented_text {
    const char *bytes;
    size_t length;
    char *own;
};
int augment_text(const struct augment *augment, struct rng *rng, struct augmented_text *text);
/* On the tensor of a sound, [bands][frames], of which the first `sounding` frames are the sound's. */
void augment_bands(const struct augment *augment, struct rng *rng, float *values, uint32_t bands, uint32_t frames,
                   uint32_t sounding);

#endif
