/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "media/audio/intake.h"
#include "media/audio/window.h"

void sound_window_of_sound(struct sound_window *w, const struct media_sound *sound)
{
    *w = (struct sound_window){ .held = *sound, .count = sound->count };
}

void sound_window_of_stream(struct sound_window *w, struct media_stream *stream)
{
    *w = (struct sound_window){ .stream = stream, .count = media_stream_count(stream) };
}

void sound_window_deinit(struct sound_window *w)
{
    if (w->stream)
        free(w->held.samples);
    w->held.samples = NULL;
}

static double power_of(const float *samples, size_t count, double sum)
{
    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * (double)samples[i];
    return sum;
}

static int stream_power(struct sound_window *w, double *sum, struct reason *why)
{
    cleanup_free float *block = memory_alloc(INTAKE_BLOCK, sizeof *block);
    int result = block ? 0 : refuse_errno(why, -ENOMEM, "sound");
    size_t now;

    for (uint64_t done = 0; done < w->count && !result; done += now) {
        now = (size_t)MIN(w->count - done, (uint64_t)INTAKE_BLOCK);
        result = media_stream_read(w->stream, block, now, why);
        *sum = result ? 0 : power_of(block, now, *sum);
    }
    return result ? result : media_stream_rewind(w->stream, why);
}

int sound_window_level(struct sound_window *w, double *out, struct reason *why)
{
    double sum = 0;
    int result = 0;

    if (w->stream)
        result = stream_power(w, &sum, why);
    else
        sum = power_of(w->held.samples, w->held.count, 0);
    *out = w->count ? sqrt(sum / (double)w->count) : 0;
    return result;
}

/* Lets go of what lies before `begin`, and has room up to `end`. */
static int make_room(struct sound_window *w, uint64_t begin, uint64_t end)
{
    const size_t gone = (size_t)MIN(begin - MIN(begin, w->begin), (uint64_t)w->held.count);
    float *larger = w->held.samples;

    if (gone)
        memmove(larger, larger + gone, (w->held.count - gone) * sizeof *larger);
    w->begin += gone;
    w->held.count -= gone;
    if (end - w->begin <= w->room)
        return 0;
    w->room = 2 * (size_t)(end - w->begin);
    larger = realloc(w->held.samples, w->room * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    w->held.samples = larger;
    return 0;
}

int sound_window_move(struct sound_window *w, uint64_t begin, uint64_t end, struct reason *why)
{
    const uint64_t until = MIN(end, w->count), have = w->begin + w->held.count;
    int result;

    if (until <= have)
        return 0;
    if (until - w->begin > w->room && make_room(w, begin, until))
        return refuse_errno(why, -ENOMEM, "sound of %zu samples", w->room);
    result = media_stream_read(w->stream, w->held.samples + w->held.count, (size_t)(until - have), why);
    w->held.count += result ? 0 : (size_t)(until - have);
    return result;
}
