/* SPDX-License-Identifier: Apache-2.0
 *
 * A recording's file as frames that come a block at a time: by libsndfile or libmpg123, each behind the checks that it
 * lacks. Whether the file is whole is found out before the first frame comes, as far as that can be told.
 */
#ifndef MEDIA_AUDIO_SOUND_READER_H
#define MEDIA_AUDIO_SOUND_READER_H

#include "base/byte_source.h"
#include "base/error.h"
#include "media/spec/sniff.h"

struct sound_reader {
    const struct sound_reader_kind *kind;
    int rate, channels;
    uint64_t frames; /* that came so far */
};

/* WISP_E_FORMAT, and says what is wrong and where; -ENOMEM. The source outlives the reader. */
int sound_reader_open(struct byte_source *source, struct sound_reader **out, struct reason *why);
struct sound_reader *sound_reader_free(struct sound_reader *reader); /* accepts NULL; returns NULL */

/* Up to INTAKE_BLOCK floats, channels interleaved; *count of frames, 0 at the end. WISP_E_FORMAT: damaged, or cut off.
 */
int sound_reader_read(struct sound_reader *reader, float *out, size_t *count, struct reason *why);

/* What reads some formats: read() gives what sound_reader_read() does, but need not count. */
struct sound_reader_kind {
    int (*open)(struct byte_source *source, enum format format, struct sound_reader **out, struct reason *why);
    int (*read)(struct sound_reader *reader, float *out, size_t *count, struct reason *why);
    void (*free)(struct sound_reader *reader);
};

extern const struct sound_reader_kind sound_reader_sndfile, sound_reader_mp3;

#endif
