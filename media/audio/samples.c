/* SPDX-License-Identifier: Apache-2.0
 *
 * A sound out of a program's memory. Each value becomes the float that libsndfile makes of it in a WAV file, and goes
 * the same way from here on.
 */
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/audio/intake.h"
#include "media/spec/media.h"

static float from_u8(const uint8_t *at)
{
    return (float)(*at - 128) / 128;
}

static float from_s16(const uint8_t *at)
{
    int16_t value;

    memcpy(&value, at, sizeof value);
    return (float)value / 32768;
}

static float from_s32(const uint8_t *at)
{
    int32_t value;

    memcpy(&value, at, sizeof value);
    return (float)value / 2147483648.0f;
}

static float from_f32(const uint8_t *at)
{
    float value;

    memcpy(&value, at, sizeof value);
    return value;
}

static const struct sample_layout {
    unsigned bytes;
    float (*convert)(const uint8_t *);
} layouts[] = {
    [WISP_SAMPLES_U8] = { 1, from_u8 },
    [WISP_SAMPLES_S16] = { 2, from_s16 },
    [WISP_SAMPLES_S32] = { 4, from_s32 },
    [WISP_SAMPLES_F32] = { 4, from_f32 },
};

/* Takes the frames block by block, as from a file. */
static int take(const struct media_samples *samples, const struct sample_layout *layout, struct intake *intake,
                struct reason *why)
{
    cleanup_free float *block = memory_alloc(INTAKE_BLOCK, sizeof *block);
    const size_t channels = (size_t)intake->mix.channels, max = INTAKE_BLOCK / channels;
    const uint8_t *from = samples->data;
    int result = 0;

    if (!block)
        return refuse_errno(why, -ENOMEM, "sound");
    for (size_t done = 0, count; !result && done < samples->count; done += count) {
        count = MIN(max, samples->count - done);
        for (size_t i = 0; i < count * channels; i++, from += layout->bytes)
            block[i] = layout->convert(from);
        result = intake_take(intake, block, count, why);
    }
    return result;
}

int media_take_samples(const struct media_samples *samples, struct media_sound *out, struct reason *why)
{
    const struct sample_layout *layout =
        &layouts[(unsigned)samples->format < ARRAY_SIZE(layouts) ? samples->format : 0];
    struct intake intake;
    int result;

    if (!layout->bytes)
        return refuse(why, WISP_E_INVALID, "%d is no format of samples", (int)samples->format);
    if (!samples->data)
        return refuse(why, WISP_E_INVALID, "no samples are given");
    if (intake_begin(&intake, (int)MIN(samples->rate, INT_MAX), (int)MIN(samples->channels, INT_MAX), why))
        return WISP_E_INVALID;
    result = take(samples, layout, &intake, why);
    if (!result)
        result = intake_finish(&intake, out, why);
    intake_drop(&intake);
    return result;
}
