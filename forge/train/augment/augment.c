/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/options.h"
#include "base/size.h"
#include "forge/train/augment/augment.h"
#include "sparse/kernels/functions.h"

static const struct {
    const char *name;
    double max;
    enum media_kind of;
} kinds[AUGMENT_KINDS] = {
    [AUGMENT_SHIFT] = { "shift", 64, MEDIA_IMAGE },  [AUGMENT_FLIP] = { "flip", 1, MEDIA_IMAGE },
    [AUGMENT_TURN] = { "turn", 1, MEDIA_IMAGE },     [AUGMENT_ZOOM] = { "zoom", 0.9, MEDIA_IMAGE },
    [AUGMENT_COLOUR] = { "colour", 1, MEDIA_IMAGE }, [AUGMENT_GRAIN] = { "grain", 128, MEDIA_IMAGE },
    [AUGMENT_CUTOUT] = { "cutout", 1, MEDIA_IMAGE }, [AUGMENT_SPEED] = { "speed", 0.5, MEDIA_AUDIO },
    [AUGMENT_NOISE] = { "noise", 60, MEDIA_AUDIO },  [AUGMENT_CUT] = { "cut", 0.4, MEDIA_AUDIO },
    [AUGMENT_MOVE] = { "move", 0.5, MEDIA_AUDIO },   [AUGMENT_MASK] = { "mask", 0.5, MEDIA_AUDIO },
    [AUGMENT_CROP] = { "crop", 1, MEDIA_TEXT },      [AUGMENT_DROP] = { "drop", 0.9, MEDIA_TEXT },
    [AUGMENT_TYPOS] = { "typos", 0.5, MEDIA_TEXT },
};

#define WHAT_THERE_IS                                                                                                  \
    "pictures have shift (0 to 64 pixels), flip (0 to 1), turn (0 to 1), zoom (0 to 0.9), colour (0 to 1), grain (0 "  \
    "to 128) and "                                                                                                     \
    "cutout (0 to 1); sounds speed (0 to 0.5), noise (0 to 60 dB), cut (0 to "                                         \
    "0.4), move (0 to 0.5) and mask (0 to 0.5); texts crop (0 to 1), drop (0 to 0.9) and typos (0 to 0.5)"

void augment_help(FILE *to)
{
    static const char *const what[AUGMENT_KINDS] = {
        [AUGMENT_SHIFT] = "pictures: moved by up to so many pixels",
        [AUGMENT_FLIP] = "pictures: mirrored left to right with this probability",
        [AUGMENT_TURN] = "pictures: turned by one to three quarters with this probability",
        [AUGMENT_ZOOM] = "pictures: a crop, up to this fraction smaller, instead of the whole",
        [AUGMENT_COLOUR] = "pictures: brightness, contrast, saturation up to this fraction off",
        [AUGMENT_GRAIN] = "pictures: noise of this standard deviation, of 255",
        [AUGMENT_CUTOUT] = "pictures: a square of this fraction of the side blanked",
        [AUGMENT_SPEED] = "sounds: up to this fraction faster or slower",
        [AUGMENT_NOISE] = "sounds: noise, so many dB or more below the signal",
        [AUGMENT_CUT] = "sounds: up to this fraction cut off at either end",
        [AUGMENT_MOVE] = "sounds: earlier or later by up to this fraction of their length",
        [AUGMENT_MASK] = "sounds: up to this fraction of bands and of frames masked",
        [AUGMENT_CROP] = "texts: with this probability a stretch of it instead of the whole",
        [AUGMENT_DROP] = "texts: each word left out with this probability",
        [AUGMENT_TYPOS] = "texts: each letter mistyped with this probability",
    };

    fputs("--augment NAME=AMOUNT,…, or none\n", to);
    for (size_t i = 0; i < AUGMENT_KINDS; i++)
        fprintf(to, "  %-6s 0 to %-4g %s\n", kinds[i].name, kinds[i].max, what[i]);
}

