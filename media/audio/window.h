/* SPDX-License-Identifier: Apache-2.0
 *
 * A stretch of a recording that goes along it: of a stream it holds what is asked for and no more than about twice
 * that; a sound that is in memory is there anyway.
 */
#ifndef MEDIA_AUDIO_WINDOW_H
#define MEDIA_AUDIO_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "media/spec/media.h"

struct sound_window {
    struct media_sound held; /* samples from number `begin` on; not to be freed */
    uint64_t begin;
    uint64_t count;              /* of the whole recording */
    struct media_stream *stream; /* NULL: all is held */
    size_t room;
};

void sound_window_of_sound(struct sound_window *window, const struct media_sound *sound);
void sound_window_of_stream(struct sound_window *window, struct media_stream *stream);
void sound_window_deinit(struct sound_window *window);

/* The root of the mean of the squares of all samples; before anything else, and a stream stands at its beginning
 * again. */
int sound_window_level(struct sound_window *window, double *out, struct reason *why);

/* Sees to it that the samples from `begin` to before `end` are held, as far as there are such; `begin` never goes back.
 */
int sound_window_move(struct sound_window *window, uint64_t begin, uint64_t end, struct reason *why);

#endif
