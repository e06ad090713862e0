/* SPDX-License-Identifier: Apache-2.0
 *
 * A sound at one rate to another rate, by soxr.
 */
#include <math.h>
#include <soxr.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "media/audio/intake.h"
#include "media/spec/media.h"

int media_resample(const struct media_sound *sound, double rate_out, struct media_sound *out, struct reason *why)
{
    cleanup_free float *samples = NULL;
    double room;
    size_t done = 0;
    soxr_error_t error;

    if (!(rate_out >= RATE_MIN && rate_out <= RATE_MAX) || sound->rate < RATE_MIN || sound->rate > RATE_MAX)
        return refuse(why, WISP_E_INVALID, "resampling from %u to %g Hz", sound->rate, rate_out);
    room = ceil((double)sound->count * rate_out / sound->rate) + 1;
    if (room > SAMPLES_MAX)
        return refuse(why, WISP_E_FORMAT, "%zu samples at %u Hz are too many at %g Hz", sound->count, sound->rate,
                      rate_out);
    samples = memory_alloc((size_t)room, sizeof *samples);
    if (!samples)
        return refuse_errno(why, -ENOMEM, "resampling");
    error = soxr_oneshot(sound->rate, rate_out, 1, sound->samples, sound->count, NULL, samples, (size_t)room, &done,
                         NULL, NULL, NULL);
    if (error)
        return refuse_errno(why, -ENOMEM, "resampling (%s)", error);
    if (!done)
        return refuse(why, WISP_E_FORMAT, "%zu samples at %u Hz are no sound at %g Hz", sound->count, sound->rate,
                      rate_out);
    *out = (struct media_sound){ .rate = (uint32_t)lround(rate_out), .count = done, .samples = steal(&samples) };
    return 0;
}
