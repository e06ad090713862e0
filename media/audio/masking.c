/* SPDX-License-Identifier: Apache-2.0
 *
 * A sound whose spectra are multiplied by what a network gives. Pieces overlap by three eighths of their frames, the
 * masks go over from one to the next, and a frame whose mask is whole is transformed back and added to what overlaps.
 * Nothing here grows with the sound.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/audio/window.h"
#include "media/pieces/pieces.h"
#include "media/spec/media.h"
#include "media/spec/spec.h"

enum { RECORDINGS_MAX = 8 };

struct media_masking {
    const struct media *media;
    struct sound_window windows[RECORDINGS_MAX];
    uint32_t recordings;
    float factors[RECORDINGS_MAX]; /* each, of one alone 1 */
    uint64_t count;                /* samples, of the longest */
    struct pieces pieces;          /* of frames */
    uint64_t next;                 /* the piece whose masks are taken next */
    uint64_t done;                 /* frames that are whole and gone */
    float *masks; /* [frames of a piece][recordings][bins], from frame `done` on: what the pieces before have said */
    struct fourier_number *frame, *merged;
    float *scratch, *samples;
    float *sum, *weight; /* of the samples that frames still reach, the first of which is number `at` */
    int64_t at;
    float *finished;
};

CLEANUP_DEFINE(masking, struct media_masking, media_masking_free)

static struct pieces pieces_of(const struct media *media, uint64_t samples)
{
    const uint32_t frames = media->audio.frames;

    return pieces_plan(media_sound_frames(media, samples), frames, frames * 3 / 8, 1);
}

uint64_t media_sound_pieces(const struct media *media, uint64_t samples)
{
    return pieces_of(media, samples).count;
}

uint64_t media_sound_piece(const struct media *media, uint64_t samples, uint64_t piece)
{
    const struct pieces pieces = pieces_of(media, samples);

    return pieces_begin(&pieces, piece) * media->audio.hop;
}

/* As loud as each other, and on average as they are; silence stays what it is. */
static int take_levels(struct media_masking *m, struct reason *why)
{
    double levels[RECORDINGS_MAX] = { 1 }, mean = 0;
    int result = 0;

    for (uint32_t r = 0; r < m->recordings && m->recordings > 1 && !result; r++)
        result = sound_window_level(&m->windows[r], &levels[r], why);
    for (uint32_t r = 0; r < m->recordings; r++) {
        mean += levels[r] / m->recordings;
        m->count = MAX(m->count, m->windows[r].count);
    }
    for (uint32_t r = 0; r < m->recordings; r++)
        m->factors[r] = levels[r] > 0 ? (float)(mean / levels[r]) : 0;
    return result;
}

static int allocate(struct media_masking *m)
{
    const struct media *media = m->media;
    const struct audio_spec *spec = &media->audio;
    const size_t points = spec->spectrum, bins = spectra_bins(media->spectra);

    m->masks = memory_zalloc(spec->frames, media->dimensions[0] * sizeof *m->masks);
    m->frame = memory_alloc(2 * bins, sizeof *m->frame);
    m->scratch = memory_alloc(spectra_scratch(media->spectra), sizeof *m->scratch);
    m->samples = memory_alloc(points, sizeof *m->samples);
    m->sum = memory_zalloc(points, sizeof *m->sum);
    m->weight = memory_zalloc(points, sizeof *m->weight);
    m->finished = memory_alloc((size_t)spec->frames * spec->hop + points, sizeof *m->finished);
    m->merged = m->frame ? m->frame + bins : NULL;
    m->at = -(int64_t)(points / 2);
    return m->masks && m->frame && m->scratch && m->samples && m->sum && m->weight && m->finished ? 0 : -ENOMEM;
}

static int begin(struct media_masking *m, struct reason *why)
{
    const int result = take_levels(m, why);

    m->pieces = pieces_of(m->media, m->count);
    return result ? result : allocate(m) ? refuse_errno(why, -ENOMEM, "sound") : 0;
}

