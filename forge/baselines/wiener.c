/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/baselines/wiener.h"
#include "forge/data/recordings/likeness.h"

CLEANUP_DEFINE(masking, struct media_masking, media_masking_free)

enum { QUIET = 20, OF = 63 };

struct frame {
    const float *powers;
    double sum;
};

/* The powers of all frames, [frames][bins]. */
static int take_powers(const struct media *media, const struct media_sound *sound, uint64_t frames, float *out)
{
    uint32_t shape[4];
    cleanup_free struct fourier_number *spectra = memory_alloc(media_elements(media), sizeof *spectra);

    media_shape(media, shape);
    for (uint64_t f = 0; f < frames; f += shape[1]) {
        const uint64_t now = MIN((uint64_t)shape[1], frames - f);

        if (!spectra || media_spectra(media, sound, (int64_t)(f * media_sound_hop(media)), spectra))
            return -ENOMEM;
        for (uint64_t i = 0; i < now * shape[0]; i++)
            out[f * shape[0] + i] = spectra[i].re * spectra[i].re + spectra[i].im * spectra[i].im;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    const double x = ((const struct frame *)a)->sum, y = ((const struct frame *)b)->sum;

    return (x > y) - (x < y);
}

/* Of each band the mean over the quietest frames. */
static int take_noise(const float *powers, uint64_t frames, uint32_t bins, double *noise)
{
    const uint64_t quiet = MAX(frames * QUIET / OF, (uint64_t)1);
    cleanup_free struct frame *order = memory_alloc(frames, sizeof *order);

    if (!order)
        return -ENOMEM;
    for (uint64_t f = 0; f < frames; f++) {
        order[f] = (struct frame){ .powers = powers + f * bins };
        for (uint32_t k = 0; k < bins; k++)
            order[f].sum += (double)order[f].powers[k];
    }
    qsort(order, frames, sizeof *order, compare);
    for (uint32_t k = 0; k < bins; k++) {
        noise[k] = 0;
        for (uint64_t f = 0; f < quiet; f++)
            noise[k] += (double)order[f].powers[k] / (double)quiet;
    }
    return 0;
}

int wiener_masks(const struct media *media, const struct media_sound *sound, float **out)
{
    const uint64_t frames = media_sound_frames(media, sound->count);
    uint32_t shape[4];
    cleanup_free float *masks = NULL;
    cleanup_free double *noise = NULL;

    media_shape(media, shape);
    masks = memory_alloc(frames, shape[0] * sizeof *masks);
    noise = memory_alloc(shape[0], sizeof *noise);
    if (!masks || !noise || take_powers(media, sound, frames, masks) || take_noise(masks, frames, shape[0], noise))
        return -ENOMEM;
    for (uint64_t i = 0; i < frames * shape[0]; i++)
        masks[i] = masks[i] > 0 ? (float)fmax(0, 1 - noise[i % shape[0]] / (double)masks[i]) : 0;
    *out = steal(&masks);
    return 0;
}

/* The masks of a piece as a network gives them, [bins][frames]; behind the end it says nothing. */
static void piece_masks(const struct media *media, const float *masks, uint64_t begin, uint64_t frames, float *out)
{
    uint32_t shape[4];

    media_shape(media, shape);
    for (uint32_t k = 0; k < shape[0]; k++) {
        for (uint32_t f = 0; f < shape[1]; f++)
            out[(size_t)k * shape[1] + f] = begin + f < frames ? masks[(begin + f) * shape[0] + k] : 0;
    }
}

int wiener_si_sdr(const struct media *media, const struct recording_pair *pair, double *out)
{
    const struct media_sound *sound = pair->inputs;
    const uint64_t frames = media_sound_frames(media, sound->count);
    cleanup(masking_at_exit) struct media_masking *masking = NULL;
    cleanup_free float *masks = NULL, *piece = memory_alloc(media_elements(media), sizeof *piece);
    cleanup_free float *made = memory_alloc(sound->count, sizeof *made);
    size_t done = 0;

    if (!piece || !made || wiener_masks(media, sound, &masks) || media_masking_new(media, sound, &masking))
        return -ENOMEM;
    for (uint64_t p = 0; p < media_masking_pieces(masking); p++) {
        struct media_finished finished;

        piece_masks(media, masks, media_sound_piece(media, sound->count, p) / media_sound_hop(media), frames, piece);
        if (media_masking_take(masking, piece, &finished, NULL))
            return -ENOMEM;
        memcpy(made + done, finished.samples, finished.count * sizeof *made);
        done += finished.count;
    }
    *out = si_sdr(made, pair->target.samples, done);
    return 0;
}
