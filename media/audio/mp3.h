/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEDIA_AUDIO_MP3_H
#define MEDIA_AUDIO_MP3_H

#include <stddef.h>

#include "base/error.h"
#include "media/spec/media.h"

/* MPEG audio, layer III, behind `tag` bytes of an ID3 tag. The reason is without the file's name. WISP_E_FORMAT when
 * the file is cut off, or when between its frames stands what is none; damage inside of a frame cannot be told from
 * sound. */
int mp3_decode(const void *bytes, size_t length, size_t tag, struct media_sound *out, struct reason *why);

#endif