int media_masking_new(const struct media *media, const struct media_sound *sounds, struct media_masking **out)
{
    cleanup(masking_at_exit) struct media_masking *m = calloc(1, sizeof *m);

    if (!m)
        return -ENOMEM;
    m->media = media;
    m->recordings = media_recordings(media);
    for (uint32_t r = 0; r < m->recordings; r++)
        sound_window_of_sound(&m->windows[r], &sounds[r]);
    if (begin(m, NULL))
        return -ENOMEM;
    *out = steal(&m);
    return 0;
}

int media_masking_of_streams(const struct media *media, struct media_stream *const *streams, struct media_masking **out,
                             struct reason *why)
{
    cleanup(masking_at_exit) struct media_masking *m = calloc(1, sizeof *m);
    int result;

    if (!m)
        return refuse_errno(why, -ENOMEM, "sound");
    m->media = media;
    m->recordings = media_recordings(media);
    for (uint32_t r = 0; r < m->recordings; r++)
        sound_window_of_stream(&m->windows[r], streams[r]);
    result = begin(m, why);
    if (!result)
        *out = steal(&m);
    return result;
}

struct media_masking *media_masking_free(struct media_masking *m)
{
    if (m) {
        for (uint32_t r = 0; r < m->recordings; r++)
            sound_window_deinit(&m->windows[r]);
        free(m->masks);
        free(m->frame);
        free(m->scratch);
        free(m->samples);
        free(m->sum);
        free(m->weight);
        free(m->finished);
        free(m);
    }
    return NULL;
}

uint64_t media_masking_count(const struct media_masking *m)
{
    return m->count;
}

uint64_t media_masking_pieces(const struct media_masking *m)
{
    return m->pieces.count;
}

/* Holds the samples of the frames up to `end`, and lets go of those before the piece whose masks come next. */
static int hold(struct media_masking *m, uint64_t end, struct reason *why)
{
    const uint32_t hop = m->media->audio.hop, reach = media_sound_reach(m->media);
    const uint64_t first = pieces_begin(&m->pieces, m->next) * hop;
    int result = 0;

    for (uint32_t r = 0; r < m->recordings && !result; r++)
        result = sound_window_move(&m->windows[r], first - MIN(first, reach), end * hop + reach, why);
    return result;
}

int media_masking_tensor(struct media_masking *m, uint64_t piece, float *out, struct reason *why)
{
    const size_t elements = m->media->elements / m->recordings;
    const uint64_t begin = pieces_begin(&m->pieces, piece);
    cleanup_free struct fourier_number *spectra = memory_alloc(elements, sizeof *spectra);
    const int64_t middle = (int64_t)(begin * m->media->audio.hop);
    int result = spectra ? hold(m, begin + m->media->audio.frames, why) : -ENOMEM;

    for (uint32_t r = 0; r < m->recordings && !result; r++) {
        const struct sound_window *window = &m->windows[r];

        result = media_spectra(m->media, &window->held, middle - (int64_t)window->begin, spectra);
        if (!result)
            media_spectra_tensor(m->media, spectra, out + r * elements);
    }
    return result == -ENOMEM ? refuse_errno(why, result, "spectra") : result;
}

