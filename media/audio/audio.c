/* SPDX-License-Identifier: Apache-2.0
 *
 * A recording's way to a tensor: its mean taken off, resampled to the model's rate, silence at both ends cut, mel
 * spectra at evenly spaced centres, and each value in decibels below the loudest of the recording, from 0 (the floor)
 * to 1 (the loudest). So how loud it was recorded, and how long somebody waited before speaking, change nothing; how
 * fast somebody spoke changes little. Where a description has a hop, time stays what it was: the centres are a hop
 * apart from half a hop on, and what there is no sound for is silence.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/audio/intake.h"
#include "media/spec/logarithm.h"
#include "media/spec/media.h"
#include "media/spec/spec.h"

static void sound_deinit(struct media_sound *sound)
{
    free(sound->samples);
}

/* A copy without its mean. */
static int centre(const struct media_sound *sound, struct media_sound *out, struct reason *why)
{
    double mean = 0;
    float peak = 0;

    if (!sound->count)
        return refuse(why, WISP_E_FORMAT, "the recording has no samples");
    out->samples = memory_alloc(sound->count, sizeof *out->samples);
    if (!out->samples)
        return refuse_errno(why, -ENOMEM, "sound of %zu samples", sound->count);
    out->rate = sound->rate;
    out->count = sound->count;
    for (size_t i = 0; i < sound->count; i++)
        mean += (double)sound->samples[i];
    mean /= (double)sound->count;
    for (size_t i = 0; i < sound->count; i++) {
        out->samples[i] = (float)((double)sound->samples[i] - mean);
        peak = fmaxf(peak, fabsf(out->samples[i]));
    }
    if (!(peak >= SILENCE))
        return refuse(why, WISP_E_FORMAT, "the recording is silent throughout; was the microphone off?");
    return 0;
}

static double energy(const float *samples, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * (double)samples[i];
    return sum;
}

static double decibels(double power, double loudest)
{
    return power > 0 ? 10 / M_LN10 * portable_log(power / loudest) : -INFINITY;
}

/* The stretch from the first to the last frame that is at most trim_db below the loudest; frames of one window, a
 * quarter of a window apart. */
static void trim(const struct audio_spec *spec, const struct media_sound *sound, size_t *begin, size_t *end)
{
    size_t window = MIN(spec->window, sound->count), hop = MAX(spec->window / 4, 1);
    double loudest = 0;
    bool found = false;

    *begin = 0;
    *end = sound->count;
    if (spec->trim_db == 0)
        return;
    for (size_t i = 0; i < sound->count; i += hop)
        loudest = fmax(loudest, energy(sound->samples + i, MIN(window, sound->count - i)));
    for (size_t i = 0; i < sound->count; i += hop) {
        size_t length = MIN(window, sound->count - i);

        if (decibels(energy(sound->samples + i, length), loudest) < -spec->trim_db)
            continue;
        if (!found)
            *begin = i;
        found = true;
        *end = i + length;
    }
}

static int to_decibels(const struct audio_spec *spec, const double *power, float *out, struct reason *why)
{
    size_t count = (size_t)spec->mels * spec->frames;
    double loudest = 0;

    for (size_t i = 0; i < count; i++)
        loudest = fmax(loudest, power[i]);
    if (!(loudest > 1e-30))
        return refuse(why, WISP_E_FORMAT, "nothing is heard between %g and %g Hz", spec->low, spec->high);
    for (size_t i = 0; i < count; i++) {
        double level = fmax(0, 1 + decibels(power[i], loudest) / spec->floor_db);

        out[i] = media_normalised(level, spec->mean[0], spec->deviation[0]);
    }
    return 0;
}

/* How many frames a sound of so many samples has, and where the middle of one is. */
static size_t count_frames(const struct audio_spec *spec, size_t length)
{
    return spec->hop ? (length + spec->hop - 1) / spec->hop : spec->frames;
}

static size_t middle_of(const struct audio_spec *spec, size_t frame, size_t length)
{
    return spec->hop ? frame * spec->hop + spec->hop / 2 : (2 * frame + 1) * length / (2 * (size_t)spec->frames);
}

