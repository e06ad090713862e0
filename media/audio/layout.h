/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the samples of a recording lie in its file, and how many bytes they are: the one reader of the headers whose
 * sizes decide whether a file is whole. libsndfile reads what is there of a file that was cut off and says nothing,
 * takes the last of two chunks where another reader takes the first, and does not know every way in which a program
 * leaves a size open that writes into a pipe. So it is never shown those headers: what it reads is a head that is made
 * here, with the sizes that were found here, and behind it the samples as they stand in the file.
 */
#ifndef MEDIA_AUDIO_LAYOUT_H
#define MEDIA_AUDIO_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/byte_source.h"
#include "base/error.h"
#include "media/spec/sniff.h"

enum {
    LAYOUT_FORMAT_MAX = 1024, /* bytes of a chunk that describes the samples; what follows says nothing more of them */
    LAYOUT_HEAD_MAX = LAYOUT_FORMAT_MAX + 64,
};

struct layout {
    uint8_t head[LAYOUT_HEAD_MAX];
    size_t head_length;
    uint64_t samples; /* where they begin, and how many bytes they are */
    uint64_t length;
};

/* WISP_E_FORMAT when samples are missing or run past the end. A size that is left open, as programs leave it that write
 * into a pipe, is none: then the samples are all that follows. FLAC and Ogg are left as they are, and must be whole. */
int layout_find(enum format format, struct byte_source *source, struct layout *out, struct reason *why);

#endif
