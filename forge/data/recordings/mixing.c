/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/data/recordings/mixing.h"
#include "sparse/kernels/functions.h"

#define DECIBELS_MAX 60

static bool parse_range(const char *text, struct mixing *out)
{
    char *end;

    out->low = out->high = strtod(text, &end);
    if (end != text && *end == ':') {
        text = end + 1;
        out->high = strtod(text, &end);
    }
    return end != text && !*end && out->low >= -DECIBELS_MAX && out->low <= out->high && out->high <= DECIBELS_MAX;
}

int mixing_parse(const char *text, struct mixing *out, struct reason *why)
{
    static const char *const names[] = { "mix=", "damage=" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        out->damages = i == 1;
        if (!strncmp(text, names[i], strlen(names[i])) && parse_range(text + strlen(names[i]), out))
            return 0;
    }
    return refuse(
        why, WISP_E_INVALID,
        "--degrade '%s': of recordings give mix=LOW:HIGH, or of several of one event damage=LOW:HIGH, decibels "
        "from -%d to %d by which they are above the noise",
        text, DECIBELS_MAX, DECIBELS_MAX);
}

static void make_white(struct rng *rng, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = 2 * rng_float(rng) - 1;
}

static void make_pink(struct rng *rng, float *out, size_t count)
{
    float slow = 0, middle = 0, fast = 0;

    for (size_t i = 0; i < count; i++) {
        const float white = 2 * rng_float(rng) - 1;

        slow = 0.99765f * slow + 0.0990460f * white;
        middle = 0.96300f * middle + 0.2965164f * white;
        fast = 0.57000f * fast + 1.0526913f * white;
        out[i] = slow + middle + fast + 0.1848f * white;
    }
}

static void take_noise(const struct media_sound *noise, struct rng *rng, float *out, size_t count)
{
    size_t at = rng_below(rng, noise->count);

    for (size_t i = 0; i < count; i++, at = at + 1 < noise->count ? at + 1 : 0)
        out[i] = noise->samples[at];
}

static void make_noise(const struct mixing *mixing, struct rng *rng, float *out, size_t count)
{
    const uint64_t sort = rng_below(rng, 4);

    if (mixing->noise_count && sort < 2)
        take_noise(&mixing->noises[rng_below(rng, mixing->noise_count)], rng, out, count);
    else if (sort % 2)
        make_pink(rng, out, count);
    else
        make_white(rng, out, count);
}

/* 10^(decibels / 20). */
static float gain_of(double decibels)
{
    return function_exp((float)(decibels * 0.05 * M_LN10));
}

static void damage(struct rng *rng, uint32_t rate, float *samples, size_t count)
{
    const float gain = gain_of(12 * rng_double(rng) - 6), muffled = gain * gain_of(-26);
    const size_t length = (size_t)((0.1 + 0.2 * rng_double(rng)) * rate);
    const size_t begin = rng_below(rng, count), end = MIN(count, begin + length);

    for (size_t i = 0; i < count; i++)
        samples[i] *= i >= begin && i < end ? muffled : gain;
}

void mixing_apply(const struct mixing *mixing, struct rng *rng, const struct media_sound *clean, double power,
                  float *out)
{
    const double ratio = mixing->low + (mixing->high - mixing->low) * rng_double(rng);
    double noise = 0;
    float gain;

    make_noise(mixing, rng, out, clean->count);
    for (size_t i = 0; i < clean->count; i++)
        noise += (double)out[i] * (double)out[i];
    gain = noise > 0 ? (float)sqrt(power * (double)clean->count / noise) * gain_of(-ratio) : 0;
    for (size_t i = 0; i < clean->count; i++)
        out[i] = clean->samples[i] + gain * out[i];
    if (mixing->damages)
        damage(rng, clean->rate, out, clean->count);
}
