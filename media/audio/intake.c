/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "media/audio/intake.h"

enum {
    CHANNELS_MAX = 32,
    SECONDS_MAX = 7200,
    CANCELLED = 1000, /* by how much the mean of all channels is below the loudest of one: 60 dB */
};

int mixdown_begin(struct mixdown *mix, int rate, int channels, int seconds, struct reason *why)
{
    *mix = (struct mixdown){ .rate = rate, .channels = channels };
    if (rate < RATE_MIN || rate > RATE_MAX)
        return refuse(why, WISP_E_FORMAT, "a rate of %d Hz; from %d to %d Hz is read", rate, RATE_MIN, RATE_MAX);
    if (channels < 1 || channels > CHANNELS_MAX)
        return refuse(why, WISP_E_FORMAT, "%d channels; up to %d are read", channels, CHANNELS_MAX);
    mix->max = (uint64_t)seconds * (uint64_t)rate;
    return 0;
}

/* The mean of one frame's channels. */
static float mean_of(struct mixdown *mix, const float *frame)
{
    double sum = 0;

    for (int c = 0; c < mix->channels; c++) {
        sum += (double)frame[c];
        mix->loudest = fmaxf(mix->loudest, fabsf(frame[c]));
    }
    return (float)(sum / mix->channels);
}

int mixdown_take(struct mixdown *mix, const float *frames, size_t count, float *out, struct reason *why)
{
    if (mix->count + count > mix->max)
        return refuse(why, WISP_E_FORMAT, "a recording of more than %d s (%d channels at %d Hz), so cut it first",
                      (int)(mix->max / (uint64_t)mix->rate), mix->channels, mix->rate);
    for (size_t i = 0; i < count; i++) {
        out[i] = mean_of(mix, frames + i * (size_t)mix->channels);
        if (!isfinite(out[i]))
            return refuse(why, WISP_E_FORMAT, "sample %" PRIu64 " is not a finite number", mix->count);
        mix->count++;
        mix->peak = fmaxf(mix->peak, fabsf(out[i]));
    }
    return 0;
}

int mixdown_end(const struct mixdown *mix, struct reason *why)
{
    if (!mix->count)
        return refuse(why, WISP_E_FORMAT, "the recording has no samples");
    if (mix->loudest >= SILENCE && mix->peak < mix->loudest / CANCELLED)
        return refuse(why, WISP_E_FORMAT,
                      "its %d channels cancel each other out (one is another upside down); give it one of them alone",
                      mix->channels);
    return 0;
}

void mixdown_limit(const struct mixdown *mix, float *samples, size_t count)
{
    for (size_t i = 0; mix->peak > 1 && i < count; i++)
        samples[i] /= mix->peak;
}

/* ---- kept ---- */

int intake_begin(struct intake *intake, int rate, int channels, struct reason *why)
{
    const int seconds = rate > 0 && channels > 0 ? MIN(SECONDS_MAX, SAMPLES_MAX / rate / channels) : 0;

    *intake = (struct intake){ .samples = NULL };
    return mixdown_begin(&intake->mix, rate, channels, seconds, why);
}

static int grow(struct intake *intake, size_t more)
{
    const size_t count = (size_t)intake->mix.count + more;
    size_t capacity = MAX(intake->capacity, (size_t)INTAKE_BLOCK);
    float *larger;

    if (count <= intake->capacity)
        return 0;
    while (capacity < count)
        capacity *= 2;
    larger = realloc(intake->samples, capacity * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    intake->samples = larger;
    intake->capacity = capacity;
    return 0;
}

int intake_take(struct intake *intake, const float *frames, size_t count, struct reason *why)
{
    if (grow(intake, count))
        return refuse_errno(why, -ENOMEM, "sound of %zu samples", (size_t)intake->mix.count + count);
    return mixdown_take(&intake->mix, frames, count, intake->samples + intake->mix.count, why);
}

int intake_finish(struct intake *intake, struct media_sound *out, struct reason *why)
{
    const struct mixdown *mix = &intake->mix;
    const int result = mixdown_end(mix, why);

    if (result)
        return result;
    mixdown_limit(mix, intake->samples, mix->count);
    *out = (struct media_sound){ .rate = (uint32_t)mix->rate, .count = mix->count, .samples = intake->samples };
    intake->samples = NULL;
    return 0;
}

void intake_drop(struct intake *intake)
{
    free(intake->samples);
    intake->samples = NULL;
}
