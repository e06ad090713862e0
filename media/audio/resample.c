/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <soxr.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/audio/intake.h"
#include "media/audio/resampler.h"
#include "media/spec/media.h"

CLEANUP_DEFINE(resampler, struct resampler, resampler_free)

struct resampler {
    soxr_t soxr;
};

int resampler_new(double rate_in, double rate_out, struct resampler **out, struct reason *why)
{
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_LQ, 0); /* what soxr_oneshot() takes */
    cleanup(resampler_at_exit) struct resampler *resampler = NULL;
    soxr_error_t error = NULL;

    if (!(rate_out >= RATE_MIN && rate_out <= RATE_MAX) || !(rate_in >= RATE_MIN && rate_in <= RATE_MAX))
        return refuse(why, WISP_E_INVALID, "resampling from %g to %g Hz", rate_in, rate_out);
    resampler = calloc(1, sizeof *resampler);
    if (resampler)
        resampler->soxr = soxr_create(rate_in, rate_out, 1, &error, NULL, &quality, NULL);
    if (!resampler || !resampler->soxr || error)
        return refuse_errno(why, -ENOMEM, "resampling");
    *out = steal(&resampler);
    return 0;
}

struct resampler *resampler_free(struct resampler *resampler)
{
    if (resampler)
        soxr_delete(resampler->soxr);
    free(resampler);
    return NULL;
}

int resampler_run(struct resampler *resampler, const float *in, size_t *count, float *out, size_t *room)
{
    size_t taken = 0, given = 0;
    const soxr_error_t error = soxr_process(resampler->soxr, in, *count, &taken, out, *room, &given);

    *count = in ? taken : 0;
    *room = given;
    return error ? -ENOMEM : 0;
}

/* All that comes of the sound; `room` is more than that. */
static int run(struct resampler *resampler, const struct media_sound *sound, float *out, size_t room, size_t *done)
{
    size_t at = 0, taken, given;
    bool more;
    int result;

    *done = 0;
    do {
        more = at < sound->count;
        taken = sound->count - at;
        given = room - *done;
        result = resampler_run(resampler, more ? sound->samples + at : NULL, &taken, out + *done, &given);
        at += taken;
        *done += given;
    } while (!result && (more || given));
    return result;
}

int media_resample(const struct media_sound *sound, double rate_out, struct media_sound *out, struct reason *why)
{
    cleanup(resampler_at_exit) struct resampler *resampler = NULL;
    cleanup_free float *samples = NULL;
    double room;
    size_t done = 0;
    int result = resampler_new(sound->rate, rate_out, &resampler, why);

    if (result)
        return result;
    room = ceil((double)sound->count * rate_out / sound->rate) + 1;
    if (room > SAMPLES_MAX)
        return refuse(why, WISP_E_FORMAT, "%zu samples at %u Hz are too many at %g Hz", sound->count, sound->rate,
                      rate_out);
    samples = memory_alloc((size_t)room, sizeof *samples);
    if (!samples || run(resampler, sound, samples, (size_t)room, &done))
        return refuse_errno(why, -ENOMEM, "resampling");
    if (!done)
        return refuse(why, WISP_E_FORMAT, "%zu samples at %u Hz are no sound at %g Hz", sound->count, sound->rate,
                      rate_out);
    *out = (struct media_sound){ .rate = (uint32_t)lround(rate_out), .count = done, .samples = steal(&samples) };
    return 0;
}