/* `sound` is at the model's rate. */
static int spectra(const struct media *media, const struct media_sound *sound, float *out, size_t *frames,
                   struct reason *why)
{
    const struct audio_spec *spec = &media->audio;
    cleanup_free float *scratch = memory_alloc(mel_scratch(media->mel), sizeof *scratch);
    cleanup_free double *power = memory_zalloc(media->elements, sizeof *power);
    cleanup_free double *frame = memory_alloc(spec->mels, sizeof *frame);
    size_t begin, end;

    if (!scratch || !power || !frame)
        return refuse_errno(why, -ENOMEM, "spectra");
    trim(spec, sound, &begin, &end);
    *frames = count_frames(spec, end - begin);
    for (size_t f = 0; f < MIN(*frames, spec->frames); f++) {
        size_t middle = middle_of(spec, f, end - begin);

        mel_power(media->mel, sound->samples + begin, end - begin, middle, scratch, frame);
        for (size_t m = 0; m < spec->mels; m++)
            power[m * spec->frames + f] = frame[m];
    }
    return to_decibels(spec, power, out, why);
}

int media_check_frames(const struct media *media, size_t frames, struct reason *why)
{
    const struct audio_spec *spec = &media->audio;
    const double second = (double)spec->hop / spec->rate;
    const size_t ends = spec->spectrum != 0; /* the first frame is about where a sound begins */

    if (frames <= spec->frames)
        return 0;
    return refuse(why, WISP_E_FORMAT, "the recording lasts %.2f s, and the model takes %.2f s%s",
                  (double)(frames - ends) * second, (double)(spec->frames - ends) * second,
                  spec->answer ? " at a time: wisp run -o FILE, or wisp_process_file(), takes any length"
                               : "; cut it in pieces");
}

/* The first frames of a sound at any rate, whose own spectra are the tensor. */
static int encode_spectra(const struct media *media, const struct media_sound *sound, float *out, size_t *frames,
                          struct reason *why)
{
    cleanup(sound_deinit) struct media_sound resampled = { .samples = NULL };
    cleanup_free struct fourier_number *spectra = memory_alloc(media->elements, sizeof *spectra);
    const struct media_sound *at_rate = sound;
    int result = 0;

    if (media->audio.recordings > 1)
        return refuse(
            why, WISP_E_FORMAT,
            "the model takes %u recordings of one event together, and this is one: give all to wisp run -o FILE, "
            "or wisp_process_files()",
            media->audio.recordings);
    if (sound->rate != media->audio.rate) {
        result = media_resample(sound, media->audio.rate, &resampled, why);
        at_rate = &resampled;
    }
    if (result)
        return result;
    if (!spectra || media_spectra(media, at_rate, 0, spectra))
        return refuse_errno(why, -ENOMEM, "spectra");
    media_spectra_tensor(media, spectra, out);
    *frames = media_sound_frames(media, at_rate->count);
    return 0;
}

/* Bands, of what is heard in the sound. */
static int encode_bands(const struct media *media, const struct media_sound *sound, float *out, size_t *frames,
                        struct reason *why)
{
    cleanup(sound_deinit) struct media_sound centred = { .samples = NULL };
    cleanup(sound_deinit) struct media_sound resampled = { .samples = NULL };
    int result = centre(sound, &centred, why);

    if (!result && sound->rate != media->audio.rate)
        result = media_resample(&centred, media->audio.rate, &resampled, why);
    if (!result)
        result = spectra(media, resampled.samples ? &resampled : &centred, out, frames, why);
    return result;
}

int media_encode_sound(const struct media *media, const struct media_sound *sound, float *out, size_t *frames,
                       struct reason *why)
{
    size_t count = 0;
    int result =
        media->spectra ? encode_spectra(media, sound, out, &count, why) : encode_bands(media, sound, out, &count, why);

    if (!result && frames)
        *frames = count;
    return result || frames ? result : media_check_frames(media, count, why);
}
