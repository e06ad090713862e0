/* SPDX-License-Identifier: Apache-2.0
 *
 * The tensor of a sound's spectra: ln(|X| + level * 10^(-floor_db / 20)), where `level` is the root of the mean of the
 * |X|^2, without the mean of these numbers over the whole tensor. So loudness changes nothing, and what lies far below
 * the rest, as rounding does, is about one number. Frames of nothing but zeroes, as there are behind a sound's end, are
 * in neither mean.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/spec/logarithm.h"
#include "media/spec/media.h"
#include "media/spec/spec.h"

uint64_t media_sound_frames(const struct media *media, uint64_t samples)
{
    const uint64_t hop = media->audio.hop;

    return (samples + hop - 1) / hop + 1;
}

uint32_t media_recordings(const struct media *media)
{
    return media->spectra ? media->audio.recordings : 1;
}

uint32_t media_sound_rate(const struct media *media)
{
    return media->audio.rate;
}

uint32_t media_sound_hop(const struct media *media)
{
    return media->audio.hop;
}

uint32_t media_sound_reach(const struct media *media)
{
    return media->audio.spectrum / 2;
}

uint64_t media_sound_span(const struct media *media)
{
    return (uint64_t)(media->audio.frames - 1) * media->audio.hop;
}

int media_spectra(const struct media *media, const struct media_sound *sound, int64_t middle,
                  struct fourier_number *out)
{
    const struct spectra *spectra = media->spectra;
    cleanup_free float *scratch = memory_alloc(spectra_scratch(spectra), sizeof *scratch);

    if (!scratch)
        return -ENOMEM;
    for (uint32_t f = 0; f < media->audio.frames; f++, out += spectra_bins(spectra))
        spectra_frame(spectra, sound->samples, sound->count, middle + (int64_t)f * media->audio.hop, scratch, out);
    return 0;
}

static double power_of(const struct fourier_number *x)
{
    return (double)x->re * (double)x->re + (double)x->im * (double)x->im;
}

static double frame_power(const struct fourier_number *frame, uint32_t bins)
{
    double sum = 0;

    for (uint32_t k = 0; k < bins; k++)
        sum += power_of(&frame[k]);
    return sum;
}

/* How many numbers there are in frames that are not silent. */
static double level_of(const struct media *media, const struct fourier_number *spectra, size_t *count)
{
    const uint32_t bins = spectra_bins(media->spectra);
    double sum = 0;

    *count = 0;
    for (uint32_t f = 0; f < media->audio.frames; f++) {
        const double power = frame_power(spectra + (size_t)f * bins, bins);

        sum += power;
        *count += power > 0 ? bins : 0;
    }
    return *count ? sqrt(sum / (double)*count) : 0;
}

double media_spectra_level(const struct media *media, const struct fourier_number *spectra)
{
    size_t count;

    return level_of(media, spectra, &count);
}

/* The logarithms into `out`, as they are; the mean of those that count. */
static double take_logarithms(const struct media *media, const struct fourier_number *spectra, double floor,
                              size_t count, float *out)
{
    const uint32_t bins = spectra_bins(media->spectra), frames = media->audio.frames;
    double sum = 0;

    for (uint32_t f = 0; f < frames; f++) {
        const struct fourier_number *frame = spectra + (size_t)f * bins;
        const bool silent = !(frame_power(frame, bins) > 0);

        for (uint32_t k = 0; k < bins; k++) {
            const double value = portable_log(sqrt(power_of(&frame[k])) + floor);

            out[(size_t)k * frames + f] = (float)value;
            sum += silent ? 0 : value;
        }
    }
    return sum / (double)count;
}

void media_spectra_tensor(const struct media *media, const struct fourier_number *spectra, float *out)
{
    const struct audio_spec *spec = &media->audio;
    const size_t elements = media->elements / spec->recordings;
    size_t count;
    const double level = level_of(media, spectra, &count);
    double mean = 0;

    if (level > 0)
        mean = take_logarithms(media, spectra, level * (double)spec->floor_ratio, count, out);
    else
        memset(out, 0, elements * sizeof *out);
    for (size_t i = 0; i < elements; i++)
        out[i] = media_normalised((double)out[i] - mean, spec->mean[0], spec->deviation[0]);
}
