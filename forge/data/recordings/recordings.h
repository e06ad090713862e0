/* SPDX-License-Identifier: Apache-2.0
 *
 * A data set whose samples are blocks of pairs of recordings: what a network takes, and the sound that it is to give
 * for it. Made of a set of recordings without labels, be it that half of them are the targets (pairs/partners.h) or
 * that noise is mixed with them (mixing.h). Immutable afterwards, as the set is.
 *
 * Recordings are mono at the description's rate. A sample that is evaluated is one of the blocks of frames that cover
 * its recording (media/pieces); one that is trained on is as long a block from any other sample on, with noise of its
 * own. A recording that is shorter than a block lies anywhere in it.
 */
#ifndef FORGE_DATA_RECORDINGS_RECORDINGS_H
#define FORGE_DATA_RECORDINGS_RECORDINGS_H

#include "forge/data/dataset.h"
#include "forge/data/recordings/mixing.h"

struct recording_pair {
    struct media_sound *inputs; /* as many as the network takes together */
    struct media_sound target;  /* of as many samples as they, one or more */
    double power;               /* of the target */
};

struct recording_block {
    uint32_t pair, piece;
};

struct recordings {
    size_t count;
    struct recording_pair *pairs;
    uint32_t inputs; /* of each pair */
    bool mixed;      /* they are targets with noise */
    struct mixing mixing;
    struct recording_block blocks[]; /* one a sample; those of a pair in their order */
};

struct recordings_wish {
    const struct media *media; /* of the network */
    const char *root;          /* that the set was read from */
    bool mixed;
    struct mixing mixing;  /* without noises */
    struct dataset *noise; /* recordings of noise; taken over in any case; NULL: none */
    bool skip_bad;
};

/* Turns the set's sounds into pairs and its samples into blocks. WISP_E_FORMAT, and names the recordings that are no
 * pair, or not as long as each other; with skip_bad those are left out and counted. -ENOMEM. */
int recordings_make(struct dataset *set, const struct recordings_wish *wish, struct reason *why);

/* A sample of the set, by a description with as many frames as that it was made by; with `rng` at a place, and with
 * noise, that it says, and NULL as it stands. */
struct recording_sample {
    const struct dataset *set;
    const struct media *media;
    uint32_t number;
    const struct rng *rng;
};

/* Its spectra, [inputs][frames][bins] of what goes in, and [frames][bins] of what is to come out. NULL: not wanted.
 * -ENOMEM. */
int recordings_spectra(const struct recording_sample *sample, struct fourier_number *in, struct fourier_number *out);

#endif
