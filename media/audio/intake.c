/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "media/audio/intake.h"

enum {
    CHANNELS_MAX = 32,
    SECONDS_MAX = 7200,
    CANCELLED = 1000, /* by how much the mean of all channels is below the loudest of one: 60 dB */
};

int intake_begin(struct intake *intake, int rate, int channels, struct reason *why)
{
    *intake = (struct intake){ .rate = rate, .channels = channels };
    if (rate < RATE_MIN || rate > RATE_MAX)
        return refuse(why, WISP_E_FORMAT, "a rate of %d Hz; from %d to %d Hz is read", rate, RATE_MIN, RATE_MAX);
    if (channels < 1 || channels > CHANNELS_MAX)
        return refuse(why, WISP_E_FORMAT, "%d channels; up to %d are read", channels, CHANNELS_MAX);
    return 0;
}

static int grow(struct intake *intake, size_t more)
{
    size_t capacity = MAX(intake->capacity, (size_t)INTAKE_BLOCK);
    float *larger;

    if (intake->count + more <= intake->capacity)
        return 0;
    while (capacity < intake->count + more)
        capacity *= 2;
    larger = realloc(intake->samples, capacity * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    intake->samples = larger;
    intake->capacity = capacity;
    return 0;
}

static int check_length(const struct intake *intake, size_t more, struct reason *why)
{
    int seconds = MIN(SECONDS_MAX, SAMPLES_MAX / intake->rate / intake->channels);

    if (intake->count + more <= (size_t)seconds * (size_t)intake->rate)
        return 0;
    return refuse(why, WISP_E_FORMAT, "a recording of more than %d s (%d channels at %d Hz), so cut it first", seconds,
                  intake->channels, intake->rate);
}

/* The mean of one frame's channels. */
static float mix(struct intake *intake, const float *frame)
{
    double sum = 0;

    for (int c = 0; c < intake->channels; c++) {
        sum += (double)frame[c];
        intake->loudest = fmaxf(intake->loudest, fabsf(frame[c]));
    }
    return (float)(sum / intake->channels);
}

int intake_take(struct intake *intake, const float *frames, size_t count, struct reason *why)
{
    int result = check_length(intake, count, why);

    if (result)
        return result;
    if (grow(intake, count))
        return refuse_errno(why, -ENOMEM, "sound of %zu samples", intake->count + count);
    for (size_t i = 0; i < count; i++) {
        float value = mix(intake, frames + i * (size_t)intake->channels);

        if (!isfinite(value))
            return refuse(why, WISP_E_FORMAT, "sample %zu is not a finite number", intake->count);
        intake->samples[intake->count++] = value;
        intake->peak = fmaxf(intake->peak, fabsf(value));
    }
    return 0;
}

int intake_finish(struct intake *intake, struct media_sound *out, struct reason *why)
{
    if (!intake->count)
        return refuse(why, WISP_E_FORMAT, "the recording has no samples");
    if (intake->loudest >= SILENCE && intake->peak < intake->loudest / CANCELLED)
        return refuse(why, WISP_E_FORMAT,
                      "its %d channels cancel each other out (one is another upside down); give it one of them alone",
                      intake->channels);
    for (size_t i = 0; intake->peak > 1 && i < intake->count; i++)
        intake->samples[i] /= intake->peak;
    *out = (struct media_sound){ .rate = (uint32_t)intake->rate, .count = intake->count, .samples = intake->samples };
    intake->samples = NULL;
    return 0;
}

void intake_drop(struct intake *intake)
{
    free(intake->samples);
    intake->samples = NULL;
}