static bool parse_one(const char *word, struct augment *out)
{
    double amount;

    for (size_t i = 0; i < AUGMENT_KINDS; i++) {
        if (!parse_amount(word, kinds[i].name, &amount))
            continue;
        if (amount < 0 || amount > kinds[i].max)
            return false;
        out->amount[i] = amount;
        return true;
    }
    return false;
}

int augment_parse(const char *text, struct augment *out, struct reason *why)
{
    cleanup_free char *copy = strdup(text);
    char *rest = copy, *word;

    if (!copy)
        return refuse_errno(why, -ENOMEM, "--augment");
    if (!strcmp(text, "none"))
        return 0;
    while ((word = strsep(&rest, ","))) {
        if (!parse_one(word, out))
            return refuse(why, WISP_E_INVALID, "--augment '%s': give NAME=AMOUNT,…: " WHAT_THERE_IS, word);
    }
    return 0;
}

int augment_check(const struct augment *augment, enum media_kind kind, struct reason *why)
{
    for (size_t i = 0; i < AUGMENT_KINDS; i++) {
        if (augment->amount[i] > 0 && kinds[i].of != kind)
            return refuse(why, WISP_E_INVALID, "--augment %s does nothing to these data: " WHAT_THERE_IS,
                          kinds[i].name);
    }
    return 0;
}

bool augment_is_on(const struct augment *augment)
{
    for (size_t i = 0; i < AUGMENT_KINDS; i++) {
        if (augment->amount[i] > 0)
            return true;
    }
    return false;
}

json_t *augment_json(const struct augment *augment)
{
    json_t *object = json_object();

    for (size_t i = 0; i < AUGMENT_KINDS; i++) {
        if (augment->amount[i] > 0)
            json_object_set_new(object, kinds[i].name, json_real(augment->amount[i]));
    }
    return object;
}

/* A whole number of -most .. most. */
static int64_t draw_around(struct rng *rng, double max)
{
    int64_t bound = (int64_t)max;

    return (int64_t)rng_below(rng, (uint64_t)(2 * bound + 1)) - bound;
}

static int64_t clamp(int64_t value, int64_t max)
{
    return value < 0 ? 0 : MIN(value, max);
}

int augment_picture(const struct augment *augment, struct rng *rng, const struct media_picture *picture,
                    struct media_picture *out)
{
    int64_t width = picture->width, height = picture->height, channels = picture->channels;
    int64_t right = draw_around(rng, augment->amount[AUGMENT_SHIFT]);
    int64_t down = draw_around(rng, augment->amount[AUGMENT_SHIFT]);
    bool flip = rng_double(rng) < augment->amount[AUGMENT_FLIP];
    int result;

    *out = *picture;
    out->pixels = memory_alloc((size_t)(width * height), (size_t)channels);
    if (!out->pixels)
        return -ENOMEM;
    for (int64_t y = 0; y < height; y++) {
        const uint8_t *row = picture->pixels + clamp(y - down, height - 1) * width * channels;

        for (int64_t x = 0; x < width; x++) {
            int64_t from = clamp((flip ? width - 1 - x : x) - right, width - 1);

            memcpy(out->pixels + (y * width + x) * channels, row + from * channels, (size_t)channels);
        }
    }
    result = augment_pixels(augment, rng, out);
    if (result)
        free(out->pixels);
    return result;
}

static int change_speed(double factor, struct media_sound *sound, struct reason *why)
{
    struct media_sound changed;
    int result = media_resample(sound, sound->rate * factor, &changed, why);

    if (result)
        return result;
    changed.rate = sound->rate; /* as if it had been recorded so */
    free(sound->samples);
    *sound = changed;
    return 0;
}

/* White noise through a one-pole filter: from hiss (pole 0) to rumble (near 1), whose power that filter lowers to
 * (1 - pole) / (1 + pole). */
static void add_noise(struct rng *rng, float min_db, struct media_sound *sound)
{
    const float nepers_per_db = 0.1151292546f;
    float pole = 0.95f * rng_float(rng), below_db = min_db + 40 * rng_float(rng), state = 0, amplitude;
    double power = 0, noise_power = (1 - (double)pole) / (1 + (double)pole) / 3;

    for (size_t i = 0; i < sound->count; i++)
        power += (double)sound->samples[i] * (double)sound->samples[i];
    power /= (double)MAX(sound->count, 1);
    amplitude = (float)sqrt(power / noise_power) * function_exp(-nepers_per_db * below_db);
    for (size_t i = 0; i < sound->count; i++) {
        state = pole * state + (1 - pole) * (2 * rng_float(rng) - 1);
        sound->samples[i] += amplitude * state;
    }
}