static float mask_of(float value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

/* The daemon may say anything. */
static int check(const struct media_masking *m, const float *masks, struct reason *why)
{
    for (size_t i = 0; i < m->media->elements; i++) {
        if (!isfinite(masks[i]))
            return refuse(why, WISP_E_INVALID,
                          "what the model gives for piece %" PRIu64 " of %" PRIu64
                          " has a value that is no finite number",
                          m->next + 1, m->pieces.count);
    }
    return 0;
}

static void add_masks(struct media_masking *m, const float *masks)
{
    const struct pieces_stretch stretch = pieces_stretch(&m->pieces, m->next);
    const uint64_t begin = pieces_begin(&m->pieces, m->next);
    const uint32_t rows = m->media->dimensions[0], frames = m->media->audio.frames;

    for (uint64_t t = stretch.begin; t < stretch.end; t++) {
        const float weight = pieces_weight(&m->pieces, m->next, t);
        float *to = m->masks + (t - m->done) * rows;

        for (uint32_t k = 0; k < rows; k++)
            to[k] += weight * mask_of(masks[(size_t)k * frames + (t - begin)]);
    }
}

/* Hands out the first `count` samples that no frame reaches any more, but for those beyond the sound's ends. */
static size_t finish(struct media_masking *m, size_t count, float *out)
{
    const size_t points = m->media->audio.spectrum;
    size_t made = 0;

    for (size_t i = 0; i < count; i++, m->at++) {
        if (m->at >= 0 && (uint64_t)m->at < m->count)
            out[made++] = m->sum[i] / m->weight[i];
    }
    memmove(m->sum, m->sum + count, (points - count) * sizeof *m->sum);
    memmove(m->weight, m->weight + count, (points - count) * sizeof *m->weight);
    memset(m->sum + points - count, 0, count * sizeof *m->sum);
    memset(m->weight + points - count, 0, count * sizeof *m->weight);
    return made;
}

/* Frame t of each recording, times its mask. */
static void merge_frames(struct media_masking *m, uint64_t t, const float *masks)
{
    const struct spectra *spectra = m->media->spectra;
    const uint32_t bins = spectra_bins(spectra);
    const int64_t middle = (int64_t)(t * m->media->audio.hop);

    memset(m->merged, 0, bins * sizeof *m->merged);
    for (uint32_t r = 0; r < m->recordings; r++) {
        const struct sound_window *window = &m->windows[r];
        const float *mask = masks + (size_t)r * bins;

        spectra_frame(spectra, window->held.samples, window->held.count, middle - (int64_t)window->begin, m->scratch,
                      m->frame);
        for (uint32_t k = 0; k < bins; k++) {
            m->merged[k].re += m->frame[k].re * (mask[k] * m->factors[r]);
            m->merged[k].im += m->frame[k].im * (mask[k] * m->factors[r]);
        }
    }
}

static void add_frame(struct media_masking *m, uint64_t t, const float *masks)
{
    const struct spectra *spectra = m->media->spectra;

    merge_frames(m, t, masks);
    spectra_samples(spectra, m->merged, m->scratch, m->samples);
    for (uint32_t i = 0; i < spectra->points; i++) {
        m->sum[i] += m->samples[i];
        m->weight[i] += spectra->window[i] * spectra->window[i];
    }
}

int media_masking_take(struct media_masking *m, const float *masks, struct media_finished *out, struct reason *why)
{
    const struct audio_spec *spec = &m->media->audio;
    const size_t rows = m->media->dimensions[0];
    const bool last = m->next + 1 == m->pieces.count;
    const uint64_t until = last ? m->pieces.length : pieces_stretch(&m->pieces, m->next + 1).begin;
    const uint64_t whole = until - m->done;
    size_t made = 0;
    int result = check(m, masks, why);

    if (!result)
        result = hold(m, until, why);
    if (result)
        return result;
    add_masks(m, masks);
    for (uint64_t t = 0; t < whole; t++) {
        add_frame(m, m->done + t, m->masks + t * rows);
        made += finish(m, spec->hop, m->finished + made);
    }
    if (last)
        made += finish(m, spec->spectrum - spec->hop, m->finished + made);
    memmove(m->masks, m->masks + whole * rows, (spec->frames - whole) * rows * sizeof *m->masks);
    memset(m->masks + (spec->frames - whole) * rows, 0, whole * rows * sizeof *m->masks);
    m->done = until;
    m->next++;
    *out = (struct media_finished){ m->finished, made };
    return 0;
}