static int copy_without_ends(struct rng *rng, double max, const struct media_sound *sound, struct media_sound *out)
{
    size_t head = (size_t)(rng_double(rng) * max * (double)sound->count);
    size_t tail = (size_t)(rng_double(rng) * max * (double)sound->count);

    out->rate = sound->rate;
    out->count = sound->count - head - tail;
    out->samples = memory_alloc(out->count, sizeof *out->samples);
    if (!out->samples)
        return -ENOMEM;
    memcpy(out->samples, sound->samples + head, out->count * sizeof *out->samples);
    return 0;
}

/* What goes over an end is lost, and what comes in is silence. */
static void move_in_time(struct rng *rng, double max, struct media_sound *sound)
{
    const double by = max * (2 * rng_double(rng) - 1) * (double)sound->count;
    const size_t away = (size_t)fabs(by), kept = sound->count - away;
    float *samples = sound->samples;

    memmove(samples + (by > 0 ? away : 0), samples + (by > 0 ? 0 : away), kept * sizeof *samples);
    memset(samples + (by > 0 ? 0 : kept), 0, away * sizeof *samples);
}

int augment_sound(const struct augment *augment, struct rng *rng, const struct media_sound *sound,
                  struct media_sound *out, struct reason *why)
{
    struct media_sound made;
    int result = copy_without_ends(rng, augment->amount[AUGMENT_CUT], sound, &made);

    if (result)
        return refuse_errno(why, result, "sound");
    if (augment->amount[AUGMENT_SPEED] > 0 && made.count)
        result = change_speed(1 + augment->amount[AUGMENT_SPEED] * (2 * rng_double(rng) - 1), &made, why);
    if (result) {
        free(made.samples);
        return result;
    }
    if (augment->amount[AUGMENT_MOVE] > 0)
        move_in_time(rng, augment->amount[AUGMENT_MOVE], &made);
    if (augment->amount[AUGMENT_NOISE] > 0)
        add_noise(rng, (float)augment->amount[AUGMENT_NOISE], &made);
    *out = made;
    return 0;
}

/* The mean of the sound's part in place of a rectangle of it. */
static void mask(float *values, size_t frames, const uint64_t bands[2], const uint64_t columns[2], float mean)
{
    for (uint64_t band = bands[0]; band < bands[1]; band++) {
        for (uint64_t i = columns[0]; i < columns[1]; i++)
            values[band * frames + i] = mean;
    }
}

static double mean_of(const float *values, uint32_t bands, uint32_t frames, uint32_t sounding)
{
    double sum = 0;

    for (size_t band = 0; band < bands; band++) {
        for (size_t i = 0; i < sounding; i++)
            sum += (double)values[band * frames + i];
    }
    return sum / ((double)bands * sounding);
}

/* A stretch of up to `max` of `all`. */
static void draw_stretch(struct rng *rng, double max, uint32_t all, uint64_t out[2])
{
    const uint64_t length = rng_below(rng, (uint64_t)(max * all) + 1);

    out[0] = rng_below(rng, all - length + 1);
    out[1] = out[0] + length;
}

void augment_bands(const struct augment *augment, struct rng *rng, float *values, uint32_t bands, uint32_t frames,
                   uint32_t sounding)
{
    const double max = augment->amount[AUGMENT_MASK];
    uint64_t stretch[2];
    float mean;

    if (!(max > 0) || !sounding)
        return;
    mean = (float)mean_of(values, bands, frames, sounding);
    draw_stretch(rng, max, bands, stretch);
    mask(values, frames, stretch, (const uint64_t[2]){ 0, sounding }, mean);
    draw_stretch(rng, max, sounding, stretch);
    mask(values, frames, (const uint64_t[2]){ 0, bands }, stretch, mean);
}
